"""Showing a prepared view: a shipped photo, what a lesson opens, or a link."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from glaclip.backbones.base import BackboneError
from glaclip.serving.runs import StoppedError
from glaclip.ui.actions.address import show_link
from glaclip.ui.actions.run import run_on
from glaclip.ui.board import Board, Changes, Event
from glaclip.ui.controls import choices_of, offering
from glaclip.ui.demo import Demo
from glaclip.ui.examples import Example, example_form, examples, find, first_values
from glaclip.ui.form import CONTROLS, LABELS, OWN, Form, from_link, ladder_name, to_link
from glaclip.ui.gradio.quick import gr

#: What a prepared view sets.
VIEW = (
    *("photo", "example", "point", "x", "y", "viewer", "status", "attention", "readout", "link"),
    *("known_words", "chips", "ladder", *CONTROLS),
)
LINK_OF_OWN = (
    "This link was made with an own photo, which does not travel in a link. Its words and settings "
    "are here: choose the photo."
)
#: Changes a hidden widget if the page was opened by a link that says more than Gradio's own
#: parameters, such as the theme: else there is nothing to ask the server for.
_LINKED = """(linked) => {
  const names = [...new URLSearchParams(window.location.search).keys()];
  return [names.some((name) => !name.startsWith('__')) ? String(performance.now()) : linked];
}"""


def form_changes(form: Form) -> Changes:
    """New values of the controls; new words must be among a dropdown's choices."""
    words = list(form.words)
    return form.values | {"words": gr.update(choices=words, value=words)}


def view_changes(demo: Demo, example: Example, form: Form, point: tuple[int, int]) -> Changes:
    """New values of everything in `VIEW`; results only where the shipped ones fit."""
    return {
        "photo": str(example.path),
        "example": example.name,
        "point": point,
        "x": point[0],
        "y": point[1],
        **(first_values(example) if is_shipped(demo, example, form, point) else {}),
        "link": to_link(form, demo.start, example.name, point),
        "known_words": list(form.words),
        "chips": None,
        "ladder": ladder_name(form),
        **form_changes(form),
    }


def is_shipped(demo: Demo, example: Example, form: Form, point: tuple[int, int]) -> bool:
    """Whether the shipped result is the view's."""
    return form == example_form(demo.start, example) and point == example.point


def show(
    demo: Demo,
    page: str,
    name: str,
    changes: Mapping[str, Any] | None = None,
    point: tuple[int, int] | None = None,
    at: float | None = None,
) -> Changes:
    """A shipped photo as it ships, or with some controls changed; ends runs asked for before."""
    demo.stop(page, at)
    demo.views.start(page)
    example = find(name) or examples()[0]
    form = example_form(demo.start, example).changed(changes or {})
    return view_changes(demo, example, form, point or example.point)


def restore(demo: Demo, event: Event) -> Changes:
    """Opens a link: shipped photo, controls, point; nothing if a photo has come meanwhile."""
    known = {k: v for k, v in event.query.items() if not k.startswith("__")}
    if not known:
        return {}
    check = demo.views.start(event.page)
    example = find(known.get("photo", "")) or examples()[0]
    form, _, point, problems = from_link(known, example_form(demo.start, example))
    own = known.get("photo") == OWN
    if not own and "photo" in known and find(known["photo"]) is None:
        problems.append("The link names a photo that is not shipped with this page.")
    form, choices = _offered(demo, form, problems)
    try:
        check()
    except StoppedError:
        return {}
    for note in problems:
        gr.Warning(note)
    point = point or example.point
    shown = view_changes(demo, example, form, point)
    if own:
        shown |= _without_photo(form, demo)
    for name, offered in choices.items():
        shown[name] = offering(offered, form.values[name])
    return shown | {"opened": not own and not is_shipped(demo, example, form, point)}


def _without_photo(form: Form, demo: Demo) -> Changes:
    """What the view of an own photo shows of it: that it has to be brought."""
    return {
        "photo": None,
        "example": "",
        "point": None,
        "viewer": {"empty": LINK_OF_OWN, "lost": True},
        "status": "",
        "attention": None,
        "readout": "",
        "link": to_link(form, demo.start, OWN),
    }


def _offered(
    demo: Demo, form: Form, problems: list[str]
) -> tuple[Form, dict[str, list[tuple[str, str]]]]:
    """Replaces choices of a link that the page does not offer; widgets refuse to send them.

    Returns:
        The form, and the choices that depend on its backbone. Sentences on what was left out are
        added to `problems`.
    """
    if form.backbone not in demo.backbones:
        problems.append("The link names a backbone that is not offered here.")
        form = dataclasses.replace(form, backbone=demo.start.backbone)
    try:
        choices = choices_of(demo.backbone(form))
    except BackboneError as error:
        problems.append(error.brief)
        choices = choices_of(None)
    for name, offered in choices.items():
        if form.values[name] not in [value for _, value in offered]:
            problems.append(f"The link's “{LABELS[name]}” is not offered here.")
            form = form.changed({name: demo.start.values[name]})
    return form, choices


def connect(demo: Demo, board: Board) -> None:
    """The strip of photos, and what happens when the page is opened."""

    def chosen(event: Event) -> Changes:
        return show(demo, event.page, str(event.picked.get("value")), at=event.at)

    picked: dict[str, Any] = {"picks": True, "in_order": True, "trigger_mode": "multiple"}
    shown = board.on(board["strip"].select, chosen, (), VIEW, **picked)
    show_link(board, shown)
    board.on(
        board["example"].change,
        lambda event: {"strip": {"chosen": event["example"]}},
        ["example"],
        ["strip"],
    )
    board.in_browser(board.page.load, _LINKED, ["linked"], ["linked"])
    board.on(board["linked"].change, lambda event: restore(demo, event), (), [*VIEW, "opened"])
    run_on(demo, board, board["opened"].change)
