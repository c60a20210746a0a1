figures.windows = async (box, data) => {
  const image = await picture(data.photo), [height, width] = data.working_size;
  let point = [(data.point[0] + 0.5) * width / data.photo_size[1], (data.point[1] + 0.5) * height / data.photo_size[0]];
  let lifted = -1, timer = 0;
  const covers = (b) => b[1] <= point[0] && point[0] < b[3] && b[0] <= point[1] && point[1] < b[2];
  const photo = surface(box, 'lb-frame', ratioOf(data), (g, wide, high) => {
    const s = wide / width, t = high / height;
    g.drawImage(image, 0, 0, wide, high);
    g.fillStyle = 'rgba(10, 14, 22, .5)'; g.fillRect(0, 0, wide, high);
    const shown = data.boxes.map((b, i) => [b, i]).filter(([b, i]) => lifted < 0 ? covers(b) : i === lifted);
    for (const [[top, left, bottom, right]] of shown) {
      g.save(); g.beginPath(); g.rect(left * s, top * t, (right - left) * s, (bottom - top) * t); g.clip();
      g.drawImage(image, 0, 0, wide, high); g.restore();
    }
    g.lineWidth = 1; g.strokeStyle = 'rgba(255, 255, 255, .55)';
    for (const [top, left, bottom, right] of data.boxes) g.strokeRect(left * s + .5, top * t + .5, (right - left) * s - 1, (bottom - top) * t - 1);
    g.lineWidth = 2.5; g.strokeStyle = TEAL;
    for (const [[top, left, bottom, right]] of shown) g.strokeRect(left * s + 1.5, top * t + 1.5, (right - left) * s - 3, (bottom - top) * t - 3);
    if (lifted < 0) star(g, point[0] * s, point[1] * t, 10);
  });
  photo.canvas.tabIndex = 0; photo.canvas.classList.add('lb-aim');
  photo.canvas.setAttribute('role', 'application');
  photo.canvas.setAttribute('aria-label', data.alt + ' Arrow keys move the place.');
  const bar = make(box, 'div', 'lb-bar');
  const range = slider(bar, 'Window', {min: 0, max: data.boxes.length, step: 1, value: 0}, (n) => n ? `${n} of ${data.boxes.length}` : 'all that see the place', (n) => { lifted = n - 1; update(); });
  const play = make(bar, 'button', 'lb-small', 'Play');
  play.type = 'button';
  const read = make(box, 'p', 'lb-read');
  read.setAttribute('aria-live', 'polite');
  const strip = make(box, 'div', 'lb-crops');
  function update() {
    photo.redraw();
    const shown = data.boxes.map((b, i) => [b, i]).filter(([b, i]) => lifted < 0 ? covers(b) : i === lifted);
    read.textContent = lifted < 0
      ? (shown.length === 1 ? 'One window sees this place:' : `${shown.length} windows see this place, each with other surroundings:`)
      : `Window ${lifted + 1}, all that its tokens know of the photo:`;
    strip.replaceChildren();
    for (const [[top, left, bottom, right], index] of shown) {
      const item = make(strip, 'figure', 'lb-crop'), canvas = make(item, 'canvas');
      canvas.width = canvas.height = 168;
      const g = canvas.getContext('2d'), s = image.naturalWidth / width, t = image.naturalHeight / height;
      g.drawImage(image, left * s, top * t, (right - left) * s, (bottom - top) * t, 0, 0, 168, 168);
      if (lifted < 0) star(g, (point[0] - left) / (right - left) * 168, (point[1] - top) / (bottom - top) * 168, 13);
      canvas.setAttribute('aria-hidden', 'true');
      make(item, 'figcaption', '', String(index + 1));
    }
  }
  function stop() { clearInterval(timer); timer = 0; play.textContent = 'Play'; }
  function move(x, y) {
    stop();
    point = [Math.max(0, Math.min(width - 1, x)), Math.max(0, Math.min(height - 1, y))];
    if (lifted >= 0) { range.value = 0; range.dispatchEvent(new Event('input')); } else update();
  }
  const aim = (event) => {
    const r = photo.canvas.getBoundingClientRect();
    move((event.clientX - r.left) / r.width * width, (event.clientY - r.top) / r.height * height);
  };
  photo.canvas.addEventListener('pointermove', (event) => { if (event.pointerType === 'mouse') aim(event); });
  photo.canvas.addEventListener('click', aim);
  photo.canvas.addEventListener('keydown', (event) => {
    const way = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
    if (!way) return;
    event.preventDefault(); event.stopPropagation();
    move(point[0] + way[0] * 16, point[1] + way[1] * 16);
  });
  range.addEventListener('pointerdown', stop);
  play.onclick = () => {
    if (timer) return stop();
    play.textContent = 'Stop';
    const step = () => {
      if (!box.isConnected) return clearInterval(timer);
      range.value = Number(range.value) % data.boxes.length + 1; range.dispatchEvent(new Event('input'));
    };
    step(); timer = setInterval(step, 900);
  };
  update();
};
