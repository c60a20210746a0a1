// Runs once per mounted viewer; gradio gives element, trigger, props and watch.
// Everything a person may have typed (class names, titles) is placed with textContent only.
const root = element.querySelector(".lv");
const find = (selector) => root.querySelector(selector);
const findAll = (selector) => Array.from(root.querySelectorAll(selector));
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

const SIDES = ["left", "right"];
const VEIL = [14, 16, 22, 0.66]; // over what an isolated class leaves out
const CHANGED_VEIL = packed(VEIL, 0.3); // over what is the same on both sides
const FOLD = 16; // legend entries shown before "more words"
const KEY_STEPS = 40; // arrow presses across the width
const HOLD = 350; // milliseconds
const LEGEND_LINE = 38; // pixels of one line of words, which the pictures always leave room for
const LEGEND_MOST = 90; // pixels that the pictures give up for more lines
const SEAM_HELP =
  "Share of neighboring pixels across window edges that carry different labels, minus the same " +
  "half a stride away from the edges, where only true borders differ. Lower is better.";
const CONTRADICTION_HELP =
  "Two windows that show the same pixel, and give it different labels: share of all such pairs, before " +
  "windows are averaged, which hides it. Lower is better.";
const ABSENT = "probably not in this photo";
const CONTRADICTED = [[255, 214, 10, 0.75], [255, 140, 0, 0.85], [255, 60, 40, 0.9]].map((color) => packed(color, color[3])); // by 1, 2, more windows
const frames = SIDES.map((side) => {
  const node = find(`.lv-frame[data-side="${side}"]`);
  const [picture, lines, top] = [".lv-picture", ".lv-lines", ".lv-top"].map((c) => node.querySelector(c));
  return { side, node, picture, lines, top, tag: node.querySelector(".lv-tag"), overlay: document.createElement("canvas") };
});
const divider = find(".lv-divider");
const range = find(".lv-opacity-range");

let data = null; // the decoded value; null shows the empty state
let turn = 0; // a decoded value of an older turn is dropped
let results = 0; // that were shown; a plain photo is none
let earlier = null; // what a photo on its way has taken the place of
const state = {
  // A phone has room for one picture beside its controls.
  mode: matchMedia("(max-width: 480px)").matches ? "slider" : "side",
  grid: false,
  seams: false,
  contradictions: false,
  names: false,
  opacity: Number(range.value) / 100,
  split: 0.62, // not in the middle, where a window's edge often is
  pinned: -1,
  preview: -1,
  point: null, // the star, photo pixels
  cursor: null, // the crosshair, photo pixels
  held: -1, // a word of the legend that is held down: its score for as long
  hovered: false,
  focused: false,
};

// ---------------------------------------------------------------- decoding

function pixels(image, width, height) {
  const canvas = canvasOf(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = false; // numbers, not colors: nothing lies between them
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

function readLabels(image, width, height, wide) {
  const rgba = pixels(image, width, height).data;
  const labels = new Uint16Array(width * height);
  for (let i = 0; i < labels.length; i++) labels[i] = wide ? rgba[4 * i] | (rgba[4 * i + 1] << 8) : rgba[4 * i];
  return labels;
}

function grayscale(photo, width, height) {
  const gray = pixels(photo, width, height);
  const rgba = gray.data;
  for (let i = 0; i < rgba.length; i += 4) {
    const luma = 0.299 * rgba[i] + 0.587 * rgba[i + 1] + 0.114 * rgba[i + 2];
    rgba[i] = rgba[i + 1] = rgba[i + 2] = luma;
  }
  const canvas = canvasOf(width, height);
  canvas.getContext("2d").putImageData(gray, 0, 0);
  return canvas;
}

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
    rgb: value.classes.map(({ color }) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16))),
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

// ---------------------------------------------------------------- words

const THIN = "\u2009"; // between a number and its percent sign
const nameOf = (label) => data.classes[label]?.name ?? "?";

