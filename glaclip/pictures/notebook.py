"""A result as HTML: what a notebook shows of it."""

from __future__ import annotations

import html

import numpy as np
from PIL import Image

from glaclip.pictures.encoding import picture_uri
from glaclip.pictures.label_pictures import overlay
from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import class_colors, hex_of
from glaclip.segmenter.results import Segmentation


def as_html(result: Segmentation) -> str:
    """The photo with its labels, and a legend with the share of each word, largest first.

    Args:
        result: from `Segmenter.segment`.
    """
    colors = class_colors(result.classes, result.vocabulary.background)
    photo = Image.fromarray(result.encoded.pixels.permute(1, 2, 0).numpy())  # [h, w, 3]
    picture = picture_uri(overlay(photo, result.labels, colors), "jpeg", quality=90)
    chips = hex_of(colors)
    legend = "".join(
        f'<span style="white-space:nowrap;margin-right:1em"><span style="display:inline-block;'
        f'width:.8em;height:.8em;background:{chips[index]}"></span> '
        f"{html.escape(result.classes[index])} {percent(result.areas[index])}</span> "
        for index in np.argsort(-result.areas, kind="stable")
        if result.areas[index]
    )
    return (
        f'<figure style="margin:0"><img alt="labels" src="{picture}"><div>{legend}</div></figure>'
    )
