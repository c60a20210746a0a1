"""What windows that show one place say of it together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from glaclip.windows import Box


def alone(keys: Tensor, grid: tuple[int, int], onto: tuple[int, int]) -> Tensor:
    """Each window's own keys [L, S, Dk], read on another grid; [L, S', Dk] unit vectors."""
    maps = F.normalize(keys.float(), dim=-1).transpose(1, 2).reshape(len(keys), -1, *grid)
    read = F.interpolate(maps, onto, mode="bilinear", align_corners=False)
    return F.normalize(read.flatten(2).transpose(1, 2), dim=-1).to(keys.dtype)


def joined(
    keys: Tensor, grid: tuple[int, int], windows: Sequence[Box], onto: tuple[int, int]
) -> Tensor:
    """Each key as the mean over all windows that show its place.

    Windows are read bilinearly between their cells. They lie in rows and columns, so the mean over
    windows is one along each side.

    Args:
        keys: [L, S, Dk] of any lengths; they count as unit vectors.
        grid: (rows, columns) of a window's keys, S = rows * columns.
        windows: L boxes of one size, row by row.
        onto: (rows, columns) of the keys that are wanted in each window.

    Returns:
        [L, S', Dk] unit vectors in the keys' type, S' the cells of `onto`.
    """
    tops = sorted({box.top for box in windows})
    lefts = sorted({box.left for box in windows})
    height, width = windows[0].bottom - windows[0].top, windows[0].right - windows[0].left
    down = shares(tops, height, grid[0], onto[0]).to(keys.device)
    across = shares(lefts, width, grid[1], onto[1]).to(keys.device)
    unit = F.normalize(keys.float(), dim=-1)
    lines = unit.view(len(tops), len(lefts), *grid, -1).transpose(1, 2).flatten(2)
    lines = down @ lines.flatten(0, 1).flatten(1)  # [R gh', C gw D]
    lines = lines.view(len(down), len(lefts) * grid[1], -1).transpose(0, 1).flatten(1)
    lines = across @ lines  # [C gw', R gh' D]
    mean = lines.view(len(lefts), onto[1], len(tops), onto[0], -1).permute(2, 0, 3, 1, 4)
    return F.normalize(mean.flatten(0, 1).flatten(1, 2), dim=-1).to(keys.dtype)


def shares(starts: Sequence[int], side: int, cells: int, onto: int) -> Tensor:
    """How much each cell along one side counts in the mean at each wanted place.

    Args:
        starts: first pixels of n windows.
        side: pixels of a window.
        cells: of a window along this side.
        onto: wanted places of a window along this side, as evenly apart.

    Returns:
        [n onto, n cells]; rows add to 1.
    """
    count = len(starts)
    found = torch.zeros(count, onto, count, cells)
    wanted = torch.arange(onto)
    for window, start in enumerate(starts):
        for other, begin in enumerate(starts):
            place = start - begin + (wanted + 0.5) * (side / onto)  # pixels of the other window
            # A place on the edge of two windows is shown by both.
            shown = ((place > -0.01) & (place < side + 0.01)).float()
            cell = (place * (cells / side) - 0.5).clamp(0, cells - 1)
            low = cell.long()
            high = (low + 1).clamp(max=cells - 1)
            found[window, wanted, other, low] += shown * (1 - (cell - low))
            found[window, wanted, other, high] += shown * (cell - low)
    found = found.view(count * onto, count * cells)
    return found / found.sum(1, keepdim=True)
