// The point of both sides: star and crosshair, what lies under them, and picking by pointer or keys.

const KEY_STEPS = 40; // arrow presses across the width

function toScreen([x, y], { wide, high }) {
  const [height, width] = data.photo_size;
  return [((x + 0.5) / width) * wide, ((y + 0.5) / height) * high];
}

function drawTop() {
  const looking = !data.plain && state.cursor && (state.hovered || state.focused);
  frames.forEach((frame, index) => {
    if (index >= visibleFrames() || !frame.top.width) {
      frame.tag.hidden = true;
      return;
    }
    const area = prepared(frame.top);
    if (state.point) drawStar(area, toScreen(state.point, area));
    if (looking) drawCrosshair(area, toScreen(state.cursor, area));
    if (state.point) placeCard(frame, index, area);
    writeTag(frame, index, looking ? toScreen(state.cursor, area) : null, area);
  });
  writeReadout(looking);
}

function drawCrosshair({ context, wide, high }, [x, y]) {
  const gap = 9;
  const path = new Path2D();
  for (const [x0, y0, x1, y1] of [
    [0, y, x - gap, y],
    [x + gap, y, wide, y],
    [x, 0, x, y - gap],
    [x, y + gap, x, high],
  ]) {
    path.moveTo(x0, y0);
    path.lineTo(x1, y1);
  }
  const ring = new Path2D();
  ring.arc(x, y, 5.5, 0, 2 * Math.PI);
  stroke(context, path, "rgb(10 12 18 / 0.4)", 2.5);
  stroke(context, path, "rgb(255 255 255 / 0.8)", 1);
  stroke(context, ring, "rgb(10 12 18 / 0.8)", 4);
  stroke(context, ring, "#ffffff", 1.75);
}

function drawStar({ context }, [x, y]) {
  const path = new Path2D();
  for (let i = 0; i < 10; i++) {
    const radius = i % 2 ? 4.4 : 10.5;
    const angle = (Math.PI * (i - 2.5)) / 5;
    path[i ? "lineTo" : "moveTo"](x + radius * Math.cos(angle), y + radius * Math.sin(angle));
  }
  path.closePath();
  context.lineJoin = "round";
  stroke(context, path, "rgb(255 255 255 / 0.95)", 6.5);
  stroke(context, path, "#14161c", 3.5);
  context.fillStyle = "#ffffff";
  context.fill(path);
}

const inside = ([x, y]) => x >= 0 && y >= 0 && x < data.photo_size[1] && y < data.photo_size[0];

function labelAt([x, y], side) {
  const [height, width] = data.photo_size;
  const column = clamp(Math.floor(((x + 0.5) / width) * data.width), 0, data.width - 1);
  const row = clamp(Math.floor(((y + 0.5) / height) * data.height), 0, data.height - 1);
  return data.labels[side][row * data.width + column];
}

function placeCard(frame, index, area) {
  const sides = data.sides.map((_, side) => data.classes[labelAt(state.point, side)]);
  card.place(index, frame.node, ...zoom.inFrame(toScreen(state.point, area), area), state.point, sides);
}

function writeTag(frame, index, onLayer, area) {
  const [at, [wide, high]] = onLayer ? zoom.inFrame(onLayer, area) : [null, []];
  if (!at) {
    frame.tag.hidden = true;
    return;
  }
  const lone = visibleFrames() < data.sides.length;
  let lines = lone ? [0, 1] : [index];
  lines = lines.map((side) => [side, labelAt(state.cursor, side)]);
  const same = lone && lines[0][1] === lines[1][1];
  if (same) lines.pop();
  const written = lines.map(([side, label]) => {
    const line = make(null, "span", "lv-tag-line");
    line.dataset.label = String(label);
    line.append(swatch(label), make(null, "span", "lv-tag-name", nameOf(label)));
    const maps = scored() >= 0 && scores.sides(scored());
    if (maps) {
      const [x, y] = [0, 1].map((c) => (state.cursor[c] + 0.5) / data.photo_size[1 - c]);
      line.replaceChildren(swatch(scored()), make(null, "span", "lv-tag-name", `${nameOf(scored())} ${percent(valueAt(maps[side], x, y) / 255)}`));
    }
    if (lone) line.append(make(null, "span", "lv-tag-side", same ? "both" : SIDES[side]));
    return line;
  });
  frame.tag.replaceChildren(...written);
  frame.tag.hidden = false;
  const [width, height] = [frame.tag.offsetWidth, frame.tag.offsetHeight];
  const x = at[0] + 14 + width <= wide - 4 ? at[0] + 14 : at[0] - 14 - width;
  const y = at[1] - 14 - height >= 4 ? at[1] - 14 - height : at[1] + 14;
  const left = clamp(x, 4, Math.max(4, wide - width - 4));
  const top = clamp(y, 4, Math.max(4, high - height - 4));
  frame.tag.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
}

