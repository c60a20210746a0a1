// Takes a new result, or a photo on its way, and shows it; the toolbar. Last of the viewer's scripts.

const SEAM_HELP =
  "Share of neighboring pixels across window edges that carry different labels, minus the same " +
  "half a stride away from the edges, where only true borders differ. Lower is better.";
const CONTRADICTION_HELP =
  "Two windows that show the same pixel, and give it different labels: share of all such pairs, before " +
  "windows are averaged, which hides it. Lower is better.";

async function decode(value) {
  const [height, width] = value.size;
  const known = heldPhoto(value.photo_name) ?? loadImage(value.photo);
  const images = (name) => Promise.all(value.sides.map((side) => side[name] && loadImage(side[name])));
  const [photo, maps, contradictions] = await Promise.all([known, images("labels"), images("contradictions")]);
  return {
    ...value,
    width,
    height,
    image: photo,
    gray: data && data.photo_name === value.photo_name ? data.gray : null, // made when the view first needs it
    labels: maps.map((map) => readLabels(map, width, height, value.wide)),
    contradictions: contradictions.map((map) => map && readLabels(map, width, height, false)),
    regions: maps.map(() => null), // found when names are first printed
    rgb: value.classes.map(({ color }) => rgbOf(color)),
  };
}

async function receive() {
  const mine = ++turn;
  const value = props.value ? JSON.parse(JSON.stringify(props.value)) : null;
  if (!value || !value.photo_name) {
    showEmpty(value);
    return;
  }
  let next;
  try {
    next = await decode(value);
  } catch (error) {
    if (mine === turn) showEmpty({ empty: error.message });
    return;
  }
  if (mine !== turn || !root.isConnected) return;
  sharePhoto(next.photo_name, next.image);
  const before = data && JSON.stringify(data.classes);
  const picture = data && data.photo_name;
  data = next;
  if (before !== JSON.stringify(data.classes)) state.pinned = -1;
  if (picture !== data.photo_name) [card, zoom].forEach((part) => (part.hide ?? part.reset)());
  card.learn(data.answer);
  scores.begin(String(turn));
  state.preview = -1;
  state.point = data.point;
  if (state.cursor && !inside(state.cursor)) state.cursor = null;
  if (data.sides.length < 2) state.mode = "side";
  state.contradictions &&= data.contradictions.every(Boolean);
  earlier = null;
  show();
  waitFor("");
  root.dataset.turn = String(++results);
  // What else a new result changes may wait until this one is on the screen.
  if (results > 1) requestAnimationFrame(() => setTimeout(() => trigger("shown")));
}

function showEmpty(value) {
  data = null;
  state.cursor = null;
  state.pinned = state.preview = -1;
  find(".lv-empty-text").textContent = (value && value.empty) || props.empty || "";
  find(".lv-empty").hidden = false;
  find(".lv-body").hidden = true;
  root.dataset.sides = "0";
  root.dataset.isolated = root.dataset.pinned = "";
  root.dataset.ready = "empty";
  find(".lv-choose").hidden = !value?.lost;
  root.dataset.lost = String(Boolean(value?.lost));
}

// A photo that a person brings is on both sides at once, plain, until its result comes.
document.addEventListener("glaclip:photo", ({ detail: { image } }) => {
  if (!root.isConnected) return;
  const [wide, high] = [image.naturalWidth, image.naturalHeight];
  const scale = Math.min(1, 1280 / Math.max(wide, high));
  const [width, height] = [wide, high].map((side) => Math.max(1, Math.round(side * scale)));
  const none = { rows: [], columns: [] };
  const titles = (data ?? earlier)?.sides.map(({ title }) => title) ?? ["", ""];
  if (!data?.plain) earlier = data;
  turn++;
  data = {
    plain: true, photo_name: "", photo_size: [high, wide], width, height, image, gray: null, classes: [], rgb: [],
    labels: titles.map(() => new Uint16Array(width * height)), regions: [], edges: none, changed: 0, point: null,
    contradictions: titles.map(() => null),
    sides: titles.map((title) => ({ title, subtitle: "", areas: [], seam_rate: null, disagreement: null, seams: none })),
  };
  state.point = state.cursor = null;
  state.pinned = state.preview = -1;
  card.hide();
  zoom.reset();
  show();
  waitFor("Your photo is being read");
});
document.addEventListener("glaclip:sending", ({ detail: { share } }) => {
  if (data?.plain) waitFor(share < 1 ? `Your photo is on its way: ${Math.round(100 * share)}${THIN}%` : "Your photo is there; its result is computed");
});
document.addEventListener("glaclip:answered", () => waitFor(""));
document.addEventListener("glaclip:refused", () => {
  if (!data?.plain) return;
  turn++; // an answer that is still being decoded comes too late
  waitFor("");
  data = earlier;
  if (!data) return showEmpty(props.value);
  state.point = data.point;
  show();
});
const waitFor = (text) => {
  find(".lv-wait").textContent = text;
  find(".lv-wait").hidden = !text;
};

