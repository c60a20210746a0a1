"""Fits how surely a candidate word is in a photo to what the photo says for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from glaclip.segmenter.suggestions import LEAST_AREA, NO_AREA

#: A word that fills 5 % counts this many times as much as one that is there and small.
_LARGE_WEIGHT = 2.0
#: How much a word's own number is held to that of its place, in photos.
_HELD = 6.0


@dataclass(frozen=True)
class Odds:
    """Log odds that a word is there: area * log(its area) + sure * its sureness + own [C]."""

    area: float
    sure: float
    own: NDArray[np.float32]


def fit(
    evidence: NDArray[np.float32],
    there: NDArray[np.bool_],
    large: NDArray[np.bool_],
    places: NDArray[np.int64],
) -> Odds:
    """Logistic regression with a number of its own for each word, held to that of its place.

    Args:
        evidence: [N, C, 2] of N photos, see `suggestions.evidence`.
        there: [N, C] whether a word is in a photo.
        large: [N, C] whether it fills 5 % of it.
        places: [C] number of a word's place.
    """
    seen = torch.from_numpy(evidence[..., 0] >= LEAST_AREA)
    said = np.stack([np.log(evidence[..., 0] + NO_AREA), evidence[..., 1]], axis=-1)
    x = torch.from_numpy(said)[seen]
    mean, spread = x.mean(0), x.std(0)
    x, word = (x - mean) / spread, torch.nonzero(seen)[:, 1]
    target = torch.from_numpy(there)[seen].float()
    weight = 1 + (_LARGE_WEIGHT - 1) * torch.from_numpy(large)[seen].float()
    place = torch.from_numpy(places)
    slopes, own, common = (
        torch.zeros(count, requires_grad=True) for count in (2, len(places), int(places.max()) + 1)
    )
    optimizer = torch.optim.LBFGS([slopes, own, common], max_iter=300)

    def loss() -> Tensor:
        optimizer.zero_grad()
        odds = x @ slopes + own[word] + common[place[word]]
        value = F.binary_cross_entropy_with_logits(odds, target, weight, reduction="sum")
        value = value + 0.5 * (slopes.square().sum() + _HELD * own.square().sum())
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        area, sure = (slopes / spread).tolist()
        numbers = own + common[place] - (slopes * mean / spread).sum()
    return Odds(area, sure, numbers.numpy())
