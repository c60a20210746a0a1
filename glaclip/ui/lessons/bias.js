figures.bias = async (box, data) => {
  const line = make(box, 'label', 'lb-pick');
  make(line, 'span', '', 'Photo');
  const select = make(line, 'select');
  make(select, 'option', '', `All ${data.photos.length} photos, average`);
  data.photos.forEach((photo) => make(select, 'option', '', photo.title));
  const list = make(box, 'div', 'lb-meters');
  const rows = Object.entries(data.rungs).map(([rung, name]) => {
    const row = make(list, 'div', 'lb-meter-row'), head = make(row, 'div', 'lb-meter-head');
    make(head, 'b', '', name);
    const value = make(head, 'span', 'lb-meter-value'), track = make(row, 'div', 'lb-meter');
    const fill = make(track, 'i'), mark = make(track, 'u'), note = make(row, 'p', 'lb-meter-note');
    track.setAttribute('aria-hidden', 'true');
    row.classList.toggle('lb-meter-off', rung === 'off');
    return {rung, value, fill, mark, note};
  });
  function update() {
    const shown = select.selectedIndex ? data.photos[select.selectedIndex - 1] : data.all;
    rows.forEach(({rung, value, fill, mark, note}) => {
      const own = shown.own[rung], even = shown.even[rung];
      value.textContent = percent(own);
      fill.style.width = own * 100 + '%';
      mark.style.left = even * 100 + '%'; mark.hidden = rung === 'off';
      note.textContent = rung === 'off' ? 'No other window is visible.' : `${(own / even).toFixed(1)} times the even share of ${percent(even)}`;
    });
  }
  select.addEventListener('change', update);
  update();
};
