"""Seeing more in Compare: the card at the star, names on regions, zoom, a screen of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.site import LADDER, PATIENCE, Site, box_of

if TYPE_CHECKING:
    from playwright.sync_api import Locator


@pytest.fixture
def site(two_colors: Site) -> Site:
    """All of these begin there."""
    return two_colors


def frame(site: Site, side: str) -> Locator:
    return site.page.locator(f'.lv-frame[data-side="{side}"]')


def layer_width(site: Site, side: str) -> float:
    return box_of(frame(site, side).locator(".lv-top"))["width"]


def test_a_click_is_answered_where_it_is_made(site: Site) -> None:
    before = site.turn
    site.click_picture("right", 0.75, 0.3)
    card = frame(site, "right").locator(".lv-card")
    expect(card).to_be_visible()
    expect(card).to_have_attribute("data-answered", "true", timeout=PATIENCE)
    expect(card.locator(".lv-card-line")).to_have_text(re.compile(r"blue \d+ % \| blue \d+ %"))
    assert site.turn == before, "the pictures are not sent again"
    assert site.page.locator(".lv").get_attribute("data-point")
    box, inside = box_of(card), box_of(frame(site, "right"))
    assert inside["x"] <= box["x"]
    assert box["x"] + box["width"] <= inside["x"] + inside["width"]
    # Both cards of the page say the same of the point.
    chance = re.search(r"(\d+) %", card.text_content() or "")
    assert chance
    expect(site.readout).to_contain_text(f"{chance[1]} %")
    site.page.keyboard.press("Tab")
    card.get_by_role("button", name="Close the answer").click()
    expect(card).to_be_hidden()


def test_the_card_leads_to_the_attention(site: Site) -> None:
    site.click_picture("left", 0.25, 0.5)
    card = frame(site, "left").locator(".lv-card")
    expect(card).to_have_attribute("data-answered", "true", timeout=PATIENCE)
    card.get_by_role("button", name="See its attention").click()
    expect(site.page.locator('.av[data-ready="true"]')).to_be_visible(timeout=PATIENCE)
    point = site.page.locator(".lv").get_attribute("data-point")
    assert site.page.locator(".av-photo").get_attribute("data-point") == point
    assert site.page.get_by_role("tab", name="Attention", exact=True).get_attribute(
        "aria-selected"
    ) == ("true")


def test_names_are_printed_on_regions(site: Site) -> None:
    toggle = site.page.locator('.lv-toggle[data-value="names"]')
    toggle.click()
    expect(frame(site, "right")).to_have_attribute("data-names", "red|blue")
    # White letters over the middle of the red half, and none without the switch.
    white = """() => {
        const canvas = document.querySelector('.lv-frame[data-side="right"] .lv-lines');
        const half = canvas.width / 2;
        const data = canvas.getContext('2d').getImageData(0, 0, half, canvas.height).data;
        let count = 0;
        for (let i = 0; i < data.length; i += 4) count += data[i] > 250 && data[i + 3] > 250;
        return count;
    }"""
    assert site.page.evaluate(white) > 20
    site.page.locator(".lv-entry", has_text="blue").click()
    expect(frame(site, "right")).to_have_attribute("data-names", "blue")
    site.page.locator(".lv-entry", has_text="blue").click()
    toggle.click()
    site.page.wait_for_function(f"() => ({white})() === 0")


def test_zoom_and_pan_are_linked(site: Site) -> None:
    width = layer_width(site, "left")
    site.page.locator(".lv-zoom-in").click()
    site.page.locator(".lv-zoom-in").click()
    for side in ("left", "right"):
        assert layer_width(site, side) == pytest.approx(2.25 * width, rel=0.02)
    # The middle of the photo is still in the middle: red ends where blue begins.
    assert site.name_at("right", 0.46, 0.5) == "red"
    assert site.name_at("left", 0.54, 0.5) == "blue"
    # Dragging moves both; it picks no point.
    point = site.page.locator(".lv").get_attribute("data-point")
    x, y = site._place("right", 0.2, 0.5)
    site.page.mouse.move(x, y)
    site.page.mouse.down()
    site.page.mouse.move(x + 60, y, steps=4)
    site.page.mouse.move(x + 0.4 * width, y, steps=4)
    site.page.mouse.up()
    assert site.name_at("left", 0.8, 0.5) == "red"
    assert site.page.locator(".lv").get_attribute("data-point") == point
    # A click on the zoomed picture picks what is seen there.
    site.click_picture("left", 0.8, 0.5)
    expect(frame(site, "left").locator(".lv-card")).to_contain_text("red")
    site.page.locator(".lv-zoom-reset").click()
    assert layer_width(site, "left") == pytest.approx(width, rel=0.01)


def test_zoom_by_keys_and_by_wheel(site: Site) -> None:
    width = layer_width(site, "left")
    frame(site, "left").locator(".lv-top").focus()
    site.page.keyboard.press("+")
    assert layer_width(site, "right") > 1.3 * width
    site.page.keyboard.press("0")
    assert layer_width(site, "right") == pytest.approx(width, rel=0.01)
    site.page.mouse.move(*site._place("left", 0.25, 0.5))
    site.page.keyboard.down("Control")
    site.page.mouse.wheel(0, -300)
    site.page.keyboard.up("Control")
    site.page.wait_for_function(
        "() => document.querySelector('.lv-frame').dataset.zoom > 1.5", timeout=PATIENCE
    )


def test_the_divider_stays_on_its_place_of_the_picture_when_zoomed(site: Site) -> None:
    site.page.locator(".lv-mode", has_text="Slider").click()
    site.page.locator(".lv-zoom-in").click()
    box, inside = box_of(site.page.locator(".lv-divider")), box_of(frame(site, "left"))
    middle = box["x"] + box["width"] / 2
    zoom = float(frame(site, "left").get_attribute("data-zoom") or "")
    assert zoom > 1
    share = int(site.page.locator(".lv").get_attribute("data-split") or "") / 100
    beside = zoom * (share - 0.5)  # of the picture's middle, which stays
    assert middle == pytest.approx(inside["x"] + inside["width"] * (0.5 + beside), abs=2)


def test_presentation_shows_the_pictures_alone(site: Site) -> None:
    before = layer_width(site, "right")
    site.page.locator("#viewer .lv-present").click()
    expect(site.page.locator(".lv-toggles")).to_be_hidden()
    assert layer_width(site, "right") > before
    assert site.page.evaluate("document.elementFromPoint(5, 5).closest('.lv') !== null")
    size = "getComputedStyle(document.querySelector('.lv-title')).fontSize"
    assert float(site.page.evaluate(size).removesuffix("px")) >= 20
    # The ladder is still at hand.
    turn = site.turn
    site.page.keyboard.press("1")
    site.wait_for_turn(turn)
    assert site.rung == LADDER[0]
    site.page.keyboard.press("Escape")
    expect(site.page.locator(".lv-toggles")).to_be_visible()
    assert layer_width(site, "right") == pytest.approx(before, rel=0.01)


def test_the_steps_play_on_the_picture(site: Site) -> None:
    site.page.evaluate("""() => {
        window.played = [];
        document.querySelector('#ladder').addEventListener('change', (event) => {
            window.played.push(event.target.value);
        });
    }""")
    play = site.page.locator("#viewer .lv-play")
    play.click()
    expect(play).to_have_text("Stop playing")
    expect(play).to_have_text(re.compile("Play the .+ steps"), timeout=PATIENCE)
    assert site.page.evaluate("window.played") == list(LADDER)
    assert site.rung == LADDER[-1]
