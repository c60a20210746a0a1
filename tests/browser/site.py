"""The page with the toy backbone, and what a person can do on it."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import torch
from PIL import Image
from torch import Tensor

from glaclip.backbones.base import Tokens
from glaclip.pictures.encoding import encoded
from glaclip.settings import CAPTIONS, STAGES
from tests.toy import Color, FewWindows, side_by_side

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, Locator, Page, Request

#: Milliseconds for something that takes a run; machines that run the tests are often busy.
PATIENCE = 60_000
#: Milliseconds between two looks; Playwright's own choice is every frame, which keeps a core busy.
POLLING = 40
SWITCHES = tuple(stage.field.replace("_", "-") for stage in STAGES)
LADDER = CAPTIONS


class PageBackbone(FewWindows):
    """The toy with a gate: while it is closed, every batch waits."""

    batch_size = 1

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.waiting = threading.Event()
        #: Seconds a batch takes longer, as real models do.
        self.pause = 0.0

    def encode_windows(self, pixels: Tensor) -> Tokens:
        self.waiting.set()
        time.sleep(self.pause)
        assert self.gate.wait(60)
        with torch.inference_mode():
            return super().encode_windows(pixels)


def halves(
    left: Color = "red", right: Color = "blue", size: tuple[int, int] = (448, 224), mark: int = 0
) -> Image.Image:
    """Two colors side by side; `mark` makes otherwise equal photos different."""
    photo = side_by_side(size, left, right)
    photo.putpixel((0, 0), (mark % 256, mark // 256, 7))
    return photo


def file_of(photo: Image.Image, name: str = "photo.png", **options: Any) -> dict[str, Any]:
    """A picture as an upload."""
    content = encoded(photo, name.rpartition(".")[2].replace("jpg", "jpeg"), **options)
    return {"name": name, "mimeType": "image/png", "buffer": content}


def drawn(page: Page) -> None:
    """Waits until what was asked for is drawn."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def box_of(node: Locator) -> FloatRect:
    """Where something that is shown lies in the window."""
    box = node.bounding_box()
    assert box, f"{node} is not shown"
    return box


@contextmanager
def requests_of(page: Page) -> Iterator[list[str]]:
    """Addresses that the page asks for while the body runs."""
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    yield asked
    page.remove_listener("request", note)


