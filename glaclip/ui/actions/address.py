"""The link that reopens a view: in the address bar, and on the clipboard."""

from __future__ import annotations

from typing import Any

from glaclip.ui.board import Board
from glaclip.ui.demo import Demo
from glaclip.ui.gradio.quick import gr

_SHOW = """(query) => {
  const url = new URL(window.location);
  url.search = query;
  window.history.replaceState(window.history.state, '', url);
  document.dispatchEvent(new CustomEvent('glaclip:address'));
  return [];
}"""
_COPY = _SHOW.replace("return", "navigator.clipboard?.writeText(url.toString());\n  return")


def show_link(board: Board, event: Any) -> None:
    """Puts the view's link into the address bar after an event."""
    board.in_browser(event.success, _SHOW, ["link"])


def connect(demo: Demo, board: Board) -> None:
    """The button that copies the link."""
    copied = board.in_browser(board["copy"].click, _COPY, ["link"])
    copied.success(
        lambda: gr.Info("The link is in the address bar and on the clipboard."),
        api_visibility="private",
        show_progress="hidden",
    )
