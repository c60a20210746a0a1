const $ = (selector) => element.querySelector(selector);
const root = $('.av'), photo = $('.av-photo'), panels = $('.av-panels'), heatBox = $('.av-heat-box');
let state = null, chosen = 3, version = 0, pending = 0;

function unpack(panel) {
  const raw = atob(panel.weights), bytes = Uint8Array.from(raw, (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer), weights = new Float64Array(bytes.length / 2);
  for (let i = 0; i < weights.length; i++) weights[i] = view.getUint16(2 * i, true) * panel.unit;
  return weights;
}

function windowImage(weights, index) {
  const [rows, columns] = state.value.key_grid, size = rows * columns;
  const canvas = document.createElement('canvas'); canvas.width = columns; canvas.height = rows;
  const context = canvas.getContext('2d'), data = context.createImageData(columns, rows);
  for (let i = 0; i < size; i++) {
    const level = shade(weights[index * size + i], state.value.top);
    data.data.set([RAMP[3 * level], RAMP[3 * level + 1], RAMP[3 * level + 2], 255], 4 * i);
  }
  context.putImageData(data, 0, 0);
  return canvas;
}

function drawMosaic(canvas, weights) {
  const {grid, key_grid, own, token} = state.value;
  const gap = 8, cell = Math.max(60, Math.min(220, Math.round(720 / grid[1])));
  const high = cell * key_grid[0] / key_grid[1];
  canvas.width = grid[1] * cell + (grid[1] - 1) * gap + 6;
  canvas.height = grid[0] * high + (grid[0] - 1) * gap + 6;
  const context = canvas.getContext('2d');
  context.imageSmoothingEnabled = false;
  for (let index = 0; index < grid[0] * grid[1]; index++) {
    const x = 3 + (index % grid[1]) * (cell + gap), y = 3 + Math.floor(index / grid[1]) * (high + gap);
    context.drawImage(windowImage(weights, index), x, y, cell, high);
    if (index !== own) continue;
    context.lineWidth = 5; context.strokeStyle = TEAL;
    context.strokeRect(x - 0.5, y - 0.5, cell + 1, high + 1);
    star(context, x + (token[1] + 0.5) * cell / key_grid[1], y + (token[0] + 0.5) * high / key_grid[0], Math.max(9, cell / 14));
  }
}

// Weights laid back on the photo, averaged where windows overlap.
function heat(weights) {
  const {boxes, key_grid, working_size} = state.value, step = 4;
  const height = Math.ceil(working_size[0] / step), width = Math.ceil(working_size[1] / step);
  const sum = new Float64Array(height * width), count = new Float64Array(height * width);
  boxes.forEach(([top, left, bottom, right], index) => {
    for (let y = Math.ceil(top / step); y * step < bottom; y++) for (let x = Math.ceil(left / step); x * step < right; x++) {
      const row = Math.floor((y * step - top) * key_grid[0] / (bottom - top)), column = Math.floor((x * step - left) * key_grid[1] / (right - left));
      sum[y * width + x] += weights[(index * key_grid[0] + row) * key_grid[1] + column]; count[y * width + x]++;
    }
  });
  const canvas = document.createElement('canvas'); canvas.width = width; canvas.height = height;
  const context = canvas.getContext('2d'), data = context.createImageData(width, height);
  for (let i = 0; i < sum.length; i++) {
    const level = shade(sum[i] / Math.max(1, count[i]), state.value.top);
    data.data.set([RAMP[3 * level], RAMP[3 * level + 1], RAMP[3 * level + 2], 60 + Math.round(level * 0.7)], 4 * i);
  }
  context.putImageData(data, 0, 0);
  return canvas;
}

function drawPhoto() {
  const {photo_size, working_size, boxes, own} = state.value, {image} = state;
  photo.width = image.naturalWidth; photo.height = image.naturalHeight;
  const context = photo.getContext('2d'), sx = photo.width / working_size[1], sy = photo.height / working_size[0];
  context.drawImage(image, 0, 0);
  if (heatBox.checked) context.drawImage(heat(state.weights[chosen]), 0, 0, photo.width, photo.height);
  const [top, left, bottom, right] = boxes[own];
  context.lineWidth = Math.max(2, photo.width / 260); context.strokeStyle = TEAL;
  context.strokeRect(left * sx + 1, top * sy + 1, (right - left) * sx - 2, (bottom - top) * sy - 2);
  star(context, (state.point[0] + 0.5) * photo.width / photo_size[1], (state.point[1] + 0.5) * photo.height / photo_size[0], Math.max(9, photo.width / 48));
}

function choose(index) {
  chosen = index;
  [...panels.children].forEach((button, i) => button.setAttribute('aria-pressed', String(i === index)));
  drawPhoto();
}

function add(parent, tag, className, text) {
  const child = document.createElement(tag);
  if (className) child.className = className;
  if (text !== undefined) child.textContent = text;
  parent.append(child);
  return child;
}

function drawPanels() {
  panels.replaceChildren();
  state.value.panels.forEach((panel, index) => {
    const button = add(panels, 'button', 'av-panel');
    button.type = 'button';
    button.dataset.ownMass = panel.own_mass;
    add(button, 'span', 'av-panel-title', panel.title);
    const mass = add(button, 'span', 'av-panel-mass');
    add(mass, 'b', '', percent(panel.own_mass));
    mass.append(' in the own window, ' + percent(panel.own_share) + ' of the tokens');
    const meter = add(button, 'span', 'av-meter');
    add(meter, 'i').style.width = panel.own_mass * 100 + '%';
    add(meter, 'u').style.left = 'calc(' + panel.own_share * 100 + '% - 1px)';
    const canvas = add(button, 'canvas');
    canvas.setAttribute('aria-hidden', 'true');
    drawMosaic(canvas, state.weights[index]);
    button.onclick = () => choose(index);
  });
}

function read() {
  const {grid, own} = state.value;
  $('.av-read').textContent = `Point ${state.point[0]}, ${state.point[1]} \u00b7 own window ${own + 1} of ${grid[0] * grid[1]}`;
}

async function set() {
  const value = props.value, mine = ++version;
  if (!value) {
    state = null;
    $('.av-empty').textContent = props.empty;
    $('.av-empty').hidden = false; $('.av-body').hidden = true; root.dataset.ready = 'false';
    return;
  }
  const image = new Image();
  image.src = value.photo;
  await image.decode();
  if (mine !== version) return;  // a newer value is on its way
  state = {value, image, point: value.point, weights: value.panels.map(unpack)};
  $('.av-empty').hidden = true; $('.av-body').hidden = false;
  $('.av-sentence').textContent = value.sentence;
  $('.av-top').textContent = value.top.toFixed(value.top < 9.95 ? 1 : 0) + '\u00d7 even';
  photo.dataset.point = value.point.join(',');
  read(); drawPanels(); choose(Math.min(chosen, value.panels.length - 1));
  root.dataset.ready = 'true';
}

function move(x, y, wait) {
  const [height, width] = state.value.photo_size;
  state.point = [Math.max(0, Math.min(width - 1, Math.round(x))), Math.max(0, Math.min(height - 1, Math.round(y)))];
  drawPhoto(); read();
  clearTimeout(pending);
  const point = state.point;
  pending = setTimeout(() => trigger('select', {index: point, value: 'point', selected: true}), wait);
}

photo.addEventListener('click', (event) => {
  if (!state) return;
  const box = photo.getBoundingClientRect(), [height, width] = state.value.photo_size;
  move(Math.floor((event.clientX - box.left) * width / box.width), Math.floor((event.clientY - box.top) * height / box.height), 0);
});
photo.addEventListener('keydown', (event) => {
  const way = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
  if (!state || !way) return;
  event.preventDefault();
  const {photo_size, working_size, boxes, key_grid} = state.value, side = boxes[0][2] - boxes[0][0];
  move(state.point[0] + way[0] * side / key_grid[1] * photo_size[1] / working_size[1], state.point[1] + way[1] * side / key_grid[0] * photo_size[0] / working_size[0], 150);
});
heatBox.addEventListener('change', () => { if (state) drawPhoto(); });
const ramp = $('.av-ramp').getContext('2d'), strip = ramp.createImageData(256, 1);
for (let i = 0; i < 256; i++) { const level = shade(i / 255, 1); strip.data.set([RAMP[3 * level], RAMP[3 * level + 1], RAMP[3 * level + 2], 255], 4 * i); }
ramp.putImageData(strip, 0, 0);
watch('value', set);
set();
