figures.keys = async (box, data) => {
  const [image, alone, common, joined] = await Promise.all([data.photo, data.colors.alone, data.colors.common, data.map].map(picture));
  const ways = [alone, common, joined], [rows, columns] = data.key_grid;
  const read = ways.map((way) => {
    const canvas = canvasOf(way.naturalWidth, way.naturalHeight), g = canvas.getContext('2d', {willReadFrequently: true});
    g.drawImage(way, 0, 0);
    return (x, y) => [...g.getImageData(x, y, 1, 1).data.slice(0, 3)];
  });
  let way = 1, place = onCanvas(data, data.point, data.working_size[1], data.working_size[0]);
  choices(make(box, 'div', 'lb-bar'), 'Colors chosen', ['For each window', 'For all windows', 'For all, on one map'], way, (index) => { way = index; update(); });
  const photo = surface(make(box, 'div', 'lb-limit'), ratioOf(data) > 1 ? 'lb-frame lb-limit-tall' : 'lb-frame', ratioOf(data), (g, wide, high) => {
    g.drawImage(image, 0, 0, wide, high);
    frameWindows(g, data, wide, high, (index) => holds(data.boxes[index], place));
    star(g, place[0] * wide / data.working_size[1], place[1] * high / data.working_size[0], 10);
  });
  const gap = 4, colored = surface(box, 'lb-frame', data.grid[0] / data.grid[1], (g, wide, high) => {
    g.imageSmoothingEnabled = false;
    if (way === 2) {
      const width = Math.min(wide, high / ratioOf(data)), height = width * ratioOf(data);
      g.drawImage(joined, 0, 0, width, height);
      return star(g, place[0] * width / data.working_size[1], place[1] * height / data.working_size[0], 10);
    }
    const cell = (wide - (data.grid[1] - 1) * gap) / data.grid[1];
    data.boxes.forEach(([top, left, bottom, right_], index) => {
      const x = (index % data.grid[1]) * (cell + gap), y = Math.floor(index / data.grid[1]) * (cell + gap);
      g.drawImage(ways[way], 0, index * rows, columns, rows, x, y, cell, cell);
      if (holds(data.boxes[index], place)) star(g, x + (place[0] - left) / (right_ - left) * cell, y + (place[1] - top) / (bottom - top) * cell, 7);
    });
  });
  const said = make(box, 'p', 'lb-read'), chips = make(box, 'ul', 'lb-legend');
  said.setAttribute('aria-live', 'polite');
  function update() {
    photo.redraw(); colored.redraw();
    const [x, y] = place, found = way === 2
      ? [['one map', read[2](Math.floor(x / data.working_size[1] * joined.naturalWidth), Math.floor(y / data.working_size[0] * joined.naturalHeight))]]
      : data.boxes.flatMap((window_, index) => {
        const [top, left, bottom, right_] = window_;
        return holds(window_, place) ? [[`window ${index + 1}`, read[way](Math.floor((x - left) / (right_ - left) * columns), index * rows + Math.floor((y - top) / (bottom - top) * rows))]] : [];
      });
    said.textContent = way === 2 ? 'The mean of the windows that hold the place:' : found.length === 1 ? 'One window holds this place, and colors it:' : `${found.length} windows hold this place, and color it:`;
    chips.replaceChildren(...found.map(([name, color]) => {
      const item = make(null, 'li');
      make(item, 'i').style.background = `rgb(${color})`;
      item.append(name);
      return item;
    }));
    describe(colored.canvas, `Keys as colors. ${said.textContent} ${found.map(([name]) => name).join(', ')}.`);
  }
  aimAt(photo.canvas, data, place, (to) => { place = to; update(); });
  update();
};
