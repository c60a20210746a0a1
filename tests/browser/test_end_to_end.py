"""The page as it ships, with the embedded backbone: a person brings a photo and words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from playwright.sync_api import expect

from glaclip.backbones.registry import load
from glaclip.serving.service import Service
from glaclip.ui.examples import find
from tests.browser.site import PATIENCE, Site

if TYPE_CHECKING:
    from playwright.sync_api import Page

OVERLAYS = """() => Array.from(document.querySelectorAll('.lv-picture'), c => c.toDataURL())"""


def test_own_photo_with_the_embedded_backbone(page: Page, serve_page: Callable[..., str]) -> None:
    site = Site(page, serve_page(Service(lambda name: load("lite", dtype=torch.float32))))
    horses = find("horses")
    assert horses
    photo = horses.photo().resize((480, 311))
    shipped = page.evaluate(OVERLAYS)
    site.upload_and_wait(photo)
    expect(site.status).to_contain_text("windows")

    site.set_words("sky, horse, grass")
    site.press("segment")
    expect(site.status).to_contain_text("photo from cache", timeout=PATIENCE)
    assert set(site.legend) == {"sky", "horse", "grass"}
    for side in ("left", "right"):
        assert site.name_at(side, 0.1, 0.03) == "sky"
        assert site.name_at(side, 0.5, 0.97) == "grass"
    page.mouse.move(2, 2)
    left, right = page.evaluate(OVERLAYS)
    assert left != shipped[0]
    assert right != shipped[1]

    with site.next_turn():
        page.locator("#dynamic-normalization input").uncheck()
    assert site.titles[1] == "With context and anchors"
    page.mouse.move(2, 2)
    new_left, new_right = page.evaluate(OVERLAYS)
    assert new_right != right
    assert new_left == left, "the left side has all switches off already"
