"""How long a person waits at the page: from pressing to pixels in a real Chromium, beside the time
that the model itself takes in the same run.

`python -m glaclip benchmark --page` runs this file as a program of its own, in the environment
that app.py makes for a server.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from PIL import Image

from glaclip.backbones.base import Backbone, BackboneError
from glaclip.benchmark.ratios import Row
from glaclip.segmenter import Progress, Segmenter
from glaclip.serving.estimate import ExpensiveError
from glaclip.serving.service import Answer, Service
from glaclip.ui.examples import example_form, examples
from glaclip.ui.form import Form
from glaclip.ui.launch import launch_options
from glaclip.ui.page import build_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

GROUP = "page"
#: Flags with which Chromium runs in a container without a screen and asks no other host.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: (width, height) of the photo.
SIZE = (640, 480)
#: Milliseconds; on slow computers a run of real CLIP takes a while.
_PATIENCE = 600_000
#: Seconds after which everything that follows a result has been drawn.
_REST = 0.6
#: Starts the clock at the next event of a kind and stops it when what is shown is painted: a
#: finished viewer has set its attribute, its canvas is drawn, and a frame has gone to the screen.
_ARM = """([type, what]) => {
  const shown = () => what === 'result'
    ? document.querySelector('.lv').dataset.turn
    : document.querySelector('.lv-card')?.dataset.answered === 'true'
      && document.querySelector('#readout caption')?.textContent;
  const before = shown();
  window.waited = new Promise((resolve) => {
    let start;
    const begin = () => { start = performance.now(); };
    document.addEventListener(type, begin, {capture: true, once: true});
    const seen = new MutationObserver(() => {
      if (start === undefined || !shown() || shown() === before) return;
      seen.disconnect();
      requestAnimationFrame(() => setTimeout(() => resolve((performance.now() - start) / 1000)));
    });
    seen.observe(document.body, {
      subtree: true, childList: true, attributes: true,
      attributeFilter: ['data-turn', 'data-answered'],
    });
  });
}"""
#: New to the words of the photo, one a round.
_WORDS = ("lantern", "bench", "umbrella", "kite", "statue", "ladder", "fountain", "balcony", "flag")


class _Patient(Service):
    """Starts nothing while `holds`, as it would unasked with a photo of very many windows."""

    holds = False

    def answer(self, *args: Any, **options: Any) -> Answer:
        if self.holds:
            raise ExpensiveError("Press Segment to start.")
        return super().answer(*args, **options)


class NoBrowserError(Exception):
    """What is missing, in a sentence."""


def chromium() -> str:
    """Path of the system's Chromium.

    Raises:
        NoBrowserError: there is none.
    """
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        raise NoBrowserError(
            "Measuring the page needs a Chromium: apt-get install chromium, then try again."
        )
    return found


def waiting(
    backbone: Backbone, chrome: Browser, repeats: int = 5, progress: Progress | None = None
) -> list[Row]:
    """What a person waits for, and the model's own part of it.

    Each round has a new photo of 640 x 480; caches are emptied before the model's own run and
    before Segment is pressed, so both compute everything: windows, words, both sides. Then, with
    the photo known, a switch is toggled, a point clicked and a word added.

    Args:
        backbone: serves the page, and does its own run.
        chrome: from `browser`.
        repeats: measured rounds, after one that is not.
        progress: called as ("benchmark", rounds done, rounds).
    """
    service = _Patient(lambda name: backbone)
    seconds: dict[str, list[float]] = {}
    with _opened(service, chrome) as page:
        for done in range(repeats + 1):
            if progress:
                progress("benchmark", done, repeats + 1)
            photo = _photo(done)
            found = {**_own(backbone, photo), **_round(service, page, photo, done)}
            for name, value in found.items():
                seconds.setdefault(name, [])
                if done:
                    seconds[name].append(value)
    if progress:
        progress("benchmark", repeats + 1, repeats + 1)
    return [Row(GROUP, name, tuple(values)) for name, values in seconds.items()]


def _photo(number: int) -> Image.Image:
    """The first shipped photo, which differs from the other rounds' in one pixel."""
    photo = examples()[0].photo().resize(SIZE)
    photo.putpixel((0, 0), (number % 256, 7, 7))
    return photo


