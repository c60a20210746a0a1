"""Ways of fusing windows beyond their average; a method names one after "/": on/gauss."""

from __future__ import annotations

import torch
from torch import Tensor


def gaussian(side: int) -> Tensor:
    """[side, side] weights of a window's pixels, largest in its middle; sigma is side / 8."""
    away = (torch.arange(side) - (side - 1) / 2) / (side / 8)
    line = (-away.square() / 2).exp()
    return line[:, None] * line


#: What each name weighs a window's pixels with, by the window's side: a blend of the scores.
BLENDS = {"gauss": gaussian}
#: Windows that are one before there are scores: see `glaclip.segmenter.joining`.
SPLICE, WHOLE = JOINS = ("splice", "whole")
#: All names, and what they do, for people.
FUSIONS = {
    "gauss": "windows blended",
    SPLICE: "spliced, then aggregated",
    WHOLE: "the whole photo as one window",
}
