"""Shipped photos to choose from, as thumbnails."""

from __future__ import annotations

from typing import Any

from glaclip.ui.viewers.drawn import Drawn, source

_HTML = (
    '<div class="strip" role="group" aria-label="Example photos"></div>'
    '<p class="strip-name" aria-hidden="true"></p>'
)


class ExampleStrip(Drawn):
    """Buttons with thumbnails; `.select` gives the example's name as `value`.

    The value is {"chosen": name}; `items` are name, title, alt and image (a data URI) of each.
    """

    triggers = ("select",)

    def __init__(self, value: Any = None, *, items: list[dict[str, str]], **kwargs: Any) -> None:
        super().__init__(
            value=value,
            html_template=_HTML,
            css_template=source("example_strip.css"),
            js_on_load=source("example_strip.js"),
            apply_default_css=False,
            items=items,
            **kwargs,
        )
