// The book: a list of lessons, one lesson a screen, "Try it" as a select event.
let book = null, current = 0, version = 0;
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
  current = index;
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
    words.append(formulas);
    const below = page.offsetHeight;
    side.append(formulas);
    if (side.offsetLeft > words.offsetLeft + 10 && page.offsetHeight - below > 60) words.append(formulas);
  };
  await figures[lesson.slug](figure, lesson.figure);
  if (mine !== version) return;
  watchSize(page, settle);
  settle();
  page.dataset.ready = 'true';
}
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
    link.setAttribute('aria-label', `Lesson ${index + 1}: ${lesson.title}`);
  });
  open(Math.min(current, book.lessons.length - 1), false);
}
watch('value', set);
set();
