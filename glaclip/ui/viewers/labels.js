// Pictures whose colors are numbers, the labels of their pixels.

function pixels(image, width, height) {
  const canvas = canvasOf(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = false; // numbers, not colors: nothing lies between them
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

function readLabels(image, width, height, wide) {
  const rgba = pixels(image, width, height).data;
  const labels = new Uint16Array(width * height);
  for (let i = 0; i < labels.length; i++) labels[i] = wide ? rgba[4 * i] | (rgba[4 * i + 1] << 8) : rgba[4 * i];
  return labels;
}

// "#rrggbb" as three numbers.
const rgbOf = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
