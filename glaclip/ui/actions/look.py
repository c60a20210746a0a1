"""Looking at a point: a click on a picture, arrow keys, or numbers."""

from __future__ import annotations

import time

import gradio as gr

from glaclip.ui import answers
from glaclip.ui.actions.address import show_link
from glaclip.ui.board import Board, Changes, Visit
from glaclip.ui.demo import ASKED, Demo, asked, ended, point_in
from glaclip.ui.form import to_link
from glaclip.ui.refusals import REFUSALS, sentence
from glaclip.ui.service import StoppedError


def look(demo: Demo, visit: Visit) -> Changes:
    """A point was chosen: attention, readout, link, and the number fields."""
    try:
        photo, form, request = asked(demo, visit)
        point = point_in(visit, photo)
        if point is None:
            return {}
        newest = demo.looks.start(visit.page)

        def step(_name: str, _done: int, _total: int) -> None:
            newest()  # a click shows no bar

        cost = demo.service.cost(photo, request, step, click=True)
        if not cost.cheap:
            raise gr.Error(cost.sentence, print_exception=False)
        result = demo.service.compare(photo, request, step)
        looked = answers.look(demo.service, photo, request, result, point, step)
    except StoppedError:
        return {}
    except REFUSALS as error:
        return {"readout": answers.problem(sentence(error))}
    if ended(newest):
        return {}
    link = to_link(form, demo.start, visit["example"], point)
    # The pictures stay; only the card at the star learns something.
    viewer = gr.update(answer=answers.star(result, point))
    return {**looked, "viewer": viewer, "link": link, "x": point[0], "y": point[1]}


def _asked_for(x: int, y: int) -> Changes:
    """The point is stored at once, and computed when the time stamp beside it changes."""
    return {"point": (x, y), "asked": (x, y, time.monotonic_ns())}


def _picked(visit: Visit) -> Changes:
    x, y = visit.picked["index"]
    return _asked_for(int(x), int(y))


def _typed(visit: Visit) -> Changes:
    x, y, point = visit["x"], visit["y"], visit["point"]
    if x is None or y is None or (point and tuple(point) == (int(x), int(y))):
        return {}
    return _asked_for(int(x), int(y))


def connect(demo: Demo, board: Board) -> None:
    """Both viewers and the number fields."""
    stored = ["point", "asked"]
    # Event data is stale when a trigger waits its turn, so the point is stored at once and
    # computed when the store changes.
    for name in ("viewer", "attention"):
        board.on(
            board[name].select,
            _picked,
            (),
            stored,
            picks=True,
            trigger_mode="multiple",
            concurrency_limit=None,
        )
    x, y = board["x"], board["y"]
    board.on([x.submit, y.submit, x.blur, y.blur], _typed, ["x", "y", "point"], stored)
    looked = board.on(
        board["asked"].change,
        lambda visit: look(demo, visit),
        ASKED,
        ["viewer", "attention", "readout", "link", "x", "y"],
        trigger_mode="always_last",
        concurrency_limit=16,
    )
    show_link(board, looked)
