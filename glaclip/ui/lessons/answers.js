figures.answers = async (box, data) => {
  const image = await picture(data.photo), [height, width] = data.working_size, keys = ['off', 'on'];
  const strips = await Promise.all(keys.map((key) => labelsOf(data.answers[key])));
  // The strips hold every other pixel of each window, window below window.
  const side = strips[0].width;
  const answer = (strip, index, [x, y]) => {
    const [top, left, bottom, right] = data.boxes[index];
    return strip.at(Math.floor((x - left) / (right - left) * side), index * side + Math.floor((y - top) / (bottom - top) * side));
  };
  const holding = (place) => data.boxes.map((_, index) => index).filter((index) => holds(data.boxes[index], place));
  const contested = strips.map((strip) => {
    const canvas = canvasOf(Math.ceil(width / 2), Math.ceil(height / 2));
    const g = canvas.getContext('2d'), pixels = g.createImageData(canvas.width, canvas.height);
    for (let y = 0, i = 0; y < canvas.height; y++) for (let x = 0; x < canvas.width; x++, i += 4) {
      const place = [Math.min(2 * x, width - 1), Math.min(2 * y, height - 1)], said = holding(place).map((index) => answer(strip, index, place));
      if (said.some((label) => label !== said[0])) pixels.data.set([255, 214, 10, 165], i);
    }
    g.putImageData(pixels, 0, 0);
    return canvas;
  });
  const covers = strips.map((strip) => data.boxes.map((_, index) => colored({width: side, height: side, at: (x, y) => strip.at(x, index * side + y)}, data.colors, 150)));
  let shown = 0, place = data.place;
  choices(make(box, 'div', 'lb-bar'), 'How windows answer', ['Each window alone', 'GLA-CLIP'], 0, (index) => { shown = index; update(); });
  const pair = make(box, 'div', ratioOf(data) > 1 ? 'lb-pair lb-tall' : 'lb-pair lb-stacked');
  const photo = surface(pair, 'lb-frame', ratioOf(data), (g, wide, high) => {
    g.drawImage(image, 0, 0, wide, high);
    g.drawImage(contested[shown], 0, 0, wide, high);
    frameWindows(g, data, wide, high, (index) => holds(data.boxes[index], place));
    star(g, place[0] * wide / width, place[1] * high / height, 11);
  });
  const beside = make(pair, 'div', 'lb-beside'), read = make(beside, 'p', 'lb-read'), strip = make(beside, 'div', 'lb-crops lb-crops-large');
  read.setAttribute('aria-live', 'polite');
  legend(box, data.classes, data.colors);
  aimAt(photo.canvas, data, place, (to) => { place = to; update(); });
  function update() {
    photo.redraw();
    const seen = holding(place), said = seen.map((index) => answer(strips[shown], index, place));
    const kinds = [...new Set(said)].sort((a, b) => said.filter((l) => l === b).length - said.filter((l) => l === a).length);
    const counts = kinds.map((label) => `${said.filter((l) => l === label).length} × ${data.classes[label]}`).join(', ');
    read.textContent = seen.length === 1 ? `One window holds this place: ${data.classes[said[0]]}.` : `${seen.length} windows hold this place: ${counts}.`;
    read.dataset.kinds = String(kinds.length);
    strip.replaceChildren();
    seen.forEach((index, i) => cropTile(strip, data, image, index, place, `Window ${index + 1}: ${data.classes[said[i]]}`, covers[shown][index]));
  }
  update();
};
