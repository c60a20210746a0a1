from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import class_colors
from glaclip.segmenter.seams import interior_edges
from glaclip.ui.gradio.quick import gr
from glaclip.ui.viewers import comparison
from glaclip.ui.viewers.comparison import LinkedViewer
from glaclip.ui.viewers.comparison_value import Side, ViewerValue, viewer_value
from glaclip.ui.viewers.shown_photo import shown_size
from glaclip.windows import Box
from tests.browser.site import box_of, drawn, requests_of

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

VIEWERS = Path(comparison.__file__).parent
HOSTILE = '<img src=x onerror="window.hacked=1">'
NAMES = ("sky", "tree", "house", HOSTILE, "boat", "cat")  # the last two are nowhere
SIZE = (300, 480)
BIG = (2000, 3100)
WINDOWS = tuple(Box(top, left, top + 200, left + 240) for top in (0, 100) for left in (0, 120, 240))


def labels_of(height: int, width: int) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Four blocks; the right side's borders are elsewhere in places."""
    y, x = np.mgrid[0:height, 0:width]
    left = (x * 2 // width) + 2 * (y * 2 // height)
    right = (x * 5 > width * 3) + 2 * (y * 3 > height * 2)
    return left.astype(np.int16), right.astype(np.int16)


def photo_of(height: int, width: int) -> Image.Image:
    ramp = np.linspace(40, 210, width, dtype=np.uint8)
    return Image.fromarray(np.repeat(np.tile(ramp, (height, 1))[..., None], 3, axis=2))


def value_of(size: tuple[int, int], title: str = "Per window", **options: Any) -> ViewerValue:
    left, right = labels_of(*size)
    against = np.zeros((2, *SIZE), np.uint8)  # at the working size, whatever the photo's
    against[0, 60:120, 48:240] = 1
    against[0, 60:120, 240:336] = 2
    against[1, 240:, 432:] = 3
    return viewer_value(
        photo_of(*size),
        Side(left, title, "each window alone", 0.042, 0.21, against[0]),
        Side(right, "GLA-CLIP", HOSTILE, disagreement=0.034, contradictions=against[1]),
        classes=NAMES,
        windows=WINDOWS,
        working_size=SIZE,
        **options,
    )


def single() -> ViewerValue:
    left, _ = labels_of(*SIZE)
    return viewer_value(photo_of(*SIZE), Side(left, "Alone"), classes=NAMES)


def many() -> ViewerValue:
    """More classes than one channel of a PNG holds; class 300 on the left, 299 on the right."""
    labels = np.full(SIZE, 300, dtype=np.int16)
    names = [f"word {i}" for i in range(301)]
    return viewer_value(
        photo_of(*SIZE), Side(labels, "Left"), Side(labels - 1, "Right"), classes=names
    )


def colorful() -> ViewerValue:
    """Thirty classes, all found."""
    labels = (np.arange(SIZE[1]) * 30 // SIZE[1]).astype(np.int16) + np.zeros(SIZE, dtype=np.int16)
    names = [f"word {i}" for i in range(30)]
    return viewer_value(photo_of(*SIZE), Side(labels, "Left"), classes=names)


@pytest.fixture(scope="session")
def url(serve: Callable[..., str]) -> str:
    makers: dict[str, Callable[[], ViewerValue | None]] = {
        "start": lambda: value_of(SIZE, point=(120, 60)),
        "big": lambda: value_of(BIG, title="Big"),
        "alone": single,
        "many": many,
        "colorful": colorful,
        "nothing": lambda: None,
    }

    def pick(event: gr.SelectData) -> str:
        return json.dumps([event.index, event.value, event._data["side"]])

    with gr.Blocks(title="viewer") as blocks:
        with gr.Row():  # above the viewer: pressing one does not scroll it away
            buttons = {
                name: gr.Button(name, elem_id=f"make-{name}", min_width=40) for name in makers
            }
        viewer = LinkedViewer(makers["start"](), elem_id="viewer", empty="Nothing <b>yet</b>.")
        out = gr.Textbox(label="Picked", elem_id="picked")
        viewer.select(pick, None, out)
        for name, maker in makers.items():
            buttons[name].click(maker, None, viewer)
    return serve(blocks)


def ready(page: Page, state: str = "true") -> None:
    page.wait_for_selector(f'.lv[data-ready="{state}"]', state="attached")


@pytest.fixture
def viewer(page: Page, url: str) -> Locator:
    page.goto(url)
    ready(page)
    return page.locator(".lv")


def attribute(page: Page, name: str) -> str | None:
    return page.locator(".lv").get_attribute(f"data-{name}")


def make(page: Page, name: str) -> None:
    """Asks the server for another value and waits until it is shown."""
    before = attribute(page, "turn")
    page.locator(f"#make-{name}").click()
    page.wait_for_function(
        "before => document.querySelector('.lv').dataset.turn !== before", arg=before
    )


def make_nothing(page: Page) -> None:
    page.locator("#make-nothing").click()
    ready(page, "empty")


def hover(page: Page, side: str, x: float, y: float) -> None:
    """Puts the mouse at a share of the picture's width and height."""
    box = box_of(page.locator(f'.lv-frame[data-side="{side}"]'))
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])


