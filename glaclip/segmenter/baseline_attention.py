"""Where a point looks under a baseline, which sees one window at a time."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from glaclip.attention.point import token_at
from glaclip.backbones.base import Backbone, Grid
from glaclip.segmenter.results import Encoded, to_working
from glaclip.windows import Box, own_window


@dataclass(frozen=True)
class BaselineAttention:
    """Attention of one point's patch in the last block, by a baseline's own formula.

    What enters out_proj is the same average of values, a head at a time; SCLIP's, which adds two
    softmaxes, is twice that of their mean, which is shown. Of "clip" it is the attention branch,
    before the residual and the feed-forward.

    Attributes:
        point: (x, y) in photo pixels.
        baseline: its name.
        window: index of the point's own window.
        token: (row, column) of the point in that window's grid.
        key_grid: (rows, columns) of a window's patches.
        weights: [L, S] float32, mean over heads, zero outside the own window.
        cls: weight of the class token, mean over heads; with the weights together 1.
        boxes: the windows in pixels of the resized photo.
        grid: (rows, columns) of windows.
        per_head: [H, 1 + S] weights of each head over the own window, CLS first, where they were
            asked for; H is 1 where all heads do alike.
    """

    point: tuple[float, float]
    baseline: str
    window: int
    token: tuple[int, int]
    key_grid: Grid
    weights: Tensor
    cls: float
    boxes: tuple[Box, ...]
    grid: tuple[int, int]
    per_head: Tensor | None = None


def baseline_attention(
    backbone: Backbone,
    encoded: Encoded,
    point: tuple[float, float],
    baseline: str,
    *,
    per_head: bool = False,
) -> BaselineAttention:
    """The row of a baseline; see `Segmenter.attention`.

    Raises:
        SettingsError: a point outside the photo.
    """
    place = to_working(point, encoded)
    window = own_window(place, encoded.boxes)
    with torch.inference_mode():
        mixing = backbone.mixing(baseline, encoded.tokens)
        token = token_at(place, encoded.boxes[window], mixing.grid)
        heads = mixing.row(window, token[0] * mixing.grid[1] + token[1])
        mean = heads.mean(dim=0)
        weights = mean.new_zeros((len(encoded.boxes), len(mean) - 1))
        weights[window] = mean[1:]
    return BaselineAttention(
        point=point,
        baseline=baseline,
        window=window,
        token=token,
        key_grid=mixing.grid,
        weights=weights,
        cls=float(mean[0]),
        boxes=encoded.boxes,
        grid=encoded.grid,
        per_head=heads if per_head else None,
    )
