// Gradio's loading screen counts seconds, a frame at a time, and goes on when it is gone: a page on
// which nothing happens then draws 60 frames a second for ever. Nobody reads more than four counts
// a second of any of its counters, so they get four. What else asks for frames gets all of them.
// Seen in Gradio 6.31.0; no issue is known. Needless once the counter ends with its screen: then, and
// when its minified source looks otherwise, tests/browser/test_waiting.py sees it.
(() => {
  const frame = window.requestAnimationFrame.bind(window);
  const counts = /^\(\)\s*=>\s*\{[^{}]*performance\.now\(\)\s*-[^{}]*\/\s*1e3[^{}]*\}$/;
  window.requestAnimationFrame = (callback) =>
    counts.test(callback) ? setTimeout(() => frame(callback), 250) : frame(callback);
})();
