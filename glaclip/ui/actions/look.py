"""Looking at a point: a click on a picture, arrow keys, or numbers."""

from __future__ import annotations

import dataclasses
from typing import Any

from glaclip.serving.estimate import Estimate
from glaclip.serving.runs import StoppedError
from glaclip.ui import answers
from glaclip.ui.actions.address import show_link
from glaclip.ui.board import Board, Changes, Event
from glaclip.ui.demo import ASKED, Demo, asked, ended, point_in
from glaclip.ui.form import OWN, to_link
from glaclip.ui.gradio.quick import gr
from glaclip.ui.refusals import REFUSALS, about, sentence


def look(demo: Demo, event: Event, chosen: tuple[int, int]) -> Changes:
    """A point was chosen: attention, readout, link, and the number fields.

    The point itself is kept at once: whatever is asked for meanwhile is about it.
    """
    try:
        newest = demo.looks.start(event.page, at=event.at)
    except StoppedError:
        return {}  # a later click was quicker
    event.keep("point", chosen)
    event = dataclasses.replace(event, values={**event.values, "point": chosen})
    try:
        photo, form, request = asked(demo, event)
        point = point_in(event, photo.image)

        def step(_name: str, _done: int, _total: int) -> None:
            newest()  # a click shows no bar

        result = demo.service.answer(photo, request, point, step, unless=Estimate.check_cheap)
        looked = answers.look(demo.picture(event["photo"]), result, point)
    except StoppedError:
        return {}
    except REFUSALS as error:
        return {"readout": answers.problem(sentence(error), about(error))}
    if point is None or ended(newest):
        return {}
    link = to_link(form, demo.start, event["example"] or OWN, point)
    # The pictures stay; only the card at the star learns something.
    viewer = gr.update(answer=answers.star(result, point))
    return {**looked, "viewer": viewer, "link": link, "x": point[0], "y": point[1]}


def picked(demo: Demo, event: Event) -> Changes:
    """A click or the Enter key on a picture."""
    x, y = event.picked["index"]
    return look(demo, event, (int(x), int(y)))


def typed(demo: Demo, event: Event) -> Changes:
    """Numbers in the fields, unless they are the point's own."""
    x, y, point = event["x"], event["y"], event["point"]
    if x is None or y is None or (point and tuple(point) == (int(x), int(y))):
        return {}
    return look(demo, event, (int(x), int(y)))


def connect(demo: Demo, board: Board) -> None:
    """Both viewers and the number fields."""
    writes = ("viewer", "attention", "readout", "link", "x", "y")
    # Each click starts at once: gradio would give one that waits its turn the first one's place.
    # A newer click ends the older, see `look`.
    at_once: dict[str, Any] = {
        "trigger_mode": "multiple",
        "concurrency_limit": 16,
        "in_order": True,
    }
    for name in ("viewer", "attention"):
        clicked = board.on(
            board[name].select,
            lambda event: picked(demo, event),
            ASKED,
            writes,
            picks=True,
            **at_once,
        )
        show_link(board, clicked)
    x, y = board["x"], board["y"]
    written = board.on(
        [x.submit, y.submit, x.blur, y.blur],
        lambda event: typed(demo, event),
        (*ASKED, "x", "y"),
        writes,
        **at_once,
    )
    show_link(board, written)
