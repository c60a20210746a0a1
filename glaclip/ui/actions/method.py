"""Changing the method: the ladder, its switches, and the advanced settings."""

from __future__ import annotations

import functools
import json
from html import escape

from glaclip.backbones.base import Backbone, BackboneError
from glaclip.settings import STAGES
from glaclip.ui.actions.run import BACKBONES_OWN, run_on
from glaclip.ui.board import Board, Changes, Event
from glaclip.ui.controls import own_choices
from glaclip.ui.demo import Demo
from glaclip.ui.form import LADDER, RANGES, SETTINGS, Form
from glaclip.ui.gradio.quick import gr
from glaclip.ui.refusals import sentence

# In the browser, so that no click can come between a switch and the ladder.
_LADDER = json.dumps(LADDER)
_SWITCHES_OF = f"(name) => ({_LADDER})[name]"
_LADDER_OF = f"""(...switches) => {{
  const same = ([, on]) => on.every((value, index) => value === switches[index]);
  return Object.entries({_LADDER}).find(same)?.[0] ?? null;
}}"""


def _backbone(demo: Demo, event: Event) -> Backbone | None:
    try:
        return demo.service.segmenter(event["backbone"]).backbone
    except BackboneError as error:
        gr.Warning(escape(sentence(error), quote=False))
        return None


def reset(demo: Demo, event: Event) -> Changes:
    """The backbone's own settings."""
    backbone = _backbone(demo, event)
    if backbone is None:
        return {}
    values = Form().with_defaults(backbone).values
    return {name: values[name] for name in SETTINGS}


def backbone_changed(demo: Demo, event: Event) -> Changes:
    """Another backbone brings its own settings, left sides and keys."""
    backbone = _backbone(demo, event)
    if backbone is None:
        return {}
    return reset(demo, event) | own_choices(backbone)


def connect(demo: Demo, board: Board) -> None:
    """Every change runs at once, if that is cheap."""
    switches = [stage.field for stage in STAGES]
    for name in switches:
        event = board.in_browser(board[name].input, _LADDER_OF, switches, ["ladder"])
        run_on(demo, board, event.then)
    climbed = board.in_browser(board["ladder"].input, _SWITCHES_OF, ["ladder"], switches)
    run_on(demo, board, climbed.then)
    changed = [board[name].release for name in RANGES]
    changed += [board[name].input for name in ("baseline", "key_source", "vfm_view", "precision")]
    run_on(demo, board, changed)
    for event, handler, writes in (
        (board["backbone"].input, backbone_changed, BACKBONES_OWN),
        (board["reset"].click, reset, SETTINGS),
    ):
        done = board.on(event, functools.partial(handler, demo), ["backbone"], writes)
        run_on(demo, board, done.then)
