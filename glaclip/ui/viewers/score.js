// How probable a word is at each place: a map of each side from the server, asked for when it is looked at.

// `ask(label)` sends for the maps of a word; `drawn` is called when they are here.
function scoreMaps(ask, drawn) {
  let of = "", wanted = -1, known = new Map(); // of: the result whose maps these are, by word

  async function learn(answer) {
    if (!answer || answer.result !== of || !answer.maps) return;
    const images = await Promise.all(answer.maps.map(loadImage));
    if (answer.result !== of) return; // of an earlier result
    known.set(answer.label, images.map(grayOf));
    if (answer.label === wanted) drawn();
  }

  return {
    learn,
    begin(result) {
      [of, wanted, known] = [result, -1, new Map()];
    },
    // Both sides' maps {values, width, height} of a word, or null while they are on their way.
    sides(label) {
      if (label !== wanted && !known.has(label)) ask(label);
      wanted = label;
      return known.get(label) ?? null;
    },
  };
}

function grayOf(image) {
  const [width, height] = [image.naturalWidth, image.naturalHeight];
  const context = canvasOf(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const rgba = context.getImageData(0, 0, width, height).data;
  return { values: Uint8Array.from({ length: width * height }, (_, i) => rgba[4 * i]), width, height };
}

// The value 0..255 of a map at a place in shares of the picture.
const valueAt = ({ values, width, height }, x, y) =>
  values[Math.min(height - 1, Math.floor(y * height)) * width + Math.min(width - 1, Math.floor(x * width))];

// Saves the photo where `labels` [width * height] say a word.
function cutOut(image, labels, width, height, label, name) {
  const [wide, high] = [image.naturalWidth, image.naturalHeight];
  const canvas = canvasOf(wide, high), context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, wide, high);
  for (let y = 0; y < high; y++) {
    const row = Math.min(height - 1, Math.floor(((y + 0.5) / high) * height)) * width;
    for (let x = 0; x < wide; x++) {
      const at = row + Math.min(width - 1, Math.floor(((x + 0.5) / wide) * width));
      if (labels[at] !== label) pixels.data[4 * (y * wide + x) + 3] = 0;
    }
  }
  context.putImageData(pixels, 0, 0);
  canvas.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${name.replace(/[^\p{L}\p{N}]+/gu, "_")}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
}
