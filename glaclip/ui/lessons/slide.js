// A lesson as a picture for slides: what the page shows, laid out wide, on 1920 x 1080 pixels.
const SLIDE = {width: 1920, height: 1080, margin: 56, columns: 1120};

// A copy that looks the same without its style sheet: every element takes its computed style along.
function still(original) {
  const copy = original.cloneNode(true), copies = [...copy.querySelectorAll('*')];
  const take = (from, to) => {
    let style = '';
    for (const name of getComputedStyle(from)) style += `${name}:${getComputedStyle(from).getPropertyValue(name)};`;
    to.setAttribute('style', style);
  };
  take(original, copy);
  [...original.querySelectorAll('*')].forEach((from, index) => {
    take(from, copies[index]);
    if (from.tagName === 'INPUT') copies[index].setAttribute('value', from.value);
    if (from.tagName !== 'CANVAS') return;
    const image = new Image();
    image.src = from.toDataURL();
    take(from, image);
    copies[index].replaceWith(image);
  });
  for (const control of copy.querySelectorAll('.lb-foot')) control.remove();
  return copy;
}
async function slide() {
  const paper = getComputedStyle(root), before = root.style.cssText;
  Object.assign(root.style, {width: `${SLIDE.columns}px`, maxWidth: 'none'});
  await new Promise((done) => setTimeout(done, 200));  // figures follow the width
  const ends = [...page.querySelectorAll('.lb-words, .lb-side')].map((part) => part.offsetTop + part.offsetHeight);
  const copy = still(page), high = Math.max(...ends) - page.offsetTop;
  const wide = page.offsetWidth, color = paper.getPropertyValue('--lb-paper').trim();
  root.style.cssText = before;
  const scale = Math.min((SLIDE.width - 2 * SLIDE.margin) / wide, (SLIDE.height - 2 * SLIDE.margin) / high);
  Object.assign(copy.style, {margin: '0', height: `${high}px`, overflow: 'visible', transformOrigin: '0 0', transform: `scale(${scale})`});
  const markup = new XMLSerializer().serializeToString(copy), left = (SLIDE.width - wide * scale) / 2, top = (SLIDE.height - high * scale) / 2;
  const image = new Image();
  image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(`<svg xmlns="${SVG}" width="${SLIDE.width}" height="${SLIDE.height}"><foreignObject x="${left}" y="${top}" width="${wide * scale}" height="${high * scale}">${markup}</foreignObject></svg>`);
  await image.decode();
  const canvas = canvasOf(SLIDE.width, SLIDE.height), g = canvas.getContext('2d');
  g.fillStyle = color || '#fff'; g.fillRect(0, 0, canvas.width, canvas.height);
  g.drawImage(image, 0, 0);
  const link = document.createElement('a');
  link.download = `glaclip-lesson-${current + 1}-${page.dataset.lesson}.png`;
  link.href = canvas.toDataURL('image/png');
  link.click();
}