class Site:
    """One open page."""

    def __init__(self, page: Page, url: str, query: str = "") -> None:
        self.page, self.url = page, url
        page.goto(url + query)
        self.ready()

    def ready(self) -> None:
        self.page.wait_for_selector('.lv[data-ready="true"]', state="attached", timeout=PATIENCE)

    # ------------------------------------------------------------------ what is shown

    @property
    def turn(self) -> str:
        """Changes with every result that is shown."""
        return self.page.locator(".lv").get_attribute("data-turn") or ""

    def wait_for_turn(self, before: str) -> None:
        self.page.wait_for_function(
            "before => document.querySelector('.lv').dataset.turn !== before",
            arg=before,
            timeout=PATIENCE,
            polling=POLLING,
        )

    @contextmanager
    def next_turn(self) -> Iterator[None]:
        """Does what is inside, and waits for its result."""
        before = self.turn
        yield
        self.wait_for_turn(before)

    def wait_for_query(self, **values: str | None) -> None:
        """Waits until the address bar has these values; None for one that is absent."""
        self.page.wait_for_function(
            """wanted => {
                const query = new URLSearchParams(location.search);
                return Object.entries(wanted).every(([name, value]) => query.get(name) === value);
            }""",
            arg=values,
            timeout=PATIENCE,
            polling=POLLING,
        )

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.page.url).query, keep_blank_values=True))

    @property
    def titles(self) -> list[str]:
        return self.page.locator(".lv-title").all_text_contents()

    @property
    def legend(self) -> list[str]:
        """Words found, largest first."""
        return self.page.locator(".lv-entries .lv-entry-name").all_text_contents()

    @property
    def words(self) -> list[str]:
        """The tags."""
        return [text.strip() for text in self.page.locator("#words .token").all_text_contents()]

    @property
    def status(self) -> Locator:
        return self.page.locator("#status .html-container")

    @property
    def readout(self) -> Locator:
        return self.page.locator("#readout")

    @property
    def toasts(self) -> Locator:
        return self.page.locator(".toast-wrap")

    def name_at(self, side: str, x: float, y: float) -> str:
        """What the viewer calls the place at a share of the picture's width and height."""
        self.page.mouse.move(*self._place(side, x, y))
        drawn(self.page)
        tag = self.page.locator(f'.lv-frame[data-side="{side}"] .lv-tag-name')
        return tag.text_content() or ""

    def checked(self, switch: str) -> bool:
        return self.page.locator(f"#{switch} input").is_checked()

    @property
    def switched_off(self) -> list[str]:
        return [name for name in SWITCHES if not self.checked(name)]

    @property
    def rung(self) -> str | None:
        """The ladder's chosen step."""
        chosen = self.page.locator("#ladder input:checked")
        return chosen.get_attribute("value") if chosen.count() else None

    # ------------------------------------------------------------------ what a person does

    def upload(self, photo: Image.Image | dict[str, Any], *, again: bool = False) -> None:
        """Brings a photo; one that is sent again keeps the words that are there."""
        content = file_of(photo) if isinstance(photo, Image.Image) else photo
        content = {**content, "name": "sent-again"} if again else content
        self.page.locator("#photo-row input[type=file]").set_input_files(content)  # type: ignore[arg-type]

    def upload_and_hold(
        self, photo: Image.Image, toy: PageBackbone, *, again: bool = False
    ) -> None:
        """Uploads with the gate closed, and waits until the model is asked."""
        toy.gate.clear()
        toy.waiting.clear()
        self.upload(photo, again=again)
        assert toy.waiting.wait(30)

    def upload_and_wait(self, photo: Image.Image | dict[str, Any], *, again: bool = False) -> None:
        with self.next_turn():
            self.upload(photo, again=again)
        if not again:
            # The words that the page proposes come next; they would mix with those that are typed.
            chips = self.page.locator(".chips", has_text="Proposed")
            chips.wait_for(state="attached", timeout=PATIENCE)

    def type_word(self, text: str) -> None:
        self.page.locator("#words input").click()
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def set_words(self, text: str) -> None:
        """Removes all tags, types a list, and waits for its result.

        The address changes with the answer, the picture once it is decoded.
        """
        with self.next_turn():
            self.page.get_by_role("button", name="Remove all words", exact=True).click()
            self.page.locator("#words input").click()
            self.page.keyboard.insert_text(text)
            self.page.keyboard.press("Enter")
            words = ", ".join(part.strip() for part in re.split("[,\n]", text))
            self.wait_for_query(words=words)

    def choose_example(self, name: str) -> None:
        self.page.locator(f'#examples button[data-name="{name}"]').click()

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name, exact=True).click()

    def press(self, name: str) -> None:
        self.page.locator(f"#{name}").click()

    def open(self, accordion: str) -> None:
        self.page.locator("button.label-wrap", has_text=accordion).click()
        # What is inside is made now; a field takes its value over what is typed in that moment.
        self.page.evaluate("new Promise(d => setTimeout(d, 300))")

    def type_number(self, field: str, value: str) -> Locator:
        """Types into a slider's box and leaves it."""
        box = self.page.locator(f"#{field} input[type=number]")
        box.fill(value)
        box.press("Enter")
        box.blur()
        return box

    def choose(self, widget: str, label: str) -> None:
        """Chooses from a dropdown."""
        self.page.locator(f"#{widget} input").click()
        self.page.locator("ul[role=listbox] li").filter(has_text=label).first.click()

    def measure(self, truth: dict[str, Any] | None, classes: str) -> Locator:
        """Measures a label map in its tab, the one there when left out; the table of scores."""
        chosen = self.page.locator("#label-map")
        if truth is not None:
            remove = chosen.get_by_label("Clear")
            if remove.count():
                remove.click()
            chosen.locator("input[type=file]").set_input_files(truth)  # type: ignore[arg-type]
            chosen.locator(".file-preview").wait_for(timeout=PATIENCE)
        self.page.locator("#truth-classes textarea, #truth-classes input").first.fill(classes)
        self.press("measure")
        return self.page.locator("#truth-table")

    def click_picture(self, side: str, x: float, y: float) -> None:
        """Clicks at a share of the picture's width and height."""
        self.page.mouse.click(*self._place(side, x, y))

    def _place(self, side: str, x: float, y: float) -> tuple[float, float]:
        frame = self.page.locator(f'.lv-frame[data-side="{side}"]')
        frame.evaluate("node => node.scrollIntoView({block: 'center', behavior: 'instant'})")
        box = box_of(frame)
        return box["x"] + x * box["width"], box["y"] + y * box["height"]


