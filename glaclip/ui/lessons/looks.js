figures.looks = async (box, data) => {
  // Made-up patches at angles of likeness, three of grass and two of sky.
  const patches = [['Grass, the patch that asks', 0], ['Grass', 20], ['Grass', -25], ['Sky', 80], ['Sky', 100]];
  const ways = ['q k\u1d40, plain', 'k k\u1d40', 'q q\u1d40', 'identity'], SHARP = 3;
  let way = 0, turn = 75;
  choices(make(box, 'div', 'lb-bar'), 'Who asks whom', ways, way, (index) => { way = index; update(); });
  slider(make(box, 'div', 'lb-bar'), 'q turned from k', {min: 0, max: 90, step: 15, value: turn}, (n) => `${n}\u00b0`, (n) => { turn = n; update(); });
  const list = make(box, 'div', 'lb-meters lb-meters-close'), rows = patches.map(([name]) => {
    const row = make(list, 'div', 'lb-meter-row'), head = make(row, 'div', 'lb-meter-head');
    make(head, 'span', '', name);
    const value = make(head, 'b'), track = make(row, 'div', 'lb-meter');
    track.setAttribute('aria-hidden', 'true');
    return {value, fill: make(track, 'i')};
  });
  const read = make(box, 'p', 'lb-read');
  read.setAttribute('aria-live', 'polite');
  function update() {
    // Queries are keys turned by the angle: both turned, or none, their likeness is the same.
    const scores = patches.map(([, angle]) => SHARP * Math.cos((angle - (way === 0 ? turn : 0)) * Math.PI / 180));
    const sum = scores.reduce((total, score) => total + Math.exp(score), 0);
    const weights = way === 3 ? patches.map((_, index) => Number(index === 0)) : scores.map((score) => Math.exp(score) / sum);
    rows.forEach(({value, fill}, index) => { value.textContent = percent(weights[index]); fill.style.width = weights[index] * 100 + '%'; });
    const grass = weights[0] + weights[1] + weights[2];
    box.dataset.grass = String(grass);
    read.textContent = `${percent(grass)} of the grass patch\u2019s attention stays on grass${grass < 0.5 ? ': it looks away.' : '.'}`;
  }
  update();
  make(box, 'h4', '', 'This page\u2019s own model, at the point of the photo that is open');
  const told = make(box, 'p', 'lb-read', 'Asking the model \u2026'), shown = make(box, 'div', 'lb-rows');
  told.setAttribute('aria-live', 'polite');
  shown.hidden = true;
  live = ({said, panels, press}) => {
    told.textContent = said;
    if (press) button(told, 'lb-small', press, () => { told.textContent = 'Asking the model \u2026'; ask(true); });
    shown.hidden = !panels.length;
    shown.replaceChildren(...panels.map(({title, note, picture: source}) => {
      const item = make(null, 'figure', 'lb-crop'), image = make(item, 'img');
      image.src = source;
      image.alt = `Attention of the point by ${title}: ${note}`;
      make(make(item, 'figcaption'), 'b', '', title);
      make(item, 'figcaption', '', note);
      return item;
    }));
  };
};
