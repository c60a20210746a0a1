"""Weights as colors: their scale, heat on a crop of the photo, and the bar that explains it."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence

import matplotlib
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from glaclip.attention.point import RowAttention
from glaclip.pictures.drawing import Theme, font

#: Weights are shown as (weight / top) ** WEIGHT_GAMMA: a square root, because a few tokens may take
#: a hundred times the weight of the others, which a linear scale would leave black.
WEIGHT_GAMMA = 0.5
#: Color scale of weights: perceptually uniform, dark for none, and read alike by color-blind eyes.
WEIGHT_COLORS = "inferno"
#: What is said of a panel whose weights are all on one token.
COLLAPSED = "All scores fell below zero; the best token alone is kept."
#: One scale serves panels whose brightest weights differ at most by this factor; with more, the
#: dimmest would end in the lowest third of the colors.
_SHARED_RANGE = 10.0


@dataclasses.dataclass(frozen=True)
class WeightScales:
    """What is drawn brightest in each panel, in multiples of even attention.

    Weights sum to 1 over the visible tokens, so with L windows in sight each is about L times
    smaller than with one; multiples of what even attention would give compare across rungs.

    Attributes:
        tops: one a rung; all the same when `shared`.
        shared: one scale for all panels.
        reason: why each panel has its own, a sentence; "" when `shared`.
    """

    tops: tuple[float, ...]
    shared: bool
    reason: str = ""

    def weights(self, rungs: Sequence[RowAttention]) -> tuple[float, ...]:
        """The tops as weights, a color meaning the same multiple of even attention in all."""
        return tuple(top / visible_tokens(r) for top, r in zip(self.tops, rungs, strict=True))


def visible_tokens(rung: RowAttention) -> int:
    """Tokens that the query may look at."""
    return rung.weights.numel() if rung.settings.cross_window else rung.weights.shape[1]


def weight_scales(rungs: Sequence[RowAttention]) -> WeightScales:
    """One scale for several rungs, or one for each where one would leave some of them black."""
    tops = tuple(brightest(rung.weights, visible_tokens(rung)) for rung in rungs)
    if any(rung.collapsed for rung in rungs):
        return WeightScales(tops, False, "A panel keeps a single token, so each has its own scale.")
    if max(tops) > _SHARED_RANGE * min(tops):
        return WeightScales(tops, False, "The panels differ too much for one scale.")
    return WeightScales((max(tops),) * len(tops), True)


def brightest(weights: Tensor, visible: int) -> float:
    """The weight drawn brightest, in multiples of what `visible` tokens would get evenly.

    The 99.8th percentile of the weights above zero: the largest weight itself would let a single
    token darken everything else. Where all are zero, as in a head that looks at CLS alone, it is 1.
    """
    seen = weights[weights > 0].float()
    return max(1.0, float(torch.quantile(seen, 0.998)) * visible) if len(seen) else 1.0


@functools.lru_cache(maxsize=1)
def weight_table() -> NDArray[np.uint8]:
    """[256, 3] colors of scaled weights."""
    table = matplotlib.colormaps[WEIGHT_COLORS](np.arange(256), bytes=True)
    return np.asarray(table[:, :3], dtype=np.uint8)


def weight_levels(weights: NDArray[np.float32], top: float) -> NDArray[np.uint8]:
    """Weights to 0..255 on the documented scale."""
    share = np.clip(weights / max(top, 1e-12), 0.0, 1.0) ** WEIGHT_GAMMA
    return np.asarray(np.rint(share * 255), dtype=np.uint8)


def heat_on(
    picture: Image.Image, weights: NDArray[np.float32] | Tensor, top: float, *, smooth: bool = False
) -> Image.Image:
    """Weights as light on a picture that is dimmed, so that its colors are not taken for weights.

    Args:
        picture: what the weights cover.
        weights: [gh, gw].
        top: the weight drawn brightest.
        smooth: bilinear instead of crisp squares.
    """
    values = weights.detach().float().cpu().numpy() if isinstance(weights, Tensor) else weights
    how = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    levels = Image.fromarray(weight_levels(values, top)).resize(picture.size, how)
    heat = Image.fromarray(weight_table()[np.asarray(levels)])
    dimmed = Image.blend(picture.convert("L").convert("RGB"), Image.new("RGB", picture.size), 0.35)
    cover = levels.point([min(255, round(255 * (v / 255) ** 0.75)) for v in range(256)])
    return Image.composite(heat, dimmed, cover)


def hatched(size: tuple[int, int], theme: Theme) -> Image.Image:
    """Diagonal lines: a window that the query cannot see."""
    tile = Image.new("RGB", size, theme.unseen)
    draw = ImageDraw.Draw(tile)
    step = max(5, round(min(size) / 16))
    for x in range(-size[1], size[0], step):
        draw.line((x, size[1], x + size[1], 0), theme.muted, 1)
    return tile


def bar_marks(top: float) -> list[tuple[float, str]]:
    """Numbers along a color bar, as (place from 0 to 1, text), in multiples of even attention."""
    marks = [0.0, top / 4, top]
    if 0.15 <= math.sqrt(1 / top) <= 0.36 or 0.64 <= math.sqrt(1 / top) <= 0.85:
        marks.append(1.0)
    return [(math.sqrt(mark / top), times(mark)) for mark in sorted(marks)]


def times(multiple: float) -> str:
    """A multiple of even attention for people: "0", "0.5×", "12×"."""
    if multiple == 0:
        return "0"
    return f"{multiple:.1f}×".replace(".0×", "×") if multiple < 9.95 else f"{multiple:,.0f}×"


def color_bar(width: int, text: int, top: float, theme: Theme) -> Image.Image:
    """A bar of the scale's colors with its numbers below."""
    letters, high = font(text), round(text * 0.75)
    ramp = np.linspace(0, 255, width).round().astype(np.uint8)
    sheet = Image.new("RGB", (width, high + round(text * 1.5)), theme.paper)
    sheet.paste(Image.fromarray(weight_table()[np.tile(ramp, (high, 1))]), (0, 0))
    draw = ImageDraw.Draw(sheet)
    for place, words in bar_marks(top):
        anchor = "la" if place == 0 else "ra" if place == 1 else "ma"
        draw.text((place * (width - 1), high + text * 0.25), words, theme.muted, letters, anchor)
    return sheet
