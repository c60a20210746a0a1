figures.normalization = async (box, data) => {
  const image = await picture(data.photo);
  const spots = data.spots.map((spot) => ({...spot, scores: unpack(spot.scores)}));
  const colors = ['var(--lb-first)', 'var(--lb-second)'];
  let scale = data.scale;
  // The formula itself: shift, scale, drop below min(0, max), softmax.
  function sortedWeights(a) {
    const top = a.reduce((m, s) => Math.max(m, s), -Infinity), floor = Math.min(0, top - 1e-6);
    const e = a.map((s) => s < floor ? 0 : Math.exp(s - top)), sum = e.reduce((all, s) => all + s, 0);
    return e.map((s) => s / sum).sort().reverse();
  }
  const scaleOf = (spot, lambda) => 1 + lambda / spot.set_size;
  function weights(spot, lambda) {
    const mean = spot.scores.reduce((sum, s) => sum + s, 0) / spot.scores.length;
    return sortedWeights(spot.scores.map((s) => scaleOf(spot, lambda) * (s - data.u * Math.max(mean, 0))));
  }
  const {gamma, beta, mean: average} = data.fixed, range = data.sliders.scale;
  const same = spots.map((spot) => ({plain: weights(spot, 0), fixed: sortedWeights(spot.scores.map((s) => gamma * (s - beta * average))), most: weights(spot, range.max)}));
  const half = (sorted) => { let sum = 0, n = 0; while (sum < .5 && n < sorted.length) sum += sorted[n++]; return n; };
  const pair = make(box, 'div', 'lb-pair lb-narrow'), left = make(pair, 'div'), right = make(pair, 'div');
  const photo = surface(left, 'lb-frame', ratioOf(data), (g, wide, high) => {
    g.drawImage(image, 0, 0, wide, high);
    spots.forEach((spot, index) => {
      const ends = onCanvas(data, spot.point, wide, high), [x, y] = [Math.max(14, Math.min(wide - 14, ends[0])), Math.max(14, Math.min(high - 14, ends[1]))];
      g.beginPath(); g.arc(x, y, 12, 0, 7); g.fillStyle = ['#b4480b', '#1c6e4c'][index]; g.fill(); g.lineWidth = 2.5; g.strokeStyle = '#fff'; g.stroke();
      g.fillStyle = '#fff'; g.font = '700 14px sans-serif'; g.textAlign = 'center'; g.textBaseline = 'middle'; g.fillText('AB'[index], x, y + 1);
    });
  });
  describe(photo.canvas, data.alt);
  const crops = make(left, 'div', 'lb-crops'), reach = Math.min(image.naturalWidth, image.naturalHeight) / 6;
  spots.forEach((spot, index) => {
    const [x, y] = onCanvas(data, spot.point, image.naturalWidth, image.naturalHeight), item = make(crops, 'figure', 'lb-crop'), canvas = make(item, 'canvas');
    canvas.width = canvas.height = 192;
    canvas.getContext('2d').drawImage(image, Math.max(0, Math.min(image.naturalWidth - reach, x - reach / 2)), Math.max(0, Math.min(image.naturalHeight - reach, y - reach / 2)), reach, reach, 0, 0, 192, 192);
    canvas.setAttribute('aria-hidden', 'true');
    make(item, 'figcaption', '', `${spot.label}, enlarged`);
  });
  const rows = tableOf(right, ['', 'A', 'B'], ['Similar tokens |P|', 'Scale w', 'Tokens with half of the attention', 'The same if w were 1', `The same by the fixed rule, γ ${gamma}, β ${beta}`]);
  right.querySelectorAll('thead th').forEach((cell, index) => { cell.style.color = colors[index]; });
  const bar = make(box, 'div', 'lb-bar'), lambda = slider(bar, 'λ₂', {...range, value: data.scale}, (n) => String(n), (n) => { scale = n; update(); });
  const reset = make(bar, 'button', 'lb-small', `Back to ${data.scale}`);
  reset.type = 'button';
  reset.onclick = () => { lambda.value = data.scale; lambda.dispatchEvent(new Event('input')); };
  const lines = make(box, 'div', 'lb-pair lb-even');
  const charts = spots.map((spot, index) => chart(make(lines, 'div'), `Sorted attention weights of ${spot.label}: with its scale, with w = 1, and by the fixed rule`, 204, (svg, wide, tall) => {
    const base = tall - 36, left = 8, powers = 4;
    const x = (rank) => left + Math.log10(rank + 1) / Math.log10(spot.scores.length) * (wide - left - 8);
    // The largest share of all curves and of the slider's range fills the height: the curve moves, not the chart.
    const {plain, fixed, most} = same[index], top = Math.max(plain[0], fixed[0], most[0]), y = (share) => base - Math.sqrt(share / top) * (base - 40);
    const path = (values) => { let d = ''; for (let i = 0; i < values.length; i += i < 60 ? 1 : 8) d += `${d ? 'L' : 'M'}${x(i).toFixed(1)} ${y(values[i]).toFixed(1)}`; return d; };
    draw(svg, 'text', {x: left, y: 14, class: 'lb-chart-title'}, spot.label);
    draw(svg, 'text', {x: wide - 8, y: 32, 'text-anchor': 'end'}, `top of the chart: ${percent(top)}`);
    draw(svg, 'line', {x1: left, x2: wide - 8, y1: base + .5, y2: base + .5, class: 'lb-axis'});
    for (let power = 0; power < powers; power++) if (10 ** power <= spot.scores.length) draw(svg, 'text', {x: x(10 ** power - 1), y: base + 15, 'text-anchor': power ? (x(10 ** power - 1) > wide - 24 ? 'end' : 'middle') : 'start'}, whole(10 ** power));
    draw(svg, 'text', {x: wide - 8, y: base + 31, 'text-anchor': 'end'}, 'tokens, largest weight first');
    draw(svg, 'path', {d: path(plain), class: 'lb-curve lb-curve-fixed'});
    draw(svg, 'path', {d: path(fixed), class: 'lb-curve lb-curve-fixed lb-curve-rule'});
    draw(svg, 'path', {d: path(weights(spot, scale)), class: 'lb-curve', style: `stroke: ${colors[index]}`});
  }));
  const key = make(box, 'p', 'lb-key');
  make(key, 'i', 'lb-dash'); key.append('w = 1');
  make(key, 'i', 'lb-dots'); key.append('fixed rule');
  make(key, 'i', 'lb-solid'); key.append('with the scale w');
  function update() {
    spots.forEach((spot, index) => {
      const counts = [weights(spot, scale), same[index].plain, same[index].fixed].map((sorted) => whole(half(sorted)));
      [whole(spot.set_size), scaleOf(spot, scale).toFixed(2), ...counts].forEach((text, row) => { rows[row][index].textContent = text; });
    });
    charts.forEach((one) => one.redraw());
  }
  update();
};
