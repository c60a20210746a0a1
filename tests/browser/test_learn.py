"""The lessons in a real browser: each opens, is alive, fits a phone, and "Try it" says what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from glaclip.backbones.clip.models import UNTRAINED
from glaclip.serving.service import Service
from glaclip.settings import WindowSettings
from glaclip.ui.gradio.quick import gr
from glaclip.ui.lessons.book import LessonBook, view_of
from glaclip.ui.lessons.build import LESSONS, book_value, load_document, views
from tests.browser.conftest import Idle, NewPage, Serve, pages
from tests.browser.site import Site, box_of, requests_of
from tests.clip_towers import tiny_backbone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

DOCUMENT = load_document()
assert DOCUMENT is not None


def _tab() -> Any:
    def show(event: gr.SelectData) -> str:
        return repr(view_of(event._data))

    with gr.Blocks() as blocks:
        with gr.Tabs(), gr.Tab("Learn"):
            book = LessonBook(book_value())
        heard = gr.Textbox(label="heard", elem_id="heard")
        book.select(show, None, heard)
    return blocks


@pytest.fixture(scope="module")
def url(serve: Serve) -> str:
    return serve(_tab())


def _open(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector(".lb-page[data-ready=true]")


def _lesson(page: Page, slug: str) -> None:
    index = [lesson.slug for lesson in LESSONS].index(slug)
    page.locator(".lb-link").nth(index).click()
    page.wait_for_selector(f".lb-page[data-lesson={slug}][data-ready=true]")


def _pixels(page: Page, selector: str) -> str:
    return str(page.locator(selector).first.evaluate("canvas => canvas.toDataURL()"))


def test_every_lesson_opens_and_try_it_names_its_view(page: Page, url: str) -> None:
    _open(page, url)
    opened = views(DOCUMENT)
    for index, lesson in enumerate(LESSONS):
        if index:
            page.get_by_role("button", name="Next →").click()
        page.wait_for_selector(f".lb-page[data-lesson={lesson.slug}][data-ready=true]")
        assert page.locator(".lb-words h2").inner_text() == lesson.title
        assert page.locator(".lb-figure canvas, .lb-meter, .lb-figure svg").count()
        page.locator(".lb-try").click()
        heard = page.locator("#heard textarea, #heard input").first
        page.wait_for_function(
            "([box, text]) => box.value === text",
            arg=[heard.element_handle(), repr(opened[lesson.slug])],
        )
    assert page.get_by_role("button", name="Next →").is_disabled()


@pytest.fixture(scope="module")
def book(browser: Browser, idle: Idle, origins: list[str], url: str) -> Iterator[Page]:
    """One page for tests that open a lesson each."""
    with pages(browser, idle, origins) as create:
        page = create()
        _open(page, url)
        yield page


def test_the_list_of_lessons_works_with_the_keyboard(book: Page) -> None:
    page = book
    _lesson(page, LESSONS[0].slug)
    page.locator(".lb-link").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(f".lb-page[data-lesson={LESSONS[1].slug}][data-ready=true]")
    page.keyboard.press("End")
    page.wait_for_selector(f".lb-page[data-lesson={LESSONS[-1].slug}][data-ready=true]")
    assert page.locator(".lb-link[aria-current=step]").evaluate("e => e === document.activeElement")


def test_a_place_lights_the_windows_that_see_it(book: Page) -> None:
    page = book
    _lesson(page, LESSONS[0].slug)
    photo = page.locator(".lb-figure canvas").first
    before = _pixels(page, ".lb-figure canvas")
    photo.click(position={"x": 4, "y": 4})
    assert page.locator(".lb-read").inner_text() == "One window sees this place:"
    assert page.locator(".lb-crop").count() == 1
    assert _pixels(page, ".lb-figure canvas") != before


def test_the_seam_rate_follows_the_choice(book: Page) -> None:
    page = book
    _lesson(page, "seams")
    facts = DOCUMENT["lessons"]["seams"]["facts"]
    for name, fact in (("Each window alone", "off"), ("GLA-CLIP", "on")):
        page.locator(".lb-choice", has_text=name).click()
        shown = page.locator(".lb-table tbody tr").last.locator("td").last.inner_text()
        assert float(shown.replace("−", "-").rstrip("%\u202f ")) == pytest.approx(
            facts[fact] * 100, abs=0.51
        )


def test_the_anchor_slider_moves_the_query(new_page: NewPage, url: str) -> None:
    page = new_page(reduced_motion="reduce")
    _open(page, url)
    _lesson(page, "anchors")
    drawn = [_pixels(page, ".lb-map canvas")]
    slider = page.locator(".lb-figure input[type=range]")
    for step in ("1", "2"):
        slider.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_selector(f".lb-figure[data-step='{step}']")
        drawn.append(_pixels(page, ".lb-map canvas"))
    assert len(set(drawn)) == len(drawn)


def test_the_browser_applies_the_same_formula(book: Page) -> None:
    page = book
    _lesson(page, "normalization")
    facts = DOCUMENT["lessons"]["normalization"]["facts"]
    rows = page.locator(".lb-table tbody tr")
    scales, halves, plain, fixed = (rows.nth(at).locator("td") for at in (1, 2, 3, 4))
    kinds = ("small", "large")
    assert scales.all_inner_texts() == [f"{facts[f'{kind}_w']:.2f}" for kind in kinds]
    for cells, fact in ((halves, "half"), (plain, "half_plain")):
        for text, kind in zip(cells.all_inner_texts(), kinds, strict=True):
            # Scores travel as 16-bit steps, which may move the middle by a token.
            measured = facts[f"{kind}_{fact}"]
            assert int(text.replace(",", "")) == pytest.approx(measured, rel=0.02, abs=1)
    usual = halves.all_inner_texts()
    slider = page.locator(".lb-figure input[type=range]")
    # A key press and another lead back: the backbone's value lies inside.
    for key in ("ArrowRight", "ArrowLeft"):
        slider.press(key)
    assert slider.input_value() == f"{facts['scale']:g}"
    assert halves.all_inner_texts() == usual
    slider.fill("0")
    assert scales.all_inner_texts() == ["1.00", "1.00"]
    assert halves.all_inner_texts() == plain.all_inner_texts()
    page.get_by_role("button", name=f"Back to {facts['scale']:g}").click()
    assert halves.all_inner_texts() == usual
    for text, kind in zip(fixed.all_inner_texts(), kinds, strict=True):
        measured = facts[f"{kind}_half_fixed"]
        assert int(text.replace(",", "")) == pytest.approx(measured, rel=0.02, abs=1)
    # No curve leaves its chart.
    for curve in page.locator(".lb-chart path").all():
        assert curve.evaluate("path => path.getBBox().y") >= 0


def test_no_slider_starts_outside_its_range(book: Page) -> None:
    page = book
    for lesson in LESSONS:
        _lesson(page, lesson.slug)
        for slider in page.locator(".lb-figure input[type=range]").all():
            low, high, value = (
                float(slider.get_attribute(name) or "nan")
                for name in ("min", "max", "data-default")
            )
            assert low <= value <= high, lesson.slug


def test_every_window_that_holds_a_place_answers(book: Page) -> None:
    page = book
    _lesson(page, "answers")
    facts = DOCUMENT["lessons"]["answers"]["facts"]
    read, tiles = page.locator(".lb-read"), page.locator(".lb-crop figcaption")
    assert tiles.count() == facts["windows"]
    # One answer is asked for first; until then it is nowhere on the page.
    assert sum("?" in text for text in tiles.all_inner_texts()) == 1
    held = page.get_by_text("Drag a window of your own")
    expect(held).to_be_hidden()
    page.locator(".lb-beside .lb-choice").first.click()
    expect(held).to_be_visible()
    assert "says" in read.inner_text()
    assert not any("?" in text for text in tiles.all_inner_texts())
    for method, name in (("off", "Each window alone"), ("on", "GLA-CLIP")):
        page.locator(".lb-choice", has_text=name).click()
        assert read.get_attribute("data-kinds") == str(facts[f"kinds_{method}"])
        assert all(part in read.inner_text() for part in facts[f"said_{method}"].split(", "))
    photo = page.locator(".lb-figure canvas").first
    photo.click(position={"x": 3, "y": 3})
    assert tiles.count() == 1
    photo.focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    assert tiles.count() > 1


def test_a_label_flips_under_a_dragged_window(book: Page) -> None:
    page = book
    _lesson(page, "answers")
    page.locator(".lb-choice", has_text="Drag a window").click()
    photo, read = page.locator(".lb-figure canvas").first, page.locator(".lb-read")
    box = photo.bounding_box()
    assert box
    heard = set()
    for across in range(1, 10):
        for down in (0.2, 0.5, 0.8):
            page.mouse.move(box["x"] + box["width"] * across / 10, box["y"] + box["height"] * down)
            heard.add(read.inner_text())
    assert len(heard) > 1
    assert all(text.startswith("This window calls the place") for text in heard)
    before = _pixels(page, ".lb-figure canvas")
    photo.focus()
    for _ in range(9):
        page.keyboard.press("ArrowLeft")
    assert _pixels(page, ".lb-figure canvas") != before


@pytest.mark.parametrize("slug", ["switches", "needed"])
def test_each_step_has_its_picture_and_its_row(book: Page, slug: str) -> None:
    page = book
    _lesson(page, slug)
    drawn = set()
    names = page.locator(".lb-bar .lb-choice")
    for at in range(names.count()):
        names.nth(at).click()
        assert page.locator(".lb-now th").inner_text() == names.nth(at).inner_text()
        drawn.add(_pixels(page, ".lb-figure canvas"))
    assert len(drawn) == names.count() == 4


def test_a_lesson_is_saved_as_a_slide(book: Page, tmp_path: Path) -> None:
    page = book
    _lesson(page, "switches")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as slide").click()
    saved.value.save_as(tmp_path / "slide.png")
    with Image.open(tmp_path / "slide.png") as slide:
        assert slide.size == (1920, 1080)
        pixels = np.asarray(slide.convert("RGB")).astype(int)
    # Words on the left and pictures on the right; nothing on the margin.
    assert pixels[:40].std() == 0
    assert pixels[:, 200:700].std() > 10
    colorful = np.ptp(pixels[200:700, 1000:1800], axis=2)
    assert (colorful > 60).mean() > 0.05
    assert page.locator(".lb").evaluate("root => root.style.width") == ""


def test_the_cut_is_gone_with_all_three_switches(book: Page) -> None:
    page = book
    _lesson(page, "alone")
    figure, length = page.locator(".lb-figure"), DOCUMENT["lessons"]["alone"]["figure"]["cut"]
    assert figure.get_attribute("data-jumps") == str(length["length"])
    page.locator(".lb-choice", has_text="GLA-CLIP").click()
    assert figure.get_attribute("data-jumps") == "0"
    assert page.locator(".lb-now th").inner_text() == "GLA-CLIP"


def test_a_place_has_one_color_in_all_windows_only_if_they_choose_together(book: Page) -> None:
    page = book
    _lesson(page, "keys")
    apart = {}
    for name in ("For each window", "For all windows"):
        page.locator(".lb-choice", has_text=name).first.click()
        chips = page.locator(".lb-legend i").evaluate_all(
            "all => all.map(chip => chip.style.backgroundColor.match(/\\d+/g).map(Number))"
        )
        assert len(chips) == 2  # the camel's back lies in two windows
        apart[name] = np.abs(np.subtract(*chips)).mean()
    assert apart["For all windows"] < apart["For each window"]
    page.locator(".lb-choice", has_text="on one map").click()
    assert page.locator(".lb-legend li").all_inner_texts() == ["one map"]
    page.locator(".lb-figure canvas").first.click(position={"x": 3, "y": 3})
    page.locator(".lb-choice", has_text="For each window").click()
    assert page.locator(".lb-legend li").all_inner_texts() == ["window 1"]


def test_queries_that_are_turned_look_away_and_keys_that_ask_keys_do_not(book: Page) -> None:
    page = book
    _lesson(page, "looks")
    figure = page.locator(".lb-figure")

    def grass() -> float:
        return float(figure.get_attribute("data-grass") or "nan")

    assert grass() < 0.3
    expect(page.locator(".lb-read").first).to_contain_text("it looks away")
    for name in ("k k", "q q"):
        page.locator(".lb-choice", has_text=name).first.click()
        assert grass() > 0.8
    page.locator(".lb-choice", has_text="identity").click()
    assert grass() == 1
    page.locator(".lb-choice", has_text="plain").click()
    page.locator(".lb-figure input").fill("0")
    assert grass() > 0.8  # where queries are keys, plain attention is that of keys


def test_a_page_with_clip_shows_its_own_attention(page: Page, serve_page: Serve) -> None:
    backbone = tiny_backbone(title=f"Tiny CLIP{UNTRAINED}")
    backbone.default_windows = WindowSettings(short_side=224, crop=224, stride=112)
    url = serve_page(Service(lambda name: backbone))
    site = Site(page, url)
    site.click_picture("right", 0.25, 0.5)
    expect(site.readout).to_contain_text("Point")
    site.tab("Learn")
    page.wait_for_selector(".lb-page[data-ready=true]")
    _lesson(page, "looks")
    shown = page.locator(".lb-rows .lb-crop")
    expect(shown).to_have_count(len(backbone.baselines))
    expect(shown.first).to_contain_text("Plain CLIP")
    expect(page.locator(".lb-figure")).to_contain_text("Random weights")
    assert shown.locator("img").evaluate_all("all => all.every(image => image.naturalWidth)")
    told = page.locator(".lb-figure .lb-read").last
    before = told.inner_text()
    site.tab("Compare")
    site.click_picture("right", 0.75, 0.5)
    expect(site.readout).not_to_contain_text(before.split(" in its")[0])
    site.tab("Learn")
    page.get_by_role("button", name="Ask again").click()
    expect(told).to_contain_text("in its own window")
    assert told.inner_text().split(" in its")[0] != before.split(" in its")[0]
    # Presented, the lesson opens anew and asks again: it is told the same, and shows it whole.
    page.locator(".lb-present").click()
    expect(shown).to_have_count(len(backbone.baselines))
    page.wait_for_function(
        "() => { const [figure, side] = ['.lb-figure', '.lb-side'].map(name =>"
        " document.querySelector(name).getBoundingClientRect());"
        " return figure.height && figure.bottom <= side.bottom + 1; }"
    )


def test_a_slide_shows_the_whole_lesson_in_a_low_window_too(
    new_page: NewPage, page_url: str
) -> None:
    slides = []
    for height in (500, 1800):
        page = new_page(viewport={"width": 1280, "height": height})
        Site(page, page_url, "#tab=learn")
        page.wait_for_selector(".lb-page[data-ready=true]")
        _lesson(page, "keys")
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save as slide").click()
        with Image.open(saved.value.path()) as picture:
            slides.append(np.asarray(picture.convert("L")).astype(int))
    assert np.abs(slides[0] - slides[1]).mean() < 0.5


def test_words_and_figure_share_a_wide_page(book: Page) -> None:
    page = book
    _lesson(page, LESSONS[0].slug)
    whole, words, side = (box_of(page.locator(f".lb{part}")) for part in ("", "-words", "-side"))
    assert 1000 <= whole["width"] <= 1120
    assert side["x"] >= words["x"] + words["width"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scroll(new_page: NewPage, url: str, theme: str) -> None:
    phone = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    _open(phone, f"{url}?__theme={theme}")
    for lesson in LESSONS:
        _lesson(phone, lesson.slug)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, lesson.slug
        wide = phone.evaluate(
            "[...document.querySelectorAll('.lb *')].filter(e => !e.closest('svg') &&"
            " e.getBoundingClientRect().right > innerWidth + 1).length"
        )
        assert wide == 0, lesson.slug


def test_without_numbers_a_sentence_says_how_to_build_them(page: Page, serve: Serve) -> None:
    with gr.Blocks() as blocks:
        LessonBook(None)
    page.goto(serve(blocks))
    page.get_by_text("The lessons' numbers were not built.").wait_for()


@pytest.fixture(scope="module")
def reader(browser: Browser, idle: Idle, origins: list[str], page_url: str) -> Iterator[Site]:
    """One page on which lessons are tried one after the other."""
    with pages(browser, idle, origins) as create:
        yield Site(create(), page_url)


@pytest.mark.parametrize("index", range(len(LESSONS)), ids=[lesson.slug for lesson in LESSONS])
def test_try_it_brings_its_view_into_sight_and_focus(reader: Site, index: int) -> None:
    site, page, lesson = reader, reader.page, LESSONS[index]
    view = views(DOCUMENT)[lesson.slug]
    site.tab("Learn")
    _lesson(page, lesson.slug)
    page.locator(".lb-try").click()
    shown = page.locator(
        {"compare": "#viewer", "attention": "#attention-viewer"}.get(view.tab, "#films")
    )
    expect(shown).to_be_visible()
    page.wait_for_function(
        "node => node.contains(document.activeElement)", arg=shown.element_handle()
    )
    site.wait_for_query(photo=view.example)
    if view.tab == "attention":
        x, y = view.point
        expect(page.locator(".av-photo")).to_have_attribute("data-point", f"{x},{y}")
        expect(page.locator('.av[data-ready="true"]')).to_be_visible()
        assert (
            page.locator(".av-photo").evaluate("canvas => canvas.width * canvas.offsetHeight") > 0
        )
    box = box_of(shown)
    assert box["height"] > 150
    assert -5 <= box["y"] < 500


def test_lessons_come_once_and_stay_where_they_were_left(page: Page, page_url: str) -> None:
    """They are as large as the rest of the page, which does not bring them along."""
    site, value = Site(page, page_url), book_value()
    assert value
    assert all(lesson["note"] not in page.content() for lesson in value["lessons"])
    site.tab("Learn")
    page.wait_for_selector(".lb-page[data-ready=true]")
    _lesson(page, "anchors")
    site.tab("Compare")
    with requests_of(page) as asked:
        site.tab("Learn")
        page.wait_for_selector(".lb-page[data-lesson=anchors][data-ready=true]")
    assert not [url for url in asked if "queue/join" in url]