function show() {
  find(".lv-empty").hidden = true;
  find(".lv-body").hidden = false;
  root.dataset.sides = String(data.sides.length);
  root.style.setProperty("--lv-ratio", String(data.width / data.height));
  find(".lv-modes").hidden = data.sides.length < 2;
  find(".lv-worst").hidden = !worst();
  find('.lv-toggle[data-value="contradictions"]').hidden = !data.plain && !data.contradictions.every(Boolean);
  for (const frame of frames) {
    frame.picture.width = frame.overlay.width = data.width;
    frame.picture.height = frame.overlay.height = data.height;
  }
  writeHeads();
  writeLegend();
  leaveRoom();
  reflect();
  measure();
  compose();
  paint();
  drawLines();
  drawTop();
  root.dataset.ready = "true";
  root.dataset.lost = "false";
  root.toggleAttribute("data-plain", Boolean(data.plain));
}

function writeHeads() {
  data.sides.forEach((side, index) => {
    const head = find(`.lv-head[data-side="${SIDES[index]}"]`);
    head.querySelector(".lv-title").textContent = side.title;
    head.querySelector(".lv-subtitle").textContent = side.subtitle;
    for (const [name, rate, help] of [["seams", side.seam_rate, SEAM_HELP], ["contradictions", side.disagreement, CONTRADICTION_HELP]]) {
      const chip = head.querySelector(`.lv-chip[data-value="${name}"]`);
      chip.hidden = rate === null;
      if (rate !== null) chip.textContent = `${name[0].toUpperCase()}${name.slice(1)} ${percent(rate)}`;
      chip.title = help;
    }
    frames[index].top.setAttribute(
      "aria-label",
      `${side.title || SIDES[index]}: segmented photo. Arrow keys move the point, Enter picks it.`,
    );
  });
  if (data.sides.length > 1) {
    divider.setAttribute("aria-label", `Divider between ${data.sides[0].title} and ${data.sides[1].title}`);
    const sentence = find(".lv-sentence");
    sentence.textContent = data.plain ? "" : `${percent(data.changed)} of pixels changed`;
    root.dataset.changed = String(data.changed);
  }
}

// ---------------------------------------------------------------- state to attributes

function reflect() {
  const only = isolated();
  root.dataset.mode = state.mode === "score" ? "side" : state.mode; // laid out alike
  const word = scored();
  root.dataset.score = word < 0 ? "" : String(word);
  find(".lv-scale").hidden = word < 0;
  find(".lv-readout").hidden = word >= 0; // in its place, so that a word that is held stays where it is
  if (word >= 0) {
    const waits = scores.sides(word) ? "" : " \u2026 (on its way)";
    find(".lv-scale-word").textContent = `How probable \u201c${nameOf(word)}\u201d is${waits}`;
  }
  find(".lv-cut").hidden = state.pinned < 0;
  root.dataset.isolated = only < 0 ? "" : String(only);
  root.dataset.pinned = state.pinned < 0 ? "" : String(state.pinned);
  root.dataset.grid = String(state.grid);
  root.dataset.seams = String(state.seams);
  root.dataset.contradictions = String(state.contradictions);
  root.dataset.opacity = String(Math.round(100 * state.opacity));
  root.dataset.split = String(Math.round(100 * state.split));
  for (const button of findAll(".lv-mode")) button.setAttribute("aria-pressed", String(button.dataset.value === state.mode));
  for (const button of findAll(".lv-toggle")) button.setAttribute("aria-pressed", String(state[button.dataset.value]));
  for (const button of findAll(".lv-entry")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.label) === state.pinned));
  }
  find(".lv-release").hidden = state.pinned < 0;
  find(".lv-sentence").hidden = state.mode !== "changed";
  find(".lv-opacity-value").textContent = `${Math.round(100 * state.opacity)}${THIN}%`;
  range.style.setProperty("--fill", `${Math.round(100 * state.opacity)}%`);
  divider.hidden = state.mode !== "slider";
  divider.style.left = `${100 * zoom.across(state.split)}%`;
  divider.setAttribute("aria-valuenow", String(Math.round(100 * state.split)));
}

