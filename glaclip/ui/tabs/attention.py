"""The tab that shows where a point's attention goes."""

from __future__ import annotations

from glaclip.serving.estimate import Estimate, ExpensiveError
from glaclip.serving.runs import StoppedError
from glaclip.ui.board import Board, Changes, Event
from glaclip.ui.demo import ASKED, Demo, asked, follow, point_in
from glaclip.ui.gradio.quick import gr
from glaclip.ui.refusals import REFUSALS
from glaclip.ui.tabs.tab import Tab, due
from glaclip.ui.viewers.attention import AttentionViewer
from glaclip.ui.viewers.left_row import left_row_html

EMPTY = "Click a point of the photo in Compare to see where its attention goes."


def _build(board: Board, first: Changes) -> None:
    viewer = AttentionViewer(first["attention"], empty=EMPTY, elem_id="attention-viewer")
    left_row = gr.HTML("", elem_id="left-row")
    with gr.Row(elem_id="point-fields"):
        numbers = {
            name: gr.Number(
                first[name], label=f"{name} (pixels)", precision=0, elem_id=f"point-{name}"
            )
            for name in ("x", "y")
        }
    board.add(attention=viewer, left_row=left_row, **numbers)


def left_row(demo: Demo, event: Event) -> Changes:
    """Each head of a baseline on the left side; nothing where both sides have the same steps.

    What is refused is said where it was asked for, beside the photo.
    """
    try:
        photo, _, request = asked(demo, event)
        point = point_in(event, photo.image)
        if point is None:
            return {"left_row": ""}
        step = follow(event, demo.runs.start(event.page, "left row"))
        cheap = Estimate.check_cheap
        rows = demo.service.baseline_rows(photo, point, request, progress=step, unless=cheap)
    except (*REFUSALS, ExpensiveError, StoppedError):
        return {"left_row": ""}
    return {"left_row": "".join(left_row_html(photo.image, row) for row in rows)}


def _connect(demo: Demo, board: Board) -> None:
    """The heads follow points and results while the tab is open."""

    def show(event: Event) -> Changes:
        return left_row(demo, event) if event["tab"] == TAB.id else {}

    for events in (due(board, TAB), [board["x"].change, board["y"].change]):
        board.on(
            events,
            show,
            ("tab", *ASKED),
            ("left_row",),
            trigger_mode="always_last",
            concurrency_limit=4,
        )


TAB = Tab("attention", "Attention", _build, _connect, waits=True)
