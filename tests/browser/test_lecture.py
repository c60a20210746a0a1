"""A page that one can lead a class through: addresses, Back, and pictures on the whole screen."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import Page, expect

from glaclip.ui.lessons.build import LESSONS
from tests.browser.conftest import NewPage
from tests.browser.site import PATIENCE, Site, box_of

PROJECTORS = [(1280, 720), (1920, 1080)]
#: Whether anything of a lesson is beyond its place, by name.
BEYOND = """() => {
    const words = document.querySelector('.lb-words'), side = document.querySelector('.lb-side');
    const figure = document.querySelector('.lb-figure').getBoundingClientRect();
    const place = side.getBoundingClientRect(), foot = document.querySelector('.lb .present-foot');
    return {
        words: words.scrollHeight > words.clientHeight + 1,
        figure: figure.bottom > place.bottom + 2 || figure.right > place.right + 2,
        foot: foot.getBoundingClientRect().bottom > innerHeight,
        small: 0.58 * innerWidth > place.width,
        covered: !document.elementFromPoint(innerWidth / 3, innerHeight / 2)?.closest('.lb'),
    };
}"""


def lesson(page: Page, number: int) -> None:
    page.wait_for_selector(f'.lb-page[data-number="{number}"][data-ready=true]', timeout=PATIENCE)


def type_of(page: Page) -> float:
    """Size of the words on the screen."""
    return float(
        page.evaluate("parseFloat(getComputedStyle(document.querySelector('.lb-now')).fontSize)")
    )


def at(page: Page, address: str) -> None:
    page.wait_for_function("hash => location.hash === hash", arg=address, timeout=PATIENCE)


def test_each_lesson_has_an_address_and_back_goes_one_step_back(page: Page, page_url: str) -> None:
    site = Site(page, page_url, "#tab=learn&lesson=7")
    lesson(page, 7)
    page.reload()
    site.ready()
    lesson(page, 7)
    page.get_by_role("button", name="Next →").click()
    at(page, "#tab=learn&lesson=8")
    page.go_back()
    lesson(page, 7)
    at(page, "#tab=learn&lesson=7")
    page.locator(".lb-try").click()
    expect(page.locator("#tab-learn")).to_be_hidden(timeout=PATIENCE)
    chip = page.get_by_role("button", name="Back to lesson 7")
    chip.click()
    lesson(page, 7)
    expect(chip).to_be_hidden()
    page.go_back()
    expect(page.locator("#tab-learn")).to_be_hidden(timeout=PATIENCE)
    page.go_back()
    lesson(page, 7)
    expect(page.locator("#tab-learn")).to_be_visible()


@pytest.mark.parametrize("size", PROJECTORS)
def test_a_lecture_fits_a_projector_and_a_clicker_leads_through_it(
    size: tuple[int, int], new_page: NewPage, page_url: str
) -> None:
    page = new_page(viewport={"width": size[0], "height": size[1]})
    Site(page, page_url, "#tab=learn&lesson=1")
    lesson(page, 1)
    page.locator(".lb-present").click()
    for number, told in enumerate(LESSONS, 1):
        lesson(page, number)
        slides = page.locator(".lb-words > p:not(.lb-count), .lb-formulas").count()
        for part in range(slides):
            expect(page.locator(".lb-words > .lb-now")).to_have_count(1)
            expect(page.locator(".lb .present-line")).to_contain_text(f"{part + 1} of {slides}")
            found = page.evaluate(BEYOND)
            assert not any(found.values()), (told.slug, part, found)
            if part < slides - 1:  # formulas, which come last, may be smaller
                assert type_of(page) >= 28 / 1920 * size[0]
            page.keyboard.press("PageDown")
    page.keyboard.press("Shift+ArrowLeft")
    last = len(LESSONS) - 1
    lesson(page, last)
    code = page.locator(".lb .present-code")
    expect(code).to_have_attribute("src", re.compile(f"lesson%3D{last}$"))
    assert page.evaluate("node => node.naturalWidth > 0", code.element_handle())
    page.keyboard.press("q")  # large enough for the last row
    assert box_of(code)["height"] > 0.8 * size[1]
    page.keyboard.press("q")
    # Digits choose what the figure shows, and the line says so.
    expect(page.locator(".lb .present-line")).to_contain_text("2 Blended")
    page.keyboard.press("2")
    expect(page.locator(".lb-figure .lb-choice").nth(1)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("PageUp")
    lesson(page, last - 1)
    page.keyboard.press("Escape")
    expect(page.locator(".lb-list")).to_be_visible()


@pytest.mark.parametrize("size", PROJECTORS)
def test_presented_pictures_fill_the_screen_and_keys_climb_the_ladder(
    size: tuple[int, int], new_page: NewPage, page_url: str
) -> None:
    page = new_page(viewport={"width": size[0], "height": size[1]})
    site = Site(page, page_url)
    page.locator(".lv-present").click()
    frame = page.locator('.lv-frame[data-side="left"]').bounding_box()
    assert frame
    assert frame["width"] > 0.46 * size[0]
    assert page.evaluate(
        "() => { const v = document.querySelector('.lv'); return v.scrollHeight <= innerHeight; }"
    )
    inside = "at => Boolean(document.elementFromPoint(...at)?.closest('.lv-frame'))"
    assert page.evaluate(inside, [frame["x"] + 40, frame["y"] + 40]), "the page covers it"
    expect(page.locator(".lv .present-line")).to_contain_text("2 + Context")
    with site.next_turn():
        page.keyboard.press("PageUp")
    assert site.rung == "+ Anchors"
    with site.next_turn():
        page.keyboard.press("2")
    assert site.rung == "+ Context"
    at(page, "#present=1")
    page.go_back()
    expect(page.locator(".lv-bar .lv-zooms")).to_be_visible()
    at(page, "")


def test_the_caption_of_presented_attention_is_whole(new_page: NewPage, page_url: str) -> None:
    page = new_page(viewport={"width": 1280, "height": 720})
    Site(page, page_url, "#tab=attention")
    page.locator(".av-present").click()
    page.wait_for_timeout(300)
    for step in "1234":
        page.keyboard.press(step)
        caption = page.locator(".av-step").bounding_box()
        foot = page.locator(".av .present-foot").bounding_box()
        assert caption
        assert foot
        assert caption["y"] + caption["height"] <= foot["y"] + 1
        assert foot["y"] + foot["height"] <= 720
        picture = page.locator(".av-photo").bounding_box()
        assert picture
        assert picture["height"] > 300


def test_the_worst_seam_is_gone_to_and_the_steps_play_there(page: Page, page_url: str) -> None:
    site = Site(page, page_url)
    with site.next_turn():
        page.get_by_role("button", name="Worst seam").click()
    zoom = float(page.locator(".lv-frame").first.get_attribute("data-zoom") or 0)
    assert zoom > 1.5
    assert site.rung in ("Alone", "+ Context")
    expect(page.locator(".lv-play")).to_have_text("Stop playing")
