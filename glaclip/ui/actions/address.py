"""The link that reopens a view: in the address bar, and on the clipboard."""

from __future__ import annotations

from html import escape
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
#: The page around a Space shows an address of its own, which knows no views: there the link to copy
#: is that of the frame, and there alone.
_COPY = """async (query) => {
  const url = new URL(window.location), framed = window.top !== window;
  url.search = query;
  window.history.replaceState({}, '', url);
  let copied = true;
  try { await navigator.clipboard.writeText(url.toString()); } catch { copied = false; }
  if (framed) return copied ? 'The link is on the clipboard.' : `The link to copy is ${url}`;
  return `The link is in the address bar${copied ? ' and on the clipboard' : ''}.`;
}"""


def show_link(board: Board, event: Any) -> None:
    """Puts the view's link into the address bar after an event."""
    board.in_browser(event.success, _SHOW, ["link"])


def connect(demo: Demo, board: Board) -> None:
    """The button that copies the link."""
    copied = board.in_browser(board["copy"].click, _COPY, ["link"], ["copied"])
    board.on(copied.success, lambda event: gr.Info(escape(event["copied"])), ["copied"])
