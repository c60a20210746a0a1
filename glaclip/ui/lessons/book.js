// The book: a list of lessons, one lesson a screen, "Try it" as a select event.
let book = null, current = 0, version = 0;
let live = null, asks = 0;  // hears what the page's own model says to the lesson that is open
let part = 0;  // of a lecture: a paragraph of the lesson, or last its formulas
const root = element.querySelector('.lb'), list = element.querySelector('.lb-list'), page = element.querySelector('.lb-page');
const RAISED = /([_^])\{([^{}]*)\}/g;
// `_{...}` is lowered and `^{...}` raised.
function rich(parent, text) {
  let done = 0;
  for (const match of text.matchAll(RAISED)) {
    parent.append(text.slice(done, match.index));
    make(parent, match[1] === '_' ? 'sub' : 'sup', '', match[2]);
    done = match.index + match[0].length;
  }
  parent.append(text.slice(done));
}
function button(parent, className, text, action) {
  const child = make(parent, 'button', className, text);
  child.type = 'button';
  child.onclick = action;
  return child;
}
async function open(index, focus) {
  const mine = ++version, lesson = book.lessons[index], count = book.lessons.length;
  current = index; part = 0; live = null;
  for (const observer of observers) observer.disconnect();
  observers.clear();
  [...list.children].forEach((item, i) => i === index ? item.firstChild.setAttribute('aria-current', 'step') : item.firstChild.removeAttribute('aria-current'));
  page.replaceChildren();
  page.dataset.lesson = lesson.slug; page.dataset.ready = 'false';
  const words = make(page, 'div', 'lb-words');
  make(words, 'p', 'lb-count', `Lesson ${index + 1} of ${count}`);
  const heading = make(words, 'h2', '', lesson.title);
  heading.tabIndex = -1;
  for (const paragraph of lesson.text) make(words, 'p', '', paragraph);
  const side = make(page, 'div', 'lb-side'), figure = make(side, 'section', 'lb-figure');
  figure.setAttribute('aria-label', 'Figure: ' + lesson.title);
  make(side, 'p', 'lb-note', lesson.note);
  const formulas = make(side, 'div', 'lb-formulas');
  for (const formula of lesson.formulas) rich(make(formulas, 'p', 'lb-formula'), formula);
  const symbols = make(formulas, 'dl');
  for (const [symbol, meaning] of lesson.symbols) {
    const entry = make(symbols, 'div');
    rich(make(entry, 'dt'), symbol); rich(make(entry, 'dd'), meaning);
  }
  const foot = make(page, 'div', 'lb-foot');
  const back = button(foot, 'lb-step', '\u2190 Previous', () => open(current - 1, true));
  back.disabled = index === 0;
  const go = button(foot, 'lb-try', '', () => trigger('select', {index, value: lesson.slug, selected: true}));
  make(go, 'b', '', 'Try it'); make(go, 'span', '', lesson.try_label);
  button(foot, 'lb-step', 'Save as slide', slide);
  const forth = button(foot, 'lb-step', 'Next \u2192', () => open(current + 1, true));
  forth.disabled = index === count - 1;
  if (focus) {
    heading.focus({preventScroll: true});
    if (root.getBoundingClientRect().top < 0) root.scrollIntoView({block: 'start'});
  }
  // Below the figure, unless the page gets clearly shorter with them below the words.
  const settle = () => {
    if (presented()) return lecture();
    words.append(formulas);
    const below = page.offsetHeight;
    side.append(formulas);
    if (side.offsetLeft > words.offsetLeft + 10 && page.offsetHeight - below > 60) words.append(formulas);
  };
  page.dataset.number = String(index + 1);
  await figures[lesson.slug](figure, lesson.figure);
  if (mine !== version) return;
  watchSize(page, settle);
  settle();
  await fit();
  if (mine !== version) return;
  page.dataset.ready = 'true';
  if (lesson.live) ask();
}
// The answer bears the turn: the same words said twice are two answers.
const ask = (forced = false) => trigger('ask', {index: current, value: book.lessons[current].slug, forced, turn: ++asks});
async function hear() {
  if (!live || props.live?.turn !== asks) return;
  live(props.live);
  await Promise.all([...page.querySelectorAll('.lb-figure img')].map((image) => image.decode().catch(() => {})));
  fit();
}

// ---------------------------------------------------------------- a lecture
// One paragraph at a time in large type beside the figure, and the formulas last; nothing scrolls.

const presented = () => root.dataset.present === 'true';
const parts = () => [...page.querySelectorAll('.lb-words > p:not(.lb-count), .lb-formulas')];
const frames = (count) => new Promise((done) => { const next = () => count-- ? requestAnimationFrame(next) : done(); next(); });

