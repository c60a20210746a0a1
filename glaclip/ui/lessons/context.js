figures.context = async (box, data) => {
  const image = await picture(data.photo), size = data.key_grid[0] * data.key_grid[1];
  const weights = data.spots.map((spot) => spot.weights.map(unpack));
  let chosen = 0, rung = 1;
  const bar = make(box, 'div', 'lb-bar');
  choices(bar, 'Which tokens are seen', ['Own window', 'All windows'], 1, (index) => { rung = index; update(); });
  const pair = make(box, 'div', 'lb-pair lb-even');
  const left = make(pair, 'div');
  const photo = surface(left, 'lb-frame', ratioOf(data), (g, wide, high) => {
    g.drawImage(image, 0, 0, wide, high);
    frameWindows(g, data, wide, high, (index) => index === data.spots[chosen].own);
    data.spots.forEach((other, index) => {
      const [x, y] = onCanvas(data, other.point, wide, high);
      if (index === chosen) return star(g, x, y, 11);
      g.beginPath(); g.arc(x, y, 5, 0, 7); g.fillStyle = '#101216'; g.fill(); g.lineWidth = 2; g.strokeStyle = '#fff'; g.stroke();
    });
  });
  photo.canvas.classList.add('lb-aim');
  const mark = choices(left, 'Point', data.spots.map((spot) => spot.label), 0, (index) => { chosen = index; update(); });
  const right = make(pair, 'div'), gap = 4;
  const mosaic = surface(right, 'lb-mosaic', data.grid[0] / data.grid[1], (g, wide, high) => {
    const cell = (wide - (data.grid[1] + 1) * gap) / data.grid[1], tall = (high - (data.grid[0] + 1) * gap) / data.grid[0], spot = data.spots[chosen];
    g.imageSmoothingEnabled = false;
    for (let index = 0; index < data.boxes.length; index++) {
      const x = gap + (index % data.grid[1]) * (cell + gap), y = gap + Math.floor(index / data.grid[1]) * (tall + gap);
      const tile = canvasOf(data.key_grid[1], data.key_grid[0]);
      const tg = tile.getContext('2d'), pixels = tg.createImageData(tile.width, tile.height);
      for (let i = 0; i < size; i++) {
        const level = shade(weights[chosen][rung][index * size + i], spot.top[rung]);
        pixels.data.set([RAMP[3 * level], RAMP[3 * level + 1], RAMP[3 * level + 2], 255], 4 * i);
      }
      tg.putImageData(pixels, 0, 0);
      g.globalAlpha = rung === 0 && index !== spot.own ? .35 : 1;
      g.drawImage(tile, x, y, cell, tall);
      g.globalAlpha = 1;
      if (index !== spot.own) continue;
      g.lineWidth = 3; g.strokeStyle = TEAL; g.strokeRect(x - 1, y - 1, cell + 2, tall + 2);
      star(g, x + (spot.token[1] + .5) * cell / data.key_grid[1], y + (spot.token[0] + .5) * tall / data.key_grid[0], 8);
    }
  });
  const scale = make(right, 'div', 'lb-scale');
  make(scale, 'span', '', '0'); make(scale, 'i'); const most = make(scale, 'span');
  const read = make(box, 'p', 'lb-read');
  read.setAttribute('aria-live', 'polite');
  photo.canvas.addEventListener('click', (event) => {
    const r = photo.canvas.getBoundingClientRect(), x = (event.clientX - r.left) / r.width * data.photo_size[1], y = (event.clientY - r.top) / r.height * data.photo_size[0];
    const far = data.spots.map(({point}) => Math.hypot(point[0] - x, point[1] - y));
    chosen = far.indexOf(Math.min(...far)); mark(chosen); update();
  });
  function update() {
    const spot = data.spots[chosen];
    photo.redraw(); mosaic.redraw();
    most.textContent = `${percent(spot.top[rung])} a token, or more`;
    read.textContent = rung === 0
      ? `${spot.label}: all attention is in the own window, because no other is visible.`
      : `${spot.label}: ${percent(spot.own_mass[1])} in the own window, which has ${percent(spot.own_share[1])} of the tokens; ${spot.reached[1]} of ${data.boxes.length} windows receive more than 1\u202f%.`;
    describe(photo.canvas, `${data.alt} The point is ${spot.label}.`);
    describe(mosaic.canvas, read.textContent);
  }
  update();
};
