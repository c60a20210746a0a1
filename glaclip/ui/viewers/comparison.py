"""The linked viewer: two segmentations of one photo, compared without a trip to the server."""

from __future__ import annotations

from typing import Any

from glaclip.ui.viewers.drawn import Drawn, source

#: In this order: what the viewer uses, and last the viewer itself.
_SCRIPTS = (
    "drawing.js", "photos.js", "labels.js", "card.js", "names.js", "zoom.js", "present.js",
    "steps.js", "worst.js", "score.js", "comparison_state.js", "comparison_layers.js",
    "comparison_point.js", "comparison_legend.js", "comparison.js",
)  # fmt: skip


class LinkedViewer(Drawn):
    """Two segmentations of one photo, linked: what points at one points at both.

    The value comes from `viewer_value` of `comparison_value.py`, or is None: then a calm empty
    picture with the text `empty` is shown. Listen with `.select(fn)`, where `fn` takes a
    `gr.SelectData`: `index` is (x, y) in photo pixels, `value` the class below it,
    `_data["side"]` "left" or "right". `.attend(fn)` comes when a person asks for the attention of
    the star, `.shown(fn)` once a new result is on the screen, `.score(fn)` when a person looks at
    how probable a word is: `value` is the class, `_data["result"]` names the result. Changing the
    property `answer` (see `glaclip.ui.answers.star`) alone tells the card at the star what both
    sides say there, and `scores` (see `glaclip.ui.answers.scores`) the maps of a word. Do not
    use the viewer as an input of a listener: the browser would send the pictures back.

    Everything in the value that a person may have typed is placed as text, never as HTML.
    """

    triggers = ("select", "attend", "shown", "score")

    def __init__(
        self,
        value: Any = None,
        *,
        empty: str = "Choose a photo to see both methods side by side.",
        hint: str = "Point at a picture to read both sides. Click or press Enter to pick a point.",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            value=value,
            html_template=source("comparison.html"),
            css_template=source("base.css", "present.css", "comparison.css", "seeing.css"),
            js_on_load=source(*_SCRIPTS),
            apply_default_css=False,
            empty=empty,
            hint=hint,
            **kwargs,
        )
