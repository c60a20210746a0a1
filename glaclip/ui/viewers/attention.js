// The photo with its query point, the method's steps as mosaics of windows, and what two windows say.
// Everything a person may have typed (class names) is placed with textContent only.
const $ = (selector) => element.querySelector(selector);
const OWN_SCALE = 10;  // steps whose brightest weights differ by more have a scale each
const ownBox = $('.av-own-box');
const root = $('.av'), photo = $('.av-photo'), panels = $('.av-panels'), crops = $('.av-crops'), heatBox = $('.av-heat-box'), playButton = $('.av-play');
const LINE = 4;  // pixels of the resized photo in one of the heat's
const CROP = 0.5, CROP_RATIO = 1.6;  // of a window's width; width to height
const BEAT = 1900, FADE = 450;  // milliseconds a step stays, and that it takes to come
const LECTURE_BEAT = 4000;  // or until a key, on a projector
let state = null, chosen = Infinity, version = 0, pending = 0, playing = 0, fade = 0;

// ---------------------------------------------------------------- one window

// Rows and columns of a panel's patches: the left side's may be other than the steps'.
const gridOf = (panel) => panel.key_grid ?? state.value.key_grid;

// A window's part of the dimmed photo with its weights as light, in a box of the context.
function drawWindow(context, index, weights, top, [x, y, wide, high], [rows, columns] = state.value.key_grid) {
  const {boxes, working_size} = state.value, [top_, left, bottom, right] = boxes[index];
  const sx = state.gray.width / working_size[1], sy = state.gray.height / working_size[0];
  context.imageSmoothingEnabled = true;
  context.drawImage(state.gray, left * sx, top_ * sy, (right - left) * sx, (bottom - top_) * sy, x, y, wide, high);
  context.imageSmoothingEnabled = false;
  context.drawImage(heatOf(weights.map((weight) => levelOf(weight, top)), columns, rows), x, y, wide, high);
}

const tokens = () => state.value.key_grid[0] * state.value.key_grid[1];
const part = (weights, index) => { const size = weights.length / state.value.boxes.length; return weights.subarray(index * size, (index + 1) * size); };

// Center of a token of a window drawn in a box.
function center([x, y, wide, high], [row, column], [rows, columns] = state.value.key_grid) {
  return [x + (column + 0.5) * wide / columns, y + (row + 0.5) * high / rows];
}

// The one token that is left after a collapse: [window, row, column].
function kept(weights) {
  const at = weights.indexOf(weights.reduce((a, b) => Math.max(a, b))), inside = at % tokens(), columns = state.value.key_grid[1];
  return [Math.floor(at / tokens()), Math.floor(inside / columns), inside % columns];
}

// ---------------------------------------------------------------- scales

// The 99.8th percentile of the weights above zero, as pictures/weights.py has it.
function brightest(weights) {
  const seen = weights.filter((weight) => weight > 0).sort(), at = 0.998 * (seen.length - 1), low = Math.floor(at);
  return Math.max(1, seen[low] + (at - low) * ((seen[low + 1] ?? seen[low]) - seen[low]));
}

// What is drawn brightest at a step.
const topOf = (index) => ownBox.checked ? state.tops[index] : Math.max(...state.tops);

function noteScale() {
  const {shared, scale_note, panels: steps} = state.value;
  const why = shared ? 'The steps differ by more than ten times, so each has its own scale.' : scale_note;
  const own = Math.max(...state.tops) > OWN_SCALE * Math.min(...state.tops) || !shared ? why : 'Each step has its own scale.';
  $('.av-scale-note').textContent = ownBox.checked ? own : `One color scale for all ${COUNTS[steps.length]} ${state.value.steps ? 'panels' : 'steps'}.`;
}

// ---------------------------------------------------------------- mosaics

