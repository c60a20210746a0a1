"""Bringing a photo of one's own."""

from __future__ import annotations

from glaclip.ui.actions.run import run_on
from glaclip.ui.board import Board, Changes, Visit
from glaclip.ui.demo import Demo
from glaclip.ui.examples import find
from glaclip.ui.viewers.photo_input import accept


def uploaded(demo: Demo, visit: Visit) -> Changes:
    """The upload as the page keeps it; a link that is still on its way opens no more."""
    photo = accept(visit["photo"], demo.service.limits.max_pixels)
    demo.views.start(visit.page)
    nothing_chosen = {"point": None, "example": "", "attention": None, "readout": ""}
    return {"photo": photo, "accepted": photo, **nothing_chosen}


def _earlier(visit: Visit) -> Changes:
    """The photo that the shown result belongs to, after an upload that cannot be used."""
    shipped = find(visit["example"])
    return {"photo": str(shipped.path) if shipped else visit["accepted"]}


def connect(demo: Demo, board: Board) -> None:
    """An upload is checked, shown and run."""
    kept = ["photo", "accepted", "point", "example", "attention", "readout"]
    checked = board.on(board["photo"].upload, lambda visit: uploaded(demo, visit), ["photo"], kept)
    board.on(checked.failure, _earlier, ["example", "accepted"], ["photo"])
    run_on(demo, board, checked.success)
