"""The page's benchmark drives a whole page once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from glaclip.evaluation.waiting import page_ratios

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_every_wait_is_measured(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    from glaclip.ui import waiting
    from tests.browser.site import PageBackbone

    monkeypatch.setattr(waiting, "_REST", 0.2)
    rows = waiting.waiting(PageBackbone(), browser, repeats=1)
    assert all(len(row.seconds) == 1 and row.median > 0 for row in rows)
    assert len(page_ratios(rows)) == 4


def test_a_missing_browser_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from glaclip.ui import waiting

    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(waiting.NoBrowserError, match="apt-get install chromium"):
        waiting.chromium()
