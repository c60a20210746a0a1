// A viewer alone on the screen, for a projector: `present(root, button, line)`. Esc or the button
// leaves. Below it a line says what the keys do, and a code brings phones to the same place; the
// key Q, or a press, makes the code large enough for the last row.

function present(root, button, line) {
  let on = false;
  const foot = make(root, 'div', 'present-foot'), home = document.createComment('');
  foot.hidden = true;
  button.before(home);
  const said = make(foot, 'p', 'present-line'), large = make(foot, 'button', 'present-large'), code = make(large, 'img', 'present-code');
  large.type = 'button';
  large.setAttribute('aria-label', 'Makes the QR code of this place large or small');
  large.setAttribute('aria-pressed', 'false');
  code.alt = 'This place as a QR code';
  make(large, 'span', 'present-address');
  const enlarge = (next) => large.setAttribute('aria-pressed', String(next));
  const enlarged = () => large.getAttribute('aria-pressed') === 'true';
  large.addEventListener('click', () => enlarge(!enlarged()));
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
    said.textContent = line() + ' \u00b7 Q large code \u00b7 Esc leaves.' + (own ? ' Phones cannot open this computer\u2019s own address: start the page with --host 0.0.0.0.' : '');
    large.querySelector('span').textContent = to.host + to.pathname;
    // Behind a proxy the page lies in a folder of another server.
    const url = `${window.gradio_config?.root ?? ''}/qr.svg?to=${encodeURIComponent(to)}`;
    if (code.getAttribute('src') !== url) code.src = url;
  }
  // The top layer lies above everything, whatever contains the viewer; what comes last is uppermost,
  // and that a page in full screen is in it too.
  function raise() {
    if (!on) return;
    root.popover = 'manual';
    if (root.matches(':popover-open')) root.hidePopover();
    root.showPopover();
    button.focus({preventScroll: true});
  }
  function show(next) {
    if (next === on) return;
    on = next;
    root.dataset.present = String(on);
    button.setAttribute('aria-pressed', String(on));
    button.querySelector('span').textContent = on ? 'Leave' : 'Present';
    foot.hidden = !on;
    enlarge(false);
    if (on) {
      foot.insertBefore(button, large);
      raise();
      document.documentElement.requestFullscreen?.().then(raise, () => {});  // the window serves where it is refused
    } else {
      home.after(button);
      root.popover = null;
      if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    }
    write();
    window.dispatchEvent(new Event('resize'));
    root.dispatchEvent(new Event('present'));
    button.focus({preventScroll: true});
  }
  button.addEventListener('click', () => show(!on));
  document.addEventListener('keydown', (event) => {
    if (!on) return;
    const leave = event.key === 'Escape', code = event.key === 'q' && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!leave && !code) return;
    event.preventDefault(); event.stopPropagation();
    if (code || enlarged()) enlarge(!enlarged()); else show(false);
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
