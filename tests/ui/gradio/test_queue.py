"""A server that nobody uses."""

from __future__ import annotations

import asyncio
import time

import pytest

from glaclip.serving.service import Service
from glaclip.ui.gradio.quick import gr
from glaclip.ui.page import build_page
from tests.browser.site import PageBackbone


@pytest.fixture
def page() -> gr.Blocks:
    backbone = PageBackbone()
    return build_page(Service(lambda name: backbone), [("Automatic", "auto")])


def looks(page: gr.Blocks, monkeypatch: pytest.MonkeyPatch, seconds: float) -> int:
    """How often the page's queue looks for events while there are none."""
    queue, looked = page._queue, [0]

    def length(self: object) -> int:
        looked[0] += 1
        return 0

    monkeypatch.setattr(type(queue), "__len__", length)

    async def run() -> None:
        processing = asyncio.create_task(queue.start_processing())
        await asyncio.sleep(seconds)
        queue.stopped = True
        await processing

    asyncio.run(run())
    return looked[0]


def test_it_looks_for_events_seldom_enough_to_cost_next_to_nothing(
    page: gr.Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = time.perf_counter()
    seen = looks(page, monkeypatch, 0.5)
    # Gradio's own way looks some 900 times a second.
    assert 0 < seen < 300 * (time.perf_counter() - start)
