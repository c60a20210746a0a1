"""The attention viewer alone: what a person sees in its pixels, with weights known beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr
import pytest
from PIL import Image

from glaclip.segmenter import Segmenter
from glaclip.ui.attention_value import attention_value
from glaclip.ui.attention_viewer import AttentionViewer
from tests.toy import ColorBackbone

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Serve

#: Six windows of 224 pixels, 112 apart; the photo is not resized.
SIZE = (448, 336)
POINT = (400, 300)


def value_of(photo: Image.Image) -> dict[str, Any]:
    segmenter = Segmenter(ColorBackbone())
    encoded = segmenter.encode(photo)
    return dict(attention_value(photo, encoded, segmenter.attention(encoded, POINT)))


@pytest.fixture(scope="module")
def even(serve: Serve) -> str:
    """A page with a photo of one color: every token is like every other, attention is even."""
    photo = Image.new("RGB", SIZE, (120, 120, 120))
    with gr.Blocks() as demo:
        AttentionViewer(value_of(photo))
    return serve(demo)


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
    inside = photo_pixels(page, [(240, 130), (320, 200), (350, 200), (350, 240), (430, 140)])
    assert max(abs(a - b) for color in inside for a, b in zip(color, inside[0], strict=True)) <= 3
    outside = photo_pixels(page, [(40, 40), (180, 300)])
    assert abs(outside[0][0] - inside[0][0]) > 30
    shown(page, even, 1)
    everywhere = photo_pixels(page, [(40, 40), (180, 300), (350, 240)])
    assert max(abs(a - b) for c in everywhere for a, b in zip(c, inside[0], strict=True)) <= 3
