() => {
  // What a view looks like beside its settings: tab, lesson, whether it is presented, view mode, lines. It travels behind the link's
  // #, which no server reads. Each tab, lesson and presentation is a place of its own, and Back goes to the one before.
  const selected = () => ([...document.querySelectorAll('#tabs > .tabitem')].find((panel) => panel.offsetParent)?.id ?? '').replace(/^tab-/, '');
  const picked = () => ({
    tab: selected(),
    lesson: selected() === 'learn' ? document.querySelector('.lb-page')?.dataset.number ?? '' : '',
    present: document.querySelector('[data-present=true]') ? '1' : '',
    view: document.querySelector('.lv-mode[aria-pressed=true]')?.dataset.value ?? '',
    lines: [...document.querySelectorAll('.lv-toggle[aria-pressed=true]')].map((button) => button.dataset.value).join('+'),
  });
  // On a narrow screen some tabs are in a menu, where they have titles alone.
  const tabOf = (name) => document.getElementById(`tab-${name}-button`)
    ?? [...document.querySelectorAll('#tabs .overflow-dropdown button')].find((button) => button.textContent.trim() === TITLES[name]);
  const press = (button) => { if (button && button.getAttribute('aria-pressed') !== 'true') button.click(); };
  const find = (kind, value) => [...document.querySelectorAll(kind)].find((button) => button.dataset.value === value);
  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`glaclip:${name}`, {detail}));
  const placeOf = (hash) => { const query = new URLSearchParams(hash); return ['tab', 'lesson', 'present'].map((name) => query.get(name) ?? ''); };

  let usual, search = location.search;
  let awaited = null; // the place that is being opened: until it is there the address is not written
  for (const type of ['pointerdown', 'keydown']) document.addEventListener(type, () => { awaited = null; }, true);

  function goTo(hash) {
    awaited = String(placeOf(hash));
    const wanted = new URLSearchParams(hash), tab = wanted.get('tab') ?? usual.tab;
    if (!wanted.has('present')) tell('present', false);
    if (/^[a-z-]+$/.test(tab) && tab !== selected()) tabOf(tab)?.click();
    if (wanted.has('lesson')) tell('lesson', Number(wanted.get('lesson')));
    if (wanted.has('present')) setTimeout(() => tell('present', true), 300); // once its tab is there
    show();
  }
  function show() {
    const now = location.hash.slice(1), view = picked();
    if (!view.tab) return requestAnimationFrame(show); // between two tabs none is shown
    const hash = new URLSearchParams(Object.entries(view).filter(([name, value]) => value !== (usual[name] ?? ''))).toString();
    chip(view.tab);
    const [was, is] = [placeOf(now), placeOf(hash)];
    if (awaited !== null && String(is) !== awaited) return;
    awaited = null;
    if (hash === now) return;
    const moved = String(was) !== String(is) && (was[0] !== is[0] || was[2] !== is[2] || (was[1] && !is[2]));
    if (moved && was[2] && history.state?.before === String(is)) return history.back();
    const state = moved && !was[2] ? {before: String(was)} : history.state;
    history[moved && !was[2] ? 'pushState' : 'replaceState'](state, '', location.pathname + location.search + (hash ? '#' + hash : ''));
    tell('address');
  }
  // Settings stay as they are: going back is to another place of the page.
  window.addEventListener('popstate', () => {
    if (location.search !== search) history.replaceState(history.state, '', location.pathname + search + location.hash);
    goTo(location.hash.slice(1));
  });
  document.addEventListener('glaclip:address', () => { search = location.search; });

  // From what a lesson has opened back to the same place of it.
  let left = null;
  const toLesson = document.querySelector('#to-lesson');
  document.addEventListener('click', ({target}) => {
    if (target.closest?.('.lb-try')) left = {lesson: picked().lesson, top: scrollY};
    if (target.closest?.('#to-lesson')) {
      const {top} = left;
      tabOf('learn')?.click();
      requestAnimationFrame(() => requestAnimationFrame(() => scrollTo({top, behavior: 'instant'})));
    }
  }, true);
  function chip(tab) {
    if (tab === 'learn' && !toLesson.hidden) left = null;
    toLesson.hidden = !left || tab === 'learn';
    if (left) toLesson.textContent = `\u2190 Back to lesson ${left.lesson}`;
  }

  const ready = setInterval(() => {
    if (!document.querySelector('.lv[data-ready=true], .lv[data-lost=true]')) return;
    clearInterval(ready);
    usual = picked();
    const wanted = new URLSearchParams(location.hash.slice(1));
    if (wanted.has('view')) press(find('.lv-mode', wanted.get('view')));
    for (const line of (wanted.get('lines') ?? '').split('+')) press(find('.lv-toggle', line));
    goTo(location.hash.slice(1));
    new MutationObserver(show).observe(document.querySelector('#results'), {
      subtree: true, attributes: true, attributeFilter: ['aria-selected', 'aria-pressed', 'data-number', 'data-present'],
    });
  }, 100);
}
