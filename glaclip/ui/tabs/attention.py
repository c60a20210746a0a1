"""The tab that shows where a point's attention goes."""

from __future__ import annotations

from glaclip.ui.board import Board, Changes
from glaclip.ui.gradio.quick import gr
from glaclip.ui.tabs.tab import Tab
from glaclip.ui.viewers.attention import AttentionViewer

EMPTY = "Click a point of the photo in Compare to see where its attention goes."


def _build(board: Board, first: Changes) -> None:
    viewer = AttentionViewer(first["attention"], empty=EMPTY, elem_id="attention-viewer")
    with gr.Row(elem_id="point-fields"):
        numbers = {
            name: gr.Number(
                first[name], label=f"{name} (pixels)", precision=0, elem_id=f"point-{name}"
            )
            for name in ("x", "y")
        }
    board.add(attention=viewer, **numbers)


TAB = Tab("attention", "Attention", _build)
