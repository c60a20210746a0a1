"""The page's benchmark drives a whole page once."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from glaclip.evaluation.waiting import page_ratios
from glaclip.ui import waiting
from tests.browser.site import PageBackbone


def test_every_wait_is_measured(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "browser_of", lambda playwright: browser)
    rows = waiting.waiting(PageBackbone(), repeats=1)
    assert all(len(row.seconds) == 1 and row.median > 0 for row in rows)
    assert len(page_ratios(rows)) == 4
