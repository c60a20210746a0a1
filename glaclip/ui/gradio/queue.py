"""Gradio's queue, quiet while nobody is there."""

from __future__ import annotations

from glaclip.ui.gradio.quick import gr

#: Seconds between two looks for new events. Gradio's own are a thousandth, which takes a tenth of a
#: core, day and night; an event waits half of this longer.
LOOK = 0.01


def queued(page: gr.Blocks, size: int | None = None) -> gr.Blocks:
    """The page with a queue.

    Args:
        size: events that may wait; any number if left out.
    """
    page.queue(max_size=size)
    page._queue.sleep_when_free = LOOK
    return page
