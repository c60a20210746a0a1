() => {
  // What gradio's widgets leave to the page: sheets on a phone, refusals, keys.
  const on = (type, selector, act, capture = false) =>
    document.addEventListener(type, (event) => {
      const found = event.target instanceof Element && event.target.closest(selector);
      if (found) act(event, found);
    }, capture);

  // Sheets: one at a time, closed by its button, by Escape and by a press beside it.
  const layout = () => document.querySelector('#layout');
  const open = (name) => {
    layout().dataset.sheet = name;
    if (name === 'advanced-group') document.querySelector('#advanced > button.label-wrap:not(.open)')?.click();
    for (const button of document.querySelectorAll('[data-sheet][aria-expanded]'))
      button.setAttribute('aria-expanded', String(button.dataset.sheet === name));
  };
  on('click', 'button[data-sheet]', (event, button) => open(layout().dataset.sheet === button.dataset.sheet ? '' : button.dataset.sheet));
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') open(''); });
  document.addEventListener('pointerdown', (event) => {
    if (layout().dataset.sheet && !event.target.closest('.sheet, #method, [role=listbox], .toast-wrap')) open('');
  });

  // A refusal stands beside what it is about, or in the sheet that covers the status line.
  const refuse = () => {
    const problem = document.querySelector('#status .problem[role=alert]'), narrow = matchMedia('(max-width: 899px)').matches;
    const place = document.getElementById(narrow ? layout().dataset.sheet : problem?.dataset.about);
    let copy = document.querySelector('#refusal');
    if (!problem || !place) return copy?.remove();
    if (copy?.textContent === problem.textContent && copy.parentElement === place) return;
    copy ??= Object.assign(document.createElement('p'), {id: 'refusal'});
    copy.textContent = problem.textContent;
    place.prepend(copy);
    copy.scrollIntoView({block: 'nearest'});
  };
  const watch = (selector, options) => new MutationObserver(refuse).observe(document.querySelector(selector), options);
  watch('#status', {childList: true, subtree: true});
  watch('#layout', {attributeFilter: ['data-sheet']});

  // Words: a comma ends one, and pasted lines are words too; an input of one line would join them.
  const enter = (input) => input.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', code: 'Enter', bubbles: true, cancelable: true}));
  on('keydown', '#words input', (event, input) => {
    if (event.key !== ',') return;
    event.preventDefault();
    if (input.value.trim()) enter(input);
  });
  on('paste', '#words input', (event, input) => {
    const text = event.clipboardData.getData('text/plain');
    if (!/[\r\n,]/.test(text)) return;
    event.preventDefault();
    document.execCommand('insertText', false, text.replace(/\s*[\r\n]+\s*/g, ', '));
    setTimeout(() => enter(input));
  });

  // A list of choices would cover the page for everyone who walks by with the Tab key; arrows open it.
  let walking = false;
  document.addEventListener('keydown', (event) => { walking = event.key === 'Tab'; }, true);
  document.addEventListener('pointerdown', () => { walking = false; }, true);
  document.addEventListener('focus', (event) => {
    if (walking && event.target.matches?.('#controls [role=combobox]:not(#words *)')) event.stopImmediatePropagation();
  }, true);

  // A window's picture, which has little room among the others, on a screen of its own.
  on('click', '.films .larger', (event, button) => {
    const dialog = Object.assign(document.createElement('dialog'), {id: 'larger'}), picture = button.firstElementChild;
    const close = Object.assign(document.createElement('button'), {type: 'button', textContent: 'Close'});
    const shown = Object.assign(new Image(), {src: picture.src, alt: picture.alt});
    const name = Object.assign(document.createElement('p'), {textContent: picture.alt});
    close.onclick = () => dialog.close();
    dialog.onclick = (press) => { if (press.target === dialog) dialog.close(); };
    dialog.onclose = () => { dialog.remove(); button.focus(); };
    dialog.setAttribute('aria-label', picture.alt);
    dialog.append(shown, name, close);
    document.querySelector('.gradio-container').append(dialog);
    dialog.showModal();
  });

  // Past photo, words and tabs to what the open tab shows; an address with "#" would scroll there.
  on('click', '.skip', (event) => {
    event.preventDefault();
    const shown = [...document.querySelectorAll('#tabs > .tabitem')].find((panel) => panel.offsetParent);
    shown.tabIndex = -1;
    shown.focus({preventScroll: true});
  });

  // Number boxes take their value when they lose the focus; Enter means the same.
  on('keydown', '.sheet input[type=number]', (event, input) => {
    if (event.key !== 'Enter') return;
    input.blur();
    input.focus();
  });

  // Names that gradio's widgets do not give: what a cross removes, and which help a switch has.
  // Each of its radio buttons is a group of its own (Gradio 6.31.0): one name makes them one, with
  // one stop of the Tab key and arrows between them. Needless once they share a name by themselves.
  const name = () => {
    for (const button of document.querySelectorAll('.block[id] input[type=radio]')) {
      const group = button.closest('.block[id]').id;
      if (button.name !== group) button.name = group;
    }
    for (const cross of document.querySelectorAll('#words .token-remove')) {
      const label = 'Remove ' + (cross.closest('.token')?.querySelector('span')?.textContent.trim() || 'all words');
      if (cross.title !== label) cross.title = label;
      cross.setAttribute('aria-label', label);
    }
    for (const help of document.querySelectorAll('.block > .info-text')) {
      const block = help.parentElement, input = block.querySelector('input');
      help.id ||= block.id + '-help';
      input?.setAttribute('aria-describedby', help.id);
    }
  };
  new MutationObserver(name).observe(document.querySelector('#layout'), {childList: true, subtree: true});
  name();
  // A list's name may be longer than its field, and a choice changes no node that could be watched.
  document.addEventListener('pointerover', ({target}) => { if (target.matches('#preset input')) target.title = target.value; });
}
