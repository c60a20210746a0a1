// The pictures of both sides in three layers: the picture at the value's size, lines and crosshair at
// the screen's size. Moving the pointer redraws the top layer alone (`comparison_point.js`).

const VEIL = [14, 16, 22, 0.66]; // over what an isolated class leaves out
const CHANGED_VEIL = packed(VEIL, 0.3); // over what is the same on both sides
const CONTRADICTED = [[255, 214, 10, 0.75], [255, 140, 0, 0.85], [255, 60, 40, 0.9]].map((color) => packed(color, color[3])); // by 1, 2, more windows

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

const marksContradictions = () => state.contradictions && !data.plain;

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
