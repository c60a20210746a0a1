"""The attention viewer alone: what a person sees in its pixels, with weights known beforehand."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import expect

from glaclip.pictures.weights import COLLAPSED
from glaclip.segmenter import Segmenter
from glaclip.settings import AttentionSettings
from glaclip.ui.gradio.quick import gr
from glaclip.ui.viewers.attention import AttentionViewer
from glaclip.ui.viewers.attention_value import attention_value
from glaclip.ui.viewers.comparison import LinkedViewer
from glaclip.ui.viewers.comparison_value import Side, viewer_value
from glaclip.ui.viewers.shown_photo import shown_photo
from glaclip.vocabulary import parse_vocabulary
from tests.browser.site import LADDER, box_of
from tests.toy import ColorBackbone, collapsed

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import NewPage, Serve

#: Six windows of 224 pixels, 112 apart; the photo is not resized.
SIZE = (448, 336)
POINT = (330, 200)


def value_of(photo: Image.Image, fallen: bool, coarse: bool) -> dict[str, Any]:
    segmenter = Segmenter(ColorBackbone())
    encoded = segmenter.encode(photo)
    maps = segmenter.attention(encoded, POINT)
    if fallen:
        maps = collapsed(maps, 0, 5)
    words = parse_vocabulary("red, <b>blue</b>")
    alone = segmenter.segment(encoded, words, AttentionSettings().off())
    left = segmenter.attention(encoded, POINT, baseline="identity")
    if coarse:
        weights = torch.zeros(6, 49)
        weights[left.window, 3 * 7 + 5] = 1
        left = dataclasses.replace(left, key_grid=(7, 7), token=(3, 5), weights=weights)
    name = shown_photo(photo).name
    return dict(attention_value(name, encoded, maps, alone, left if coarse else None))


def page_of(photo: Image.Image, fallen: bool = False, coarse: bool = False) -> gr.Blocks:
    """The viewer below the comparison that shows its photo."""
    labels = np.zeros((photo.height, photo.width), dtype=np.int64)
    with gr.Blocks() as demo:
        LinkedViewer(viewer_value(photo, Side(labels, "All"), classes=("all",)))
        AttentionViewer(value_of(photo, fallen, coarse))
    return demo


@pytest.fixture(scope="module")
def even(serve: Serve) -> str:
    """A page with a photo of one color: every token is like every other, attention is even."""
    photo = Image.new("RGB", SIZE, (120, 120, 120))
    return serve(page_of(photo))


@pytest.fixture(scope="module")
def fallen(serve: Serve) -> str:
    """Red and blue, with all weight of the last step on one token."""
    photo = Image.new("RGB", SIZE, "red")
    photo.paste("blue", (200, 0, *SIZE))
    return serve(page_of(photo, fallen=True))


@pytest.fixture(scope="module")
def coarse(serve: Serve) -> str:
    """A left side with a panel of its own, whose patches are twice as large as the steps'."""
    return serve(page_of(Image.new("RGB", SIZE, (120, 120, 120)), coarse=True))


def shown(page: Page, url: str, step: int) -> None:
    """Opens the viewer and chooses a step."""
    page.goto(url)
    page.wait_for_selector('.av[data-ready="true"]')
    page.locator(".av-panel").nth(step).click()


def photo_pixels(page: Page, points: list[tuple[int, int]]) -> list[list[int]]:
    """Colors of the photo with its heat at pixels (x, y) of the photo."""
    script = """points => {
        const photo = document.querySelector('.av-photo'), context = photo.getContext('2d');
        return points.map(([x, y]) => Array.from(context.getImageData(
            Math.round(x * photo.width / 448), Math.round(y * photo.height / 336), 1, 1).data));
    }"""
    found: list[list[int]] = page.evaluate(script, points)
    return found


def test_even_attention_in_the_own_window_looks_even(page: Page, even: str) -> None:
    """Windows out of sight take no part in the average; no step at their edges."""
    shown(page, even, 0)
    # The own window is 224..448 x 112..336; at 336 and 224 other windows begin or end in it.
    inside = photo_pixels(page, [(240, 130), (280, 230), (350, 200), (350, 240), (430, 140)])
    assert max(abs(a - b) for color in inside for a, b in zip(color, inside[0], strict=True)) <= 3
    outside = photo_pixels(page, [(40, 40), (180, 300)])
    assert abs(outside[0][0] - inside[0][0]) > 30
    shown(page, even, 1)
    everywhere = photo_pixels(page, [(40, 40), (180, 300), (350, 240)])
    assert max(abs(a - b) for c in everywhere for a, b in zip(c, inside[0], strict=True)) <= 3