// Gives what says the weight at a place of the canvas, from 0 to 1 across and down.
function drawMosaic(canvas, panel, weights, top) {
  const {grid, own} = state.value, key_grid = gridOf(panel), token = panel.token ?? state.value.token, look = getComputedStyle(root);
  const gap = 8, cell = Math.max(90, Math.min(300, Math.round(900 / grid[1]))), high = Math.round(cell * key_grid[0] / key_grid[1]);
  canvas.width = grid[1] * cell + (grid[1] - 1) * gap + 6;
  canvas.height = grid[0] * high + (grid[0] - 1) * gap + 6;
  const context = canvas.getContext('2d'), radius = Math.max(9, cell / 14);
  const boxOf = (index) => [3 + (index % grid[1]) * (cell + gap), 3 + Math.floor(index / grid[1]) * (high + gap), cell, high];
  for (let index = 0; index < grid[0] * grid[1]; index++) {
    if (panel.context || index === own) drawWindow(context, index, part(weights, index), top, boxOf(index), key_grid);
    else hatch(context, ...boxOf(index), look.getPropertyValue('--av-unseen'), look.getPropertyValue('--av-hatch'));
  }
  const [x, y] = boxOf(own);
  context.lineWidth = 5; context.strokeStyle = TEAL;
  context.strokeRect(x - 0.5, y - 0.5, cell + 1, high + 1);
  queryRing(context, ...center(boxOf(own), token, key_grid), radius);
  if (panel.collapsed) {
    const [window_, ...at] = kept(weights);
    ring(context, ...center(boxOf(window_), at), 2.2 * radius);
  }
  return (across, down) => {
    for (let index = 0; index < grid[0] * grid[1]; index++) {
      const [left, upper, wide, tall] = boxOf(index), column = (across * canvas.width - left) / wide, row = (down * canvas.height - upper) / tall;
      if (column < 0 || column >= 1 || row < 0 || row >= 1) continue;
      if (!panel.context && index !== own) return 'Not visible';
      return `${times(part(weights, index)[Math.floor(row * key_grid[0]) * key_grid[1] + Math.floor(column * key_grid[1])])} even, window ${index + 1}`;
    }
    return '';
  };
}

