figures.bias = async (box, data) => {
  const line = make(box, 'label', 'lb-pick');
  make(line, 'span', '', 'Photo');
  const select = make(line, 'select');
  make(select, 'option', '', `All ${data.photos.length} photos, average`);
  data.photos.forEach((photo) => make(select, 'option', '', photo.title));
  const list = make(box, 'div', 'lb-meters');
  const rows = data.rungs.map((name, index) => {
    const row = make(list, 'div', 'lb-meter-row'), head = make(row, 'div', 'lb-meter-head');
    make(head, 'b', '', name);
    const value = make(head, 'span', 'lb-meter-value'), track = make(row, 'div', 'lb-meter');
    const fill = make(track, 'i'), mark = make(track, 'u'), note = make(row, 'p', 'lb-meter-note');
    track.setAttribute('aria-hidden', 'true');
    row.classList.toggle('lb-meter-off', index === 0);
    return {value, fill, mark, note};
  });
  function update() {
    const shown = select.selectedIndex ? data.photos[select.selectedIndex - 1] : data.all;
    rows.forEach(({value, fill, mark, note}, index) => {
      const own = shown.own[index], even = shown.even[index];
      value.textContent = percent(own);
      fill.style.width = own * 100 + '%';
      mark.style.left = even * 100 + '%'; mark.hidden = index === 0;
      note.textContent = index === 0 ? 'No other window is visible.' : `${(own / even).toFixed(1)} times the even share of ${percent(even)}`;
    });
  }
  select.addEventListener('change', update);
  update();
};
