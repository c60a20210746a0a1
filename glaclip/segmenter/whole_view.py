"""Keys of windows from one look of the VFM at the whole photo: `WindowSettings.vfm_view` "whole".

This is not the paper's method, whose VFM sees each window by itself, so that a place in an overlap
has several keys. Here it has one, and overlaps are not encoded again.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.backbones.base import Grid, SeesPhotos, Tokens
from glaclip.windows import Box, Size


class WholeView:
    """A photo as its VFM sees it, and the part of it that a window covers."""

    def __init__(self, backbone: SeesPhotos, pixels: Tensor) -> None:
        """Args:
        backbone: whose VFM looks, once.
        pixels: [3, h, w] float32 in 0..1, the resized photo; it is resized again to the nearest
            size that the VFM's patches divide, which is its own at the usual windows.
        """
        self._backbone = backbone
        self._size: Size = (pixels.shape[1], pixels.shape[2])
        self._patch = backbone.key_patch
        height, width = (
            max(1, round(side / patch)) * patch
            for side, patch in zip(self._size, self._patch, strict=True)
        )
        photo = pixels[None].to(backbone.device)
        if self._size != (height, width):
            photo = F.interpolate(
                photo, (height, width), mode="bilinear", antialias=True, align_corners=False
            )
        keys, grid = backbone.photo_keys(photo)
        self._map = keys[0].reshape(*grid, -1)  # [1, S', Dk] -> [rows, columns, Dk]

    def encode(self, pixels: Tensor, windows: Sequence[Box]) -> Tokens:
        """Tokens of windows [B, 3, crop, crop] that lie at B boxes, shaped as those seen alone."""
        rows, columns = (
            side // patch for side, patch in zip(pixels.shape[2:], self._patch, strict=True)
        )
        keys = [self._read(box, (rows, columns)).flatten(0, 1) for box in windows]
        return self._backbone.encode_windows(pixels, (torch.stack(keys), (rows, columns)))

    def _read(self, box: Box, grid: Grid) -> Tensor:
        """[rows, columns, Dk] at the centers of a window's patches; between places bilinearly."""
        top, bottom, down = self._between(0, box.top, box.bottom, grid[0])
        left, right, across = self._between(1, box.left, box.right, grid[1])
        rows = torch.lerp(self._map[top], self._map[bottom], down[:, None, None])
        return torch.lerp(rows[:, left], rows[:, right], across[:, None])

    def _between(self, axis: int, start: int, end: int, count: int) -> tuple[Tensor, ...]:
        """Places before and after each of `count` patch centers, and how far it is from the first.

        Exactly 0 where the window's patches are the photo's.
        """
        places = self._map.shape[axis]
        centers = start + (torch.arange(count, dtype=torch.float64) + 0.5) * (end - start) / count
        at = (centers * places / self._size[axis] - 0.5).clamp(0, places - 1)
        first = at.floor()
        to = self._map.device
        before, after = (each.long().to(to) for each in (first, (first + 1).clamp(max=places - 1)))
        return before, after, (at - first).to(to, self._map.dtype)
