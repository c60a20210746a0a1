"""Bad files, hostile words and links, two visitors, phones, dark mode, missing weights."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from glaclip.backbones.base import BackboneError
from glaclip.pictures.encoding import encoded
from glaclip.serving.service import Service
from glaclip.ui.examples import examples
from glaclip.ui.tabs.order import TABS
from tests.browser.site import PATIENCE, PageBackbone, Site, file_of, halves

if TYPE_CHECKING:
    from playwright.sync_api import Page

marks = itertools.count(9001)
HOSTILE = "<img src=x onerror=alert(1)>"


def upload_of(name: str, content: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": "image/png", "buffer": content}


def no_server_paths(page: Page) -> None:
    text = page.locator("body").inner_text()
    for part in ("/tmp", "site-packages", "Traceback", ".py"):
        assert part not in text, text


# ---------------------------------------------------------------------- photos


def test_a_photo_is_shown_and_segmented_as_the_library_reads_it(site: Site) -> None:
    """Stored lying down, one color above the other; turned by EXIF they are left and right."""
    upright = halves("red", "blue", mark=next(marks))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    lying = upright.transpose(Image.Transpose.ROTATE_90)
    site.upload_and_wait(upload_of("turned.png", encoded(lying, "PNG", exif=exif)))
    site.set_words("red, blue")
    expect(site.status).to_contain_text("8 windows, 2 × 4")
    assert site.name_at("right", 0.25, 0.5) == "red"
    assert site.name_at("right", 0.75, 0.5) == "blue"
    no_server_paths(site.page)


def test_bad_photos_get_a_sentence_and_nothing_is_lost(site: Site) -> None:
    site.upload_and_wait(halves(mark=next(marks)))
    site.set_words("red, blue")
    turn = site.turn
    long = Image.new("1", (20000, 40))
    for name, content, sentence in (
        ("cut.jpg", encoded(halves(), "JPEG")[:600], "not a picture that can be read"),
        ("text.png", b"just words", "not a picture that can be read"),
        ("empty.png", b"", "not a picture that can be read"),
        ("dot.png", encoded(Image.new("RGB", (1, 1)), "PNG"), "each side must have at least 16"),
        ("long.png", encoded(long, "PNG"), "at most 16 times"),
    ):
        site.upload(upload_of(name, content))
        expect(site.toasts).to_contain_text(sentence, timeout=PATIENCE)
        no_server_paths(site.page)
        for close in site.page.locator(".toast-close").all():
            close.click()
        expect(site.toasts).not_to_contain_text(sentence)
    assert site.turn == turn
    assert site.name_at("right", 0.75, 0.5) == "blue"
    # The photo from before is still the one that is segmented.
    site.page.locator("#cross-window input").uncheck()
    site.wait_for_turn(turn)
    assert site.name_at("right", 0.25, 0.5) == "red"


# ---------------------------------------------------------------------- hostile text


@pytest.fixture
def dialogs(page: Page) -> Iterator[list[str]]:
    opened: list[str] = []

    def note(dialog: Any) -> None:
        opened.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    yield opened
    page.remove_listener("dialog", note)


def nothing_injected(page: Page) -> None:
    assert page.locator("img[src=x], script[src=x], svg[onload]").count() == 0


def test_words_are_never_html(dialogs: list[str], site: Site) -> None:
    site.upload_and_wait(halves(mark=next(marks)))
    hostile = [HOSTILE, "<script>alert(2)</script>", "${alert(3)}", "{{alert(4)}}", "a'\"><b>x"]
    site.set_words(", ".join(hostile))
    assert site.words == hostile
    site.type_word(f"{HOSTILE}; twice")  # a note in the status line quotes it
    expect(site.status).to_contain_text("given twice", timeout=PATIENCE)
    expect(site.status).to_contain_text(HOSTILE[:20])
    site.click_picture("right", 0.3, 0.5)
    expect(site.readout).to_contain_text("alert", timeout=PATIENCE)
    assert HOSTILE in site.readout.locator(".word").all_text_contents()
    assert site.legend
    site.open("Background settings")
    words = site.page.locator("#background-words textarea, #background-words input").first
    words.fill(HOSTILE)
    with site.next_turn():
        site.page.locator("#background input").check()
    for tab in ("Attention", "Windows"):
        site.tab(tab)
    expect(site.page.locator("#films .film").first).to_be_visible(timeout=PATIENCE)
    site.tab("Ground truth")
    truth = Image.fromarray(np.zeros((224, 448), np.uint8))
    table = site.measure(file_of(truth, "m.png"), f"{HOSTILE}, red")
    expect(table).to_contain_text(HOSTILE, timeout=PATIENCE)
    site.measure(None, f"{HOSTILE}, red, {HOSTILE}")
    shown = site.page.locator("#truth-shown")
    expect(shown).to_contain_text("must be named once", timeout=PATIENCE)
    expect(table.locator("table")).to_have_count(0)  # the scores before are gone
    nothing_injected(site.page)
    assert dialogs == []


HOSTILE_LINKS = {
    "html": {"words": f"{HOSTILE}, sky", "photo": HOSTILE, "baseline": HOSTILE},
    "unknown choices": {"backbone": "evil", "baseline": "nothing", "key_source": "../x"},
    "paths": {"photo": "../../etc/passwd", "words": "sky, tree"},
    "out of range": {
        "threshold": "7",
        "scale": "500",
        "iterations": "99",
        "crop": "9999",
        "stride": "1",
        "short_side": "2000",
        "background_threshold": "nan",
        "point": "99999,99999",
    },
    "not numbers": {"threshold": "abc", "beta": "1e999", "point": "a,b", "cross_window": "yes"},
    "windows that do not fit": {"crop": "448", "short_side": "224"},
    "huge": {"words": ", ".join(f"word {i}" for i in range(900))},
}


@pytest.mark.parametrize("query", HOSTILE_LINKS.values(), ids=HOSTILE_LINKS)
def test_hostile_links_are_harmless(
    dialogs: list[str], page: Page, page_url: str, query: dict[str, str]
) -> None:
    site = Site(page, page_url, "?" + urlencode(query))
    expect(site.toasts.or_(page.locator("#words .token").first).first).to_be_visible()
    page.wait_for_timeout(500)
    nothing_injected(page)
    assert dialogs == []
    no_server_paths(page)
    # The page works: a switch runs, and what is shown follows.
    site.page.locator("#cross-window input").uncheck()
    site.wait_for_query(cross_window="0")
    assert site.titles[1] == "With anchors and normalization"
    point = page.locator(".lv").get_attribute("data-point")
    assert point
    assert int(point.split(",")[0]) < examples()[0].photo().width


# ---------------------------------------------------------------------- two visitors


def test_two_pages_never_mix(new_page: Callable[..., Page], page_url: str) -> None:
    first = Site(new_page(), page_url)
    second = Site(new_page(), page_url)
    colors = {first: ("red", "blue"), second: ("green", "tree")}
    fills = {"tree": (51, 102, 26), "green": (0, 255, 0), "red": "red", "blue": "blue"}
    turns = {site: site.turn for site in colors}
    for site, pair in colors.items():
        site.upload(halves(fills[pair[0]], fills[pair[1]], mark=next(marks)))  # type: ignore[arg-type]
    for site, turn in turns.items():
        site.wait_for_turn(turn)
    for site, pair in colors.items():
        site.set_words(", ".join(pair))
    turns = {site: site.turn for site in colors}
    for switch in ("cross-window", "proxy-anchors"):
        for site in colors:
            site.page.locator(f"#{switch} input").uncheck()
    second.click_picture("left", 0.25, 0.5)
    first.click_picture("left", 0.75, 0.5)
    for site in colors:
        site.wait_for_query(cross_window="0", proxy_anchors="0")
        expect(site.readout).to_contain_text("Point", timeout=PATIENCE)
    for site, pair in colors.items():
        assert site.words == list(pair)
        assert sorted(site.legend) == sorted(pair)
        for side in ("left", "right"):
            assert site.name_at(side, 0.25, 0.5) == pair[0]
            assert site.name_at(side, 0.75, 0.5) == pair[1]
    assert second.readout.locator(".word").first.text_content() == "green"
    assert first.readout.locator(".word").first.text_content() == "blue"


def test_a_click_during_a_run_is_not_undone(site: Site, toy: PageBackbone) -> None:
    site.upload_and_wait(halves(mark=next(marks)))
    site.set_words("red, blue")
    site.click_picture("left", 0.25, 0.5)
    expect(site.readout).to_contain_text(re.compile("Point 1"), timeout=PATIENCE)
    toy.gate.clear()
    toy.waiting.clear()
    before = site.turn
    site.open("Advanced")
    site.type_number("stride", "96")
    assert toy.waiting.wait(60)
    site.click_picture("left", 0.75, 0.5)
    site.page.wait_for_timeout(700)  # the click is on its way to the server
    toy.gate.set()
    site.wait_for_turn(before)
    expect(site.readout).to_contain_text(re.compile("Point 3"), timeout=PATIENCE)
    site.page.wait_for_timeout(700)
    expect(site.readout).to_contain_text(re.compile("Point 3"))
    assert site.query["point"].startswith("3")


def test_a_page_that_closes_ends_its_run(
    new_page: Callable[..., Page], serve_page: Callable[..., str]
) -> None:
    backbone = PageBackbone()
    service = Service(lambda name: backbone)
    site = Site(new_page(), serve_page(service))
    backbone.pause = 1.0  # a window
    backbone.waiting.clear()
    site.upload(halves(mark=next(marks)))
    assert backbone.waiting.wait(60)
    site.page.close()
    late = time.monotonic() + 60
    while service.turns.runs:
        assert time.monotonic() < late
        time.sleep(0.05)
    assert 0 < backbone.encoded_windows < 8


# ---------------------------------------------------------------------- screens


def test_phone(new_page: Callable[..., Page], page_url: str) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    site = Site(page, page_url)

    def sideways() -> bool:
        return bool(page.evaluate("document.documentElement.scrollWidth > 390"))

    assert not sideways()
    site.upload_and_wait(halves(mark=next(marks)))
    for name in (tab.title for tab in TABS):
        tab = page.get_by_role("tab", name=name, exact=True)
        if not tab.is_visible():  # folded into the "more" menu
            page.locator("#tabs .overflow-menu button").first.click()
            page.locator(".overflow-dropdown button", has_text=name).click()
        else:
            tab.click()
        if name == "Windows":
            expect(page.locator("#films .film")).to_have_count(8, timeout=PATIENCE)
        page.wait_for_timeout(200)
        assert not sideways(), name


CONTRAST = """selector => {
    const node = document.querySelector(selector);
    const context = document.createElement('canvas').getContext('2d');
    // Draws the colors one over the other, whatever way they are written in.
    const over = (colors) => {
        colors.forEach(color => { context.fillStyle = color; context.fillRect(0, 0, 1, 1); });
        return Array.from(context.getImageData(0, 0, 1, 1).data).slice(0, 3);
    };
    const behind = [];
    for (let at = node; at; at = at.parentElement) {
        behind.unshift(getComputedStyle(at).backgroundColor);
    }
    const light = (rgb) => {
        const [r, g, b] = rgb.map(v => v / 255).map(
            v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = over(['white', ...behind]);
    const ink = over([getComputedStyle(node).color]);
    const [a, b] = [light(ink), light(ground)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_texts_are_readable(new_page: Callable[..., Page], page_url: str, scheme: str) -> None:
    page = new_page(color_scheme=scheme)
    Site(page, page_url)
    if scheme == "dark":
        assert page.evaluate("document.body.classList.contains('dark')")
    for selector in (
        "#masthead h1",
        "#masthead p",
        "#status .look",
        "#status .line span",
        "#readout td .word",
        "#readout th",
        ".lv-title",
        ".lv-entry-name",
        ".lv-legend-key",
        ".lv-readout",
        "#examples .strip-name",
        "#words .token span",
        "#words [data-testid=block-info]",
        "#words .info-text",
        "#switches label span",
        "#ladder label span",
        "#segment",
        "#tabs [role=tab]",
        ".small-print p",
    ):
        assert page.locator(selector).count(), selector
        ratio = page.evaluate(CONTRAST, selector)
        assert ratio >= 4.5, f"{selector}: {ratio:.2f}"


# ---------------------------------------------------------------------- weights are missing


def test_without_a_backbone_the_page_is_up_and_says_so(
    page: Page, serve_page: Callable[..., str]
) -> None:
    def load(name: str) -> PageBackbone:
        raise BackboneError("Run `fetch weights` first.", brief="The weights are not here.")

    site = Site(page, serve_page(Service(load)))
    expect(site.status).to_contain_text("Computed beforehand")
    before = site.turn
    site.press("segment")
    expect(site.status).to_contain_text("The weights are not here", timeout=PATIENCE)
    assert site.turn == before
    site.upload(halves())
    site.type_word("red")
    expect(site.status).to_have_text("The weights are not here.")
    no_server_paths(page)
