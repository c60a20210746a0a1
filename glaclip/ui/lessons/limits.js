figures.limits = async (box, data) => {
  const image = await picture(data.photo), keys = ['without', 'with'];
  const labels = await Promise.all(keys.map((key) => labelsOf(data.labels[key])));
  const overlays = labels.map((map) => colored(map, data.colors, 140));
  let shown = 1;
  make(box, 'h4', '', `Seconds for “${data.timed}” on ${data.cores} CPU cores`);
  const steps = [['encode', 'encoder'], ['attention', 'attention'], ['labels', 'labels']], list = make(box, 'div', 'lb-stack');
  const most = Math.max(...data.seconds.map((row) => row.encode + row.attention + row.labels));
  for (const row of data.seconds) {
    const sum = row.encode + row.attention + row.labels, line = make(list, 'div', 'lb-stack-row');
    make(line, 'span', 'lb-stack-name', `${row.windows} windows`);
    const track = make(line, 'span', 'lb-stack-track');
    for (const [step] of steps) { const part = make(track, 'i', 'lb-' + step); part.style.width = row[step] / most * 100 + '%'; part.title = `${step}: ${row[step].toFixed(2)} s`; }
    make(line, 'b', '', `${sum.toFixed(1)}\u202fs`);
  }
  const key = make(box, 'p', 'lb-key');
  for (const [step, name] of steps) { make(key, 'i', 'lb-square lb-' + step); key.append(name); }
  make(box, 'h4', '', `A word that is not there: “${data.word}”`);
  choices(make(box, 'div', 'lb-bar'), 'Words', ['Without the word', `With “${data.word}”`], 1, (index) => { shown = index; update(); });
  const photo = surface(box, ratioOf(data) > 1 ? 'lb-frame lb-limit-tall' : 'lb-frame lb-limit', ratioOf(data), (g, wide, high) => {
    g.drawImage(image, 0, 0, wide, high);
    g.drawImage(overlays[shown], 0, 0, wide, high);
  });
  const names = legend(box, data.classes, data.colors);
  function update() {
    photo.redraw();
    names.lastChild.hidden = shown === 0;
    describe(photo.canvas, `${data.alt} Labels ${keys[shown]} the word ${data.word}.`);
  }
  update();
};
