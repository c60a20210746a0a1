"""The page's benchmark drives a whole page once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from glaclip.benchmark.processes import page_ratios

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def test_every_wait_is_measured(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    from glaclip.benchmark import page as waiting
    from tests.browser.site import PageBackbone

    monkeypatch.setattr(waiting, "_REST", 0.2)
    rows = waiting.waiting(PageBackbone(), browser, repeats=1)
    assert all(len(row.seconds) == 1 and row.median > 0 for row in rows)
    assert len(page_ratios(rows)) == 4


def test_a_page_on_which_nothing_happens_draws_no_frames(page: Page, page_url: str) -> None:
    from tests.browser.site import Site, halves

    page.add_init_script("""(() => {
        const frame = window.requestAnimationFrame.bind(window);
        window.drawn = 0;
        window.requestAnimationFrame = (callback) => { window.drawn += 1; return frame(callback); };
    })()""")
    site = Site(page, page_url)
    site.upload_and_wait(halves())

    def drawn_in_a_second() -> int:
        before = int(page.evaluate("window.drawn"))
        page.wait_for_timeout(1000)
        return int(page.evaluate("window.drawn")) - before

    assert any(drawn_in_a_second() < 10 for _ in range(10))  # of 60 that a screen could show
    page.close()  # nothing takes the counting script out of it


def test_a_missing_browser_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from glaclip.benchmark import page as waiting

    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(waiting.NoBrowserError, match="apt-get install chromium"):
        waiting.chromium()