def mosaic_pixel(page: Page, step: int, window: int, x: float, y: float) -> list[int]:
    """Color at a share of a window of a step's mosaic, which has 2 rows of 3 windows."""
    script = """([step, window, x, y]) => {
        const canvas = document.querySelectorAll('.av-mosaic')[step];
        const cell = (canvas.width - 6 - 16) / 3, high = (canvas.height - 6 - 8) / 2;
        const left = 3 + (window % 3) * (cell + 8), top = 3 + Math.floor(window / 3) * (high + 8);
        const at = [left + x * cell, top + y * high].map(Math.round);
        return Array.from(canvas.getContext('2d').getImageData(...at, 1, 1).data);
    }"""
    color: list[int] = page.evaluate(script, [step, window, x, y])
    return color


def test_not_visible_zero_and_attention_look_different(page: Page, fallen: str) -> None:
    shown(page, fallen, 1)
    # The first window's left half is red; the point is blue. Dimmed red is a gray of 49.
    zero = mosaic_pixel(page, 1, 0, 0.3, 0.4)
    assert zero[:3] == pytest.approx([49, 49, 49], abs=3)
    heat = mosaic_pixel(page, 1, 1, 0.9, 0.4)
    assert max(heat[:3]) - min(heat[:3]) > 40
    unseen = {tuple(mosaic_pixel(page, 0, 0, 0.3, y / 40)) for y in range(8, 32)}
    assert min(min(color[:3]) for color in unseen) > 100  # paper and its hatching
    assert len(unseen) > 1


def test_a_collapsed_step_leaves_the_others_bright_and_says_why(page: Page, fallen: str) -> None:
    shown(page, fallen, 3)
    panels = page.locator(".av-panel")
    expect(panels.nth(3).locator(".av-panel-mass")).to_have_text(COLLAPSED)
    expect(page.locator(".av-step")).to_contain_text(COLLAPSED)
    expect(page.locator(".av-scale-note")).to_contain_text("has its own scale")
    assert max(mosaic_pixel(page, 1, 1, 0.9, 0.4)[:3]) > 100
    # A white ring around the one token: row 0, column 5 of the first window.
    ring = [mosaic_pixel(page, 3, 0, (5.5 + d) / 14, 0.5 / 14)[:3] for d in (-2, -1.5, 1.5, 2, 2.2)]
    assert max(min(color) for color in ring) > 150
    numbers = [bar.locator("span").all_text_contents() for bar in page.locator(".av-scale").all()]
    assert all(line[0] == "0" and line[-1].endswith("even") for line in numbers)
    assert len({line[-1] for line in numbers}) > 1


def test_the_scale_is_shown_with_its_numbers(page: Page, even: str) -> None:
    shown(page, even, 1)
    bars = page.locator(".av-scale")
    expect(bars).to_have_count(len(LADDER))
    assert {tuple(bar.locator("span").all_text_contents()) for bar in bars.all()} == {
        ("0", "0.3×", "1× even")
    }


