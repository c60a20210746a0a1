() => {
  // What a view looks like beside its settings: tab, view mode, lines. It travels behind the link's #, which no server reads.
  const picked = () => ({
    tab: ([...document.querySelectorAll('#tabs > .tabitem')].find((panel) => panel.offsetParent)?.id ?? '').replace(/^tab-/, ''),
    view: document.querySelector('.lv-mode[aria-pressed=true]')?.dataset.value ?? '',
    lines: [...document.querySelectorAll('.lv-toggle[aria-pressed=true]')].map((button) => button.dataset.value).join('+'),
  });
  // On a narrow screen some tabs are in a menu, where they have titles alone.
  const tabOf = (name) => document.getElementById(`tab-${name}-button`)
    ?? [...document.querySelectorAll('#tabs .overflow-dropdown button')].find((button) => button.textContent.trim() === TITLES[name]);
  const press = (button) => { if (button && button.getAttribute('aria-pressed') !== 'true') button.click(); };
  const find = (kind, value) => [...document.querySelectorAll(kind)].find((button) => button.dataset.value === value);

  function open(usual) {
    const wanted = new URLSearchParams(location.hash.slice(1));
    if (wanted.has('view')) press(find('.lv-mode', wanted.get('view')));
    for (const line of (wanted.get('lines') ?? '').split('+')) press(find('.lv-toggle', line));
    if (/^[a-z-]+$/.test(wanted.get('tab') ?? '')) tabOf(wanted.get('tab'))?.click();
    new MutationObserver(() => show(usual)).observe(document.querySelector('#results'), {
      subtree: true, attributes: true, attributeFilter: ['aria-selected', 'aria-pressed'],
    });
  }
  function show(usual) {
    const differs = Object.entries(picked()).filter(([name, value]) => value !== usual[name]);
    const hash = new URLSearchParams(differs).toString();
    if (hash !== location.hash.slice(1)) history.replaceState({}, '', location.pathname + location.search + (hash ? '#' + hash : ''));
  }
  const ready = setInterval(() => {
    if (!document.querySelector('.lv[data-ready=true]')) return;
    clearInterval(ready);
    open(picked());
  }, 100);
}
