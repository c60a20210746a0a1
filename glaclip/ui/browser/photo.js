() => {
  // A photo from anywhere goes through the upload button's input: one way in, one check. It is on
  // both sides at once, shrunk to what the server would use, and kept for a page that is loaded
  // anew after a restart of the server.
  // photo_input.py, photo/reading.py; what a browser decodes without harm.
  const LONG_SIDE = 2048, MOST_WHOLE = 40e6, MOST_PIXELS = 120e6;
  const KEPT = 'glaclip-photo', MOST_KEPT = 4.5e6; // characters; a tab may keep about five million
  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`glaclip:${name}`, {detail}));
  const note = (text) => { document.querySelector('#photo-note').textContent = text; };
  // What was wrong with the last try is said until the next press.
  document.addEventListener('click', () => note(''), true);

  const opened = (file) => new Promise((resolve) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => resolve(null); // the server reads more kinds, and says what is wrong
    image.src = URL.createObjectURL(file);
  });
  async function fitted(file, image) {
    const {naturalWidth: wide, naturalHeight: high} = image, scale = LONG_SIDE / Math.max(wide, high);
    if (scale >= 1 || wide * high > MOST_PIXELS || scale * Math.min(wide, high) < 16) return file;
    const canvas = document.createElement('canvas'), context = canvas.getContext('2d');
    canvas.width = Math.round(wide * scale); canvas.height = Math.round(high * scale);
    context.imageSmoothingQuality = 'high';
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    const type = file.type === 'image/jpeg' ? file.type : 'image/png';
    const blob = await new Promise((done) => canvas.toBlob(done, type, 0.95));
    return blob ? new File([blob], file.name, {type}) : file;
  }
  function keep(file) {
    const reader = new FileReader();
    reader.onload = () => {
      sessionStorage.removeItem(KEPT);
      if (reader.result.length < MOST_KEPT) try { sessionStorage.setItem(KEPT, reader.result); } catch { /* no room */ }
    };
    reader.readAsDataURL(file);
  }
  async function kept() {
    const uri = sessionStorage.getItem(KEPT);
    // By this name the server knows it, and leaves the words as they are: SENT_AGAIN of photo_input.py.
    return uri && new File([await (await fetch(uri)).blob()], 'sent-again', {type: uri.slice(5, uri.indexOf(';'))});
  }

  const input = () => document.querySelector('#photo-row input[type=file]');
  let passing = false, last = 0;
  function pass(file) {
    const bag = new DataTransfer();
    bag.items.add(file);
    input().files = bag.files;
    passing = true;
    input().dispatchEvent(new Event('change', {bubbles: true}));
    passing = false;
  }
  async function bring(file) {
    const mine = ++last, image = await opened(file);
    if (mine !== last) return; // a later photo was quicker
    note('');
    if (!image) return pass(file);
    tell('photo', {image});
    const {naturalWidth: wide, naturalHeight: high} = image;
    file = await fitted(file, image);
    if (mine !== last) return;
    if (wide * high > MOST_WHOLE) note(`The photo has ${Math.round(wide * high / 1e6)} megapixels: it was shrunk to fit ${LONG_SIDE} pixels.`);
    keep(file);
    pass(file);
  }
  document.addEventListener('change', (event) => {
    if (passing || event.target !== input() || !input().files.length) return;
    event.stopImmediatePropagation();
    bring(input().files[0]);
  }, true);

  // How much of an upload has gone: fetch does not say it.
  const ask = window.fetch;
  window.fetch = (...request) => {
    const [to, options] = request, path = new URL(String(to?.url ?? to), location).pathname;
    return path.endsWith('/upload') && options?.body instanceof FormData ? sent(String(to), options) : ask(...request);
  };
  const sent = (url, {body, headers, credentials}) => new Promise((resolve, reject) => {
    const post = new XMLHttpRequest();
    post.open('POST', url);
    post.withCredentials = credentials === 'include';
    for (const [name, value] of new Headers(headers ?? {})) post.setRequestHeader(name, value);
    post.upload.onprogress = ({loaded, total}) => tell('sending', {share: loaded / total});
    post.onload = () => resolve(new Response(post.responseText, {status: post.status, statusText: post.statusText}));
    post.onerror = () => { tell('refused'); reject(new TypeError('the upload ended early')); };
    post.send(body);
  });

  const photoOf = (data) => [...(data?.files ?? [])].find((file) => file.type.startsWith('image/'));
  document.addEventListener('paste', (event) => {
    const file = photoOf(event.clipboardData);
    if (file) { event.preventDefault(); bring(file); }
  });
  document.addEventListener('dragover', (event) => {
    if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
  });
  document.addEventListener('drop', (event) => {
    const file = photoOf(event.dataTransfer);
    if (!file || event.target.closest('#label-map')) return;
    event.preventDefault();
    bring(file);
  });
  const on = (selector, act) => document.addEventListener('click', (event) => {
    if (event.target instanceof Element && event.target.closest(selector)) act();
  });
  on('[data-photo="choose"]', () => input().click());
  on('[data-photo="paste"]', async () => {
    try {
      for (const item of await navigator.clipboard.read()) {
        const type = item.types.find((name) => name.startsWith('image/'));
        if (type) return bring(new File([await item.getType(type)], 'pasted.png', {type}));
      }
      note('The clipboard holds no photo.');
    } catch {
      note('The browser does not let this page read the clipboard: press Ctrl+V instead.');
    }
  });
  on('[data-photo="camera"]', async () => {
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({video: {facingMode: 'environment'}});
    } catch {
      return note('No camera can be used here.');
    }
    const dialog = document.querySelector('#camera'), video = dialog.querySelector('video');
    video.srcObject = stream;
    dialog.returnValue = '';
    dialog.showModal();
    dialog.onclose = () => {
      const canvas = document.createElement('canvas');
      canvas.width = video.videoWidth; canvas.height = video.videoHeight;
      canvas.getContext('2d').drawImage(video, 0, 0);
      stream.getTracks().forEach((track) => track.stop());
      if (dialog.returnValue === 'take') canvas.toBlob((blob) => bring(new File([blob], 'camera.png', {type: 'image/png'})));
    };
  });

  // The server has lost the photo: it restarted, after which Gradio loads the page anew, it deleted
  // an old upload, or this tab was elsewhere and came back. Another person's link is opened, none of these.
  async function again() {
    const file = await kept();
    if (!file) return false;
    await bring(file);
    note('The server had lost your photo: it was sent again.');
    return true;
  }
  const anew = ['reload', 'back_forward'].includes(performance.getEntriesByType('navigation')[0]?.type);
  let asked = false;
  new MutationObserver(async () => {
    const lost = document.querySelector('#results [data-about=lost-photo], .lv[data-lost=true]');
    if (!lost || asked) { asked &&= Boolean(lost); return; }
    asked = true;
    if (lost.matches('.lv') && !anew) return;
    if (!await again() && !lost.matches('.lv')) note('It cannot be sent again from here: choose it once more.');
  }).observe(document.querySelector('#results'), {subtree: true, childList: true, attributes: true, attributeFilter: ['data-lost']});
}