def pixel(page: Page, side: str, layer: str, x: float, y: float) -> list[int]:
    drawn(page)
    script = """([side, layer, x, y]) => {
        const canvas = document.querySelector(`.lv-frame[data-side="${side}"] .lv-${layer}`);
        const at = [Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1];
        return Array.from(canvas.getContext("2d").getImageData(...at).data);
    }"""
    return list(page.evaluate(script, [side, layer, x, y]))


def set_opacity(page: Page, value: int) -> None:
    page.locator(".lv-opacity-range").evaluate(
        "(node, value) => { node.value = value; node.dispatchEvent(new Event('input')); }", value
    )


def mode(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    drawn(page)


def tag(page: Page, side: str) -> Locator:
    return page.locator(f'.lv-frame[data-side="{side}"] .lv-tag-name')


def entry(page: Page, label: int) -> Locator:
    return page.locator(f'.lv-entry[data-label="{label}"]')


def picked(page: Page, side: str) -> tuple[list[int], int]:
    """What the server was told: photo pixel and class."""
    script = """side => {
        const node = document.querySelector("#picked textarea, #picked input");
        return node.value.includes(`"${side}"`) && node.value;
    }"""
    text = page.wait_for_function(script, arg=side).json_value()
    index, label, _ = json.loads(text)
    return index, label


@contextmanager
def no_requests(page: Page) -> Iterator[None]:
    with requests_of(page) as seen:
        yield
        drawn(page)
    assert not seen, seen


def test_hover_names_the_class_on_both_sides(page: Page, viewer: Locator) -> None:
    left, right = labels_of(*SIZE)
    with no_requests(page):
        for side, x, y in [("left", 0.55, 0.6), ("right", 0.55, 0.6), ("left", 0.1, 0.9)]:
            hover(page, side, x, y)
            drawn(page)
            at = int(y * SIZE[0]), int(x * SIZE[1])
            assert tag(page, "left").text_content() == NAMES[left[at]]
            assert tag(page, "right").text_content() == NAMES[right[at]]
            # The crosshair's arms are at the same place on both.
            assert pixel(page, "left", "top", x, y / 2)[3] > 0
            assert pixel(page, "right", "top", x, y / 2)[3] > 0
    assert re.match("4[78], 270", page.locator(".lv-readout").text_content() or "")
    page.mouse.move(5, 5)
    drawn(page)
    assert page.locator(".lv-tag:visible").count() == 0


def test_overlay_has_the_palette_and_the_opacity(page: Page, viewer: Locator) -> None:
    left, right = labels_of(*SIZE)
    colors = class_colors(NAMES)
    set_opacity(page, 100)
    for x, y in [(0.2, 0.2), (0.55, 0.6), (0.9, 0.9)]:
        at = int(y * SIZE[0]), int(x * SIZE[1])
        assert pixel(page, "left", "picture", x, y)[:3] == colors[left[at]].tolist()
        assert pixel(page, "right", "picture", x, y)[:3] == colors[right[at]].tolist()
    set_opacity(page, 0)
    red, green, blue, _ = pixel(page, "left", "picture", 0.5, 0.5)
    assert red == green == blue
    assert attribute(page, "opacity") == "0"


def test_legend_isolates_and_pins(page: Page, viewer: Locator) -> None:
    set_opacity(page, 100)
    with no_requests(page):
        entry(page, 3).hover()
        drawn(page)
        assert attribute(page, "isolated") == "3"
        kept = class_colors(NAMES)[3].tolist()
        assert pixel(page, "left", "picture", 0.9, 0.9)[:3] == kept
        assert pixel(page, "right", "picture", 0.9, 0.9)[:3] == kept
        # Everything else is the photo below a veil, without color.
        red, _, blue, _ = pixel(page, "left", "picture", 0.1, 0.1)
        assert abs(red - blue) < 12
        page.mouse.move(5, 5)
        drawn(page)
        assert attribute(page, "isolated") == ""

        entry(page, 3).click()
        page.mouse.move(5, 5)
        assert attribute(page, "isolated") == attribute(page, "pinned") == "3"
        assert entry(page, 3).get_attribute("aria-pressed") == "true"
        assert page.locator('.lv-entry[aria-pressed="true"]').count() == 1
        entry(page, 0).hover()
        assert attribute(page, "isolated") == "0"
        page.mouse.move(5, 5)
        assert attribute(page, "isolated") == "3"
        entry(page, 3).click()
        assert attribute(page, "isolated") == attribute(page, "pinned") == ""
        assert entry(page, 3).get_attribute("aria-pressed") == "false"

        entry(page, 1).click()
        page.get_by_role("button", name="Show all").click()
        page.mouse.move(5, 5)
        assert attribute(page, "isolated") == ""


def test_legend_by_keyboard(page: Page, viewer: Locator) -> None:
    page.locator(".lv-opacity-range").focus()
    page.keyboard.press("Tab")
    first = page.locator(".lv-entry").first
    assert first.evaluate("node => node === document.activeElement")
    assert attribute(page, "isolated") == first.get_attribute("data-label")
    page.keyboard.press("Enter")
    assert attribute(page, "pinned") == first.get_attribute("data-label")
    page.keyboard.press("Escape")
    assert attribute(page, "pinned") == ""


def test_legend_numbers(page: Page, viewer: Locator) -> None:
    left, right = labels_of(*SIZE)
    shares = [np.bincount(side.ravel(), minlength=6) / side.size for side in (left, right)]
    order = [
        int(node.get_attribute("data-label") or -1) for node in page.locator(".lv-entry").all()
    ]
    assert order == sorted(range(4), key=lambda label: -shares[1][label])
    for label in range(4):
        text = entry(page, label).locator(".lv-entry-share").text_content() or ""
        assert text == " → ".join(percent(float(side[label])) for side in shares)
    assert page.locator(".lv-missing-count").text_content() == "2 words not found"
    page.locator(".lv-missing-count").click()
    assert page.locator(".lv-missing-list li:visible").all_text_contents() == ["boat", "cat"]


def test_heads(page: Page, viewer: Locator) -> None:
    assert page.locator(".lv-title").all_text_contents() == ["Per window", "GLA-CLIP"]
    chips = page.locator(".lv-chip:visible")
    assert [text.replace("\u2009", " ") for text in chips.all_text_contents()] == [
        "Seams 4.2 %", "Contradictions 21 %", "Contradictions 3.4 %",
    ]  # fmt: skip
    for index, word in enumerate(("window edges", "Two windows", "Two windows")):
        assert word in (chips.nth(index).get_attribute("title") or "")


def test_grid_and_seams(page: Page, viewer: Locator) -> None:
    left, _ = labels_of(*SIZE)
    edges = interior_edges(WINDOWS, SIZE, SIZE)
    y, x = edges.rows[0], edges.columns[0]
    clear = (0.031, 0.031)
    with no_requests(page):
        assert pixel(page, "left", "lines", x / SIZE[1], 0.05)[3] == 0
        mode(page, "Window grid")
        assert attribute(page, "grid") == "true"
        for side in ("left", "right"):
            assert pixel(page, side, "lines", x / SIZE[1], 0.05)[3] > 0
            assert pixel(page, side, "lines", 0.03, y / SIZE[0])[3] > 0
            assert pixel(page, side, "lines", *clear)[3] == 0
        mode(page, "Window grid")
        assert pixel(page, "left", "lines", x / SIZE[1], 0.05)[3] == 0

        mode(page, "Seams")
        # A stretch is drawn where, and only where, the facing pixels differ.
        for row in edges.rows:
            jumps = left[row - 1] != left[row]
            for column in (20, 100, 200, 300, 460):
                drawn = pixel(page, "left", "lines", (column + 0.5) / SIZE[1], row / SIZE[0])[3]
                near = set(np.abs(np.array(edges.columns) - column) < 8)
                if True not in near:
                    assert (drawn > 0) == bool(jumps[column]), (row, column)
        for column in edges.columns:
            jumps = left[:, column - 1] != left[:, column]
            for row in (10, 60, 130, 170, 280):
                drawn = pixel(page, "left", "lines", column / SIZE[1], (row + 0.5) / SIZE[0])[3]
                assert (drawn > 0) == bool(jumps[row]), (row, column)


def test_contradictions_are_colored_on_both_sides(page: Page, viewer: Locator) -> None:
    one, two, three, none = (0.3, 0.3), (0.6, 0.3), (0.95, 0.9), (0.3, 0.7)

    def warmth(side: str, place: tuple[float, float]) -> int:
        red, _, blue, _ = pixel(page, side, "picture", *place)
        return red - blue

    for value in ("start", "big"):
        if value == "big":
            make(page, value)
        plain = [pixel(page, side, "picture", *none) for side in ("left", "right")]
        with no_requests(page):
            mode(page, "Contradictions")
            assert attribute(page, "contradictions") == "true"
            for place in (one, two):
                assert warmth("left", place) > 100
                assert warmth("right", place) < 5  # gray: windows agree
            assert pixel(page, "left", "picture", *one) != pixel(page, "left", "picture", *two)
            assert max(warmth("left", three), warmth("left", none)) < 5
            assert warmth("right", three) > 100
            mode(page, "Changed")
            assert warmth("left", three) > 100  # the one picture is the right side's
            mode(page, "Side by side")
            mode(page, "Contradictions")
        assert [pixel(page, side, "picture", *none) for side in ("left", "right")] == plain
    make(page, "alone")  # nothing was measured
    assert page.locator('.lv-toggle[data-value="contradictions"]').is_hidden()


def test_slider(page: Page, viewer: Locator) -> None:
    set_opacity(page, 100)
    colors = class_colors(NAMES)
    with no_requests(page):
        mode(page, "Slider")
        assert page.locator(".lv-frame:visible").count() == 1
        divider = page.get_by_role("slider", name="Divider")
        x, y = 0.55, 0.6  # left says 3, right says 0
        assert divider.get_attribute("aria-valuenow") == "62"
        assert pixel(page, "left", "picture", x, y)[:3] == colors[3].tolist()
        box = box_of(page.locator(".lv-frame").first)
        for start, end, below in ((0.62, 0.4, 0), (0.4, 0.8, 3)):
            page.mouse.move(box["x"] + start * box["width"], box["y"] + 0.3 * box["height"])
            page.mouse.down()
            page.mouse.move(box["x"] + end * box["width"], box["y"] + 0.3 * box["height"], steps=4)
            page.mouse.up()
            assert divider.get_attribute("aria-valuenow") == str(round(100 * end))
            assert pixel(page, "left", "picture", x, y)[:3] == colors[below].tolist()
        divider.press("Home")
        assert attribute(page, "split") == "0"
        divider.press("ArrowRight")
        assert attribute(page, "split") == "5"
        divider.press("Shift+ArrowRight")
        assert attribute(page, "split") == "6"
        assert pixel(page, "left", "picture", x, y)[:3] == colors[0].tolist()
        hover(page, "left", x, y)
        drawn(page)
        assert tag(page, "left").all_text_contents() == [NAMES[3], NAMES[0]]


def test_changed(page: Page, viewer: Locator) -> None:
    left, right = labels_of(*SIZE)
    set_opacity(page, 100)
    assert page.locator(".lv-sentence").is_hidden()
    with no_requests(page):
        mode(page, "Changed")
    share = float(np.mean(left != right))
    assert float(attribute(page, "changed") or -1) == pytest.approx(share)
    text = page.locator(".lv-sentence").text_content()
    assert text == f"{percent(share)} of pixels changed"
    assert pixel(page, "left", "picture", 0.55, 0.6)[:3] == class_colors(NAMES)[0].tolist()
    red, green, blue, _ = pixel(page, "left", "picture", 0.9, 0.9)
    assert max(red, green, blue) - min(red, green, blue) <= 4
    # The drawn picture has as many colored pixels as numpy counts.
    colored = page.evaluate(
        """() => {
            const canvas = document.querySelector(".lv-picture");
            const all = [0, 0, canvas.width, canvas.height];
            const rgba = canvas.getContext("2d").getImageData(...all).data;
            let count = 0;
            for (let i = 0; i < rgba.length; i += 4) {
                const three = [rgba[i], rgba[i + 1], rgba[i + 2]];
                if (Math.max(...three) - Math.min(...three) > 20) count++;
            }
            return count;
        }"""
    )
    assert colored == int((left != right).sum())


def test_click_gives_photo_pixels(page: Page, viewer: Locator) -> None:
    make(page, "big")
    assert shown_size(BIG) < BIG
    left, right = labels_of(*BIG)
    for side, labels, x, y in (
        ("left", left, 0.3, 0.3),
        ("right", right, 0.77, 0.9),
        ("left", left, 0.002, 0.5),
        ("right", right, 0.5, 0.998),
    ):
        box = box_of(page.locator(f'.lv-frame[data-side="{side}"]'))
        at = box["x"] + int(x * box["width"]), box["y"] + int(y * box["height"])
        page.mouse.click(*at)
        index, label = picked(page, side)
        expected = [(at[0] - box["x"]) / box["width"], (at[1] - box["y"]) / box["height"]]
        assert index == pytest.approx([expected[0] * BIG[1], expected[1] * BIG[0]], abs=2)
        assert label == labels[index[1], index[0]]
        assert attribute(page, "point") == f"{index[0]},{index[1]}"
        # The star is on both pictures.
        for frame_side in ("left", "right"):
            assert pixel(page, frame_side, "top", index[0] / BIG[1], index[1] / BIG[0])[3] == 255


def test_keyboard_moves_and_picks(page: Page, viewer: Locator) -> None:
    page.locator(".lv-present").focus()
    page.keyboard.press("Tab")
    drawn(page)
    assert attribute(page, "cursor") == "120,60"  # starts at the value's point
    with no_requests(page):
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Shift+ArrowLeft")
    assert attribute(page, "cursor") == "131,72"
    live = page.locator(".lv-live")
    assert live.get_attribute("aria-live") == "polite"
    assert live.text_content() == f"131, 72: {NAMES[0]} / {NAMES[0]}"
    for _ in range(30):
        page.keyboard.press("ArrowUp")
    drawn(page)
    assert attribute(page, "cursor") == "131,0"
    page.keyboard.press("Enter")
    assert picked(page, "left") == ([131, 0], 0)


def test_typed_text_stays_text(page: Page, viewer: Locator) -> None:
    hover(page, "left", 0.9, 0.9)
    drawn(page)
    assert tag(page, "left").text_content() == HOSTILE
    assert entry(page, 3).locator(".lv-entry-name").text_content() == HOSTILE
    assert page.locator(".lv-subtitle").nth(1).text_content() == HOSTILE
    assert page.locator(".lv img:not(.present-code)").count() == 0
    make_nothing(page)
    assert page.locator(".lv-empty-text").text_content() == "Nothing <b>yet</b>."
    assert page.evaluate("window.hacked") is None


def test_empty_and_back(page: Page, viewer: Locator) -> None:
    mode(page, "Changed")
    make_nothing(page)
    assert page.locator(".lv-body").is_hidden()
    make(page, "start")
    assert page.locator(".lv-body").is_visible()
    assert attribute(page, "mode") == "changed"  # the view a visitor chose outlives a value


def test_one_side(page: Page, viewer: Locator) -> None:
    mode(page, "Slider")
    make(page, "alone")
    assert attribute(page, "mode") == "side"
    assert page.locator(".lv-frame:visible").count() == 1
    assert page.locator(".lv-modes").is_hidden()
    hover(page, "left", 0.1, 0.1)
    drawn(page)
    assert tag(page, "left").all_text_contents() == ["sky"]


def test_more_than_256_classes(page: Page, viewer: Locator) -> None:
    make(page, "many")
    hover(page, "left", 0.5, 0.5)
    drawn(page)
    assert tag(page, "left").text_content() == "word 300"
    assert tag(page, "right").text_content() == "word 299"


def test_long_legend_is_folded(page: Page, viewer: Locator) -> None:
    assert page.locator(".lv-more").is_hidden()
    make(page, "colorful")
    visible = page.locator(".lv-entry:visible")
    assert visible.count() == 16
    page.get_by_role("button", name="Show 14 more words").click()
    assert visible.count() == 30
    page.get_by_role("button", name="Show fewer words").click()
    assert visible.count() == 16


def test_newer_value_wins(page: Page, viewer: Locator) -> None:
    # Pictures asked for while `held` is a list wait in it until the test lets them go.
    page.evaluate(
        """() => {
            const real = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");
            window.held = [];
            Object.defineProperty(HTMLImageElement.prototype, "src", {
                ...real,
                set(value) {
                    const go = () => real.set.call(this, value);
                    window.holding ? window.held.push(go) : go();
                },
            });
            window.holding = true;
        }"""
    )
    page.locator("#make-big").click()
    page.wait_for_function("() => window.held.length === 5")
    page.evaluate("() => { window.holding = false; }")
    make(page, "alone")
    assert page.locator(".lv-title").first.text_content() == "Alone"
    page.evaluate("() => window.held.forEach(go => go())")
    page.wait_for_timeout(300)
    assert page.locator(".lv-title").first.text_content() == "Alone"
    assert attribute(page, "sides") == "1"


def test_phone(new_page: Callable[..., Page], url: str) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto(url)
    ready(page)

    def no_sideways_scroll() -> bool:
        return bool(page.evaluate("document.documentElement.scrollWidth <= 390"))

    frames = page.locator(".lv-frame")
    assert frames.nth(1).is_hidden()  # one picture with a slider
    mode(page, "Side by side")
    boxes = [box_of(frames.nth(i)) for i in range(2)]
    assert boxes[0]["x"] == boxes[1]["x"]
    assert boxes[1]["y"] > boxes[0]["y"] + boxes[0]["height"]
    for name in ("Slider", "Changed", "Side by side"):
        assert no_sideways_scroll()
        mode(page, name)
    assert no_sideways_scroll()
    for button in page.locator(".lv button:visible").all():
        assert box_of(button)["height"] >= 36
    page.touchscreen.tap(boxes[0]["x"] + 0.9 * boxes[0]["width"], boxes[0]["y"] + 10)
    drawn(page)
    assert tag(page, "left").text_content() == "tree"
    assert tag(page, "left").is_visible()  # a finger that left still reads
    assert picked(page, "left")[1] == 1


def test_resize_keeps_lines_in_place(page: Page, viewer: Locator) -> None:
    mode(page, "Window grid")
    page.set_viewport_size({"width": 700, "height": 900})
    drawn(page)
    x = interior_edges(WINDOWS, SIZE, SIZE).columns[0]
    assert pixel(page, "left", "lines", x / SIZE[1], 0.05)[3] > 0
    width = page.locator(".lv-frame").first.evaluate("node => node.clientWidth")
    assert page.locator(".lv-top").first.evaluate("node => node.width") == width


def test_dark_theme_and_reduced_motion(new_page: Callable[..., Page], url: str) -> None:
    page = new_page(color_scheme="dark", reduced_motion="reduce")
    page.goto(url)
    ready(page)
    ink = page.locator(".lv-title").first.evaluate("node => getComputedStyle(node).color")
    red, *_ = (int(part) for part in ink.removeprefix("rgb(").rstrip(")").split(","))
    assert red > 180
    motion = entry(page, 0).evaluate("node => getComputedStyle(node).transitionDuration")
    assert motion == "0s"


def test_the_worst_seam_is_the_longest_cut_that_attention_resolves(page: Page) -> None:
    source = (VIEWERS / "worst.js").read_text(encoding="utf-8")
    width, height = 120, 80
    edges = {"rows": [40], "columns": [40, 80]}
    left = np.zeros((height, width), np.uint8)
    left[:40, 40:] = 1  # cut along the column at 40 for 40 pixels, along the row for 80
    right = np.zeros_like(left)
    page.goto("about:blank")

    def worst(*maps: NDArray[np.uint8]) -> dict[str, float] | None:
        found: dict[str, float] | None = page.evaluate(
            f"(given) => {{ {source}; return worstSeam(...given); }}",
            [[each.ravel().tolist() for each in maps], edges, width, height],
        )
        return found

    whole = worst(left, right)
    assert whole
    assert (whole["u"], whole["v"]) == pytest.approx((80 / width, 40 / height), abs=0.03)
    right[:40] = 1  # the row is there on the right too: it may be a true border
    column = worst(left, right)
    assert column
    assert (column["u"], column["v"]) == pytest.approx((40 / width, 20 / height), abs=0.03)
    assert column["scale"] > whole["scale"]
    # A cut that wanders by a pixel is one cut; where nothing is cut there is none to go to.
    left[:40, 40][::5] = 0
    again = worst(left, right)
    assert again
    assert again["scale"] == pytest.approx(column["scale"], rel=0.1)
    assert worst(np.zeros_like(left), right) is None
