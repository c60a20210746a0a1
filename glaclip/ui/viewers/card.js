// The answer at the star: what both sides say there, and the way to its attention.

// `names` gives what is under a point on each side at once; probabilities come from the server.
function starCard(attend) {
  const card = document.createElement('div'), line = document.createElement('p');
  const more = document.createElement('button'), close = document.createElement('button');
  let frame = -1, known = null;
  card.className = 'lv-card'; card.hidden = true;
  card.setAttribute('role', 'group'); card.setAttribute('aria-label', 'Answer at the star');
  line.className = 'lv-card-line'; line.setAttribute('aria-live', 'polite');
  more.type = close.type = 'button';
  more.className = 'lv-card-more'; more.textContent = 'See its attention';
  close.className = 'lv-card-close'; close.textContent = '\u00d7'; close.setAttribute('aria-label', 'Close the answer');
  card.append(line, more, close);
  more.addEventListener('click', attend);
  close.addEventListener('click', () => hide());
  card.addEventListener('keydown', (event) => { if (event.key === 'Escape') hide(); });

  function hide() { frame = -1; card.hidden = true; }

  // sides: [{name, color}], at `point`; a probability is added when it is known for this very point.
  function write(point, sides) {
    const answer = known && known.point.join() === point.join() ? known : null;
    line.replaceChildren(...sides.flatMap(({name, color}, index) => {
      const part = document.createElement('span'), chip = document.createElement('i'), word = document.createElement('b');
      part.className = 'lv-card-side';
      chip.className = 'lv-swatch'; chip.style.background = color;
      word.textContent = name;
      part.append(chip, word);
      const chance = answer ? answer.probabilities[index] : undefined;  // null: background, of which no word is sure
      if (chance !== null) part.append(chance === undefined ? ' \u2026' : ' ' + percent(chance));
      return index ? [' | ', part] : [part];
    }));
    card.dataset.answered = String(Boolean(answer));
  }

  return {
    card,
    hide,
    open(index) { frame = index; },
    learn(answer) { known = answer; },
    // Draws the card beside the star of its frame; `at` and the size are in the frame's pixels.
    place(index, node, at, [wide, high], point, sides) {
      if (index !== frame) return;
      if (card.parentNode !== node) node.append(card);
      card.hidden = at[0] < 0 || at[1] < 0 || at[0] > wide || at[1] > high;
      write(point, sides);
      const [width, height] = [card.offsetWidth, card.offsetHeight];
      const x = Math.min(Math.max(6, at[0] - width / 2), Math.max(6, wide - width - 6));
      const y = at[1] + 18 + height <= high - 6 ? at[1] + 18 : Math.max(6, at[1] - 18 - height);
      card.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
    },
  };
}
