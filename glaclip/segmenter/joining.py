"""Windows that are one before there are scores (method, section 6).

`METHOD/whole` takes the photo as one window. `METHOD/splice` lays what each window's attention
gives on one map, on which every place stands once, and averages that map by the likeness of the
keys laid out in the same way: global context without doubled tokens, Trident's order of steps
(Shi et al. 2025) without SAM.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.backbones.base import Backbone, Grid
from glaclip.segmenter.fusion import WHOLE
from glaclip.segmenter.results import Encoded
from glaclip.support.cache import digest
from glaclip.windows import Box, Size

#: Bytes of the likenesses that are held at a time.
_LIKENESS_BYTES = 64 * 2**20


def as_one_window(backbone: Backbone, encoded: Encoded) -> Encoded:
    """The photo encoded as one window of its working size, to the backbone's nearest multiple."""
    multiple = backbone.pixel_multiple
    height, width = (max(1, round(side / multiple)) * multiple for side in encoded.size)
    pixels = encoded.pixels[None].to(backbone.device).float() / 255
    if encoded.size != (height, width):
        pixels = F.interpolate(
            pixels, (height, width), mode="bilinear", antialias=True, align_corners=False
        )
    return replace(
        encoded,
        key=digest(encoded.key, WHOLE),
        boxes=(Box(0, 0, *encoded.size),),
        grid=(1, 1),
        tokens=backbone.encode_windows(pixels),
    )


def places(size: Size, windows: Sequence[Box], grid: Grid) -> Grid:
    """(rows, columns) of a map on which places are as far apart as tokens are in a window."""
    box = windows[0]
    sides = (box.bottom - box.top, box.right - box.left)
    rows, columns = (
        max(1, round(s * g / side)) for s, g, side in zip(size, grid, sides, strict=True)
    )
    return rows, columns


def spliced(maps: Tensor, windows: Sequence[Box], size: Size, grid: Grid, onto: Grid) -> Tensor:
    """Lays tokens [L, S, D] of all windows on one map: the mean of the windows over a place.

    Args:
        maps: tokens of L windows, S = grid, read bilinearly at the centers of places.
        windows: L boxes in pixels of `size`.
        size: (height, width) of the resized photo.
        grid: (rows, columns) of a window's tokens.
        onto: (rows, columns) of the places.

    Returns:
        [M, D] float32, M = rows * columns of `onto`.
    """
    total = torch.zeros(*onto, maps.shape[2], device=maps.device)
    covered = torch.zeros(*onto, 1, device=maps.device)
    down, across = (
        (torch.arange(count, device=maps.device) + 0.5) * side / count
        for side, count in zip(size, onto, strict=True)
    )
    for tokens, box in zip(maps, windows, strict=True):
        rows = ((down >= box.top) & (down < box.bottom)).nonzero()[:, 0]
        columns = ((across >= box.left) & (across < box.right)).nonzero()[:, 0]
        y = 2 * (down[rows] - box.top) / (box.bottom - box.top) - 1
        x = 2 * (across[columns] - box.left) / (box.right - box.left) - 1
        where = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)  # [rows, columns, 2]
        square = tokens.float().T.reshape(1, -1, *grid)  # [S, D] -> [1, D, gh, gw]
        read = F.grid_sample(square, where[None], padding_mode="border", align_corners=False)
        place = _run(rows), _run(columns)
        total[place] += read[0].permute(1, 2, 0)
        covered[place] += 1
    return (total / covered).flatten(0, 1)


def _run(indices: Tensor) -> slice:
    """Indices that follow each other as a slice."""
    return slice(int(indices[0]), int(indices[-1]) + 1)


def aggregated(keys: Tensor, values: Tensor, share: float) -> Tensor:
    """Averages values [M, D] by the cosines of keys [M, Dk] above `share` times their mean.

    Rows are divided by their sums. A token is always among those it averages.
    """
    unit = F.normalize(keys.float(), dim=1)
    mean = unit.mean(dim=0)
    # The mean over all pairs. Where all keys are nearly alike, each still finds its equals.
    least = min(share * float(mean @ mean), 1 - 1e-5)
    rows = max(1, _LIKENESS_BYTES // (4 * len(unit)))
    averaged = []
    for first in range(0, len(unit), rows):
        likeness = F.threshold(unit[first : first + rows] @ unit.T, least, 0.0)  # [R, M]
        averaged.append(likeness @ values / likeness.sum(dim=1, keepdim=True))
    return torch.cat(averaged)
