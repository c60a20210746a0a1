"""Charts and pictures of the page as HTML, with a heading and a text alternative."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from matplotlib.figure import Figure
from PIL import Image

from glaclip.pictures.charts import png_of
from glaclip.pictures.drawing import ThemeName
from glaclip.pictures.encoding import data_uri, picture_uri


def chart_html(draw: Callable[[ThemeName], Figure], title: str, text: str, name: str) -> str:
    """A chart that follows the page's theme.

    Args:
        draw: makes the figure for a theme.
        title: heading above the chart.
        text: what the chart shows, for those who cannot see it.
        name: name of the saved file, without ending.
    """
    light = data_uri(png_of(draw("light"), dpi=160), "png")
    dark = data_uri(png_of(draw("dark"), dpi=160, transparent=True), "png")
    alt = escape(text)
    return (
        f"<figure class='chart'><figcaption>{escape(title)} "
        f"<a href='{light}' download='{escape(name)}.png'>Save</a></figcaption>"
        f"<img class='on-light' src='{light}' alt='{alt}'>"
        f"<img class='on-dark' src='{dark}' alt='{alt}'></figure>"
    )


def picture_html(picture: Image.Image, title: str, text: str) -> str:
    """A picture with a heading and a text for those who cannot see it."""
    source = picture_uri(picture.convert("RGB"), "JPEG", quality=88)
    return (
        f"<figure class='chart'><figcaption>{escape(title)}</figcaption>"
        f"<img src='{source}' alt='{escape(text)}'></figure>"
    )