function drawPanels() {
  panels.replaceChildren();
  state.value.panels.forEach((panel, index) => {
    const button = make(panels, 'button', 'av-panel');
    button.type = 'button';
    button.dataset.ownMass = panel.own_mass;
    button.dataset.collapsed = String(panel.collapsed);
    make(button, 'span', 'av-panel-title', panel.title);
    const mass = make(button, 'span', 'av-panel-mass');
    if (panel.note) mass.textContent = panel.note;
    else {
      make(mass, 'b', '', percent(panel.own_mass));
      mass.append(' in the own window, ' + percent(panel.own_share) + ' of the tokens');
    }
    const meter = make(button, 'span', 'av-meter');
    make(meter, 'i').style.width = panel.own_mass * 100 + '%';
    make(meter, 'u').style.left = 'calc(' + panel.own_share * 100 + '% - 1px)';
    const canvas = make(button, 'canvas', 'av-mosaic');
    canvas.setAttribute('aria-hidden', 'true');
    const weightAt = drawMosaic(canvas, panel, state.weights[index], topOf(index)), here = make(button, 'span', 'av-here');
    canvas.addEventListener('pointermove', (event) => {
      const box = canvas.getBoundingClientRect(), outer = button.getBoundingClientRect();
      here.textContent = weightAt((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
      const room = here.offsetWidth / 2;
      here.style.left = Math.max(room, Math.min(outer.width - room, event.clientX - outer.left)) + 'px';
      here.style.top = event.clientY - outer.top - 14 + 'px';
    });
    canvas.addEventListener('pointerleave', () => { here.textContent = ''; });
    colorBar(button, topOf(index));
    button.onclick = () => { stop(); choose(index); };
  });
}

// ---------------------------------------------------------------- the photo

// Levels of a step on the photo: averaged over the windows in sight where they overlap.
function levelsOnPhoto(index) {
  const {boxes, working_size, panels: steps, own} = state.value, weights = state.weights[index], key_grid = gridOf(steps[index]);
  const height = Math.ceil(working_size[0] / LINE), width = Math.ceil(working_size[1] / LINE);
  const sum = new Float32Array(height * width), count = new Float32Array(height * width);
  boxes.forEach(([top, left, bottom, right], window_) => {
    if (!steps[index].context && window_ !== own) return;
    for (let y = Math.ceil(top / LINE); y * LINE < bottom; y++) for (let x = Math.ceil(left / LINE); x * LINE < right; x++) {
      const row = Math.floor((y * LINE - top) * key_grid[0] / (bottom - top)), column = Math.floor((x * LINE - left) * key_grid[1] / (right - left));
      sum[y * width + x] += weights[(window_ * key_grid[0] + row) * key_grid[1] + column]; count[y * width + x]++;
    }
  });
  return {width, height, levels: sum.map((value, i) => levelOf(value / Math.max(1, count[i]), topOf(index)))};
}

function drawPhoto(from = chosen, share = 1) {
  const {working_size, boxes, own, panels: steps} = state.value, {image} = state;
  photo.width = image.naturalWidth; photo.height = image.naturalHeight;
  const context = photo.getContext('2d'), sx = photo.width / working_size[1], sy = photo.height / working_size[0];
  const radius = Math.max(9, photo.width / 48);
  context.drawImage(heatBox.checked ? state.gray : image, 0, 0);
  if (heatBox.checked) {
    const now = state.levels[chosen] ??= levelsOnPhoto(chosen), before = state.levels[from] ??= levelsOnPhoto(from);
    const levels = share < 1 ? now.levels.map((level, i) => share * level + (1 - share) * before.levels[i]) : now.levels;
    context.drawImage(heatOf(levels, now.width, now.height), 0, 0, photo.width, photo.height);
  }
  const [top, left, bottom, right] = boxes[own];
  context.lineWidth = Math.max(2, photo.width / 260); context.strokeStyle = TEAL;
  context.strokeRect(left * sx + 1, top * sy + 1, (right - left) * sx - 2, (bottom - top) * sy - 2);
  queryRing(context, ...queryOn(photo), radius);
  if (!heatBox.checked || !steps[chosen].collapsed) return;
  const [window_, ...at] = kept(state.weights[chosen]), [t, l, b, r] = boxes[window_];
  ring(context, ...center([l * sx, t * sy, (r - l) * sx, (b - t) * sy], at), 2.2 * radius);
}

// Center of the query's patch on a picture of the whole photo.
const queryOn = ({width, height}) => [(state.point[0] + 0.5) * width / state.value.photo_size[1], (state.point[1] + 0.5) * height / state.value.photo_size[0]];

// What lies around the query, magnified, at every step: the choice of the step that the photo shows.
function drawCrops() {
  const {boxes, working_size, panels: steps} = state.value, {gray} = state;
  const wide = CROP * (boxes[0][3] - boxes[0][1]) * gray.width / working_size[1], high = wide / CROP_RATIO;
  const [x, y] = queryOn(gray);
  const left = Math.max(0, Math.min(gray.width - wide, x - wide / 2)), top = Math.max(0, Math.min(gray.height - high, y - high / 2));
  crops.replaceChildren(...steps.map((step, index) => {
    const button = make(null, 'button', 'av-crop'), canvas = make(button, 'canvas');
    button.type = 'button';
    canvas.width = 360; canvas.height = Math.round(360 / CROP_RATIO);
    const context = canvas.getContext('2d'), scale = canvas.width / wide, levels = state.levels[index] ??= levelsOnPhoto(index);
    context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
    context.drawImage(gray, 0, 0);
    context.drawImage(heatOf(levels.levels, levels.width, levels.height), 0, 0, gray.width, gray.height);
    queryRing(context, x, y, 13 / scale);
    make(button, 'span', 'av-crop-title', `${index + 1} ${step.title}`);
    button.onclick = () => { stop(); choose(index, chosen); };
    return button;
  }));
}

// The steps of the ladder; after them the left side may have a panel of its own.
const steps = () => state.value.steps ?? state.value.panels.length;

function choose(index, from = index) {
  chosen = index;
  const step = state.value.panels[index], left = index >= steps();
  for (const group of [panels, crops]) [...group.children].forEach((button, i) => button.setAttribute('aria-pressed', String(i === index)));
  $('.av-step b').textContent = left ? step.title : `${index + 1} of ${steps()}: ${step.title}`;
  $('.av-step span').textContent = left ? `${step.note} ${step.help}` : step.note || step.help;
  root.dataset.step = String(index);
  cancelAnimationFrame(fade);
  if (from === index || matchMedia('(prefers-reduced-motion: reduce)').matches) return drawPhoto();
  const start = performance.now();
  const blend = (now) => {
    const share = Math.max(0, Math.min(1, (now - start) / FADE));
    drawPhoto(from, share);
    if (share < 1) fade = requestAnimationFrame(blend);
  };
  fade = requestAnimationFrame(blend);
}

// ---------------------------------------------------------------- playing

function stop() {
  clearTimeout(playing); playing = 0;
  playButton.setAttribute('aria-pressed', 'false');
  playButton.querySelector('span').textContent = playTitle(state ? steps() : 0);
}

const playOn = (index) => index + 1 < steps() ? play(index + 1, index) : stop();
function play(index = 0, from = 0) {
  heatBox.checked = true;
  playButton.setAttribute('aria-pressed', 'true');
  playButton.querySelector('span').textContent = 'Stop';
  choose(index, from);
  playing = setTimeout(() => playOn(index), root.dataset.present === 'true' ? LECTURE_BEAT : BEAT);
}

// ---------------------------------------------------------------- one point, two windows

function drawView(figure, view, own) {
  const {boxes} = state.value, [top, left, bottom, right] = boxes[view.window], side = 420;
  make(figure, 'figcaption', '', `Window ${view.window + 1}${own ? ' (the ring\u2019s)' : ''}`);
  const canvas = make(figure, 'canvas'), box = [0, 0, side, Math.round(side * (bottom - top) / (right - left))];
  canvas.width = box[2]; canvas.height = box[3];
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', `Window ${view.window + 1} with its own attention; it says ${view.answers[0].name}`);
  const context = canvas.getContext('2d');
  drawWindow(context, view.window, unpackWeights(view), view.top, box);
  queryRing(context, ...center(box, view.token), 14);
  const list = make(figure, 'ol', 'av-answers');
  for (const {name, color, probability} of view.answers) {
    const line = make(list, 'li');
    make(line, 'i', 'av-chip').style.background = color;
    make(line, 'span', 'av-word', name);
    make(line, 'b', '', percent(probability));
    const bar = make(line, 'span', 'av-answer-bar'), fill = make(bar, 'i');
    fill.style.width = probability * 100 + '%'; fill.style.background = color;
  }
}

function drawViews(second = 1) {
  const {views, views_sentence} = state.value, pair = $('.av-pair'), others = $('.av-others');
  $('.av-views').hidden = !views_sentence;
  $('.av-views-sentence').textContent = views_sentence;
  pair.replaceChildren(); others.replaceChildren();
  if (views.length < 2) return;
  [0, second].forEach((index) => drawView(make(pair, 'figure', 'av-view'), views[index], index === 0));
  if (views.length < 3) return;
  others.append('Compare with ');
  views.slice(1).forEach((view, i) => {
    const button = make(others, 'button', 'av-button', `Window ${view.window + 1}: ${view.answers[0].name}`);
    button.type = 'button';
    button.setAttribute('aria-pressed', String(i + 1 === second));
    button.onclick = () => { drawViews(i + 1); others.children[i].focus(); };
  });
}

// ---------------------------------------------------------------- the value

function read() {
  const {grid, own} = state.value;
  $('.av-read').textContent = `Point ${state.point[0]}, ${state.point[1]} \u00b7 own window ${own + 1} of ${grid[0] * grid[1]}`;
}

async function set() {
  const value = props.value, mine = ++version;
  if (!value) {
    state = null; stop();
    $('.av-empty').textContent = props.empty;
    $('.av-empty').hidden = false; $('.av-body').hidden = true; root.dataset.ready = 'false';
    return;
  }
  if (!state) {
    $('.av-empty').textContent = 'The attention of this point comes with its photo.';
    $('.av-empty').hidden = false;
  }
  const image = await sharedPhoto(value.photo);
  if (mine !== version) return;  // a newer value is on its way
  state = {value, image, gray: dimmed(image), point: value.point, weights: value.panels.map(unpackWeights), levels: []};
  stop();
  $('.av-empty').hidden = true; $('.av-body').hidden = false;
  $('.av-sentence').textContent = value.sentence;
  state.tops = state.weights.map(brightest);
  ownBox.checked = !value.shared || Math.max(...state.tops) > OWN_SCALE * Math.min(...state.tops);
  noteScale();
  root.style.setProperty('--av-ratio', String(image.naturalWidth / image.naturalHeight));
  photo.dataset.point = value.point.join(',');
  read(); drawPanels(); drawCrops(); drawViews(); choose(Math.min(chosen, (chosen === Infinity ? steps() : value.panels.length) - 1));
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
root.addEventListener('keydown', (event) => {
  const step = Number(event.key) - 1;
  if (!state || !(step in state.value.panels)) return;
  stop(); choose(step, chosen);
});
heatBox.addEventListener('change', () => { if (state) drawPhoto(); });
ownBox.addEventListener('change', () => {
  if (!state) return;
  state.levels = [];
  noteScale(); drawPanels(); drawCrops(); choose(chosen);
});
playButton.addEventListener('click', () => playing ? stop() : state && play(0, chosen));
present(root, $('.av-present'), () => '1 to ' + (state?.value.panels.length ?? 4) + ' choose a step \u00b7 \u2192 next \u00b7 \u2190 back');
document.addEventListener('keydown', (event) => {
  const key = root.dataset.present === 'true' && state && lectureKey(event);
  if (!key) return;
  event.preventDefault(); event.stopPropagation();
  if (playing && key === 1) { clearTimeout(playing); return playOn(chosen); }
  const to = typeof key === 'string' ? Number(key) - 1 : chosen + key;
  if (to in state.value.panels) { stop(); choose(to, chosen); }
}, true);
// Hatching takes the theme's colors.
new MutationObserver(() => { if (state) { drawPanels(); choose(chosen); } }).observe(document.body, {attributeFilter: ['class']});
watch('value', set);
set();
