"""The Learn tab: one component that shows the lessons and emits what "Try it" asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glaclip.ui.lessons.build import LESSONS, load_document, views
from glaclip.ui.lessons.lesson import View
from glaclip.ui.viewers.drawn import Drawn, source

#: The value of a book whose lessons follow.
LATER = {"later": True}
#: In this order: helpers, a figure a lesson, and last the book, which uses them.
_SCRIPTS = (
    "drawing.js",
    "present.js",
    *(
        f"../lessons/{name}.js"
        for name in ("draw", *(lesson.slug for lesson in LESSONS), "slide", "book")
    ),
)
_STYLES = ("base.css", "present.css", "../lessons/book.css", "../lessons/lecture.css")


class LessonBook(Drawn):
    """Lessons with live figures, all in the browser.

    The value comes from `glaclip.ui.lessons.build.book_value`; `LATER` stands for one that is on
    its way, and with None a sentence says how to build it. "Try it" emits `.select` with the
    lesson's slug as `value`. A lesson that is live emits `.ask` likewise when it is opened, and is
    told by the property `live`, see live.py.
    """

    triggers = ("select", "ask")

    def __init__(self, value: Any = None, **kwargs: Any) -> None:
        super().__init__(
            value=value,
            html_template=source("../lessons/book.html"),
            css_template=source(*_STYLES),
            js_on_load=source(*_SCRIPTS),
            apply_default_css=False,
            **kwargs,
        )


def view_of(picked: Mapping[str, Any]) -> View | None:
    """What a "Try it" asks for, or None; events come from the browser and are not trusted."""
    document = load_document()
    return views(document).get(str(picked.get("value"))) if document else None
