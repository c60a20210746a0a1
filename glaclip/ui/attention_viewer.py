"""The attention viewer: a photo with a query point and the four rungs as mosaics of windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

_HERE = Path(__file__).parent
#: In this order: what is drawn with, and last the viewer, which uses it.
_SCRIPTS = ("drawing.js", "weights.js", "present.js", "attention.js")


class AttentionViewer(gr.HTML):  # type: ignore[misc]
    """Where one point's attention goes, per window, at each rung of the ladder.

    The value comes from `glaclip.ui.attention_value.attention_value`, or is None. A click on the
    photo or arrow keys emit `.select` with (x, y) in photo pixels as `index`.
    """

    def __init__(self, value: Any = None, *, empty: str = "", **kwargs: Any) -> None:
        def text(name: str) -> str:
            return (_HERE / name).read_text(encoding="utf-8")

        super().__init__(
            value=value,
            html_template=text("attention.html"),
            css_template=text("attention.css"),
            js_on_load="\n".join(text(name) for name in _SCRIPTS),
            apply_default_css=False,
            empty=empty,
            **kwargs,
        )

    def api_info(self) -> dict[str, Any]:
        """The value is a JSON object."""
        return {"type": "object"}
