// One photo by several methods, with one pointer and one zoom for all.
// Everything a person may have typed (words, names) is placed with textContent only.
const root = element.querySelector('.mv');
const find = (selector) => root.querySelector(selector);
const OPACITY = 0.62, STEPS = 40; // arrow presses across the width
let turn = 0, data = null, frames = [], zoom = null, at = null;

function picture(photo, labels, [height, width], colors) {
  const canvas = canvasOf(width, height), context = canvas.getContext('2d');
  context.drawImage(photo, 0, 0, width, height);
  const image = context.getImageData(0, 0, width, height);
  for (let i = 0; i < labels.length; i++) {
    const color = colors[labels[i]];
    for (let c = 0; c < 3; c++) image.data[4 * i + c] += OPACITY * (color[c] - image.data[4 * i + c]);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

async function receive() {
  const mine = ++turn, value = props.value ? JSON.parse(JSON.stringify(props.value)) : null;
  if (!value?.photo_name) return showEmpty();
  const [height, width] = value.size;
  const [photo, ...maps] = await Promise.all([
    heldPhoto(value.photo_name) ?? sharedPhoto(value.photo_name), ...value.methods.map(({labels}) => loadImage(labels)),
  ]);
  if (mine !== turn || !root.isConnected) return;
  data = {...value, labels: maps.map((map) => readLabels(map, width, height, value.wide))};
  const colors = value.classes.map(({color}) => rgbOf(color));
  at = null;
  find('.mv-read').textContent = 'Point at a picture to read all of them.';
  find('.mv-empty').hidden = true;
  find('.mv-body').hidden = false;
  find('.mv-grid').replaceChildren();
  frames = data.methods.map((method, index) => frameOf(method, picture(photo, data.labels[index], value.size, colors)));
  zoom = linkedZoom(frames, mark);
  const used = new Set(data.labels.flatMap((labels) => [...new Set(labels)]));
  find('.mv-legend').replaceChildren(...[...used].sort((a, b) => a - b).map((label) => {
    const item = make(null, 'li');
    make(item, 'i').style.background = data.classes[label].color;
    make(item, 'span', '', data.classes[label].name);
    return item;
  }));
  root.dataset.ready = 'true';
  root.dataset.turn = String(turn);
}

function frameOf({title, note}, canvas) {
  const figure = make(find('.mv-grid'), 'figure', 'mv-method');
  make(figure, 'h2', '', title);
  make(figure, 'p', 'mv-note', note);
  const node = make(figure, 'div', 'mv-frame');
  node.style.aspectRatio = `${data.size[1]} / ${data.size[0]}`;
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'application');
  canvas.setAttribute('aria-label', `${title}: segmented photo. Arrow keys move the point in all pictures.`);
  node.append(canvas);
  const dot = make(node, 'span', 'mv-mark'), word = make(node, 'span', 'mv-word');
  dot.hidden = word.hidden = true;
  const frame = {node, layers: [canvas], dot, word};
  node.addEventListener('pointermove', (event) => {
    const box = canvas.getBoundingClientRect();
    point([(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
  });
  node.addEventListener('pointerleave', (event) => { if (event.pointerType === 'mouse') point(null); });
  canvas.addEventListener('keydown', (event) => {
    const step = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
    if (!step) return;
    event.preventDefault();
    const [x, y] = at ?? [0.5, 0.5];
    point([x + step[0] / STEPS, y + step[1] / STEPS * data.size[1] / data.size[0]]);
  });
  return frame;
}

// A place in shares of the picture, or none.
function point(place) {
  at = place && place.map((share) => Math.min(0.9999, Math.max(0, share)));
  mark();
}

function mark() {
  const said = frames.map(({node, layers, dot, word}, index) => {
    dot.hidden = word.hidden = !at;
    if (!at) return '';
    const [height, width] = data.size;
    const label = data.labels[index][Math.floor(at[1] * height) * width + Math.floor(at[0] * width)];
    const outer = node.getBoundingClientRect(), inner = layers[0].getBoundingClientRect();
    dot.style.left = inner.left - outer.left + at[0] * inner.width + 'px';
    dot.style.top = inner.top - outer.top + at[1] * inner.height + 'px';
    word.textContent = data.classes[label].name;
    return `${data.methods[index].title}: ${data.classes[label].name}`;
  });
  if (at) find('.mv-read').textContent = new Set(said.map((text) => text.split(': ').pop())).size === 1 ? `All say ${said[0].split(': ').pop()}` : said.join(' · ');
}

function showEmpty() {
  data = null;
  find('.mv-empty').textContent = props.empty || '';
  find('.mv-empty').hidden = false;
  find('.mv-body').hidden = true;
  root.dataset.ready = 'empty';
}

find('.mv-in').addEventListener('click', () => zoom?.by(1.4));
find('.mv-out').addEventListener('click', () => zoom?.by(1 / 1.4));
find('.mv-whole').addEventListener('click', () => zoom?.reset());
watch('value', receive);
receive();