def _own(backbone: Backbone, photo: Image.Image) -> dict[str, float]:
    """Seconds of the model alone, by the names of the rows; nothing is cached."""
    form = example_form(Form().with_defaults(backbone), examples()[0])
    request, segmenter = form.request(), Segmenter(backbone)
    start = time.perf_counter()
    encoded = segmenter.encode(photo, request.windows)
    encoding = time.perf_counter() - start
    right, left = (
        segmenter.segment(encoded, request.vocabulary, settings)
        for settings in (request.attention, request.attention.off())
    )
    whole = time.perf_counter() - start
    return {
        "model's own": whole,
        "of it: encode": encoding,
        "of it: words": right.seconds["words"],
        "of it: attention, both sides": right.seconds["attention"] + left.seconds["attention"],
        "of it: labels, both sides": right.seconds["labels"] + left.seconds["labels"],
    }


def _round(service: _Patient, page: Page, photo: Image.Image, number: int) -> dict[str, float]:
    """Seconds that a person waits, by the names of the rows."""
    stream = io.BytesIO()
    photo.save(stream, "PNG")
    content = {"name": "photo.png", "mimeType": "image/png", "buffer": stream.getvalue()}

    def clock(event: str, act: Callable[[], object], what: str = "result") -> float:
        time.sleep(_REST)
        page.evaluate(_ARM, [event, what])
        act()
        return float(page.evaluate("window.waited"))

    service.holds = True
    page.locator("#photo-row input[type=file]").set_input_files(content)  # type: ignore[arg-type]
    page.wait_for_selector("#status .problem")
    service.holds = False
    service.segmenter("auto").forget()
    found = {"press to pixels": clock("click", page.locator("#segment").click)}
    switch = page.locator("#dynamic-normalization input")
    found["a switch"] = clock("click", switch.click)
    clock("click", switch.click)
    frame = page.locator('.lv-frame[data-side="right"] .lv-top')
    box = frame.bounding_box()
    assert box
    place = {"x": box["width"] * (0.3 + 0.05 * (number % 9)), "y": box["height"] / 2}
    found["first click"] = clock("click", lambda: frame.click(position=place), "point")  # type: ignore[arg-type]
    page.locator("#words input").click()
    page.keyboard.type(_WORDS[number % len(_WORDS)])
    found["a new word"] = clock("keydown", lambda: page.keyboard.press("Enter"))
    clock("keydown", lambda: page.keyboard.press("Backspace"))
    page.keyboard.press("Escape")
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    """The system's Chromium.

    Raises:
        NoBrowserError: Playwright or Chromium is missing.
    """
    try:
        from playwright import sync_api
    except ImportError as error:
        raise NoBrowserError(
            "Measuring the page needs Playwright: pip install playwright, then try again."
        ) from error
    path = chromium()
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


@contextmanager
def _opened(service: Service, chrome: Browser) -> Iterator[Page]:
    """The page with its first result shown."""
    demo = build_page(service)
    _, url, _ = demo.launch(
        server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **launch_options(service)
    )
    service.warm_up("auto")
    page = chrome.new_page(viewport={"width": 1280, "height": 900})
    try:
        page.set_default_timeout(_PATIENCE)
        page.goto(url)
        page.wait_for_selector('.lv[data-ready="true"]', state="attached")
        yield page
    finally:
        page.close()
        demo.close(verbose=False)


def main() -> None:
    """Prints the rows as JSON."""
    parser = argparse.ArgumentParser(description="How long a person waits at the page.")
    parser.add_argument("--backbone", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--weights", default=None)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()

    from glaclip.backbones import registry
    from glaclip.backbones.zero_gpu import default_device

    place = default_device() if args.device == "auto" else args.device
    try:
        backbone = registry.load(args.backbone, device=place, weights=args.weights)
        with browser() as chrome:
            rows = waiting(backbone, chrome, args.repeats)
    except (NoBrowserError, BackboneError) as error:
        sys.exit(str(error))
    sys.stdout.write(json.dumps([dataclasses.asdict(row) for row in rows]) + "\n")


if __name__ == "__main__":
    main()
