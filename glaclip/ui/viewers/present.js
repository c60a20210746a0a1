// A viewer alone on the screen, for a projector: `present(root, button)`. Esc or the button leaves.

function present(root, button) {
  let on = false;
  function show(next) {
    if (next === on) return;
    on = next;
    root.dataset.present = String(on);
    button.setAttribute('aria-pressed', String(on));
    button.querySelector('span').textContent = on ? 'Leave' : 'Present';
    // The top layer lies above everything, whatever contains the viewer.
    root.popover = on ? 'manual' : null;
    if (on) {
      root.showPopover();
      document.documentElement.requestFullscreen?.().catch(() => {});  // the window serves where it is refused
    } else if (document.fullscreenElement) {
      document.exitFullscreen().catch(() => {});
    }
    window.dispatchEvent(new Event('resize'));
    button.focus({preventScroll: true});
  }
  button.addEventListener('click', () => show(!on));
  document.addEventListener('keydown', (event) => {
    if (!on || event.key !== 'Escape') return;
    event.preventDefault(); event.stopPropagation();
    show(false);
  }, true);
  document.addEventListener('fullscreenchange', () => { if (!document.fullscreenElement) show(false); });
}
