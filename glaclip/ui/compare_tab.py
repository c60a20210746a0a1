"""The tab with both sides beside each other."""

from __future__ import annotations

import gradio as gr

from glaclip.ui.board import Board, Changes
from glaclip.ui.tab import Tab
from glaclip.ui.viewer import LinkedViewer


def _build(board: Board, first: Changes) -> None:
    board.add(
        viewer=LinkedViewer(first["viewer"], elem_id="viewer"),
        readout=gr.HTML(first["readout"], elem_id="readout"),
    )


TAB = Tab("compare", "Compare", _build)
