// The photo of the comparison: it comes once, and stays for later results and other viewers.
const HELD = 3; // an answer may still come for a photo that another has just followed
const photos = (document.glaclipPhotos ??= { name: "", images: new Map(), waiting: [] });

function loadImage(uri) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error("The picture in the viewer's value cannot be read"));
    image.src = uri;
  });
}

function sharePhoto(name, image) {
  photos.name = name; // what the page tells the server that it has, see board.py
  photos.images.delete(name);
  photos.images.set(name, image);
  if (photos.images.size > HELD) photos.images.delete(photos.images.keys().next().value);
  photos.waiting.splice(0).forEach((look) => look());
}

const heldPhoto = (name) => photos.images.get(name);

// Resolves once the photo of this name is shown, which may be never: then another one is.
function sharedPhoto(name) {
  return new Promise((resolve) => {
    const look = () => (photos.images.has(name) ? resolve(heldPhoto(name)) : photos.waiting.push(look));
    look();
  });
}
