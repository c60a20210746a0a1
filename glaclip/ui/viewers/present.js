// A viewer alone on the screen, for a projector: `present(root, button, line)`. Esc or the button
// leaves. Below it a line says what the keys do, and a code brings phones to the same place.

function present(root, button, line) {
  let on = false;
  const foot = make(root, 'div', 'present-foot');
  foot.hidden = true;
  const said = make(foot, 'p', 'present-line'), code = make(foot, 'img', 'present-code');
  code.alt = 'This place as a QR code';
  // Phones open the place, not the lecture.
  function place() {
    const to = new URL(location), hash = new URLSearchParams(to.hash.slice(1));
    hash.delete('present');
    to.hash = hash.toString();
    return to;
  }
  function write() {
    if (!on) return;
    const to = place(), own = /^(localhost|127\.|\[::1\])/.test(to.hostname);
    said.textContent = line() + (own ? ' Phones cannot open this computer\u2019s own address: start the page with --host 0.0.0.0.' : '');
    const url = `qr.svg?to=${encodeURIComponent(to)}`;
    if (code.getAttribute('src') !== url) code.src = url;
  }
  function show(next) {
    if (next === on) return;
    on = next;
    root.dataset.present = String(on);
    button.setAttribute('aria-pressed', String(on));
    button.querySelector('span').textContent = on ? 'Leave' : 'Present';
    foot.hidden = !on;
    // The top layer lies above everything, whatever contains the viewer.
    root.popover = on ? 'manual' : null;
    if (on) {
      root.showPopover();
      document.documentElement.requestFullscreen?.().catch(() => {});  // the window serves where it is refused
    } else if (document.fullscreenElement) {
      document.exitFullscreen().catch(() => {});
    }
    write();
    window.dispatchEvent(new Event('resize'));
    root.dispatchEvent(new Event('present'));
    button.focus({preventScroll: true});
  }
  button.addEventListener('click', () => show(!on));
  document.addEventListener('keydown', (event) => {
    if (!on || event.key !== 'Escape') return;
    event.preventDefault(); event.stopPropagation();
    show(false);
  }, true);
  document.addEventListener('fullscreenchange', () => { if (!document.fullscreenElement) show(false); });
  // An address that is opened or gone back to says whether its tab is presented.
  document.addEventListener('glaclip:present', ({detail}) => {
    if (!detail) show(false); else if (root.getClientRects().length) show(true);
  });
  document.addEventListener('glaclip:address', write);
  return write;
}

// What a key means to a lecture: 1 goes on, -1 goes back, a digit (as text) chooses; clickers send page keys.
function lectureKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return 0;
  const inField = event.target.matches?.('input, select, textarea, [role=slider]');
  const way = {PageDown: 1, PageUp: -1, ...(inField ? {} : {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1})}[event.key];
  return way ?? (!inField && /^[1-9]$/.test(event.key) ? event.key : 0);
}
