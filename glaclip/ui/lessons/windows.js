figures.windows = async (box, data) => {
  const image = await picture(data.photo), count = data.boxes.length;
  let place = onCanvas(data, data.point, data.working_size[1], data.working_size[0]), lifted = -1, timer = 0;
  const shown = (index) => lifted < 0 ? holds(data.boxes[index], place) : index === lifted;
  const photo = surface(box, 'lb-frame', ratioOf(data), (g, wide, high) => {
    g.drawImage(image, 0, 0, wide, high);
    g.fillStyle = 'rgba(10, 14, 22, .5)'; g.fillRect(0, 0, wide, high);
    g.save(); g.beginPath();
    eachWindow(data, wide, high, (x, y, w, h, index) => { if (shown(index)) g.rect(x, y, w, h); });
    g.clip(); g.drawImage(image, 0, 0, wide, high); g.restore();
    frameWindows(g, data, wide, high, shown);
    if (lifted < 0) star(g, place[0] * wide / data.working_size[1], place[1] * high / data.working_size[0], 10);
  });
  const bar = make(box, 'div', 'lb-bar');
  const range = slider(bar, 'Window', {min: 0, max: count, step: 1, value: 0}, (n) => n ? `${n} of ${count}` : 'all that see the place', (n) => { lifted = n - 1; update(); });
  const play = make(bar, 'button', 'lb-small', 'Play');
  play.type = 'button';
  const read = make(box, 'p', 'lb-read');
  read.setAttribute('aria-live', 'polite');
  const strip = make(box, 'div', 'lb-crops');
  function update() {
    photo.redraw();
    const seen = data.boxes.map((_, index) => index).filter(shown);
    read.textContent = lifted >= 0 ? `Window ${lifted + 1}, all that its tokens know of the photo:`
      : seen.length === 1 ? 'One window sees this place:' : `${seen.length} windows see this place, each with other surroundings:`;
    strip.replaceChildren();
    for (const index of seen) cropTile(strip, data, image, index, lifted < 0 && place, String(index + 1));
  }
  const stop = () => { clearInterval(timer); timer = 0; play.textContent = 'Play'; };
  aimAt(photo.canvas, data, place, (to) => {
    stop();
    place = to;
    if (lifted >= 0) { range.value = 0; range.dispatchEvent(new Event('input')); } else update();
  });
  range.addEventListener('pointerdown', stop);
  play.onclick = () => {
    if (timer) return stop();
    play.textContent = 'Stop';
    const step = () => {
      if (!box.isConnected) return clearInterval(timer);
      range.value = Number(range.value) % count + 1; range.dispatchEvent(new Event('input'));
    };
    step(); timer = setInterval(step, 900);
  };
  update();
};
