"""Gradio's queue, quiet while nobody is there.

Seen in Gradio 6.31.0, which looks for events instead of waiting for one; no issue is known.
Needless once `start_processing` waits. `tests/ui/gradio/test_queue.py` counts the looks.
"""

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
