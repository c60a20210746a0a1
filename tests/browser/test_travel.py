"""How much travels to the browser; the README names these bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tests.browser.site import PATIENCE, Site

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Bytes.
FIRST_VISIT, PHOTO, SWITCH, CLICK = 850_000, 200_000, 30_000, 90_000


class Meter:
    """Bytes that a page receives: as they travel in all, and unpacked in answers to events."""

    def __init__(self, page: Page) -> None:
        self.page, self.fetched, self.answers = page, 0, 0
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", self._finished)
        session.on("Network.dataReceived", self._received)

    def _finished(self, event: dict[str, float]) -> None:
        self.fetched += round(event["encodedDataLength"])

    def _received(self, event: dict[str, float]) -> None:
        self.answers += round(event["dataLength"])

    def answered(self) -> int:
        """Bytes since the last call, once what follows a result has come too."""
        self.page.wait_for_timeout(700)
        found, self.answers = self.answers, 0
        return found


def grainy() -> Image.Image:
    """A photo of 640 x 480 that takes a third of a megabyte, half of it red, half blue."""
    grain = np.random.default_rng(0).integers(0, 90, (480, 640, 3), dtype=np.uint8)
    grain[:, :320, 0] += 150
    grain[:, 320:, 2] += 150
    return Image.fromarray(grain)


def test_a_visit_fetches_little_and_an_answer_no_photo_again(page: Page, page_url: str) -> None:
    meter = Meter(page)
    site = Site(page, page_url)
    meter.answered()
    assert meter.fetched < FIRST_VISIT
    site.upload_and_wait(grainy())
    site.set_words("red, blue")
    assert meter.answered() > PHOTO
    with site.next_turn():
        page.locator("#ladder input").first.check()
    assert meter.answered() < SWITCH
    site.click_picture("right", 0.25, 0.5)
    page.wait_for_function(
        "document.querySelector('.lv-card')?.dataset.answered === 'true'", timeout=PATIENCE
    )
    assert meter.answered() < CLICK
    assert site.name_at("right", 0.25, 0.5) == "red"
