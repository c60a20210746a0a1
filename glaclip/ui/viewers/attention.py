"""The attention viewer: a photo with a query point and the rungs as mosaics of windows."""

from __future__ import annotations

from typing import Any

from glaclip.ui.viewers.drawn import Drawn, source

#: In this order: what is drawn with, and last the viewer, which uses it.
_SCRIPTS = ("drawing.js", "weights.js", "present.js", "photos.js", "attention.js")


class AttentionViewer(Drawn):
    """Where one point's attention goes, per window, at each rung of the ladder.

    The value comes from `attention_value` of `attention_value.py`, or is None. Its photo is that of
    a `LinkedViewer` on the same page. A click on the photo or arrow keys emit `.select` with
    (x, y) in photo pixels as `index`.
    """

    triggers = ("select",)

    def __init__(self, value: Any = None, *, empty: str = "", **kwargs: Any) -> None:
        super().__init__(
            value=value,
            html_template=source("attention.html"),
            css_template=source("base.css", "present.css", "attention.css"),
            js_on_load=source(*_SCRIPTS),
            apply_default_css=False,
            empty=empty,
            **kwargs,
        )
