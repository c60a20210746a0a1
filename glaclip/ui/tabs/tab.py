"""What a tab of the page is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from glaclip.ui.board import Board, Changes
from glaclip.ui.demo import Demo


@dataclass(frozen=True)
class Tab:
    """A tab; a new one is a file with a `TAB`, and a line in `glaclip.ui.tabs.order`.

    Attributes:
        id: what links and scripts call it.
        title: what people read.
        build: makes its widgets, inside the tab, and puts them on the board. It gets what the
            first screen shows, by widget.
        connect: says what happens when they are used; all widgets of the page are there by then.
        waits: it does something only once it is open: `opened` and `due` say when.
    """

    id: str
    title: str
    build: Callable[[Board, Changes], None]
    connect: Callable[[Demo, Board], None] = lambda demo, board: None
    waits: bool = False

    @property
    def signal(self) -> str:
        """The hidden widget that changes when a tab that waits has something to do."""
        return f"{self.id}_due"


def opened(board: Board, tab: Tab) -> Any:
    """A listener: the tab was opened for the first time on this page."""
    once = f"(open, signal) => [open === '{tab.id}' ? 'opened' : signal]"
    board.in_browser(board["tab"].change, once, ["tab", tab.signal], [tab.signal])
    return board[tab.signal].change


def due(board: Board, tab: Tab) -> Any:
    """A listener: the tab was opened, or stands open and a new result is on the screen.

    The browser decides that. Asking the server each time costs both sides more than most runs.
    """
    later = f"(open, signal) => [open === '{tab.id}' ? String(performance.now()) : signal]"
    for event in (board["tab"].change, board["viewer"].shown):
        board.in_browser(event, later, ["tab", tab.signal], [tab.signal])
    return board[tab.signal].change