// ---------------------------------------------------------------- toolbar

function setMode(mode) {
  state.mode = mode;
  reflect();
  measure();
  later(compose, paint, drawLines, drawTop);
}
for (const button of findAll(".lv-mode")) button.addEventListener("click", () => setMode(button.dataset.value));
for (const button of findAll(".lv-toggle")) {
  button.addEventListener("click", () => {
    state[button.dataset.value] = !state[button.dataset.value];
    reflect();
    later(compose, paint, drawLines);
  });
}
range.addEventListener("input", () => {
  state.opacity = Number(range.value) / 100;
  reflect();
  later(compose, paint);
});

function setSplit(share) {
  state.split = clamp(share, 0, 1);
  reflect();
  later(paint, drawLines);
}
divider.addEventListener("pointerdown", (event) => {
  divider.setPointerCapture(event.pointerId);
  event.preventDefault();
  divider.focus({ preventScroll: true });
});
divider.addEventListener("pointermove", (event) => {
  if (!divider.hasPointerCapture(event.pointerId)) return;
  const box = frames[0].top.getBoundingClientRect();
  setSplit((event.clientX - box.left) / box.width);
});
divider.addEventListener("keydown", (event) => {
  const step = event.shiftKey ? 0.01 : 0.05;
  const target = {
    ArrowLeft: state.split - step,
    ArrowDown: state.split - step,
    ArrowRight: state.split + step,
    ArrowUp: state.split + step,
    Home: 0,
    End: 1,
  }[event.key];
  if (target === undefined) return;
  event.preventDefault();
  setSplit(target);
});

const zoom = linkedZoom(
  frames.map(({ node, picture, lines, top }) => ({ node, layers: [picture, lines, top] })),
  () => {
    if (!data) return;
    find(".lv-zoom-reset").textContent = `${zoom.scale.toFixed(zoom.scale < 1.05 ? 0 : 1)}\u00d7`;
    find(".lv-zoom-out").disabled = zoom.scale === 1;
    reflect();
    measure();
    later(drawLines, drawTop);
  },
);
find(".lv-zoom-in").addEventListener("click", () => zoom.by(1.5));
find(".lv-zoom-out").addEventListener("click", () => zoom.by(1 / 1.5));
find(".lv-zoom-reset").addEventListener("click", () => zoom.reset());
const card = starCard(() => trigger("attend"));
watch(["answer"], () => {
  card.learn(props.answer);
  if (data) later(drawTop);
});
const play = playSteps(root, find(".lv-play"));
const worst = () => data && !data.plain && worstSeam(data.labels, data.edges, data.width, data.height);
function playAtWorst() {
  const place = worst();
  if (!place) return;
  zoom.to(place.u, place.v, place.scale);
  play();
}
find(".lv-worst").addEventListener("click", playAtWorst);
document.addEventListener("keydown", (event) => {
  if (event.key === "w" && root.dataset.present === "true" && !event.ctrlKey && !event.metaKey) playAtWorst();
});
const scores = scoreMaps(
  (label) => trigger("score", { value: label, result: String(turn) }),
  () => {
    reflect();
    later(compose, paint, drawTop);
  },
);
watch(["scores"], () => scores.learn(props.scores));
present(root, find(".lv-present"), () => {
  const steps = [...document.querySelectorAll("#ladder label")].map((step, index) => `${index + 1} ${step.textContent.trim()}`);
  return `${steps.join(" \u00b7 ")} \u00b7 \u2192 next \u00b7 \u2190 back \u00b7 W worst seam`;
});

// ---------------------------------------------------------------- life

new ResizeObserver(() => {
  if (!data) return;
  leaveRoom();
  measure();
  // Setting a canvas's size clears it: drawn again within the same frame, nothing flickers.
  drawLines();
  drawTop();
}).observe(find(".lv-stage"));

watch("value", receive);
showEmpty(props.value);
if (props.value && props.value.photo_name) root.dataset.ready = "false";
receive();
