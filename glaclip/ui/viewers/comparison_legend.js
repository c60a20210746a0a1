// The words with their shares, sorted: pressed, one is seen alone; held down, how probable it is.

const FOLD = 16; // legend entries shown before "more words"
const HOLD = 350; // milliseconds
const LEGEND_LINE = 38; // pixels of one line of words, which the pictures always leave room for
const LEGEND_MOST = 90; // pixels that the pictures give up for more lines
const ABSENT = "probably not in this photo";

function writeLegend() {
  const last = data.sides[data.sides.length - 1].areas;
  const first = data.sides[0].areas;
  const pair = data.sides.length > 1;
  const order = data.classes.map((_, label) => label).sort((a, b) => last[b] - last[a] || first[b] - first[a] || a - b);
  const found = order.filter((label) => first[label] > 0 || last[label] > 0);
  const missing = data.classes.map((_, label) => label).filter((label) => !(first[label] > 0 || last[label] > 0));
  const largest = Math.max(...found.map((label) => Math.max(first[label], last[label])), 1e-9);
  find(".lv-legend").hidden = Boolean(data.plain);
  find(".lv-legend-key").textContent = pair
    ? "share of the picture, left \u2192 right; press a word to see it alone"
    : "share of the picture; press a word to see it alone";
  find(".lv-entries").replaceChildren(
    ...found.map((label, place) => {
      const item = make(null, "li", place < FOLD ? "" : "lv-folded");
      item.append(entry(label, first[label], pair ? last[label] : null, largest));
      return item;
    }),
  );
  fold(found.length > FOLD + 2); // nobody presses a button to see two words
  const box = find(".lv-missing");
  box.hidden = missing.length === 0;
  box.open = false;
  find(".lv-missing-count").textContent = `${missing.length} ${missing.length === 1 ? "word" : "words"} not found`;
  find(".lv-missing-list").replaceChildren(...missing.map((label) => make(null, "li", "", nameOf(label))));
}

// The pictures leave room for all lines of words above the page's status line.
function leaveRoom() {
  const more = clamp(find(".lv-entries").offsetHeight - LEGEND_LINE, 0, LEGEND_MOST);
  root.style.setProperty("--lv-more", `${more}px`);
}

function fold(folded) {
  const hidden = findAll(".lv-folded");
  const more = find(".lv-more");
  for (const item of hidden) item.hidden = folded;
  more.hidden = hidden.length <= 2;
  more.textContent = folded ? `Show ${hidden.length} more words` : "Show fewer words";
  more.setAttribute("aria-expanded", String(!folded));
}

function entry(label, left, right, largest) {
  const button = make(null, "button", "lv-entry");
  button.type = "button";
  button.dataset.label = String(label);
  const share = make(null, "span", "lv-entry-share");
  const meter = make(null, "span", "lv-meter");
  const parts = right === null ? [left] : [left, right];
  if (right !== null) share.append(`${percent(left)} \u2192 `);
  share.append(make(null, "b", "", percent(parts[parts.length - 1])));
  for (const part of parts) {
    const bar = make(null, "i");
    bar.style.background = data.classes[label].color;
    bar.style.setProperty("--share", String(part / largest));
    meter.append(bar);
  }
  meter.setAttribute("aria-hidden", "true");
  const name = make(null, "span", "lv-entry-name", nameOf(label));
  name.title = nameOf(label);
  button.append(swatch(label), name, share, meter);
  if (data.classes[label].absent) button.append(make(null, "span", "lv-absent", ABSENT));
  return button;
}

function preview(label) {
  if (state.preview === label) return;
  state.preview = label;
  reflect();
  later(compose, paint, drawLines);
}
function pin(label) {
  state.pinned = label;
  state.preview = -1; // releasing shows at once, though the pointer still rests on the entry
  reflect();
  if (data) later(compose, paint, drawLines);
}
const entryOf = (event) => {
  const button = event.target instanceof Element ? event.target.closest(".lv-entry") : null;
  return button ? Number(button.dataset.label) : -1;
};
const entries = find(".lv-entries");
entries.addEventListener("pointerover", (event) => {
  // Moving within one entry is no news: a release by click must last.
  if (event.pointerType !== "mouse" || (event.relatedTarget && event.target.closest(".lv-entry")?.contains(event.relatedTarget))) return;
  preview(entryOf(event));
});
entries.addEventListener("pointerleave", () => preview(-1));
entries.addEventListener("focusin", (event) => {
  if (event.target.matches(":focus-visible")) preview(entryOf(event));
});
entries.addEventListener("focusout", () => preview(-1));
entries.addEventListener("keydown", (event) => {
  if (event.key === "Escape") pin(-1);
});
// A word that is held down shows its score until it is let go.
let holding = 0, wasHeld = false;
entries.addEventListener("pointerdown", (event) => {
  const label = entryOf(event);
  if (label < 0 || event.button) return;
  wasHeld = false;
  holding = setTimeout(() => {
    wasHeld = true;
    entries.setPointerCapture(event.pointerId);
    hold(label);
  }, HOLD);
});
for (const type of ["pointerup", "pointercancel", "pointerleave"]) {
  entries.addEventListener(type, () => {
    clearTimeout(holding);
    hold(-1);
  });
}
entries.addEventListener("contextmenu", (event) => { if (wasHeld || holding) event.preventDefault(); });
function hold(label) {
  if (state.held === label) return;
  state.held = label;
  if (!data) return;
  reflect();
  later(compose, paint, drawLines, drawTop);
}
find(".lv-cut").addEventListener("click", () => {
  const side = data.sides.length - 1;
  cutOut(data.image, data.labels[side], data.width, data.height, state.pinned, nameOf(state.pinned));
});
entries.addEventListener("click", (event) => {
  const label = entryOf(event);
  if (wasHeld) return void (wasHeld = false);
  if (label >= 0) pin(label === state.pinned ? -1 : label);
});
find(".lv-more").addEventListener("click", (event) => fold(event.currentTarget.getAttribute("aria-expanded") === "true"));
find(".lv-release").addEventListener("click", () => pin(-1));
