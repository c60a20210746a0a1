"""The tab with both sides beside each other."""

from __future__ import annotations

from glaclip.ui.board import Board, Changes, Event
from glaclip.ui.demo import Demo
from glaclip.ui.gradio.quick import gr
from glaclip.ui.tabs.tab import Tab
from glaclip.ui.viewers.comparison import LinkedViewer


def _build(board: Board, first: Changes) -> None:
    board.add(
        viewer=LinkedViewer(first["viewer"], elem_id="viewer"),
        readout=gr.HTML(first["readout"], elem_id="readout"),
    )


def _connect(demo: Demo, board: Board) -> None:
    """The card at the star leads to its attention."""

    def attend(event: Event) -> Changes:
        return {"tabs": gr.Tabs(selected="attention"), "tab": "attention"}

    board.on(board["viewer"].attend, attend, (), ["tabs", "tab"])


TAB = Tab("compare", "Compare", _build, _connect)
