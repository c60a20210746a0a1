// Plays the ladder on the picture itself: presses its steps one after the other, as a person would.

const STEP_REST = 1600;  // milliseconds a result stays before the next step

// root.dataset.turn changes with each result; `button` says what pressing it does.
function playSteps(root, button) {
  let playing = 0;
  const word = button.querySelector('span');
  const steps = () => [...document.querySelectorAll('#ladder input')];
  const rest = (time) => new Promise((done) => setTimeout(done, time));
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
      await rest(STEP_REST);
      if (mine !== playing) return;
    }
    stop();
  }
  function stop() { playing++; show(false); }
  button.addEventListener('click', () => button.getAttribute('aria-pressed') === 'true' ? stop() : play());
  // On a projector the digits choose a step.
  root.addEventListener('keydown', (event) => {
    const step = steps()[Number(event.key) - 1];
    if (!step || root.dataset.present !== 'true') return;
    stop();
    step.click();
  });
  // The ladder may be mounted after this viewer.
  const offer = () => { button.hidden = !steps().length; if (!button.hidden) show(false); return !button.hidden; };
  const mounted = new MutationObserver(() => { if (offer()) mounted.disconnect(); });
  if (!offer()) mounted.observe(document.body, {childList: true, subtree: true});
}
