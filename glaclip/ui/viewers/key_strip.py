"""Keys as colors in the Windows tab: a picture of each kind of tokens, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from glaclip.pictures.encoding import picture_uri
from glaclip.pictures.key_pictures import stitched_picture
from glaclip.pictures.numbers import percent
from glaclip.segmenter.key_colors import KeyColors
from glaclip.windows import Size

_WIDTH = 360
_TITLES = {
    "vfm": "Keys of the vision model",
    "q": "CLIP's queries, q",
    "k": "CLIP's keys, k",
    "v": "Values, v",
}


def key_strip(pictured: Sequence[KeyColors], size: Size) -> str:
    """What has one color has like keys: the first three principal components as RGB.

    Args:
        pictured: each kind of tokens of a photo.
        size: (height, width) of the photo.
    """
    height = max(1, round(_WIDTH * size[0] / size[1]))
    figures = []
    for colors in pictured:
        title = escape(_TITLES.get(colors.name, f"Keys, {colors.name}"))
        source = picture_uri(stitched_picture(colors, (height, _WIDTH)), "PNG")
        figures.append(
            f"<figure style='width:min(100%,{_WIDTH}px)'><img src='{source}' alt='{title} as "
            f"colors' width='{_WIDTH}' height='{height}' style='max-width:100%'><figcaption>"
            f"{title}: three components hold {percent(colors.explained)}</figcaption></figure>"
        )
    return f"<div class='patches'><div>{''.join(figures)}</div></div>"