function lecture() {
  const words = page.querySelector('.lb-words'), formulas = page.querySelector('.lb-formulas');
  if (formulas.parentElement !== words) words.append(formulas);
  parts().forEach((each, index) => each.classList.toggle('lb-now', index === part));
  // As large as the words' place takes; the formulas' list alone may get smaller than the lecture's type.
  const set = (size) => { words.style.fontSize = `calc(var(--lb-lecture) * ${size})`; return words.scrollHeight <= words.clientHeight + 1; };
  const largest = [1.45, 1.35, 1.25, 1.15, 1.08, 1].find(set);
  if (!largest) for (let size = 0.95; size > 0.6 && !set(size);) size -= 0.05;
  write();
}
// What digits choose in the figure: its first group of buttons, or the few steps of its slider.
function figureSteps() {
  const group = page.querySelector('.lb-figure .lb-choices'), range = page.querySelector('.lb-figure input[type=range]');
  if (group) return [...group.children].map((each) => ({name: each.textContent, go: () => each.click()}));
  const count = range ? (range.max - range.min) / range.step + 1 : 0;
  if (count < 2 || count > 9) return [];
  return Array.from({length: count}, (_, at) => ({name: '', go() { range.value = Number(range.min) + at * range.step; range.dispatchEvent(new Event('input')); }}));
}
function keysLine() {
  const steps = figureSteps(), named = steps.every(({name}) => name);
  const digits = named ? steps.map(({name}, at) => `${at + 1} ${name}`).join(' \u00b7 ') : `1 to ${steps.length} choose a step of the figure`;
  return `Lesson ${current + 1} of ${book?.lessons.length}, ${part + 1} of ${parts().length} \u00b7 \u2192 goes on \u00b7 \u2190 back \u00b7 Shift \u2192 next lesson${steps.length ? ' \u00b7 ' + digits : ''}`;
}
let fitting = 0;
// The figure's type as large as its place takes; pictures, and they alone, give way to it by half.
async function fit() {
  const mine = ++fitting, figure = page.querySelector('.lb-figure'), side = page.querySelector('.lb-side');
  const lay = async (zoom, share) => {
    Object.assign(figure.style, {width: `${side.clientWidth / zoom}px`, transform: `scale(${zoom})`});
    figure.style.setProperty('--lb-share', share);
    await frames(2);
    return mine !== fitting || figure.offsetHeight * zoom <= side.clientHeight;
  };
  if (!presented() || innerWidth < 760) return Object.assign(figure.style, {width: '', transform: ''});
  for (const zoom of [1.9, 1.7, 1.55, 1.4, 1.25, 1.1, 0.95, 0.8, 0.6].map((each) => each * innerWidth / 1920)) {
    if (await lay(zoom, 1)) return;
    let [low, high] = [zoom > 0.6 * innerWidth / 1920 ? 0.45 : 0.2, 1];
    if (!await lay(zoom, low)) continue;
    for (let turn = 0; turn < 5; turn++) {
      const middle = (low + high) / 2;
      if (await lay(zoom, middle)) low = middle; else high = middle;
    }
    return lay(zoom, low);
  }
}
async function goOn(way) {
  const to = part + way;
  if (to in parts()) { part = to; return lecture(); }
  if (!(current + way in book.lessons)) return;
  await open(current + way, false);
  if (way < 0) { part = parts().length - 1; lecture(); }
}
const write = present(root, element.querySelector('.lb-present'), keysLine);
root.addEventListener('present', () => { if (book) open(current, false); });
document.addEventListener('keydown', (event) => {
  const key = presented() && book && lectureKey(event);
  if (!key) return;
  event.preventDefault(); event.stopPropagation();
  if (typeof key === 'string') figureSteps()[Number(key) - 1]?.go();
  else if (!event.shiftKey) goOn(key);
  else if (current + key in book.lessons) open(current + key, false);
}, true);
window.addEventListener('resize', () => { if (presented() && book) fit(); });

// The lesson that an address names, see link.js.
let named = Number(new URLSearchParams(location.hash.slice(1)).get('lesson')) || 0;
document.addEventListener('glaclip:lesson', ({detail}) => {
  named = detail;
  if (book && named !== current + 1 && named - 1 in book.lessons) open(named - 1, false);
});

list.addEventListener('keydown', (event) => {
  const last = book.lessons.length - 1;
  const to = {ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: last}[event.key];
  if (to === undefined) return;
  event.preventDefault();
  open(Math.max(0, Math.min(last, to)), false);
  list.children[current].firstChild.focus();
});
function set() {
  book = props.value?.lessons ? props.value : null;
  root.dataset.ready = String(Boolean(book));
  element.querySelector('.lb-empty').hidden = Boolean(props.value);
  element.querySelector('.lb-later').hidden = !props.value?.later;
  element.querySelector('.lb-body').hidden = !book;
  if (!book) return;
  loaded.clear();
  element.querySelector('.lb-source').textContent = `All numbers and pictures in these lessons were computed with ${book.backbone}. With other backbones they differ.`;
  list.replaceChildren();
  book.lessons.forEach((lesson, index) => {
    const item = make(list, 'li'), link = button(item, 'lb-link', '', () => open(index, false));
    make(link, 'i', '', String(index + 1)); make(link, 'span', '', lesson.short);
    link.title = `Lesson ${index + 1}: ${lesson.title}`;
  });
  if (named - 1 in book.lessons) current = named - 1;
  open(Math.min(current, book.lessons.length - 1), false);
}
watch('live', hear);
watch('value', set);
set();
