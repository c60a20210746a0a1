"""A lesson as content: a text with named numbers, formulas, a figure and a view to open."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from glaclip.pictures.numbers import percent

Tab = Literal["compare", "attention", "windows"]


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
class Lesson:
    """What one lesson says. Texts are templates, see `fill`.

    Attributes:
        slug: name in files and events.
        short: name in the list of lessons.
        title: heading.
        text: paragraphs, templates.
        formulas: one a line; `_{...}` is lowered, `^{...}` raised.
        symbols: each letter of the formulas, written like them, and a template that explains it.
        try_label: what "Try it" does, on its button.
        note: a line below the figure, a template.
    """

    slug: str
    short: str
    title: str
    text: tuple[str, ...]
    formulas: tuple[str, ...]
    symbols: tuple[tuple[str, str], ...]
    try_label: str
    note: str = ""

    @property
    def templates(self) -> tuple[str, ...]:
        """Everything that may hold numbers."""
        return (*self.text, *(meaning for _, meaning in self.symbols), self.note)


@dataclass(frozen=True)
class Part:
    """What the model gives to one lesson.

    Attributes:
        facts: numbers of the text by name.
        names: words of the text by name, such as a photo's title.
        figure: JSON for the figure; a string "file:NAME" stands for a picture of `files`.
        view: what "Try it" opens.
        files: encoded pictures by file name.
    """

    facts: Mapping[str, float]
    figure: Mapping[str, Any]
    view: View
    names: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


class _Formatter(string.Formatter):
    """Adds the form `p` for shares and `{before->after:p}`, which says what a number does."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, str]:
        if "->" in field_name:
            before, after = field_name.split("->")
            return _Change(kwargs[before], kwargs[after]), field_name
        return kwargs[field_name], field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, _Change):
            before, after = (
                self.format_field(number, format_spec) for number in (value.before, value.after)
            )
            if before == after:
                return f"stays at {after}"
            verb = "falls" if value.after < value.before else "rises"
            return f"{verb} from {before} to {after}"
        if format_spec == "p":
            return percent(value)
        return str(super().format_field(value, format_spec))


@dataclass(frozen=True)
class _Change:
    before: float
    after: float


def fill(template: str, values: Mapping[str, float | str]) -> str:
    """Puts numbers into a text.

    `{name:p}` writes a share of 1 as a percentage; `{a->b:p}` writes "falls from .. to ..", "rises
    from .. to .." or "stays at ..", so that a sentence stays true when the numbers change; anything
    else is Python's format syntax.

    Raises:
        KeyError: a name without a value.
    """
    return _Formatter().vformat(template, (), values)


def placeholders(template: str) -> set[str]:
    """Names of the values a template needs."""
    names = {name for _, name, _, _ in string.Formatter().parse(template) if name}
    return {part for name in names for part in name.split("->")}
