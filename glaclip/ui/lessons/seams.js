figures.seams = async (box, data) => {
  const image = await picture(data.photo), keys = ['alone', 'gla'];
  const labels = await Promise.all(keys.map((key) => labelsOf(data.labels[key])));
  const overlays = labels.map((map) => colored(map, data.colors, 128));
  let side = 0, start = data.lens.start;
  const {axis, at} = data.lens, vertical = axis === 'columns';
  const [height, width] = data.photo_size, length = vertical ? height : width;
  choices(make(box, 'div', 'lb-bar'), 'Which labels', ['Each window alone', 'GLA-CLIP'], 0, (index) => { side = index; update(); });
  const pair = make(box, 'div', ratioOf(data) > 1 ? 'lb-pair lb-tall' : 'lb-pair');
  const photo = surface(pair, 'lb-frame', ratioOf(data), (g, wide, high) => {
    const s = wide / width, t = high / height;
    g.drawImage(image, 0, 0, wide, high);
    g.drawImage(overlays[side], 0, 0, wide, high);
    ruleLines(g, data.control, data.photo_size, wide, high, 'rgba(255, 255, 255, .75)', [1, 4]);
    ruleLines(g, data.edges, data.photo_size, wide, high, 'rgba(16, 18, 22, .8)', []);
    markSeams(g, labels[side], data.edges, wide, high);
    const half = data.span / 2;
    const lens = vertical ? [at - half, start, data.span, data.span] : [start, at - half, data.span, data.span];
    g.lineWidth = 2.5; g.strokeStyle = '#fff'; g.strokeRect(lens[0] * s, lens[1] * t, lens[2] * s, lens[3] * t);
    g.lineWidth = 1; g.strokeStyle = '#101216'; g.strokeRect(lens[0] * s - 2, lens[1] * t - 2, lens[2] * s + 4, lens[3] * t + 4);
  });
  const beside = make(pair, 'div', 'lb-beside');
  const lens = surface(beside, 'lb-frame lb-lens', 1, (g, wide) => {
    const n = data.span, cell = wide / n, half = n / 2, map = labels[side];
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) {
      const x = vertical ? at - half + i : start + i, y = vertical ? start + j : at - half + j;
      g.fillStyle = x < 0 || y < 0 || x >= width || y >= height ? '#17191e' : data.colors[map.at(x, y)];
      g.fillRect(i * cell, j * cell, cell + .5, cell + .5);
    }
    g.lineWidth = 2; g.strokeStyle = '#101216'; g.beginPath();
    vertical ? (g.moveTo(wide / 2, 0), g.lineTo(wide / 2, wide)) : (g.moveTo(0, wide / 2), g.lineTo(wide, wide / 2)); g.stroke();
    for (let i = 0; i < n; i++) {
      const differ = start + i < length && apart(map, axis, at, start + i), mid = (i + .5) * cell;
      g.beginPath(); vertical ? (g.moveTo(wide / 2 - cell * .8, mid), g.lineTo(wide / 2 + cell * .8, mid)) : (g.moveTo(mid, wide / 2 - cell * .8), g.lineTo(mid, wide / 2 + cell * .8));
      if (differ) { g.lineWidth = cell * .72; g.strokeStyle = '#101216'; g.stroke(); }
      g.lineWidth = differ ? cell * .45 : 1; g.strokeStyle = differ ? YELLOW : 'rgba(16, 18, 22, .45)'; g.stroke();
    }
  });
  const count = make(beside, 'p', 'lb-read');
  slider(beside, 'Along the edge', {min: 0, max: length - data.span, step: 1, value: start}, (n) => `pixel ${n}`, (n) => { start = n; update(); });
  legend(box, data.classes, data.colors);
  const kinds = {edges: 'Window edges (solid)', control: 'Control lines (dotted)'};
  const rows = tableOf(box, ['', 'pairs', 'differ', 'share'], [...Object.values(kinds), 'Seam rate: the difference']);
  function update() {
    photo.redraw(); lens.redraw();
    const counts = data.counts[keys[side]], share = (c) => c[1] ? c[0] / c[1] : 0;
    Object.keys(kinds).forEach((kind, row) => [whole(counts[kind][1]), whole(counts[kind][0]), percent(share(counts[kind]))].forEach((text, i) => { rows[row][i].textContent = text; }));
    rows[2][2].textContent = percent(share(counts.edges) - share(counts.control));
    let differing = 0;
    for (let i = start; i < Math.min(length, start + data.span); i++) differing += apart(labels[side], axis, at, i);
    count.textContent = `${differing} of ${data.span} facing pairs in the lens differ.`;
    const title = ['each window alone', 'GLA-CLIP'][side];
    describe(photo.canvas, `${data.alt} Labels of ${title}; seam rate ${rows[2][2].textContent}.`);
    describe(lens.canvas, `Pixels beside a window edge. ${count.textContent}`);
  }
  update();
};
