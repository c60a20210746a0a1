"""Ways of fusing windows beyond their average; a method names one after "/": on/gauss."""

from __future__ import annotations

import torch
from torch import Tensor


def gaussian(side: int) -> Tensor:
    """[side, side] weights of a window's pixels, largest in its middle; sigma is side / 8."""
    away = (torch.arange(side) - (side - 1) / 2) / (side / 8)
    line = (-away.square() / 2).exp()
    return line[:, None] * line


#: What each name weighs a window's pixels with, by the window's side.
FUSIONS = {"gauss": gaussian}
