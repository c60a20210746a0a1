"""What a tab of the page is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from glaclip.ui.board import Board, Changes
from glaclip.ui.demo import Demo


@dataclass(frozen=True)
class Tab:
    """A tab; a new one is a file with a `TAB`, and a line in `glaclip.ui.tabs`.

    Attributes:
        id: what links and scripts call it.
        title: what people read.
        build: makes its widgets, inside the tab, and puts them on the board. It gets what the
            first screen shows, by widget.
        connect: says what happens when they are used; all widgets of the page are there by then.
    """

    id: str
    title: str
    build: Callable[[Board, Changes], None]
    connect: Callable[[Demo, Board], None] = lambda demo, board: None
