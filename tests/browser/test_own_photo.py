"""The first minute with a photo of one's own: proposed words, what is absent, scores, cut-outs."""

from __future__ import annotations

import io
import itertools

import pytest

pytest.importorskip("playwright")

from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import NewPage
from tests.browser.site import PATIENCE, Site, box_of, drawn, halves

marks = itertools.count(41_001)
SKY, TREE, WATER = (153, 204, 255), (51, 102, 25), (26, 77, 128)
#: The color in the middle of a side's right half.
COLOR = """(side) => {
    const canvas = document.querySelectorAll('.lv-picture')[side];
    return [...canvas.getContext('2d').getImageData(
        0.75 * canvas.width, canvas.height / 2, 1, 1).data].slice(0, 3);
}"""


def test_an_upload_starts_with_proposed_words_and_the_former_are_a_press_away(site: Site) -> None:
    site.set_words("red, blue")
    site.upload_and_wait(halves(SKY, TREE, mark=next(marks)))
    expect(site.page.locator("#words .token")).to_have_text(["tree", "sky"], timeout=PATIENCE)
    assert set(site.legend) == {"sky", "tree"}
    chips = site.page.locator("#word-chips")
    expect(chips).to_contain_text("Proposed words for this photo")
    more = chips.get_by_role("button", name="+ building", exact=True)
    with site.next_turn():
        more.click()
    expect(more).to_be_hidden()
    assert site.words == ["tree", "sky", "building"]
    with site.next_turn():
        chips.get_by_role("button", name="Keep the former words").click()
    assert site.words == ["red", "blue"]
    expect(chips).not_to_contain_text("Proposed words")
    # At hand on any photo, and asked for in so many words.
    with site.next_turn():
        site.press("suggest-words")
    expect(site.page.locator("#words .token")).to_have_text(["tree", "sky"], timeout=PATIENCE)


def test_a_phone_says_that_the_words_are_proposed(new_page: NewPage, page_url: str) -> None:
    site = Site(new_page(viewport={"width": 390, "height": 844}), page_url)
    site.upload_and_wait(halves(SKY, TREE, mark=next(marks)))
    expect(site.status).to_contain_text("proposed for this photo", timeout=PATIENCE)
    site.page.get_by_role("button", name="Words", exact=True).click()
    chips = site.page.locator("#word-chips")
    expect(chips.get_by_role("button", name="Keep the former words")).to_be_visible()


def test_a_word_that_is_not_there_is_marked(site: Site) -> None:
    site.upload_and_wait(halves("red", WATER, mark=next(marks)))
    site.set_words("red, tree")  # which gets the other half, for want of a better word
    entries = site.page.locator(".lv-entry")
    expect(entries.filter(has_text="tree")).to_contain_text("probably not in this photo")
    expect(entries.filter(has_text="red")).not_to_contain_text("probably not")


def test_a_words_score_is_drawn_while_it_is_held_and_in_its_own_view(two_colors: Site) -> None:
    page = two_colors.page
    scale, entry = page.locator(".lv-scale"), page.locator(".lv-entry", has_text="blue")
    box = box_of(entry)
    plain = page.evaluate(COLOR, 1)
    page.mouse.move(box["x"] + 9, box["y"] + 9)
    page.mouse.down()
    expect(scale).to_contain_text("How probable “blue” is")
    expect(scale).to_contain_text("Inferno")
    page.wait_for_function(f"() => ({COLOR})(1).reduce((a, b) => a + b) > 450", timeout=PATIENCE)
    page.mouse.up()
    expect(scale).to_be_hidden()
    assert page.locator(".lv").get_attribute("data-pinned") == ""  # holding is no press
    page.mouse.move(0, 0)
    drawn(page)
    assert page.evaluate(COLOR, 1) == plain
    page.locator('.lv-mode[data-value="score"]').click()
    entry.click()
    page.wait_for_function(f"() => ({COLOR})(0).reduce((a, b) => a + b) > 450", timeout=PATIENCE)
    assert two_colors.name_at("left", 0.75, 0.5).startswith("blue 100")
    assert two_colors.name_at("right", 0.25, 0.5).startswith("blue ")
    page.locator(".lv-release").click()


def test_a_words_region_is_cut_out_with_one_press(two_colors: Site) -> None:
    page = two_colors.page
    page.locator(".lv-entry", has_text="blue").click()
    with page.expect_download() as download:
        page.locator(".lv-cut").click()
    assert download.value.suggested_filename == "blue.png"
    picture = Image.open(io.BytesIO(download.value.path().read_bytes()))
    assert picture.size == (448, 224)
    red, _, blue, alpha = picture.getpixel((336, 112))  # type: ignore[misc]
    assert (red < 5, blue > 250, alpha) == (True, True, 255)
    assert picture.getpixel((100, 112))[3] == 0  # type: ignore[index]
    page.locator(".lv-release").click()
