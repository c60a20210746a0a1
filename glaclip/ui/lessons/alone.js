figures.alone = async (box, data) => {
  const image = await picture(data.photo), keys = Object.keys(data.labels), {axis, at, start, length} = data.cut;
  const labels = await Promise.all(keys.map((key) => labelsOf(data.labels[key])));
  const overlays = labels.map((map) => colored(map, data.colors, 135)), titles = keys.map((key) => data.titles[key]);
  let shown = keys.indexOf('without');
  choices(make(box, 'div', 'lb-bar'), 'Which switches', titles, shown, (index) => { shown = index; update(); });
  const photo = surface(box, ratioOf(data) > 1 ? 'lb-frame lb-limit-tall' : 'lb-frame', ratioOf(data), (g, wide, high) => {
    g.drawImage(image, 0, 0, wide, high);
    g.drawImage(overlays[shown], 0, 0, wide, high);
    ruleLines(g, data.edges, data.working_size, wide, high, 'rgba(16, 18, 22, .55)', []);
    markSeams(g, labels[shown], data.edges, wide, high);
    const upright = axis === 'columns', s = wide / data.working_size[1], t = high / data.working_size[0], off = 12;
    const [a, b] = [start, start + length].map((i) => upright ? i * t : i * s), across = at * (upright ? s : t) + off;
    g.beginPath();
    [[-6, a + 2], [0, a + 2], [0, b - 2], [-6, b - 2]].forEach(([x, y]) => upright ? g.lineTo(across + x, y) : g.lineTo(y, across + x));
    g.lineJoin = 'round'; g.lineWidth = 5; g.strokeStyle = '#101216'; g.stroke(); g.lineWidth = 2.5; g.strokeStyle = '#fff'; g.stroke();
  });
  legend(box, data.classes, data.colors);
  make(box, 'h4', '', 'How often two windows that hold a place contradict each other');
  const rows = tableOf(box, ['', 'this photo', 'all photos'], titles);
  keys.forEach((key, row) => data.differ[key].forEach((share, column) => { rows[row][column].textContent = percent(share); }));
  function update() {
    photo.redraw();
    rows.forEach((cells, row) => cells[0].parentElement.classList.toggle('lb-now', row === shown));
    let jumps = 0;
    for (let i = start; i < start + length; i++) jumps += apart(labels[shown], axis, at, i);
    box.dataset.jumps = String(jumps);
    describe(photo.canvas, `${data.alt} ${titles[shown]}: labels change on ${jumps} of ${length} pixels of the bracket.`);
  }
  update();
};
