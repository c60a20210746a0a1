// Weights as colors, as glaclip/pictures/weights.py draws them; after drawing.js.

// Base64 of uint16, each times `unit`.
function unpackWeights({weights, unit}) {
  const bytes = Uint8Array.from(atob(weights), (c) => c.charCodeAt(0)), view = new DataView(bytes.buffer);
  return Float32Array.from({length: bytes.length / 2}, (_, i) => view.getUint16(2 * i, true) * unit);
}

// Gray and darker, so that the colors of a photo are not taken for weights.
function dimmed(image) {
  const canvas = canvasOf(image.naturalWidth, image.naturalHeight), context = canvas.getContext('2d', {willReadFrequently: true});
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height), {data} = pixels;
  for (let i = 0; i < data.length; i += 4) data[i] = data[i + 1] = data[i + 2] = 0.65 * (0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2]);
  context.putImageData(pixels, 0, 0);
  return canvas;
}

// Levels from 0 to 1 as light of the scale's colors; nothing where there is no weight.
function heatOf(levels, width, height) {
  const canvas = canvasOf(width, height), context = canvas.getContext('2d'), pixels = context.createImageData(width, height);
  for (let i = 0; i < levels.length; i++) {
    const level = Math.round(255 * levels[i]);
    pixels.data.set([RAMP[3 * level], RAMP[3 * level + 1], RAMP[3 * level + 2], Math.round(255 * levels[i] ** 0.75)], 4 * i);
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

// The square root keeps small weights visible beside large ones.
const levelOf = (weight, top) => Math.sqrt(Math.min(1, weight / top));

function hatch(context, x, y, width, height, paper, line) {
  context.save();
  context.beginPath(); context.rect(x, y, width, height); context.clip();
  context.fillStyle = paper; context.fillRect(x, y, width, height);
  context.beginPath();
  for (let at = x - height; at < x + width; at += 12) { context.moveTo(at, y + height); context.lineTo(at + height, y); }
  context.lineWidth = 1.5; context.strokeStyle = line; context.stroke();
  context.restore();
}

// Around the query's patch, which stays in sight.
function queryRing(context, x, y, radius) {
  context.beginPath(); context.arc(x, y, radius, 0, 2 * Math.PI);
  context.lineWidth = radius * 0.5; context.strokeStyle = '#101216'; context.stroke();
  context.lineWidth = radius * 0.28; context.strokeStyle = YELLOW; context.stroke();
}

// Where a single token is.
function ring(context, x, y, radius) {
  context.beginPath(); context.arc(x, y, radius, 0, 2 * Math.PI);
  context.lineWidth = radius * 0.42; context.strokeStyle = '#101216'; context.stroke();
  context.lineWidth = radius * 0.2; context.strokeStyle = '#fff'; context.stroke();
}

const times = (multiple) => multiple === 0 ? '0' : (multiple < 9.95 ? multiple.toFixed(1).replace('.0', '') : Math.round(multiple).toLocaleString('en-US')) + '\u00d7';

// The scale's colors with its numbers, in multiples of even attention.
function colorBar(parent, top) {
  const bar = document.createElement('span'); bar.className = 'av-scale';
  const strip = canvasOf(256, 1), context = strip.getContext('2d'), pixels = context.createImageData(256, 1);
  for (let i = 0; i < 256; i++) pixels.data.set([RAMP[3 * i], RAMP[3 * i + 1], RAMP[3 * i + 2], 255], 4 * i);
  context.putImageData(pixels, 0, 0);
  strip.setAttribute('aria-hidden', 'true');
  bar.append(strip);
  const one = Math.sqrt(1 / top), marks = [0, top / 4, top];
  if ((one >= 0.15 && one <= 0.36) || (one >= 0.64 && one <= 0.85)) marks.push(1);
  for (const mark of marks.sort((a, b) => a - b)) {
    const number = document.createElement('span'), place = Math.sqrt(mark / top);
    number.textContent = times(mark) + (mark === top ? ' even' : '');
    number.style.left = place * 100 + '%';
    number.style.transform = `translateX(${place === 0 ? 0 : place === 1 ? -100 : -50}%)`;
    bar.append(number);
  }
  bar.title = 'Attention of a patch. 1\u00d7 is what each would get if attention were spread evenly.';
  parent.append(bar);
  return bar;
}
