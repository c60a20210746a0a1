// Zoom and pan of linked frames: all show the same part of the picture.

const MOST_ZOOM = 6;

// frames: [{node, layers}], layers being canvases that fill the node; `changed` redraws them.
function linkedZoom(frames, changed) {
  let scale = 1, x = 0, y = 0;  // the left top corner of what is shown, in shares of the zoomed picture
  let drag = null, pinch = null, dragged = false;
  const fingers = new Map();

  function apply() {
    x = Math.min(Math.max(0, x), 1 - 1 / scale);
    y = Math.min(Math.max(0, y), 1 - 1 / scale);
    for (const {node, layers} of frames) {
      node.dataset.zoom = scale.toFixed(2);
      for (const {style} of layers) {
        Object.assign(style, {width: 100 * scale + '%', height: 100 * scale + '%', left: -100 * scale * x + '%', top: -100 * scale * y + '%'});
      }
    }
    changed();
  }

  // Zooms by a factor and keeps the place at shares (u, v) of the frame where it is.
  function by(factor, u = 0.5, v = 0.5) {
    const before = scale;
    scale = Math.min(MOST_ZOOM, Math.max(1, scale * factor));
    x += u / before - u / scale;
    y += v / before - v / scale;
    apply();
  }

  const shareOf = (node, {clientX, clientY}) => {
    const box = node.getBoundingClientRect();
    return [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
  };
  function pan(node, movementX, movementY) {
    const box = node.getBoundingClientRect();
    x -= movementX / box.width / scale;
    y -= movementY / box.height / scale;
    apply();
  }

  for (const {node} of frames) {
    node.addEventListener('wheel', (event) => {
      if (!event.ctrlKey && !event.metaKey) return;  // the wheel alone scrolls the page
      event.preventDefault();
      by(Math.exp(-event.deltaY / 300), ...shareOf(node, event));
    }, {passive: false});
    node.addEventListener('pointerdown', (event) => {
      fingers.set(event.pointerId, event);
      dragged = false;
      drag = scale > 1 && fingers.size === 1 && event.target.closest('canvas') ? event : null;
      if (fingers.size === 2) pinch = gap();
    });
    node.addEventListener('pointermove', (event) => {
      if (!fingers.has(event.pointerId)) return;
      fingers.set(event.pointerId, event);
      if (pinch && fingers.size === 2) {
        dragged = true;
        const [a, b] = [...fingers.values()], now = gap();
        by(now / pinch, ...shareOf(node, {clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2}));
        pinch = now;
      } else if (drag) {
        const [across, down] = [event.clientX - drag.clientX, event.clientY - drag.clientY];
        if (!dragged && Math.hypot(across, down) < 5) return;
        if (!dragged) node.setPointerCapture(event.pointerId);
        dragged = true;
        pan(node, across, down);
        drag = event;
      }
    });
    for (const end of ['pointerup', 'pointercancel', 'pointerleave']) {
      node.addEventListener(end, (event) => { if (end !== 'pointerleave' || !dragged) { fingers.delete(event.pointerId); drag = pinch = null; } });
    }
    // A drag ends in a click that means nothing.
    node.addEventListener('click', (event) => { if (dragged) { event.stopPropagation(); dragged = false; } }, true);
    node.addEventListener('keydown', (event) => {
      const factor = {'+': 1.4, '=': 1.4, '-': 1 / 1.4, '0': 0}[event.key];
      if (factor === undefined || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      if (factor) by(factor); else reset();
    });
  }
  const gap = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) || 1; };
  const reset = () => { scale = 1; x = y = 0; apply(); };

  return {
    by,
    // Shows the place at shares (u, v) of the picture in the middle, at a scale.
    to(u, v, wanted) {
      scale = Math.min(MOST_ZOOM, Math.max(1, wanted));
      x = u - 0.5 / scale;
      y = v - 0.5 / scale;
      apply();
    },
    reset,
    get scale() { return scale; },
    // A place on a zoomed layer (its pixels) in the frame's pixels, with the frame's size.
    inFrame([left, top], {wide, high}) { return [[left - x * wide, top - y * high], [wide / scale, high / scale]]; },
    // A share of the picture's width as a share of the frame's.
    across: (share) => (share - x) * scale,
  };
}
