"""Each head of the left side's attention of a point, as HTML; the mean is the viewer's panel."""

from __future__ import annotations

from html import escape

from PIL import Image

from glaclip.pictures.baseline_row import head_pictures
from glaclip.pictures.encoding import picture_uri
from glaclip.segmenter import BaselineAttention
from glaclip.segmenter.method import baseline_title

_SIDE = 120


def left_row_html(photo: Image.Image, row: BaselineAttention) -> str:
    """The heads, folded away; nothing where all heads do alike.

    Args:
        photo: upright.
        row: of the left side's baseline, with each head.
    """
    title, heads = escape(baseline_title(row.baseline)), head_pictures(photo, row)
    if not heads:
        return ""
    figures = (_figure(picture, f"Head {n}", title) for n, picture in enumerate(heads, 1))
    return (
        f"<details><summary>Left side, {title}: each of its {len(heads)} heads, in the point's own "
        f"window</summary><div class='patches'><div>{''.join(figures)}</div></div></details>"
    )


def _figure(picture: Image.Image, caption: str, title: str) -> str:
    source = picture_uri(picture.resize((_SIDE, _SIDE)), "JPEG", quality=86)
    return (
        f"<figure style='width:{_SIDE}px'><img src='{source}' alt='{caption}: attention of {title}'"
        f" width='{_SIDE}' height='{_SIDE}'><figcaption>{caption}</figcaption></figure>"
    )
