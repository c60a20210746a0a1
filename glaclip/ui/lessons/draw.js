// What all figures share: elements, pictures, numbers. Only textContent ever takes words.
const figures = {};
const SVG = 'http://www.w3.org/2000/svg';
const whole = (number) => Math.round(number).toLocaleString('en-US');

function draw(parent, tag, attributes, text) {
  const child = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) child.setAttribute(name, value);
  if (text !== undefined) child.textContent = text;
  parent.append(child);
  return child;
}
function unpack({low, high, data}) {
  const view = new DataView(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)).buffer);
  return Float64Array.from({length: view.byteLength / 2}, (_, i) => low + view.getUint16(2 * i, true) * (high - low) / 65535);
}
function unpackBits(data, length) {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  return Array.from({length}, (_, i) => Boolean(bytes[i >> 3] >> (i & 7) & 1));
}
const loaded = new Map();
function picture(name) {
  if (!loaded.has(name)) loaded.set(name, (async () => {
    const image = new Image();
    image.src = book.pictures[name];
    await image.decode();
    return image;
  })());
  return loaded.get(name);
}
// Classes of a label picture: its gray is the class.
async function labelsOf(name) {
  const image = await picture(name), canvas = document.createElement('canvas');
  canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
  return {width: canvas.width, height: canvas.height, at: (x, y) => pixels[4 * (y * canvas.width + x)]};
}
const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
function colored(labels, colors, alpha, only) {
  const canvas = canvasOf(labels.width, labels.height);
  const context = canvas.getContext('2d'), data = context.createImageData(labels.width, labels.height);
  const table = colors.map(rgb);
  for (let y = 0, i = 0; y < labels.height; y++) for (let x = 0; x < labels.width; x++, i += 4) {
    const label = labels.at(x, y);
    data.data.set([...table[label], only === undefined || only === label ? alpha : 0], i);
  }
  context.putImageData(data, 0, 0);
  return canvas;
}
// A canvas as wide as its box, drawn in CSS pixels and sharp on any screen; redrawn on resize.
function surface(parent, className, ratio, paint) {
  const frame = make(parent, 'div', className), canvas = make(frame, 'canvas', 'lb-canvas');
  const context = canvas.getContext('2d');
  const redraw = () => {
    const wide = frame.clientWidth;
    if (!wide) return;
    const scale = Math.min(3, window.devicePixelRatio || 1), high = Math.round(wide * ratio);
    canvas.width = Math.round(wide * scale); canvas.height = Math.round(high * scale);
    canvas.style.height = high + 'px';
    context.setTransform(scale, 0, 0, scale, 0, 0);
    paint(context, wide, high, getComputedStyle(root));
  };
  watchSize(frame, redraw);
  return {canvas, frame, redraw};
}
// An SVG as wide as its box, so that its type keeps its size; redrawn on resize.
function chart(parent, label, height, paint) {
  const frame = make(parent, 'div', 'lb-chart'), image = draw(frame, 'svg', {role: 'img', 'aria-label': label});
  const redraw = () => {
    const wide = frame.clientWidth;
    if (!wide) return;
    image.setAttribute('width', wide); image.setAttribute('height', height); image.replaceChildren();
    paint(image, wide, height);
  };
  watchSize(frame, redraw);
  return {image, redraw};
}
const observers = new Set();
function watchSize(frame, redraw) {
  let last = 0;
  const observer = new ResizeObserver(() => { if (frame.clientWidth !== last) { last = frame.clientWidth; redraw(); } });
  observer.observe(frame);
  observers.add(observer);
}
function choices(parent, label, names, chosen, choose) {
  const group = make(parent, 'div', 'lb-choices');
  group.setAttribute('role', 'group'); group.setAttribute('aria-label', label);
  const mark = (index) => [...group.children].forEach((b, i) => b.setAttribute('aria-pressed', String(i === index)));
  names.forEach((name, index) => {
    const button = make(group, 'button', 'lb-choice', name);
    button.type = 'button';
    button.onclick = () => { mark(index); choose(index); };
  });
  mark(chosen);
  return mark;
}
function slider(parent, label, {min, max, step, value}, say, input) {
  const line = make(parent, 'label', 'lb-slider');
  make(line, 'span', 'lb-slider-name', label);
  const range = make(line, 'input');
  Object.assign(range, {type: 'range', min, max, step, value});
  range.dataset.default = value;
  const text = make(line, 'output', '', say(value));
  range.setAttribute('aria-valuetext', say(value));
  range.addEventListener('input', () => {
    text.textContent = say(Number(range.value));
    range.setAttribute('aria-valuetext', say(Number(range.value)));
    input(Number(range.value));
  });
  return range;
}
function legend(parent, names, colors) {
  const list = make(parent, 'ul', 'lb-legend');
  names.forEach((name, index) => {
    const entry = make(list, 'li');
    make(entry, 'i').style.background = colors[index];
    entry.append(name);
  });
  return list;
}
function token(data, index) {
  const size = data.key_grid[0] * data.key_grid[1], window = Math.floor(index / size), inside = index % size;
  const [top, left, bottom, right] = data.boxes[window], high = (bottom - top) / data.key_grid[0], wide = (right - left) / data.key_grid[1];
  return {window, x: left + (inside % data.key_grid[1]) * wide, y: top + Math.floor(inside / data.key_grid[1]) * high, wide, high};
}
const ratioOf = (data) => data.photo_size[0] / data.photo_size[1];
const describe = (canvas, text) => { canvas.setAttribute('role', 'img'); canvas.setAttribute('aria-label', text); };
// A place in photo pixels on a canvas of this size.
const onCanvas = (data, point, wide, high) => [(point[0] + .5) * wide / data.photo_size[1], (point[1] + .5) * high / data.photo_size[0]];
// Calls `paint` with each window's rectangle on the canvas: x, y, width, height, index.
function eachWindow(data, wide, high, paint) {
  const s = wide / data.working_size[1], t = high / data.working_size[0];
  data.boxes.forEach(([top, left, bottom, right], index) => paint(left * s, top * t, (right - left) * s, (bottom - top) * t, index));
}
function frameWindows(g, data, wide, high, marked) {
  for (const teal of [false, true]) eachWindow(data, wide, high, (x, y, w, h, index) => {
    if (marked(index) !== teal) return;
    g.lineWidth = teal ? 2.5 : 1; g.strokeStyle = teal ? TEAL : 'rgba(255, 255, 255, .55)';
    g.strokeRect(x + g.lineWidth / 2 + .5, y + g.lineWidth / 2 + .5, w - g.lineWidth - 1, h - g.lineWidth - 1);
  });
}
const holds = ([top, left, bottom, right], [x, y]) => left <= x && x < right && top <= y && y < bottom;
// A window's part of the photo, with a star where the place (in working pixels) lies in it.
function cropTile(parent, data, image, index, place, caption, cover) {
  const [top, left, bottom, right] = data.boxes[index], item = make(parent, 'figure', 'lb-crop'), canvas = make(item, 'canvas');
  canvas.width = canvas.height = 224;
  const g = canvas.getContext('2d'), s = image.naturalWidth / data.working_size[1], t = image.naturalHeight / data.working_size[0];
  g.drawImage(image, left * s, top * t, (right - left) * s, (bottom - top) * t, 0, 0, 224, 224);
  if (cover) g.drawImage(cover, 0, 0, 224, 224);
  if (place) star(g, (place[0] - left) / (right - left) * 224, (place[1] - top) / (bottom - top) * 224, 15);
  canvas.setAttribute('aria-hidden', 'true');
  make(item, 'figcaption', '', caption);
}
// Makes a photo's canvas answer to mouse, finger and arrow keys with a place in working pixels.
function aimAt(canvas, data, place, move) {
  const [height, width] = data.working_size;
  const go = (x, y) => { place = [Math.max(0, Math.min(width - 1, x)), Math.max(0, Math.min(height - 1, y))]; move(place); };
  const aim = (event) => {
    const r = canvas.getBoundingClientRect();
    go((event.clientX - r.left) / r.width * width, (event.clientY - r.top) / r.height * height);
  };
  canvas.tabIndex = 0; canvas.classList.add('lb-aim');
  canvas.setAttribute('role', 'application'); canvas.setAttribute('aria-label', data.alt + ' Arrow keys move the place.');
  canvas.addEventListener('pointermove', (event) => { if (event.pointerType === 'mouse' || event.buttons) aim(event); });
  canvas.addEventListener('click', aim);
  canvas.addEventListener('keydown', (event) => {
    const way = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
    if (!way) return;
    event.preventDefault(); event.stopPropagation();
    go(place[0] + way[0] * 16, place[1] + way[1] * 16);
  });
}
// Lines of a label map of this size, drawn with `style`; pairs across them that differ, in yellow.
function ruleLines(g, lines, size, wide, high, color, dash) {
  g.lineWidth = 1; g.strokeStyle = color; g.setLineDash(dash); g.beginPath();
  for (const line of lines.columns) { g.moveTo(line * wide / size[1], 0); g.lineTo(line * wide / size[1], high); }
  for (const line of lines.rows) { g.moveTo(0, line * high / size[0]); g.lineTo(wide, line * high / size[0]); }
  g.stroke(); g.setLineDash([]);
}
const apart = (map, kind, line, i) => kind === 'columns' ? map.at(line - 1, i) !== map.at(line, i) : map.at(i, line - 1) !== map.at(i, line);
function markSeams(g, map, lines, wide, high) {
  const s = wide / map.width, t = high / map.height;
  for (const [color, half] of [['#101216', 4], [YELLOW, 2.5]]) {
    g.fillStyle = color;
    for (const kind of ['columns', 'rows']) for (const line of lines[kind]) {
      const end = kind === 'columns' ? map.height : map.width;
      for (let i = 0; i < end; i++) if (apart(map, kind, line, i)) kind === 'columns' ? g.fillRect(line * s - half, i * t, 2 * half, Math.max(1, t)) : g.fillRect(i * s, line * t - half, Math.max(1, s), 2 * half);
    }
  }
}
function tableOf(parent, titles, names) {
  const table = make(parent, 'table', 'lb-table'), head = make(make(table, 'thead'), 'tr'), body = make(table, 'tbody');
  titles.forEach((text) => make(head, text ? 'th' : 'td', '', text).scope = 'col');
  return names.map((name) => { const row = make(body, 'tr'); make(row, 'th', '', name).scope = 'row'; return titles.slice(1).map(() => make(row, 'td')); });
}
// Labels of one photo by several methods, beside where windows contradict each other, and a table.
async function labeled(box, data) {
  const image = await picture(data.photo), maps = await Promise.all(data.labels.map(labelsOf)), apart = await Promise.all(data.apart.map(labelsOf));
  const overlays = maps.map((map) => colored(map, data.colors, 135)), marks = apart.map((map) => colored(map, ['#000000', YELLOW], 190, 1));
  let shown = 0;
  choices(make(box, 'div', 'lb-bar'), 'Step', data.names, 0, (index) => { shown = index; update(); });
  const pair = make(box, 'div', 'lb-pair lb-even');
  const [photo, places] = ['Labels', 'Contradictions'].map((title, index) => {
    const item = make(pair, 'figure', ratioOf(data) > 1 ? 'lb-upright' : ''), drawn = surface(item, 'lb-frame', ratioOf(data), (g, wide, high) => {
      g.drawImage(image, 0, 0, wide, high);
      if (index) { g.fillStyle = 'rgba(10, 14, 22, .45)'; g.fillRect(0, 0, wide, high); }
      g.drawImage((index ? marks : overlays)[shown], 0, 0, wide, high);
      ruleLines(g, data.edges, data.working_size, wide, high, index ? 'rgba(255, 255, 255, .4)' : 'rgba(16, 18, 22, .55)', []);
      if (!index) markSeams(g, maps[shown], data.edges, wide, high);
    });
    make(item, 'figcaption', 'lb-caption', title);
    return drawn;
  });
  legend(box, data.classes, data.colors);
  make(box, 'h4', '', data.table);
  const rows = tableOf(box, ['', ...data.columns], data.names);
  data.cells.forEach((row, index) => row.forEach((text, column) => { rows[index][column].textContent = text; }));
  function update() {
    photo.redraw(); places.redraw();
    rows.forEach((cells, row) => cells[0].parentElement.classList.toggle('lb-now', row === shown));
    const said = data.columns.map((title, column) => `${title} ${data.cells[shown][column]}`).join(', ');
    describe(photo.canvas, `${data.alt} Labels, ${data.names[shown]}: ${said}.`);
    describe(places.canvas, `Where windows contradict each other, ${data.names[shown]}.`);
  }
  update();
}
