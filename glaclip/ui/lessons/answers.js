let predicted = false;  // once a visit
figures.answers = async (box, data) => {
  const image = await picture(data.photo), [height, width] = data.working_size, keys = ['off', 'on'];
  const strips = await Promise.all(keys.map((key) => labelsOf(data.answers[key])));
  const dragged = await labelsOf(data.own.labels);
  // A strip holds each window's own labels, window below window, on a coarser grid than its pixels.
  const said = (strip, boxes, index, [x, y]) => {
    const [top, left, bottom, right] = boxes[index], side = strip.width;
    return strip.at(Math.floor((x - left) / (right - left) * side), index * side + Math.floor((y - top) / (bottom - top) * side));
  };
  const answer = (strip, index, place) => said(strip, data.boxes, index, place);
  const cover = (strip, index) => colored({width: strip.width, height: strip.width, at: (x, y) => strip.at(x, index * strip.width + y)}, data.colors, 150);
  const holding = (place) => data.boxes.map((_, index) => index).filter((index) => holds(data.boxes[index], place));
  const contested = strips.map((strip) => {
    const canvas = canvasOf(Math.ceil(width / 2), Math.ceil(height / 2));
    const g = canvas.getContext('2d'), pixels = g.createImageData(canvas.width, canvas.height);
    for (let y = 0, i = 0; y < canvas.height; y++) for (let x = 0; x < canvas.width; x++, i += 4) {
      const place = [Math.min(2 * x, width - 1), Math.min(2 * y, height - 1)], labels = holding(place).map((index) => answer(strip, index, place));
      if (labels.some((label) => label !== labels[0])) pixels.data.set([255, 214, 10, 165], i);
    }
    g.putImageData(pixels, 0, 0);
    return canvas;
  });
  const covers = strips.map((strip) => data.boxes.map((_, index) => cover(strip, index)));
  const OWN = 2, middles = data.own.boxes.map(([top, left, bottom, right]) => [(left + right) / 2, (top + bottom) / 2]);
  // What follows is held back until the rarest answer is predicted, or passed over.
  const told = [...page.querySelectorAll('.lb-words > p:not(.lb-count)')].slice(1), around = holding(data.place);
  const alike = (index) => around.filter((other) => answer(strips[0], other, data.place) === answer(strips[0], index, data.place)).length;
  const asked = around.reduce((best, index) => alike(index) <= alike(best) ? index : best);
  let shown = 0, place = data.place, own = 0;
  choices(make(box, 'div', 'lb-bar'), 'How windows answer', ['Each window alone', 'GLA-CLIP', 'Drag a window'], 0, (index) => { shown = index; reveal(); });
  const pair = make(box, 'div', ratioOf(data) > 1 ? 'lb-pair lb-tall' : 'lb-pair lb-stacked');
  const photo = surface(pair, 'lb-frame', ratioOf(data), (g, wide, high) => {
    const s = wide / width, t = high / height, [x, y] = shown === OWN ? data.place : place;
    g.drawImage(image, 0, 0, wide, high);
    if (shown === OWN) {
      const [top, left, bottom, right] = data.own.boxes[own], at = [left * s, top * t, (right - left) * s, (bottom - top) * t];
      g.fillStyle = 'rgba(10, 14, 22, .5)'; g.fillRect(0, 0, wide, high);
      g.save(); g.beginPath(); g.rect(...at); g.clip(); g.drawImage(image, 0, 0, wide, high); g.restore();
      g.drawImage(cover(dragged, own), ...at);
      g.lineWidth = 3; g.strokeStyle = TEAL; g.strokeRect(...at);
    } else {
      if (predicted) g.drawImage(contested[shown], 0, 0, wide, high);
      frameWindows(g, data, wide, high, (index) => holds(data.boxes[index], place));
    }
    star(g, x * s, y * t, 11);
  });
  const beside = make(pair, 'div', 'lb-beside'), read = make(beside, 'p', 'lb-read');
  const guess = make(beside, 'div', 'lb-choices'), strip = make(beside, 'div', 'lb-crops lb-crops-large');
  read.setAttribute('aria-live', 'polite');
  legend(box, data.classes, data.colors);
  aimAt(photo.canvas, data, place, (to) => {
    if (!predicted) return;
    if (shown !== OWN) { place = to; return update(); }
    const far = middles.map(([x, y]) => Math.hypot(x - to[0], y - to[1]));
    own = far.indexOf(Math.min(...far)); update();
  });
  const counted = (labels) => [...new Set(labels)].map((label) => [labels.filter((each) => each === label).length, label]).sort((a, b) => b[0] - a[0]);
  const listed = (labels) => counted(labels).map(([count, label]) => `${count} × ${data.classes[label]}`).join(', ');
  function reveal() {
    predicted = true;
    for (const paragraph of told) paragraph.classList.remove('lb-held');
    guess.replaceChildren();
    update();
  }
  function ask() {
    const others = around.filter((index) => index !== asked), last = data.classes[answer(strips[0], asked, place)];
    for (const paragraph of told) paragraph.classList.add('lb-held');
    read.textContent = `The others: ${listed(others.map((index) => answer(strips[0], index, place)))}. Which word will window ${asked + 1} give?`;
    for (const word of data.classes) {
      const option = make(guess, 'button', 'lb-choice', word);
      option.type = 'button';
      option.onclick = () => {
        reveal();
        read.textContent = `${word === last ? 'Right' : `You expected ${word}`}: window ${asked + 1} says ${last}. ${read.textContent}`;
      };
    }
  }
  function update() {
    photo.canvas.style.touchAction = shown === OWN ? 'none' : '';
    photo.redraw();
    strip.replaceChildren();
    if (shown === OWN) {
      const label = data.classes[said(dragged, data.own.boxes, own, data.place)];
      read.textContent = `This window calls the place ${label}.`;
      return cropTile(strip, {...data, boxes: data.own.boxes}, image, own, data.place, label, cover(dragged, own));
    }
    const seen = holding(place), labels = seen.map((index) => answer(strips[shown], index, place));
    read.textContent = seen.length === 1 ? `One window holds this place: ${data.classes[labels[0]]}.` : `${seen.length} windows hold this place: ${listed(labels)}.`;
    read.dataset.kinds = String(counted(labels).length);
    seen.forEach((index, i) => {
      const hidden = !predicted && index === asked;
      cropTile(strip, data, image, index, place, `Window ${index + 1}: ${hidden ? '?' : data.classes[labels[i]]}`, hidden ? null : covers[shown][index]);
    });
  }
  update();
  if (!predicted) ask();
};
