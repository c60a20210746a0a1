"""Shipped photos to choose from, as thumbnails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

_HTML = (
    '<div class="strip" role="group" aria-label="Example photos"></div>'
    '<p class="strip-name" aria-hidden="true"></p>'
)
_HERE = Path(__file__).parent


class ExampleStrip(gr.HTML):  # type: ignore[misc]
    """Buttons with thumbnails; `.select` gives the example's name as `value`.

    The value is {"chosen": name}; `items` are name, title, alt and image (a data URI) of each.
    """

    def __init__(self, value: Any = None, *, items: list[dict[str, str]], **kwargs: Any) -> None:
        super().__init__(
            value=value,
            html_template=_HTML,
            css_template=(_HERE / "example_strip.css").read_text(encoding="utf-8"),
            js_on_load=(_HERE / "example_strip.js").read_text(encoding="utf-8"),
            apply_default_css=False,
            items=items,
            **kwargs,
        )

    def api_info(self) -> dict[str, Any]:
        """The value is a JSON object."""
        return {"type": "object"}
