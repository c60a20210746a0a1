"""Looking at how probable a word is at each place."""

from __future__ import annotations

from glaclip.serving.estimate import Estimate
from glaclip.serving.runs import StoppedError
from glaclip.ui import answers
from glaclip.ui.board import Board, Changes, Event
from glaclip.ui.demo import ASKED, Demo, asked
from glaclip.ui.gradio.quick import gr
from glaclip.ui.refusals import REFUSALS, sentence


def score(demo: Demo, event: Event) -> Changes:
    """The maps of a word on both sides, where they take no run of their own."""
    label = event.picked.get("value")
    try:
        photo, _, request = asked(demo, event)
        if not isinstance(label, int) or not 0 <= label < len(request.vocabulary.classes):
            return {}  # the words have changed since
        result = demo.service.answer(photo, request, unless=Estimate.check_cheap)
    except StoppedError:
        return {}
    except REFUSALS as error:
        return {"status": answers.problem(sentence(error))}
    shown = str(event.picked.get("result"))
    return {"viewer": gr.update(scores=answers.scores(result, label, shown))}


def connect(demo: Demo, board: Board) -> None:
    """A word that is held, or chosen in the view "Score"."""
    board.on(
        board["viewer"].score,
        lambda event: score(demo, event),
        ASKED,
        ["viewer", "status"],
        picks=True,
        trigger_mode="multiple",
        concurrency_limit=16,
    )
