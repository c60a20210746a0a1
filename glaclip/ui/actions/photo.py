"""Bringing a photo of one's own."""

from __future__ import annotations

import dataclasses

from glaclip.ui.actions.run import compare, shown_by
from glaclip.ui.board import Board, Changes, Visit
from glaclip.ui.demo import Demo, ended
from glaclip.ui.examples import find
from glaclip.ui.refusals import refusals_as_toasts


@refusals_as_toasts()
def uploaded(demo: Demo, visit: Visit) -> Changes:
    """Takes an upload and runs it, if that is cheap; a link on its way opens no more.

    That no point is chosen is kept at once: whatever is asked for meanwhile is about the upload.
    """
    photo = demo.accept(visit["photo"])
    newest = demo.views.start(visit.page, at=visit.at)
    own = {"photo": photo, "point": None, "example": ""}
    for name, value in (("accepted", photo), ("point", None), ("example", "")):
        visit.keep(name, value)
    brought = dataclasses.replace(visit, values={**visit.values, **own})
    shown = compare(demo, brought, only_if_cheap=True)
    if ended(newest):
        return {}  # a later photo was quicker
    return {**own, "accepted": photo, "attention": None, "readout": "", **shown}


def _earlier(visit: Visit) -> Changes:
    """The photo that the shown result belongs to, after an upload that cannot be used."""
    shipped = find(visit["example"])
    return {"photo": str(shipped.path) if shipped else visit["accepted"]}


def connect(demo: Demo, board: Board) -> None:
    """An upload is checked, shown and run in one event."""
    kept = ("photo", "accepted", "point", "example")
    event = shown_by(board, board["photo"].upload, lambda visit: uploaded(demo, visit), (), kept)
    board.on(event.failure, _earlier, ["example", "accepted"], ["photo"])
