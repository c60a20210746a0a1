// Plays the ladder on the picture itself: presses its steps one after the other, as a person would.

const STEP_REST = 1600;  // milliseconds a result stays before the next step
const LECTURE_REST = 4000;  // or until a key, on a projector

// root.dataset.turn changes with each result; `button` says what pressing it does. Gives `play`.
function playSteps(root, button) {
  let playing = 0, goOn = () => {};
  const word = button.querySelector('span');
  const steps = () => [...document.querySelectorAll('#ladder input')];
  const presented = () => root.dataset.present === 'true';
  const rest = () => new Promise((done) => { goOn = done; setTimeout(done, presented() ? LECTURE_REST : STEP_REST); });
  const result = (before) => new Promise((done) => {
    const watcher = new MutationObserver(() => { if (root.dataset.turn !== before) { watcher.disconnect(); done(); } });
    watcher.observe(root, {attributeFilter: ['data-turn']});
    setTimeout(() => { watcher.disconnect(); done(); }, 20000);  // refused, or stopped
  });

  function show(on) {
    button.setAttribute('aria-pressed', String(on));
    word.textContent = on ? 'Stop playing' : playTitle(steps().length);
  }
  async function play() {
    const mine = ++playing;
    show(true);
    for (const [index, step] of steps().entries()) {
      if (!step.checked) {
        const shown = result(root.dataset.turn);
        step.click();
        await shown;
      }
      root.dataset.played = String(index);
      await rest();
      if (mine !== playing) return;
    }
    stop();
  }
  function stop() { playing++; show(false); }
  button.addEventListener('click', () => button.getAttribute('aria-pressed') === 'true' ? stop() : play());
  // On a projector digits choose a step, and arrows or a clicker go through them.
  document.addEventListener('keydown', (event) => {
    const key = presented() && lectureKey(event);
    if (!key) return;
    event.preventDefault(); event.stopPropagation();
    if (key === 1 && button.getAttribute('aria-pressed') === 'true') return goOn();
    stop();
    const now = steps().findIndex((step) => step.checked);
    steps()[typeof key === 'string' ? Number(key) - 1 : now + key]?.click();
  }, true);
  // The ladder may be mounted after this viewer.
  const offer = () => { button.hidden = !steps().length; if (!button.hidden) show(false); return !button.hidden; };
  const mounted = new MutationObserver(() => { if (offer()) mounted.disconnect(); });
  if (!offer()) mounted.observe(document.body, {childList: true, subtree: true});
  return play;
}
