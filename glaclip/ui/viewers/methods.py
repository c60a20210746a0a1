"""The viewer of up to six methods: what points at one points at all, and all zoom together."""

from __future__ import annotations

from typing import Any

from glaclip.ui.viewers.drawn import Drawn, source

#: In this order: what the viewer uses, and last the viewer itself.
_SCRIPTS = ("drawing.js", "photos.js", "labels.js", "zoom.js", "methods.js")


class MethodsViewer(Drawn):
    """One photo by several methods. The value comes from `methods_value`, or is None.

    Its photo is that of a `LinkedViewer` on the same page. Do not use it as an input of a listener:
    the browser would send the pictures back.
    """

    def __init__(self, value: Any = None, *, empty: str = "", **kwargs: Any) -> None:
        super().__init__(
            value=value,
            html_template=source("methods.html"),
            css_template=source("base.css", "methods.css"),
            js_on_load=source(*_SCRIPTS),
            apply_default_css=False,
            empty=empty,
            **kwargs,
        )
