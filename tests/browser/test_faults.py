"""Faults that were seen on the page at 1280 to 1920 pixels, each held here."""

from __future__ import annotations

import itertools

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.browser.site import PATIENCE, PageBackbone, Site, box_of, drawn, halves

marks = itertools.count(51_001)


def bottom(site: Site, selector: str) -> float:
    box = box_of(site.page.locator(selector).last)
    return box["y"] + box["height"]


def test_a_second_line_of_words_and_a_points_table_end_above_the_status(site: Site) -> None:
    page = site.page
    page.set_viewport_size({"width": 1280, "height": 720})
    colors = ("red", "blue", "lime", "white", (153, 204, 255), (51, 102, 25), (178, 153, 127))
    photo = halves(mark=next(marks))
    for place, color in enumerate(colors):
        photo.paste(color, (64 * place, 0, 64 * place + 64, 224))
    site.upload_and_wait(photo)
    site.set_words("red, blue, green, sky, tree, building, a word that fits nothing so well")
    drawn(page)
    tops = {round(box_of(entry)["y"]) for entry in page.locator(".lv-entry").all()}
    assert len(tops) > 1, "more than one line"
    assert bottom(site, ".lv-entry") <= box_of(page.locator("#status"))["y"]
    page.set_viewport_size({"width": 1920, "height": 1080})
    site.click_picture("right", 0.5, 0.5)
    expect(page.locator("#readout table")).to_be_visible(timeout=PATIENCE)
    drawn(page)
    page.evaluate("scrollTo(0, 0)")
    assert bottom(site, "#readout table") <= box_of(page.locator("#status"))["y"]


def test_the_status_is_one_line_at_1366(two_colors: Site) -> None:
    page = two_colors.page
    page.set_viewport_size({"width": 1366, "height": 768})
    badge = "Lite (embedded: EfficientNet-Lite2 + MiniLM)"
    page.evaluate("text => { document.querySelector('#status .badge').textContent = text; }", badge)
    drawn(page)
    spans = [box_of(span) for span in page.locator("#status .line > span").all()]
    assert max(box["y"] for box in spans) - min(box["y"] for box in spans) < 12


def test_the_background_settings_are_beside_their_switch_and_a_lists_name_is_whole_in_its_tip(
    site: Site,
) -> None:
    group = site.page.locator("#background-group")
    expect(group.locator("#background")).to_be_visible()
    switch = box_of(group.locator("#background"))
    settings = box_of(group.get_by_role("button", name="Background settings"))
    assert settings["y"] - (switch["y"] + switch["height"]) < 20
    site.choose("preset", "ADE20K")
    field = site.page.locator("#preset input")
    assert field.evaluate("node => getComputedStyle(node).textOverflow") == "ellipsis"
    field.hover()
    assert field.get_attribute("title") == field.input_value()


def test_windows_wait_in_the_pages_own_bar_and_open_larger(site: Site, toy: PageBackbone) -> None:
    page = site.page
    site.upload_and_wait(halves(mark=next(marks)))
    site.open("Advanced")
    toy.gate.clear()
    site.type_number("stride", "56")
    site.tab("Windows")
    page.wait_for_timeout(1500)
    assert page.locator("#films .progress-bar, #patches .progress-bar").count() == 0
    toy.gate.set()
    page.locator(".film .larger").first.click(timeout=PATIENCE)
    larger = page.locator("dialog#larger")
    expect(larger).to_contain_text("Photo of window 1")
    assert box_of(larger.locator("img"))["width"] > 300
    page.keyboard.press("Escape")
    expect(larger).to_have_count(0)
    assert page.evaluate("document.activeElement.className") == "larger"


def test_each_step_may_have_its_own_scale(site: Site) -> None:
    page = site.page
    site.tab("Attention")
    expect(page.locator('.av[data-ready="true"]')).to_be_visible(timeout=PATIENCE)
    own, note = page.locator(".av-own-box"), page.locator(".av-scale-note")
    tops = "() => [...document.querySelectorAll('.av-panel .av-scale')].map(n => n.textContent)"
    if own.is_checked():
        own.uncheck()
    expect(note).to_contain_text("One color scale for all four steps")
    assert len(set(page.evaluate(tops))) == 1
    own.check()
    expect(note).to_contain_text("its own scale")
    assert len(set(page.evaluate(tops))) > 1


def test_an_attention_tab_that_waits_says_so(site: Site) -> None:
    page = site.page
    site.upload_and_wait(halves(mark=next(marks)))
    # As before the photo is there: nothing is held until the test says so.
    page.evaluate("document.glaclipPhotos.images.has = () => false")
    site.click_picture("right", 0.5, 0.5)
    site.tab("Attention")
    empty = page.locator(".av-empty")
    expect(empty).to_have_text("The attention of this point comes with its photo.")
    expect(empty).to_be_visible()
    page.evaluate(
        """() => {
            delete document.glaclipPhotos.images.has;
            document.glaclipPhotos.waiting.splice(0).forEach((look) => look());
        }"""
    )
    expect(page.locator('.av[data-ready="true"]')).to_be_visible(timeout=PATIENCE)
    expect(empty).to_be_hidden()
