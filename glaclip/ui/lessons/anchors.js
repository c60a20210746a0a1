figures.anchors = async (box, data) => {
  const image = await picture(data.photo), flat = unpack(data.places), total = flat.length / 2;
  const spots = data.spots.map((spot) => ({
    ...spot, cosines: spot.cosines.map(unpack),
    members: [Array.from({length: total}, (_, i) => i === spot.token), ...spot.members.map((bits) => unpackBits(bits, total))],
  }));
  // A dot has the color of its patch.
  const small = canvasOf(data.working_size[1], data.working_size[0]);
  const sg = small.getContext('2d', {willReadFrequently: true}); sg.drawImage(image, 0, 0, small.width, small.height);
  const tokens = Array.from({length: total}, (_, i) => {
    const place = token(data, i), pixels = sg.getImageData(place.x, place.y, place.wide, place.high).data, sum = [0, 0, 0];
    for (let k = 0; k < pixels.length; k++) if (k % 4 < 3) sum[k % 4] += pixels[k] * 4 / pixels.length;
    return {...place, color: `rgb(${sum.map(Math.round).join(',')})`};
  });
  let chosen = 0, step = 0, at = 0, frame = 0;
  const last = spots[0].path.length - 1, low = [0, 1].map(() => Infinity), high = [0, 1].map(() => -Infinity);
  flat.forEach((value, i) => { low[i % 2] = Math.min(low[i % 2], value); high[i % 2] = Math.max(high[i % 2], value); });
  const bar = make(box, 'div', 'lb-bar');
  const range = slider(bar, 'Step t', {min: 0, max: last, step: 1, value: 0}, (t) => `${t} of ${last}`, (t) => go(t));
  const next = make(bar, 'button', 'lb-small', 'Next step');
  next.type = 'button';
  next.onclick = () => { range.value = (step + 1) % (last + 1); range.dispatchEvent(new Event('input')); };
  const pair = make(box, 'div', 'lb-pair lb-even');
  const left = make(pair, 'div'), right = make(pair, 'div');
  const photo = surface(left, 'lb-frame', ratioOf(data), (g, wide, tall) => {
    const s = wide / data.working_size[1], t = tall / data.working_size[0], spot = spots[chosen];
    g.drawImage(image, 0, 0, wide, tall);
    g.fillStyle = 'rgba(10, 14, 22, .62)'; g.fillRect(0, 0, wide, tall);
    g.save(); g.beginPath();
    tokens.forEach((p, i) => { if (spot.members[step][i]) g.rect(p.x * s, p.y * t, p.wide * s, p.high * t); });
    g.clip(); g.drawImage(image, 0, 0, wide, tall); g.restore();
    g.lineWidth = 1; g.strokeStyle = YELLOW;
    tokens.forEach((p, i) => { if (spot.members[step][i]) g.strokeRect(p.x * s + .5, p.y * t + .5, p.wide * s - 1, p.high * t - 1); });
    const [top, l, bottom, r] = data.boxes[spot.own];
    g.lineWidth = 2; g.strokeStyle = TEAL; g.strokeRect(l * s + 1, top * t + 1, (r - l) * s - 2, (bottom - top) * t - 2);
    star(g, ...onCanvas(data, spot.point, wide, tall), 9);
  });
  const map = surface(right, 'lb-frame lb-map', ratioOf(data), (g, wide, tall, style) => {
    const spot = spots[chosen], ink = style.getPropertyValue('--body-text-color'), paper = style.getPropertyValue('--background-fill-primary');
    const place = (x, y) => [14 + (x - low[0]) / (high[0] - low[0]) * (wide - 28), tall - 14 - (y - low[1]) / (high[1] - low[1]) * (tall - 28)];
    const dot = (i, radius) => { const [x, y] = place(flat[2 * i], flat[2 * i + 1]); g.beginPath(); g.arc(x, y, radius, 0, 7); };
    g.fillStyle = paper; g.fillRect(0, 0, wide, tall);
    g.globalAlpha = .55;
    tokens.forEach((p, i) => { if (!spot.members[step][i]) { dot(i, 2.2); g.fillStyle = p.color; g.fill(); } });
    g.globalAlpha = 1;
    tokens.forEach((p, i) => { if (spot.members[step][i]) { dot(i, 4); g.fillStyle = p.color; g.fill(); g.lineWidth = 1.4; g.strokeStyle = ink; g.stroke(); } });
    const base = Math.min(last, Math.floor(at)), share = at - base, end = spot.path[Math.min(last, base + 1)];
    const now = place(...[0, 1].map((k) => spot.path[base][k] + share * (end[k] - spot.path[base][k])));
    g.beginPath(); g.moveTo(...place(...spot.path[0]));
    for (let t = 1; t <= base; t++) g.lineTo(...place(...spot.path[t]));
    g.lineTo(...now);
    g.lineWidth = 5; g.strokeStyle = paper; g.stroke(); g.lineWidth = 2.2; g.strokeStyle = ink; g.stroke();
    if (at > 0) { g.beginPath(); g.arc(...place(...spot.path[0]), 4.5, 0, 7); g.fillStyle = paper; g.fill(); g.lineWidth = 2; g.stroke(); }
    star(g, ...now, 10);
  });
  choices(box, 'Point', spots.map((spot) => spot.label), 0, (index) => { chosen = index; range.value = 0; range.dispatchEvent(new Event('input')); });
  const read = make(box, 'p', 'lb-read');
  read.setAttribute('aria-live', 'polite');
  const bins = 50, from = -0.2, width = (1 - from) / bins;
  const bars = chart(box, 'How many tokens have which cosine with the query', 118, (svg, wide, tall) => {
    const spot = spots[chosen], counts = new Array(bins).fill(0), base = tall - 34, x = (c) => 6 + (c - from) / (1 - from) * (wide - 12);
    // The query that meets the tokens at step t is that of step t - 1.
    for (const c of spot.cosines[Math.max(0, step - 1)]) counts[Math.max(0, Math.min(bins - 1, Math.floor((c - from) / width)))]++;
    // Square roots: a few tokens beyond the threshold would not be seen beside hundreds below it.
    const top = Math.sqrt(Math.max(...counts));
    counts.forEach((n, i) => {
      if (!n) return;
      const tallBar = Math.sqrt(n) / top * (base - 14), middle = from + (i + .5) * width;
      draw(svg, 'rect', {x: x(from + i * width) + .5, y: base - tallBar, width: Math.max(1, x(from + width) - x(from) - 1), height: tallBar, class: middle > data.rho ? 'lb-on' : 'lb-off'});
    });
    draw(svg, 'line', {x1: 6, x2: wide - 6, y1: base + .5, y2: base + .5, class: 'lb-axis'});
    draw(svg, 'line', {x1: x(data.rho), x2: x(data.rho), y1: 4, y2: base + 5, class: 'lb-rule'});
    draw(svg, 'text', {x: x(data.rho) - 6, y: 14, 'text-anchor': 'end'}, `ρ = ${data.rho}`);
    for (const c of [0, .5, 1]) draw(svg, 'text', {x: x(c), y: base + 15, 'text-anchor': c === 1 ? 'end' : 'middle'}, String(c));
    draw(svg, 'text', {x: x(.25), y: base + 30, 'text-anchor': 'middle'}, 'cosine with the query');
    draw(svg, 'text', {x: wide - 6, y: base + 30, 'text-anchor': 'end'}, 'height: √tokens');
  });
  function go(t) {
    step = t;
    cancelAnimationFrame(frame);
    const start = at, began = performance.now(), still = matchMedia('(prefers-reduced-motion: reduce)').matches || t === 0;
    const tick = (now) => {
      const share = still ? 1 : Math.max(0, Math.min(1, (now - began) / 550));
      at = start + (t - start) * (1 - (1 - share) ** 3);
      map.redraw();
      if (share < 1 && box.isConnected) frame = requestAnimationFrame(tick);
    };
    const spot = spots[chosen], size = step ? spot.sizes[step - 1] : 0;
    read.textContent = step === 0
      ? `t = 0: the query is the token's own key. ${whole(spot.sizes[0])} tokens are above ρ and will be averaged.`
      : `t = ${step}: the query moved to the mean of ${whole(size)} similar tokens; ` + (step === last ? `${percent(spot.outside)} of them were encoded by other windows, ${percent(spot.beyond)} lie outside its own (teal).` : `next, ${whole(spot.sizes[step])} are above ρ.`);
    box.dataset.step = String(t);
    photo.redraw(); bars.redraw(); tick(began);
    describe(photo.canvas, `${data.alt} The query's set is lit. ${read.textContent}`);
    describe(map.canvas, `Map of ${total} tokens with the path of the query. ${read.textContent}`);
  }
  go(0);
};
