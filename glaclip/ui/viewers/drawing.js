// What the viewers and the lessons share; each component puts it before its own code.

// An element inside its parent, if it has one yet; the text is never HTML.
function make(parent, tag, className, text) {
  const child = document.createElement(tag);
  if (className) child.className = className;
  if (text !== undefined) child.textContent = text;
  parent?.append(child);
  return child;
}

function canvasOf(width, height) {
  const canvas = document.createElement('canvas');
  canvas.width = width; canvas.height = height;
  return canvas;
}

// A share of 1 for people, by the rule of glaclip/pictures/numbers.py.
const percent = (share) => {
  const value = 100 * share;
  if (value < 0) return 'about 0';
  if (value === 0) return '0 %';
  return value < 0.1 ? '< 0.1 %' : value.toFixed(value < 9.95 ? 1 : 0) + ' %';
};

const COUNTS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const playTitle = (steps) => `Play the ${COUNTS[steps ?? 0]} steps`;

// Inferno, sampled: perceptually even, readable in gray and by color-blind eyes.
const STOPS = [[0,0,4],[22,11,57],[66,10,104],[106,23,110],[147,38,103],[188,55,84],[221,81,58],[243,120,25],[252,165,10],[246,215,70],[252,255,164]];
const RAMP = Uint8ClampedArray.from({length: 256 * 3}, (_, i) => {
  const at = Math.floor(i / 3) / 255 * (STOPS.length - 1), low = Math.min(Math.floor(at), STOPS.length - 2);
  return STOPS[low][i % 3] + (at - low) * (STOPS[low + 1][i % 3] - STOPS[low][i % 3]);
});
const TEAL = '#2fd4c4', YELLOW = '#ffd60a';
// The square root keeps small weights visible beside large ones.
const shade = (weight, top) => Math.round(255 * Math.sqrt(Math.min(1, weight / top)));

function star(context, x, y, radius) {
  context.beginPath();
  for (let i = 0; i < 10; i++) {
    const r = i % 2 ? radius * 0.45 : radius, angle = -Math.PI / 2 + i * Math.PI / 5;
    context.lineTo(x + r * Math.cos(angle), y + r * Math.sin(angle));
  }
  context.closePath();
  context.lineJoin = 'round';
  context.lineWidth = radius * 0.55; context.strokeStyle = '#fff'; context.stroke();
  context.lineWidth = radius * 0.2; context.strokeStyle = '#101216'; context.stroke();
  context.fillStyle = YELLOW; context.fill();
}
