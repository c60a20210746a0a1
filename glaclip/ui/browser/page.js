() => {
  // What gradio's widgets leave to the page: sheets on a phone, ways to bring a photo, keys.
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

  // A photo from anywhere goes through the upload button's input: one way in, one check. What was
  // wrong with the last try is said until the next press.
  const note = (text) => { document.querySelector('#photo-note').textContent = text; };
  document.addEventListener('click', () => note(''), true);
  const bring = (file) => {
    const input = document.querySelector('#photo-row input[type=file]'), bag = new DataTransfer();
    bag.items.add(file);
    input.files = bag.files;
    note('');
    input.dispatchEvent(new Event('change', {bubbles: true}));
  };
  const photoOf = (data) => [...(data?.files ?? [])].find((file) => file.type.startsWith('image/'));
  document.addEventListener('paste', (event) => {
    const file = photoOf(event.clipboardData);
    if (file) { event.preventDefault(); bring(file); }
  });
  document.addEventListener('dragover', (event) => {
    if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
  });
  document.addEventListener('drop', (event) => {
    const file = photoOf(event.dataTransfer);
    if (!file || event.target.closest('#label-map')) return;
    event.preventDefault();
    bring(file);
  });
  on('click', '[data-photo="paste"]', async () => {
    try {
      for (const item of await navigator.clipboard.read()) {
        const type = item.types.find((name) => name.startsWith('image/'));
        if (type) return bring(new File([await item.getType(type)], 'pasted.png', {type}));
      }
      note('The clipboard holds no photo.');
    } catch {
      note('The browser does not let this page read the clipboard: press Ctrl+V instead.');
    }
  });
  on('click', '[data-photo="camera"]', async () => {
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({video: {facingMode: 'environment'}});
    } catch {
      return note('No camera can be used here.');
    }
    const dialog = document.querySelector('#camera'), video = dialog.querySelector('video');
    video.srcObject = stream;
    dialog.returnValue = '';
    dialog.showModal();
    dialog.onclose = () => {
      const canvas = document.createElement('canvas');
      canvas.width = video.videoWidth; canvas.height = video.videoHeight;
      canvas.getContext('2d').drawImage(video, 0, 0);
      stream.getTracks().forEach((track) => track.stop());
      if (dialog.returnValue === 'take') canvas.toBlob((blob) => bring(new File([blob], 'camera.png', {type: 'image/png'})));
    };
  });

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
  const name = () => {
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
}
