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
    for (const button of document.querySelectorAll('[data-sheet][aria-expanded]'))
      button.setAttribute('aria-expanded', String(button.dataset.sheet === name));
  };
  on('click', 'button[data-sheet]', (event, button) => open(layout().dataset.sheet === button.dataset.sheet ? '' : button.dataset.sheet));
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') open(''); });
  document.addEventListener('pointerdown', (event) => {
    if (layout().dataset.sheet && !event.target.closest('.sheet, #method, .options, .toast-wrap')) open('');
  });
}
