"""A lesson as content: words that follow from measured numbers, a figure and a view to open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal

from glaclip.pictures.numbers import percent
from glaclip.ui.lessons.lab import Lab

Tab = Literal["compare", "attention", "windows"]
#: What was measured, by name; a name that was not measured raises AttributeError.
Facts = SimpleNamespace


@dataclass(frozen=True)
class View:
    """A state of the page that "Try it" opens.

    Attributes:
        example: name of a shipped photo.
        changes: fields of `glaclip.ui.form.Form` that differ from the example's own form.
        point: (x, y) in photo pixels.
        tab: id of the tab to show.
    """

    example: str
    changes: Mapping[str, Any]
    point: tuple[int, int]
    tab: Tab

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> View:
        """From its JSON form; lists become tuples again."""
        changes = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in document["changes"].items()
        }
        x, y = document["point"]
        return cls(document["example"], changes, (x, y), document["tab"])


@dataclass(frozen=True)
class Part:
    """What the model gives to one lesson.

    Attributes:
        facts: numbers and words of the text by name.
        figure: JSON for the figure; a string "file:NAME" stands for a picture of `files`.
        view: what "Try it" opens.
        files: encoded pictures by file name.
    """

    facts: Mapping[str, float | str]
    figure: Mapping[str, Any]
    view: View
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Lesson:
    """One lesson; its figure is `figures[slug]` of the file `slug`.js.

    Attributes:
        slug: name in files and events.
        short: name in the list of lessons.
        title: heading.
        measure: asks the model for the facts and the figure.
        text: paragraphs that say what the facts say, whichever way they turned out.
        formulas: one a line; `_{...}` is lowered, `^{...}` raised.
        symbols: each letter of the formulas, written like them, and what it means.
        try_label: what "Try it" does, on its button.
        note: a line below the figure.
        live: whether the figure also asks the page's own model, see live.py.
    """

    slug: str
    short: str
    title: str
    measure: Callable[[Lab], Part]
    text: Callable[[Facts], tuple[str, ...]]
    formulas: tuple[str, ...]
    symbols: tuple[tuple[str, str], ...]
    try_label: str
    note: str = ""
    live: bool = False


def change(before: float, after: float) -> str:
    """What a share does: "falls from 16 % to 4.7 %", "rises from .. to ..", "stays at ..".

    A sentence with it stays true when the model and its numbers change.
    """
    if percent(before) == percent(after):
        return f"stays at {percent(after)}"
    return f"{'falls' if after < before else 'rises'} from {percent(before)} to {percent(after)}"
