// The comparison viewer: what is shown, and which word is meant. Runs once per mounted viewer;
// gradio gives element, trigger, props and watch. `comparison_layers`, `_point` and `_legend` draw it,
// `comparison.js` takes new results and the toolbar's presses.
// Everything a person may have typed (class names, titles) is placed with textContent only.
const root = element.querySelector(".lv");
const find = (selector) => root.querySelector(selector);
const findAll = (selector) => Array.from(root.querySelectorAll(selector));
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

const SIDES = ["left", "right"];
const frames = SIDES.map((side) => {
  const node = find(`.lv-frame[data-side="${side}"]`);
  const [picture, lines, top] = [".lv-picture", ".lv-lines", ".lv-top"].map((c) => node.querySelector(c));
  return { side, node, picture, lines, top, tag: node.querySelector(".lv-tag"), overlay: document.createElement("canvas") };
});
const divider = find(".lv-divider");
const range = find(".lv-opacity-range");

let data = null; // the decoded value; null shows the empty state
let turn = 0; // a decoded value of an older turn is dropped
let results = 0; // that were shown; a plain photo is none
let earlier = null; // what a photo on its way has taken the place of
const state = {
  // A phone has room for one picture beside its controls.
  mode: matchMedia("(max-width: 480px)").matches ? "slider" : "side",
  grid: false,
  seams: false,
  contradictions: false,
  names: false,
  opacity: Number(range.value) / 100,
  split: 0.62, // not in the middle, where a window's edge often is
  pinned: -1,
  preview: -1,
  point: null, // the star, photo pixels
  cursor: null, // the crosshair, photo pixels
  held: -1, // a word of the legend that is held down: its score for as long
  hovered: false,
  focused: false,
};

const THIN = "\u2009"; // between a number and its percent sign
const nameOf = (label) => data.classes[label]?.name ?? "?";

function swatch(label) {
  const node = make(null, "i", "lv-swatch");
  node.style.background = data.classes[label]?.color ?? "transparent";
  node.setAttribute("aria-hidden", "true");
  return node;
}

const isolated = () => (state.preview >= 0 ? state.preview : state.pinned);

// The word whose score is shown: one that is held, in the view "Score" the chosen one, else the largest.
function scored() {
  if (data?.plain || !data) return -1;
  if (state.held >= 0) return state.held;
  if (state.mode !== "score") return -1;
  if (isolated() >= 0) return isolated();
  const areas = data.sides[data.sides.length - 1].areas;
  return areas.indexOf(Math.max(...areas));
}
