"""Charts of the page as HTML: a picture for each theme, a text alternative, a file to save."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from html import escape

from matplotlib.figure import Figure

from glaclip.render import ThemeName


def chart_html(draw: Callable[[ThemeName], Figure], title: str, text: str, name: str) -> str:
    """A chart that follows the page's theme.

    Args:
        draw: makes the figure for a theme.
        title: heading above the chart.
        text: what the chart shows, for those who cannot see it.
        name: name of the saved file, without ending.
    """
    light = _uri(draw("light"))
    dark = _uri(draw("dark"), transparent=True)
    alt = escape(text)
    return (
        f"<figure class='chart'><figcaption>{escape(title)} "
        f"<a href='{light}' download='{escape(name)}.png'>Save</a></figcaption>"
        f"<img class='on-light' src='{light}' alt='{alt}'>"
        f"<img class='on-dark' src='{dark}' alt='{alt}'></figure>"
    )


def _uri(figure: Figure, transparent: bool = False) -> str:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=160, transparent=transparent)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
