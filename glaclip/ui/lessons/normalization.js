figures.normalization = async (box, data) => {
  const image = await picture(data.photo);
  const spots = data.spots.map((spot) => ({...spot, scores: unpack(spot.scores), fixed: unpack(spot.fixed)}));
  const colors = ['var(--lb-first)', 'var(--lb-second)'];
  let scale = data.scale;
  // The formula itself: shift, scale, drop below min(0, max), softmax.
  function weights(spot) {
    const mean = spot.scores.reduce((sum, s) => sum + s, 0) / spot.scores.length, w = 1 + scale / spot.set_size;
    const a = spot.scores.map((s) => w * (s - data.u * Math.max(mean, 0))), top = a.reduce((m, s) => Math.max(m, s), -Infinity), floor = Math.min(0, top - 1e-6);
    const e = a.map((s) => s < floor ? 0 : Math.exp(s - top)), sum = e.reduce((all, s) => all + s, 0);
    return {w, sorted: e.map((s) => s / sum).sort().reverse()};
  }
  const half = (sorted) => { let sum = 0, n = 0; while (sum < .5 && n < sorted.length) sum += sorted[n++]; return n; };
  const pair = make(box, 'div', 'lb-pair lb-narrow'), left = make(pair, 'div'), right = make(pair, 'div');
  const photo = surface(left, 'lb-frame', ratioOf(data), (g, wide, high) => {
    g.drawImage(image, 0, 0, wide, high);
    spots.forEach((spot, index) => {
      const x = (spot.point[0] + .5) * wide / data.photo_size[1], y = (spot.point[1] + .5) * high / data.photo_size[0];
      g.beginPath(); g.arc(x, y, 9, 0, 7); g.lineWidth = 6; g.strokeStyle = '#fff'; g.stroke();
      g.lineWidth = 3.5; g.strokeStyle = getComputedStyle(root).getPropertyValue(['--lb-first', '--lb-second'][index]); g.stroke();
    });
  });
  describe(photo.canvas, data.alt);
  const table = make(right, 'table', 'lb-table'), head = make(make(table, 'thead'), 'tr');
  make(head, 'td');
  spots.forEach((spot, index) => { const cell = make(head, 'th', '', spot.label); cell.scope = 'col'; cell.style.color = colors[index]; });
  const rows = ['Similar tokens |P|', 'Scale w', 'Tokens with half of the attention, fixed', 'The same, dynamic'].map((name) => { const row = make(table, 'tr'); make(row, 'th', '', name).scope = 'row'; return spots.map(() => make(row, 'td')); });
  slider(make(box, 'div', 'lb-bar'), 'λ₂', {min: 0, max: 100, step: 1, value: scale}, (n) => String(n), (n) => { scale = n; update(); });
  const lines = make(box, 'div', 'lb-pair lb-even');
  const charts = spots.map((spot, index) => chart(make(lines, 'div'), `Sorted attention weights of ${spot.label}, fixed and dynamic`, 204, (svg, wide, tall) => {
    const {sorted} = weights(spot), base = tall - 36, left = 8, most = 4;
    const x = (rank) => left + Math.log10(rank + 1) / Math.log10(spot.scores.length) * (wide - left - 8);
    // The same share at rank 1 fills the height for either rule of this point, so the two compare.
    const top = Math.max(spot.fixed[0], sorted[0]), y = (share) => base - Math.sqrt(share / top) * (base - 40);
    const path = (values) => { let d = ''; for (let i = 0; i < values.length; i += i < 60 ? 1 : 8) d += `${d ? 'L' : 'M'}${x(i).toFixed(1)} ${y(values[i]).toFixed(1)}`; return d; };
    draw(svg, 'text', {x: left, y: 14, class: 'lb-chart-title'}, spot.label);
    draw(svg, 'text', {x: wide - 8, y: 32, 'text-anchor': 'end'}, `top of the chart: ${percent(top)}`);
    draw(svg, 'line', {x1: left, x2: wide - 8, y1: base + .5, y2: base + .5, class: 'lb-axis'});
    for (let power = 0; power < most; power++) if (10 ** power <= spot.scores.length) draw(svg, 'text', {x: x(10 ** power - 1), y: base + 15, 'text-anchor': power ? (x(10 ** power - 1) > wide - 24 ? 'end' : 'middle') : 'start'}, whole(10 ** power));
    draw(svg, 'text', {x: wide - 8, y: base + 31, 'text-anchor': 'end'}, 'tokens, largest weight first');
    draw(svg, 'path', {d: path(spot.fixed), class: 'lb-curve lb-curve-fixed'});
    draw(svg, 'path', {d: path(sorted), class: 'lb-curve', style: `stroke: ${colors[index]}`});
  }));
  const key = make(box, 'p', 'lb-key');
  make(key, 'i', 'lb-dash'); key.append('fixed normalization');
  make(key, 'i', 'lb-solid'); key.append('dynamic normalization');
  function update() {
    spots.forEach((spot, index) => {
      const {w, sorted} = weights(spot);
      [whole(spot.set_size), w.toFixed(2), whole(spot.half_fixed), whole(half(sorted))].forEach((text, row) => { rows[row][index].textContent = text; });
    });
    charts.forEach((one) => one.redraw());
  }
  update();
};
