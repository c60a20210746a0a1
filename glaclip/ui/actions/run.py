"""Running both sides, as asked for or after a change of a control."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable
from typing import Any

from glaclip.backbones.base import BackboneError
from glaclip.backbones.registry import LITE
from glaclip.serving.estimate import Estimate
from glaclip.serving.lending import NotLentError
from glaclip.serving.runs import StoppedError
from glaclip.settings import STAGES
from glaclip.ui import answers
from glaclip.ui.actions.address import show_link
from glaclip.ui.board import Board, Changes, Event, Handler
from glaclip.ui.controls import own_choices
from glaclip.ui.demo import ASKED, Demo, asked, ended, follow, point_in
from glaclip.ui.form import OWN, SETTINGS, Form, to_link
from glaclip.ui.gradio.quick import gr
from glaclip.ui.refusals import REFUSALS, about, sentence

SHOWN = ("viewer", "status", "attention", "readout", "link", "background")
#: What follows when another backbone is chosen.
BACKBONES_OWN = (*SETTINGS, "baseline", "key_source")
#: No more is on its way: what is shown is what the page holds, a new photo plain.
STOPPED = "() => { document.dispatchEvent(new CustomEvent('glaclip:answered')); return []; }"


def compare(
    demo: Demo, event: Event, *, only_if_cheap: bool = False, since: float | None = None
) -> Changes:
    """Runs both sides; after a change of a control only if that is cheap, else it says so.

    Args:
        demo: the served demo.
        event: what asks for it, with the values in `ASKED`.
        only_if_cheap: whether a long run waits for a press.
        since: when the wait began by `time.perf_counter`, if words were proposed first.
    """
    newest = _overtaken

    def start_look(estimate: Estimate) -> None:
        nonlocal newest
        if only_if_cheap:
            estimate.check_cheap()
        newest = _look_of(demo, event, check)

    try:
        check = demo.runs.start(event.page, at=event.at)
        photo, form, request = asked(demo, event)
        point = point_in(event, photo.image)
        step = follow(event, check)
        result = demo.service.answer(photo, request, point, step, unless=start_look)
        picture = demo.picture(event["photo"])
        looked = answers.look(picture, result, point)
        waited = None if since is None else time.perf_counter() - since
        status = answers.status(result, demo.backbone(form), waited)
        shown: dict[str, Any] = {
            "viewer": answers.compare_value(photo.image, picture, result, point, event.held),
            "status": status,
        }
        if form.background and not event["background"]:
            shown |= {"background": True, "status": answers.ALONE + status}
        # Pictures take a while to encode; meanwhile a newer run may have answered with a refusal.
        check()
    except StoppedError:
        return {}
    except NotLentError as error:
        return _without_gpu(demo, event, error)
    except REFUSALS as error:
        return {"status": answers.problem(sentence(error), about(error))}
    if ended(newest):
        return shown
    return shown | looked | {"link": to_link(form, demo.start, event["example"] or OWN, point)}


def _without_gpu(demo: Demo, event: Event, error: NotLentError) -> Changes:
    """The same by the embedded model, which needs no GPU; the controls show that it was chosen."""
    try:
        form = embedded(demo, error)
    except NotLentError:
        return {"status": answers.problem(sentence(error))}
    kept = {"ladder", *(stage.field for stage in STAGES)}
    values = {name: form.values[name] for name in ("backbone", *BACKBONES_OWN) if name not in kept}
    changes = compare(demo, dataclasses.replace(event, values={**event.values, **values}))
    if "viewer" not in changes:
        return changes
    status = answers.problem(sentence(error)) + answers.EMBEDDED + changes["status"]
    return {**changes, **values, **own_choices(demo.backbone(form)), "status": status}


def embedded(demo: Demo, error: NotLentError) -> Form:
    """The controls of the embedded model, which answers where no GPU is lent.

    Raises:
        NotLentError: the given one; it is not offered here, or cannot start.
    """
    if LITE in demo.backbones:
        with contextlib.suppress(BackboneError):
            return Form(backbone=LITE).with_defaults(demo.service.segmenter(LITE).backbone)
    raise error


def _look_of(demo: Demo, event: Event, check: Callable[[], None]) -> Callable[[], None]:
    """Starts what the point shows after a run; ended already where a click has come since.

    Raises:
        StoppedError: the run is no longer the newest, by its check.
    """
    try:
        return demo.looks.start(event.page, unless=check, at=event.at)
    except StoppedError:
        check()
        return _overtaken


def _overtaken() -> None:
    raise StoppedError


def run_on(demo: Demo, board: Board, events: Any, *, always: bool = False) -> None:
    """Runs on an event: always, or only if that is cheap."""
    shown_by(board, events, lambda event: compare(demo, event, only_if_cheap=not always))


def shown_by(
    board: Board,
    events: Any,
    run: Handler,
    reads: tuple[str, ...] = (),
    writes: tuple[str, ...] = (),
) -> Any:
    """The event of a run, by a handler that may read and write more than `compare` does."""
    event = board.on(
        events,
        run,
        (*ASKED, *reads),
        (*SHOWN, "backbone", *BACKBONES_OWN, *writes),
        in_order=True,
        # A newer run must be able to start while an older one is still in the model.
        trigger_mode="multiple",
        concurrency_limit=16,
        show_progress="minimal",  # the spinner of "full" turns on, unseen, for seconds
        show_progress_on=[board["run_state"]],
    )
    show_link(board, event)
    return event


def connect(demo: Demo, board: Board) -> None:
    """Stop, and leaving the page; for Segment see proposals.py."""

    def stop(event: Event) -> Changes:
        demo.stop(event.page, event.at)
        return {"status": answers.problem("Stopped. Segment starts it again.")}

    stopped = board.on(board["stop"].click, stop, (), ["status"], in_order=True)
    board.in_browser(stopped.then, STOPPED)

    def closed(request: gr.Request) -> None:
        demo.stop(request.session_hash or "")  # nobody waits for the run

    board.page.unload(closed)