function sentenceAt(cursor) {
  const names = data.sides.map((_, side) => nameOf(labelAt(cursor, side)));
  return `${cursor[0]}, ${cursor[1]}: ${names.join(" / ")}`;
}

function writeReadout(looking) {
  root.dataset.cursor = looking ? state.cursor.join(",") : "";
  root.dataset.point = state.point ? state.point.join(",") : "";
  find(".lv-readout").textContent = looking ? sentenceAt(state.cursor) : props.hint || "";
}

function photoPixel(frame, event) {
  const box = frame.top.getBoundingClientRect();
  const [height, width] = data.photo_size;
  return [
    clamp(Math.floor(((event.clientX - box.left) / box.width) * width), 0, width - 1),
    clamp(Math.floor(((event.clientY - box.top) / box.height) * height), 0, height - 1),
  ];
}

// The side whose label is meant: in the slider view it depends on the divider.
function sideOf(index, [x]) {
  if (visibleFrames() === data.sides.length) return index;
  if (state.mode === "changed") return 1;
  return (x + 0.5) / data.photo_size[1] < state.split ? 0 : 1;
}

function pick(index) {
  if (data.plain) return; // the server knows the photo once its result is here
  const side = sideOf(index, state.cursor);
  state.point = [...state.cursor];
  find(".lv-live").textContent = sentenceAt(state.cursor);
  card.open(index);
  later(drawTop);
  trigger("select", { index: [...state.cursor], value: labelAt(state.cursor, side), side: SIDES[side], selected: true });
}

function moveByKey(event, index) {
  if (!data) return;
  const [height, width] = data.photo_size;
  state.focused = true;
  state.cursor ??= state.point ?? center();
  const step = event.shiftKey ? 1 : Math.max(1, Math.round(width / KEY_STEPS));
  const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
  if (move) {
    const [x, y] = state.cursor;
    state.cursor = [clamp(x + move[0], 0, width - 1), clamp(y + move[1], 0, height - 1)];
    find(".lv-live").textContent = sentenceAt(state.cursor);
    later(drawTop);
  } else if (event.key === "Enter" || event.key === " ") {
    pick(index);
  } else if (event.key === "Escape") {
    pin(-1);
  } else {
    return;
  }
  event.preventDefault();
}

const center = () => [Math.floor(data.photo_size[1] / 2), Math.floor(data.photo_size[0] / 2)];

frames.forEach((frame, index) => {
  const follow = (event) => {
    if (!data) return;
    state.cursor = photoPixel(frame, event);
    state.hovered = true;
    later(drawTop);
  };
  frame.top.addEventListener("pointermove", follow);
  frame.top.addEventListener("pointerdown", follow);
  frame.top.addEventListener("pointerleave", (event) => {
    // A finger always leaves; what it read stays until the next touch elsewhere.
    if (event.pointerType === "touch") return;
    state.hovered = false;
    later(drawTop);
  });
  frame.top.addEventListener("click", (event) => {
    if (!data) return;
    follow(event);
    pick(index);
  });
  frame.top.addEventListener("keydown", (event) => moveByKey(event, index));
  frame.top.addEventListener("focus", () => {
    if (!data || !frame.top.matches(":focus-visible")) return;
    state.focused = true;
    state.cursor ??= state.point ?? center();
    find(".lv-live").textContent = sentenceAt(state.cursor);
    later(drawTop);
  });
  frame.top.addEventListener("blur", () => {
    state.focused = false;
    if (data) later(drawTop);
  });
});

root.addEventListener("pointerdown", (event) => {
  if (!data || event.target.closest(".lv-frame")) return;
  state.hovered = false;
  later(drawTop);
});
