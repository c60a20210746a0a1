"""The Learn tab: one component that shows the lessons and emits what "Try it" asks for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glaclip.ui.gradio.quick import gr
from glaclip.ui.lessons.build import LESSONS, load_document, views
from glaclip.ui.lessons.lesson import View

_HERE = Path(__file__).parent
#: The value of a book whose lessons follow.
LATER = {"later": True}
#: In this order: helpers, a figure a lesson, and last the book, which uses them.
_SCRIPTS = (
    "../viewers/drawing.js",
    "../viewers/present.js",
    *(f"{name}.js" for name in ("draw", *(lesson.slug for lesson in LESSONS), "slide", "book")),
)


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


class LessonBook(gr.HTML):  # type: ignore[misc]
    """Lessons with live figures, all in the browser.

    The value comes from `glaclip.ui.lessons.build.book_value`; `LATER` stands for one that is on
    its way, and with None a sentence says how to build it. "Try it" emits `.select` with the
    lesson's slug as `value`. A lesson that is live emits `.ask` likewise when it is opened, and is
    told by the property `live`, see live.py.
    """

    def __init__(self, value: Any = None, **kwargs: Any) -> None:
        super().__init__(
            value=value,
            html_template=_text("book.html"),
            css_template=_text("book.css") + _text("lecture.css") + _text("../viewers/present.css"),
            js_on_load="\n".join(_text(name) for name in _SCRIPTS),
            apply_default_css=False,
            **kwargs,
        )

    def api_info(self) -> dict[str, Any]:
        """The value is a JSON object."""
        return {"type": "object"}


def view_of(picked: Mapping[str, Any]) -> View | None:
    """What a "Try it" asks for, or None; events come from the browser and are not trusted."""
    document = load_document()
    return views(document).get(str(picked.get("value"))) if document else None
