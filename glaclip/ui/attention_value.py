"""What the attention viewer shows, as a value that travels to the browser. No gradio here."""

from __future__ import annotations

import base64
from typing import TypedDict

import numpy as np
from PIL import Image

from glaclip.clicks import AttentionMaps, RowAttention
from glaclip.pictures.attention import shared_lift
from glaclip.pictures.files import picture_uri
from glaclip.segmenter import Encoded
from glaclip.settings import CAPTIONS

MAX_SIDE = 900
_JPEG_QUALITY = 85
#: A window counts as receiving attention above this share.
NOTABLE_SHARE = 0.01


class PanelValue(TypedDict):
    """One rung: `weights` is base64 of uint16 [L * S], each times `unit` is in even attentions.

    Even attention would give each visible token the same weight. On raw weights the own window's
    rung, which has fewest tokens to share among, would leave the others nearly black.
    """

    title: str
    weights: str
    unit: float
    own_mass: float
    own_share: float
    windows: int


class AttentionValue(TypedDict):
    """The viewer's value. Sizes are [height, width]; boxes are in pixels of `working_size`.

    `top` is what is drawn brightest, the same for all panels: times even attention.
    """

    photo: str
    photo_size: list[int]
    working_size: list[int]
    point: list[int]
    boxes: list[list[int]]
    grid: list[int]
    key_grid: list[int]
    own: int
    token: list[int]
    top: float
    panels: list[PanelValue]
    sentence: str


def _packed(rung: RowAttention) -> tuple[str, float]:
    visible = rung.weights.shape[1] / rung.own_share
    values = rung.weights.cpu().double().numpy().ravel() * visible
    unit = max(float(values.max()), 1e-12) / 65535
    return base64.b64encode(np.round(values / unit).astype("<u2").tobytes()).decode(), unit


def receiving_windows(rung: RowAttention) -> int:
    """Windows that receive more than 1 % of the attention."""
    return int((rung.weights.sum(dim=1) > NOTABLE_SHARE).sum())


def attention_sentence(maps: AttentionMaps) -> str:
    """|P_i|, u, w_i and the windows reached, in words."""
    last = maps.rungs[-1]
    reached = receiving_windows(last)
    similar = "1 token is" if last.set_size == 1 else f"{last.set_size:,} tokens are"
    windows = "1 window receives" if reached == 1 else f"{reached} windows receive"
    return (
        f"{similar} similar to this patch (|P| = {last.set_size:,}). "
        f"The mean score is multiplied by u = {last.shift:.2f} before it is subtracted, and the "
        f"scores are scaled by w = {last.scale:.2f}. {windows} more than 1 % of the attention."
    )


def _panel(title: str, rung: RowAttention) -> PanelValue:
    packed, unit = _packed(rung)
    return PanelValue(
        title=title,
        weights=packed,
        unit=unit,
        own_mass=rung.own_mass,
        own_share=rung.own_share,
        windows=receiving_windows(rung),
    )


def attention_photo(photo: Image.Image) -> str:
    """The photo as the viewer gets it: a JPEG as a data URI."""
    small = photo.convert("RGB")
    small.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return picture_uri(small, "JPEG", quality=_JPEG_QUALITY)


def attention_value(photo: Image.Image, encoded: Encoded, maps: AttentionMaps) -> AttentionValue:
    """Builds the value of `AttentionViewer`.

    Args:
        photo: the photo as encoded.
        encoded: its tokens.
        maps: attention of one point.
    """
    return AttentionValue(
        photo=attention_photo(photo),
        photo_size=list(encoded.photo_size),
        working_size=list(encoded.size),
        point=[int(maps.point[0]), int(maps.point[1])],
        boxes=[list(box) for box in maps.boxes],
        grid=list(maps.grid),
        key_grid=list(maps.key_grid),
        own=maps.window,
        token=list(maps.token),
        top=shared_lift(maps.rungs),
        panels=[_panel(title, rung) for title, rung in zip(CAPTIONS, maps.rungs, strict=True)],
        sentence=attention_sentence(maps),
    )