#: For photos of `TwoColors`.
MARKS = itertools.count(20_001)
#: All that can be set on the page, but for the photo and its point; what is in a tab that nobody
#: has opened is not there, and of the windows' tab what is as it was when it was opened. Fields
#: without a name are the page's own notes, which nobody sees.
STATE = """() => {
    const fields = [...document.querySelectorAll('input:not([type=file]), textarea')];
    const usual = field => field.closest('#exclude-own') ? !field.checked
        : field.closest('#rung') && field.checked === (field.value === 'LAST');
    const ours = fields.filter(field => !field.closest('#tab-attention, #link, [hidden]'))
        .filter(field => !usual(field));
    const name = field => field.closest('[id]:not(input):not(textarea)').id;
    const set = ours.filter(name).map(field => [
        name(field), field.type, field.value, field.checked,
    ]);
    const {turn, cursor, point, ...view} = document.querySelector('.lv').dataset;
    if (view.present === 'false') delete view.present;  // it was, and is no more
    const list = selector => [...document.querySelectorAll(selector)].map(n => n.textContent);
    return {
        set, view, words: list('#words .token'), shown: list('[role=tab][aria-selected=true]'),
        toggles: list('.lv-toggle[aria-pressed=true]'), toasts: list('.toast-close').length,
        open: list('.label-wrap.open'),
        zoom: document.querySelector('.lv-frame').dataset.zoom, at: location.search,
        size: [innerWidth, innerHeight, scrollY], titles: list('.lv-title'),
        found: list('.lv-entry-name'), read: list('#readout td'),
        refused: list('#status .problem'),
    };
}""".replace("LAST", LADDER[-1])


class TwoColors(Site):
    """An upload, left red and right blue, with these two words."""

    def __init__(self, page: Page, url: str) -> None:
        super().__init__(page, url)
        self._another_photo()
        self.set_words("red, blue")
        self.page.mouse.move(0, 0)
        self._fresh = self._state()

    def _another_photo(self) -> None:
        mark = next(MARKS)
        photo = halves(mark=mark)
        # What looks as before is not sent again; this corner, in another red, makes it a new turn.
        photo.paste((155 + 20 * (mark % 5), 0, 0), (1, 1, 9, 9))
        self.upload_and_wait(photo, again=True)

    def _state(self) -> dict[str, Any]:
        drawn(self.page)
        return dict(self.page.evaluate(STATE))

    def put_back(self) -> bool:
        """Takes another photo and undoes what a test has set; False where something is left."""
        from playwright.sync_api import Error

        try:
            self._undo_view()
            pointed = self.page.locator(".lv").get_attribute("data-point")
            if not pointed and self._state() == self._fresh:
                return True  # nothing was set, and the photo is as good as new
            self._undo_method()
            now = self._state()
            if any(now[part] != self._fresh[part] for part in ("set", "open")):
                return False
            self._another_photo()
            self.page.mouse.move(0, 0)
        except (Error, AssertionError):
            return False
        return self._state() == self._fresh

    def _undo_view(self) -> None:
        page = self.page
        page.keyboard.press("Escape")  # a list, a screen of its own
        for close in page.locator(".toast-close").all():
            close.click()
        if page.locator('[role=tab][aria-selected="true"]').first.text_content() != "Compare":
            self.tab("Compare")
        if page.locator(".lv").get_attribute("data-mode") != "side":
            page.locator('.lv-mode[data-value="side"]').click()
        if page.locator(".lv-zoom-reset").is_visible():
            page.locator(".lv-zoom-reset").click()
        page.evaluate("scrollTo(0, 0)")

    def _undo_method(self) -> None:
        if self.rung != LADDER[-1]:
            with self.next_turn():
                self.page.locator("#ladder input").last.check()
        if self.words != ["red", "blue"]:
            self.set_words("red, blue")
