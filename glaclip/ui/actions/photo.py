"""Bringing a photo of one's own."""

from __future__ import annotations

import dataclasses
import time

from glaclip.serving.estimate import ExpensiveError
from glaclip.serving.runs import StoppedError
from glaclip.ui import answers
from glaclip.ui.actions.proposals import proposed, with_words, written
from glaclip.ui.actions.run import STOPPED, compare, shown_by
from glaclip.ui.board import Board, Changes, Event
from glaclip.ui.demo import Demo, ended
from glaclip.ui.examples import find
from glaclip.ui.form import OWN, Form, to_link
from glaclip.ui.refusals import REFUSALS, refusals_as_toasts
from glaclip.ui.viewers.photo_input import sent_again

#: The pictures show what they showed before a photo came that cannot be used.
_EARLIER = "() => { document.dispatchEvent(new CustomEvent('glaclip:refused')); return []; }"


@refusals_as_toasts()
def uploaded(demo: Demo, event: Event) -> Changes:
    """Takes an upload and runs it, if that is cheap; a link on its way opens no more.

    That no point is chosen is kept at once: whatever is asked for meanwhile is about the upload.
    """
    began = time.perf_counter()
    photo = demo.accept(event["photo"])
    newest = demo.views.start(event.page, at=event.at)
    own: Changes = {"photo": photo, "point": None, "example": ""}
    for name, value in (("accepted", photo), ("point", None), ("example", "")):
        event.keep(name, value)
    brought = dataclasses.replace(event, values={**event.values, **own})
    proposal, stopped = None, False
    try:
        if not sent_again(event["photo"]):  # a person's words for it are there
            proposal = proposed(demo, brought, only_if_cheap=True)
            brought = with_words(brought, proposal)
    except (ExpensiveError, StoppedError) as error:
        stopped = isinstance(error, StoppedError)
        event.keep("unproposed", [photo, list(event["words"] or [])])
    except REFUSALS:
        pass  # what stands in the way of words is said of the run, which goes by the former ones
    shown = {} if stopped else compare(demo, brought, only_if_cheap=True, since=began)
    if ended(newest):
        return {}  # a later photo was quicker
    if proposal and "viewer" in shown:
        own["proposal"] = written(proposal)
        shown["status"] = answers.PROPOSED + shown["status"]
    own["link"] = to_link(Form.of(brought.values), demo.start, OWN)
    return {**own, "accepted": photo, "attention": None, "readout": "", "chips": None, **shown}


def _earlier(event: Event) -> Changes:
    """The photo that the shown result belongs to, after an upload that cannot be used."""
    shipped = find(event["example"])
    return {"photo": str(shipped.path) if shipped else event["accepted"]}


def connect(demo: Demo, board: Board) -> None:
    """An upload is checked, shown and run in one event."""
    kept = ("photo", "accepted", "point", "example", "proposal", "chips")
    upload = board["photo"].upload
    run = shown_by(board, upload, lambda event: uploaded(demo, event), writes=kept)
    board.on(run.failure, _earlier, ["example", "accepted"], ["photo"])
    board.in_browser(run.failure, _EARLIER)
    board.in_browser(run.success, STOPPED)
