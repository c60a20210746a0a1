"""The left side's attention of a point as HTML: the mean over heads, each head, and CLS."""

from __future__ import annotations

from html import escape

from PIL import Image

from glaclip.pictures.baseline_row import head_pictures, mean_picture
from glaclip.pictures.encoding import picture_uri
from glaclip.pictures.numbers import percent
from glaclip.segmenter import BaselineAttention
from glaclip.segmenter.method import baseline_title

_MEAN_SIDE, _HEAD_SIDE = 260, 120


def left_row_html(photo: Image.Image, row: BaselineAttention) -> str:
    """A figure of the row, with what it does not show in words.

    Args:
        photo: upright.
        row: of the left side's baseline.
    """
    title = escape(baseline_title(row.baseline))
    columns = row.key_grid[1]
    own = float(row.weights[row.window, row.token[0] * columns + row.token[1]])
    sentence = f"{percent(own)} of the attention stays on the patch itself"
    sentence += f", {percent(row.cls)} goes to CLS, which is no place." if row.cls else "."
    if row.baseline == "clip":
        sentence += " This is the attention branch, before residual and feed-forward."
    mean = _figure(mean_picture(photo, row), "Mean over heads", title, _MEAN_SIDE)
    heads = head_pictures(photo, row)
    folded = ""
    if heads:
        each = (
            _figure(picture, f"Head {n}", title, _HEAD_SIDE) for n, picture in enumerate(heads, 1)
        )
        folded = (
            f"<details><summary>Each of the {len(heads)} heads</summary>"
            f"<div class='patches'><div>{''.join(each)}</div></div></details>"
        )
    return (
        f"<h2 class='group-title'>Left side: {title}, in the point's own window</h2>"
        f"<p class='hint'>{sentence}</p><div class='patches'><div>{mean}</div></div>{folded}"
    )


def _figure(picture: Image.Image, caption: str, title: str, side: int) -> str:
    source = picture_uri(picture.resize((side, side)), "JPEG", quality=86)
    return (
        f"<figure style='width:{side}px'><img src='{source}' alt='{caption}: attention of {title}' "
        f"width='{side}' height='{side}'><figcaption>{caption}</figcaption></figure>"
    )