function swatch(label) {
  const node = make(null, "i", "lv-swatch");
  node.style.background = data.classes[label]?.color ?? "transparent";
  node.setAttribute("aria-hidden", "true");
  return node;
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

function writeLegend() {
  const last = data.sides[data.sides.length - 1].areas;
  const first = data.sides[0].areas;
  const pair = data.sides.length > 1;
  const order = data.classes.map((_, label) => label).sort((a, b) => last[b] - last[a] || first[b] - first[a] || a - b);
  const found = order.filter((label) => first[label] > 0 || last[label] > 0);
  const missing = data.classes.map((_, label) => label).filter((label) => !(first[label] > 0 || last[label] > 0));
  const largest = Math.max(...found.map((label) => Math.max(first[label], last[label])), 1e-9);
  find(".lv-legend").hidden = Boolean(data.plain);
  find(".lv-legend-key").textContent = pair
    ? "share of the picture, left \u2192 right; press a word to see it alone"
    : "share of the picture; press a word to see it alone";
  find(".lv-entries").replaceChildren(
    ...found.map((label, place) => {
      const item = make(null, "li", place < FOLD ? "" : "lv-folded");
      item.append(entry(label, first[label], pair ? last[label] : null, largest));
      return item;
    }),
  );
  fold(found.length > FOLD + 2); // nobody presses a button to see two words
  const box = find(".lv-missing");
  box.hidden = missing.length === 0;
  box.open = false;
  find(".lv-missing-count").textContent = `${missing.length} ${missing.length === 1 ? "word" : "words"} not found`;
  find(".lv-missing-list").replaceChildren(...missing.map((label) => make(null, "li", "", nameOf(label))));
}

// The pictures leave room for all lines of words above the page's status line.
function leaveRoom() {
  const more = clamp(find(".lv-entries").offsetHeight - LEGEND_LINE, 0, LEGEND_MOST);
  root.style.setProperty("--lv-more", `${more}px`);
}

function fold(folded) {
  const hidden = findAll(".lv-folded");
  const more = find(".lv-more");
  for (const item of hidden) item.hidden = folded;
  more.hidden = hidden.length <= 2;
  more.textContent = folded ? `Show ${hidden.length} more words` : "Show fewer words";
  more.setAttribute("aria-expanded", String(!folded));
}

function entry(label, left, right, largest) {
  const button = make(null, "button", "lv-entry");
  button.type = "button";
  button.dataset.label = String(label);
  const share = make(null, "span", "lv-entry-share");
  const meter = make(null, "span", "lv-meter");
  const parts = right === null ? [left] : [left, right];
  if (right !== null) share.append(`${percent(left)} \u2192 `);
  share.append(make(null, "b", "", percent(parts[parts.length - 1])));
  for (const part of parts) {
    const bar = make(null, "i");
    bar.style.background = data.classes[label].color;
    bar.style.setProperty("--share", String(part / largest));
    meter.append(bar);
  }
  meter.setAttribute("aria-hidden", "true");
  const name = make(null, "span", "lv-entry-name", nameOf(label));
  name.title = nameOf(label);
  button.append(swatch(label), name, share, meter);
  if (data.classes[label].absent) button.append(make(null, "span", "lv-absent", ABSENT));
  return button;
}

// ---------------------------------------------------------------- state to attributes

function reflect() {
  const only = isolated();
  root.dataset.mode = state.mode === "score" ? "side" : state.mode; // laid out alike
  const word = scored();
  root.dataset.score = word < 0 ? "" : String(word);
  find(".lv-scale").hidden = word < 0;
  find(".lv-readout").hidden = word >= 0; // in its place, so that a word that is held stays where it is
  if (word >= 0) find(".lv-scale-word").textContent = `How probable \u201c${nameOf(word)}\u201d is`;
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

// ---------------------------------------------------------------- drawing
// Three layers: the picture at the value's size, lines and crosshair at the screen's size.
// Moving the pointer redraws the top layer alone.

const waiting = new Set();
function later(...work) {
  if (!waiting.size) {
    requestAnimationFrame(() => {
      const now = new Set(waiting);
      waiting.clear();
      if (!data) return;
      for (const step of [compose, paint, drawLines, drawTop]) if (now.has(step)) step();
    });
  }
  work.forEach((step) => waiting.add(step));
}

function packed([red, green, blue], alpha) {
  return ((Math.round(255 * alpha) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

const marksContradictions = () => state.contradictions && !data.plain;
const isolated = () => (state.preview >= 0 ? state.preview : state.pinned);

// The word whose score is shown: one that is held, in the view "Score" the chosen one, else the largest.
function scored() {
  if (data?.plain || !data) return -1;
  if (state.held >= 0) return state.held;
  if (state.mode !== "score") return -1;
  if (isolated() >= 0) return isolated();
  const areas = data.sides[data.sides.length - 1].areas;
  return areas.indexOf(Math.max(...areas));
}

// Fills the overlays: one per side, or in the "changed" view the first alone.
function compose() {
  if (scored() >= 0) {
    const maps = scores.sides(scored());
    const ramp = Uint32Array.from({ length: 256 }, (_, value) => packed([0, 1, 2].map((c) => RAMP[3 * value + c]), 0.82));
    data.sides.forEach((_, side) => {
      if (!maps) return fillOverlay(side, () => packed(VEIL, 0.45));
      const row = (i) => (Math.floor(i / data.width) + 0.5) / data.height;
      const from = maps[state.mode === "changed" ? data.sides.length - 1 : side];
      fillOverlay(side, (i) => ramp[valueAt(from, ((i % data.width) + 0.5) / data.width, row(i))]);
    });
    return;
  }
  if (marksContradictions()) {
    frames.forEach((_, index) => {
      const against = data.contradictions[state.mode === "changed" ? 1 : index];
      if (index < visibleFrames() || state.mode === "slider") fillOverlay(index, (i) => CONTRADICTED[Math.min(against[i], 3) - 1] ?? CHANGED_VEIL);
    });
    return;
  }
  const only = isolated();
  const colors = Uint32Array.from(data.rgb, (rgb) => packed(rgb, state.opacity));
  if (state.mode === "changed") {
    fillOverlay(0, (i) => changedColor(i, colors, only));
    return;
  }
  const veil = packed(VEIL, VEIL[3]);
  const table = only < 0 ? colors : colors.map((color, label) => (label === only ? color : veil));
  data.labels.forEach((labels, side) => fillOverlay(side, (i) => table[labels[i]]));
}

function fillOverlay(side, colorAt) {
  const context = frames[side].overlay.getContext("2d");
  const picture = context.createImageData(data.width, data.height);
  const out = new Uint32Array(picture.data.buffer);
  for (let i = 0; i < out.length; i++) out[i] = colorAt(i);
  context.putImageData(picture, 0, 0);
}

// What changed has the right side's color; of an isolated class, what it won and what it lost.
function changedColor(i, colors, only) {
  const [left, right] = [data.labels[0][i], data.labels[1][i]];
  if (data.plain) return 0;
  return left !== right && (only < 0 || left === only || right === only) ? colors[right] : CHANGED_VEIL;
}

function paint() {
  const { width, height } = data;
  frames.forEach((frame, side) => {
    if (side >= visibleFrames()) return;
    const context = frame.picture.getContext("2d");
    context.clearRect(0, 0, width, height);
    const gray = state.mode === "changed" || marksContradictions() || scored() >= 0;
    if (gray) data.gray ??= grayscale(data.image, width, height);
    context.drawImage(gray ? data.gray : data.image, 0, 0, width, height);
    if (state.mode !== "slider") {
      context.drawImage(frame.overlay, 0, 0);
      return;
    }
    const cut = Math.round(state.split * width);
    if (cut > 0) context.drawImage(frames[0].overlay, 0, 0, cut, height, 0, 0, cut, height);
    if (cut < width) context.drawImage(frames[1].overlay, cut, 0, width - cut, height, cut, 0, width - cut, height);
  });
}

function visibleFrames() {
  return ["side", "score"].includes(state.mode) ? data.sides.length : 1;
}

// Zoomed layers are large; beyond this many pixels across they would fill a phone's memory.
const density = () => Math.min(window.devicePixelRatio || 1, 2, 3600 / (frames[0].top.clientWidth || 1));

function measure() {
  for (const frame of frames) {
    const width = Math.round(frame.top.clientWidth * density());
    const height = Math.round(frame.top.clientHeight * density());
    for (const canvas of [frame.lines, frame.top]) {
      if (canvas.width !== width) canvas.width = width;
      if (canvas.height !== height) canvas.height = height;
    }
  }
}

// A cleared context in CSS pixels, with factors from shown pixels.
function prepared(canvas) {
  const context = canvas.getContext("2d");
  const scale = density();
  context.setTransform(scale, 0, 0, scale, 0, 0);
  const [wide, high] = [canvas.width / scale, canvas.height / scale];
  context.clearRect(0, 0, wide, high);
  return { context, wide, high, fx: wide / data.width, fy: high / data.height };
}

function stroke(context, path, color, width, dash = []) {
  context.strokeStyle = color;
  context.lineWidth = width;
  context.setLineDash(dash);
  context.stroke(path);
}

function drawLines() {
  frames.forEach((frame, index) => {
    if (index >= visibleFrames() || !frame.lines.width) return;
    const area = prepared(frame.lines);
    if (state.grid) drawGrid(area);
    const draw = (side) => {
      if (state.seams) drawSeams(area, side);
      if (state.names && !data.plain && state.mode !== "changed") printNames(area, side);
    };
    if (state.mode === "slider") {
      const cut = state.split * area.wide;
      clipped(area, 0, cut, () => draw(0));
      clipped(area, cut, area.wide - cut, () => draw(1));
    } else {
      draw(state.mode === "changed" ? 1 : index);
    }
  });
}

function clipped({ context, high }, left, width, draw) {
  context.save();
  context.beginPath();
  context.rect(left, 0, width, high);
  context.clip();
  draw();
  context.restore();
}

function drawGrid({ context, wide, high, fx, fy }) {
  const path = new Path2D();
  for (const y of data.edges.rows) {
    path.moveTo(0, Math.round(y * fy) + 0.5);
    path.lineTo(wide, Math.round(y * fy) + 0.5);
  }
  for (const x of data.edges.columns) {
    path.moveTo(Math.round(x * fx) + 0.5, 0);
    path.lineTo(Math.round(x * fx) + 0.5, high);
  }
  stroke(context, path, "rgb(10 12 18 / 0.55)", 2.5);
  stroke(context, path, "rgb(255 255 255 / 0.85)", 1, [4, 4]);
}

function drawSeams({ context, fx, fy }, side) {
  const { rows, columns } = data.sides[side].seams;
  const path = new Path2D();
  for (const [y, start, stop] of rows) {
    path.moveTo(start * fx, y * fy);
    path.lineTo(stop * fx, y * fy);
  }
  for (const [x, start, stop] of columns) {
    path.moveTo(x * fx, start * fy);
    path.lineTo(x * fx, stop * fy);
  }
  context.lineCap = "butt";
  stroke(context, path, "rgb(10 12 18 / 0.85)", 6);
  stroke(context, path, "#ffffff", 3);
}

function printNames({ context, wide, high }, side) {
  data.regions[side] ??= regionsOf(data.labels[side], data.width, data.height);
  const regions = data.regions[side].filter(({ label }) => isolated() < 0 || label === isolated());
  const written = drawNames(context, [wide, high], regions, nameOf, root.dataset.present === "true" ? 24 : 15);
  frames[side].node.dataset.names = written.join("|");
}

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

// ---------------------------------------------------------------- what lies under the crosshair

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

// ---------------------------------------------------------------- pointing and picking

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
  () => later(compose, paint, drawTop),
);
watch(["scores"], () => scores.learn(props.scores));
present(root, find(".lv-present"), () => {
  const steps = [...document.querySelectorAll("#ladder label")].map((step, index) => `${index + 1} ${step.textContent.trim()}`);
  return `${steps.join(" \u00b7 ")} \u00b7 \u2192 next \u00b7 \u2190 back \u00b7 W worst seam`;
});

// ---------------------------------------------------------------- legend

function preview(label) {
  if (state.preview === label) return;
  state.preview = label;
  reflect();
  later(compose, paint, drawLines);
}
function pin(label) {
  state.pinned = label;
  state.preview = -1; // releasing shows at once, though the pointer still rests on the entry
  reflect();
  if (data) later(compose, paint, drawLines);
}
const entryOf = (event) => {
  const button = event.target instanceof Element ? event.target.closest(".lv-entry") : null;
  return button ? Number(button.dataset.label) : -1;
};
const entries = find(".lv-entries");
entries.addEventListener("pointerover", (event) => {
  // Moving within one entry is no news: a release by click must last.
  if (event.pointerType !== "mouse" || (event.relatedTarget && event.target.closest(".lv-entry")?.contains(event.relatedTarget))) return;
  preview(entryOf(event));
});
entries.addEventListener("pointerleave", () => preview(-1));
entries.addEventListener("focusin", (event) => {
  if (event.target.matches(":focus-visible")) preview(entryOf(event));
});
entries.addEventListener("focusout", () => preview(-1));
entries.addEventListener("keydown", (event) => {
  if (event.key === "Escape") pin(-1);
});
// A word that is held down shows its score until it is let go.
let holding = 0, wasHeld = false;
entries.addEventListener("pointerdown", (event) => {
  const label = entryOf(event);
  if (label < 0 || event.button) return;
  wasHeld = false;
  holding = setTimeout(() => {
    wasHeld = true;
    entries.setPointerCapture(event.pointerId);
    hold(label);
  }, HOLD);
});
for (const type of ["pointerup", "pointercancel", "pointerleave"]) {
  entries.addEventListener(type, () => {
    clearTimeout(holding);
    hold(-1);
  });
}
entries.addEventListener("contextmenu", (event) => { if (wasHeld || holding) event.preventDefault(); });
function hold(label) {
  if (state.held === label) return;
  state.held = label;
  if (!data) return;
  reflect();
  later(compose, paint, drawLines, drawTop);
}
find(".lv-cut").addEventListener("click", () => {
  const side = data.sides.length - 1;
  cutOut(data.image, data.labels[side], data.width, data.height, state.pinned, nameOf(state.pinned));
});
entries.addEventListener("click", (event) => {
  const label = entryOf(event);
  if (wasHeld) return void (wasHeld = false);
  if (label >= 0) pin(label === state.pinned ? -1 : label);
});
find(".lv-more").addEventListener("click", (event) => fold(event.currentTarget.getAttribute("aria-expanded") === "true"));
find(".lv-release").addEventListener("click", () => pin(-1));

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
