"""Words that the page proposes for a photo: at an upload, by a button, or one by one."""

from __future__ import annotations

import dataclasses
import functools
import json
import time
from collections.abc import Sequence
from typing import Any

from glaclip.segmenter.suggestions import at_least_two
from glaclip.serving.estimate import cheap_only
from glaclip.serving.lending import NotLentError
from glaclip.serving.runs import StoppedError
from glaclip.ui import answers
from glaclip.ui.actions.run import compare, embedded, run_on, shown_by
from glaclip.ui.actions.words import put_words
from glaclip.ui.board import Board, Changes, Event
from glaclip.ui.demo import Demo, follow
from glaclip.ui.form import Form
from glaclip.ui.refusals import REFUSALS, sentence

#: Most words that are proposed, and offered to be added.
_MOST, _NEXT = 12, 10
_NOTE = "Proposed words for this photo: change them as you like."
#: What stood in the way, such as "press Segment to start", is over once Segment is pressed.
_FORGET = """(status) => (status ?? '').includes("class='problem'") ? '' : status"""


def proposed(demo: Demo, event: Event, *, only_if_cheap: bool = False) -> dict[str, Any]:
    """What `adopt` puts into the words box: words, those before and those that come next.

    The embedded model finds them where no GPU is lent.

    Raises:
        PhotoError, SettingsError, BackboneError, LimitError, StoppedError, gr.Error: no words.
    """
    check = demo.runs.start(event.page, at=event.at)
    form = Form.of(event.values)
    unless = cheap_only(only_if_cheap)

    def found(form: Form) -> tuple[tuple[str, ...], tuple[str, ...]]:
        request = dataclasses.replace(form, words=("any", "thing")).request()
        photo, step = demo.photo(event["photo"]), follow(event, check)
        return demo.service.suggest(photo, request, _MOST, step, unless=unless)

    try:
        words, others = found(form)
    except NotLentError as error:
        words, others = found(embedded(demo, error))
    check()
    former = list(event["words"] or [])
    words = words if form.background else at_least_two(words)
    return {"words": list(words), "former": former, "next": list(others[:_NEXT]), "at": event.at}


def written(proposal: dict[str, Any]) -> str:
    """As the hidden widget holds it; no two are alike, since a like value would be no change."""
    return json.dumps(proposal)


def with_words(event: Event, proposal: dict[str, Any]) -> Event:
    """The event as if its proposal had been adopted."""
    return dataclasses.replace(event, values={**event.values, "words": proposal["words"]})


def suggest(demo: Demo, event: Event) -> Changes:
    """Proposes words and runs with them."""
    began = time.perf_counter()
    try:
        proposal = proposed(demo, event)
    except StoppedError:
        return {}
    except REFUSALS as error:
        return {"status": answers.problem(sentence(error))}
    shown = compare(demo, with_words(event, proposal), since=began)
    return {**shown, "proposal": written(proposal)} if "viewer" in shown else shown


def segment(demo: Demo, event: Event) -> Changes:
    """Runs with the words that are there; an upload that has waited for this gets its own first."""
    untouched = [event["photo"], list(event["words"] or [])]
    if event["unproposed"] != untouched:
        return compare(demo, event)
    event.keep("unproposed", None)
    return suggest(demo, event)


def adopt(event: Event) -> Changes:
    """Puts proposed words into the box, unless a person has changed those that they replace."""
    proposal = json.loads(event["proposal"] or "{}")
    if not proposal or list(event["words"] or []) != proposal["former"]:
        return {}
    chips = {"note": _NOTE, **{name: proposal[name] for name in ("words", "former", "next")}}
    return {**put_words(proposal["words"]), "chips": chips}


def _pressed(event: Event) -> Changes:
    value: str | Sequence[str] = event.picked.get("value") or []
    now = list(event["words"] or [])
    if isinstance(value, str):
        return put_words([*now, value] if value not in now else now)
    chips = {**(event["chips"] or {}), "note": "", "former": []}
    return {**put_words(list(value)), "chips": chips}


def connect(demo: Demo, board: Board) -> None:
    """Segment and Suggest words, the proposal's way into the box, and the chips."""
    for name, act in (("suggest", suggest), ("run", segment)):
        pressed, run = board[name].click, functools.partial(act, demo)
        board.in_browser(pressed, _FORGET, ["status"], ["status"])
        shown_by(board, pressed, run, ("unproposed",), ("proposal",))
    both = ["words", "known_words"]
    board.on(board["proposal"].change, adopt, ["proposal", "words"], [*both, "chips"])
    reads, writes = ["words", "chips"], [*both, "chips"]
    chosen = board.on(board["chips"].select, _pressed, reads, writes, picks=True)
    run_on(demo, board, chosen.then)