def test_the_left_sides_panel_has_patches_of_its_own(page: Page, coarse: str) -> None:
    shown(page, coarse, len(LADDER))
    read = """([x, y]) => {
        const canvas = [...document.querySelectorAll('.av-mosaic')].pop();
        const box = canvas.getBoundingClientRect();
        canvas.dispatchEvent(new PointerEvent('pointermove', {
            clientX: box.left + x * box.width, clientY: box.top + y * box.height}));
        return canvas.parentElement.querySelector('.av-here').textContent;
    }"""
    # The sixth of 2 x 3 windows; its patch in row 3 and column 5 of 7 has all the weight.
    inside = [[(2 + (5 + x) / 7) / 3, (1 + (3 + y) / 7) / 2] for x, y in ((0.1, 0.1), (0.9, 0.9))]
    assert {page.evaluate(read, at) for at in inside} == {"49× even, window 6"}
    assert page.evaluate(read, [(2 + 4.8 / 7) / 3, 1.5 / 2]) == "0 even, window 6"
    assert page.evaluate(read, [1 / 6, 1 / 4]) == "Not visible"
    heat = mosaic_pixel(page, len(LADDER), 5, 5.15 / 7, 3.15 / 7)
    assert max(heat[:3]) > 200
    assert max(mosaic_pixel(page, len(LADDER), 5, 4.5 / 7, 3.5 / 7)[:3]) < 90
    # Digits choose it too, and playing ends with the steps.
    page.keyboard.press("1")
    page.keyboard.press(str(len(LADDER) + 1))
    expect(page.locator(".av-step b")).to_have_text("Left side: No attention (each patch alone)")
    page.locator(".av-play").click()
    expect(page.locator(".av-play")).to_have_text("Stop")
    expect(page.locator(".av-play")).to_have_text(re.compile("Play the four steps"))
    expect(page.locator(".av-step b")).to_have_text(f"{len(LADDER)} of {len(LADDER)}: {LADDER[-1]}")


@pytest.mark.parametrize("width", [1280, 390])
def test_panels_are_large(new_page: NewPage, even: str, width: int) -> None:
    page = new_page(viewport={"width": width, "height": 844})
    shown(page, even, 0)
    for panel in page.locator(".av-mosaic").all():
        assert box_of(panel)["width"] >= 300
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_steps_play_on_the_photo(page: Page, fallen: str) -> None:
    shown(page, fallen, 2)
    page.evaluate("""() => {
        window.steps = [];
        const viewer = document.querySelector('.av');
        new MutationObserver(() => window.steps.push(viewer.dataset.step))
            .observe(viewer, {attributeFilter: ['data-step']});
    }""")
    play = page.locator(".av-play")
    play.click()
    expect(play).to_have_text("Stop")
    expect(play).to_have_text(re.compile("Play the .+ steps"))
    steps = ",".join(map(str, range(len(LADDER))))
    assert page.evaluate("[...new Set(window.steps)].join()") == steps
    expect(page.locator(".av-step b")).to_have_text(f"{len(LADDER)} of {len(LADDER)}: {LADDER[-1]}")
    play.click()
    page.keyboard.press("2")  # a digit chooses a step, and ends the playing
    expect(play).to_have_text(re.compile("Play the .+ steps"))
    expect(page.locator(".av-panel").nth(1)).to_have_attribute("aria-pressed", "true")


def test_presentation_shows_the_picture_alone(page: Page, even: str) -> None:
    shown(page, even, 1)
    before = box_of(page.locator(".av-photo"))
    page.locator(".av-present").click()
    expect(page.locator(".av-panels")).to_be_hidden()
    expect(page.locator(".av-key")).to_be_hidden()
    expect(page.locator(".av-crop")).to_have_count(len(LADDER))
    large = box_of(page.locator(".av-photo"))
    assert large["width"] > before["width"]
    assert large["y"] + large["height"] <= 900
    size = "getComputedStyle(document.querySelector('.av-step')).fontSize"
    assert float(page.evaluate(size).removesuffix("px")) >= 20
    page.keyboard.press("3")
    expect(page.locator(".av-step b")).to_contain_text(LADDER[2])
    page.keyboard.press("Escape")
    expect(page.locator(".av-panels")).to_be_visible()
    assert page.locator(".av-present").evaluate("node => node === document.activeElement")


def test_one_point_is_asked_from_two_windows(page: Page, even: str) -> None:
    shown(page, even, 0)
    views = page.locator(".av-view")
    expect(views).to_have_count(2)
    expect(views.first.locator("figcaption")).to_have_text("Window 6 (the ring’s)")
    assert views.first.locator(".av-word").all_text_contents()[0] in ("red", "<b>blue</b>")
    expect(page.locator(".av-views-sentence")).to_contain_text("that hold this point agree")
    assert page.locator(".av-word b").count() == 0, "words are text"
    # The point lies in four windows; any of them can be compared.
    others = page.locator(".av-others button")
    expect(others).to_have_count(3)
    others.nth(2).click()
    expect(others.nth(2)).to_have_attribute("aria-pressed", "true")
    number = (others.nth(2).text_content() or "").split(":")[0]
    expect(views.nth(1).locator("figcaption")).to_have_text(number)
