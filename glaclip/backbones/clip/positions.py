"""Position embeddings for windows of another size than a tower was trained on."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.backbones.base import Grid
from glaclip.settings import ANTIALIASED


def resized_positions(positions: Tensor, own: Grid, grid: Grid, way: str = ANTIALIASED) -> Tensor:
    """Position embeddings [1 + S, D], CLS first, for another grid of patches.

    Args:
        positions: [1 + S, D] of the tower's own grid.
        own: its (rows, columns).
        grid: wanted (rows, columns).
        way: "antialiased" for bicubic with antialiasing and align_corners=False, as open_clip does
            when it loads a checkpoint for another image size; "plain" for bicubic without, scaled
            by (n + 0.1) / N a side, as DINO's program does and those of SCLIP, ClearCLIP and
            ProxyCLIP after it: at 336 and 448 pixels the two are several percent apart.
    """
    if grid == own:
        return positions
    square = positions[1:].T.reshape(1, -1, *own).float()  # [S, D] -> [1, D, gh, gw]
    if way == ANTIALIASED:
        square = F.interpolate(square, grid, mode="bicubic", antialias=True, align_corners=False)
    else:
        scale = ((grid[0] + 0.1) / own[0], (grid[1] + 0.1) / own[1])
        square = F.interpolate(square, scale_factor=scale, mode="bicubic", align_corners=False)
    resized = square.flatten(2)[0].T.to(positions.dtype)  # [1, D, gh, gw] -> [S, D]
    return torch.cat([positions[:1], resized])
