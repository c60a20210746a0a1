// The photo of the comparison: it comes with the comparison alone, and other viewers draw on it too.
const photos = (document.glaclipPhotos ??= { name: null, image: null, waiting: [] });

function loadImage(uri) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error("The picture in the viewer's value cannot be read"));
    image.src = uri;
  });
}

function sharePhoto(name, image) {
  Object.assign(photos, { name, image });
  photos.waiting.splice(0).forEach((look) => look());
}

// Resolves once the photo of this name is shown, which may be never: then another one is.
function sharedPhoto(name) {
  return new Promise((resolve) => {
    const look = () => (photos.name === name ? resolve(photos.image) : photos.waiting.push(look));
    look();
  });
}
