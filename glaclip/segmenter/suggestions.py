"""Words for a photo that nobody has described: those of a list of common words that cover it.

Two stages: the first finds whether a photo shows a place indoors or outdoors, the second asks again
without the words of the other place, which would take what looks alike (a sofa's beige is no sand).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glaclip.segmenter.labels import class_scores
from glaclip.vocabulary import ASSETS, LOGIT_SCALE, Vocabulary, parse_vocabulary
from glaclip.windows import Box, Size, stitch

#: Pixels of the working size to one of the map that is counted; tokens are larger than that.
_REDUCTION = 8
#: A place is ruled out where the other one covers this many times as much.
_OTHER_PLACE = 2.0
#: A word is proposed where its area, each place counted by its certainty, is above this.
_LEAST = 0.008
#: What stands beside a single proposed word.
OTHER = "something else"


@dataclass(frozen=True)
class Candidates:
    """Words that are looked for.

    Attributes:
        vocabulary: general words with those that mean nearly the same as their synonyms: the
            general word is proposed for all of them.
        places: "indoors", "outdoors" or "anywhere" of each class.
        trust: [C] in 0..1, low for words that were often found in vain.
    """

    vocabulary: Vocabulary
    places: tuple[str, ...]
    trust: NDArray[np.float64]

    def of(self, place: str) -> NDArray[np.bool_]:
        """[C] whether a word belongs to a place alone."""
        return np.array([each == place for each in self.places])


@functools.cache
def candidates() -> Candidates:
    """The list of assets/candidates.txt, whose head says how it is written."""
    text = (ASSETS / "candidates.txt").read_text(encoding="utf-8")
    lines, places, trust = [], [], []
    place = "anywhere"
    for line in text.splitlines():
        if line.startswith("["):
            place = line.strip("[]")
        elif not line.startswith("#"):
            words, _, share = line.partition("|")
            lines.append(words)
            places.append(place)
            trust.append(float(share or 1))
    return Candidates(parse_vocabulary("\n".join(lines)), tuple(places), np.array(trust))


def at_least_two(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words to segment with: one word alone would be everywhere."""
    return words if len(words) > 1 else (*words, OTHER)


def coarse(scores: Tensor, boxes: Sequence[Box], size: Size) -> Tensor:
    """Scores [L, Q, gh, gw] fused over windows at an eighth of the working size: [Q, h, w]."""

    def reduced(length: int) -> int:
        return round(length / _REDUCTION)

    small = [Box(*map(reduced, box)) for box in boxes]
    return stitch(scores, small, (reduced(size[0]), reduced(size[1])))


def likeliest(
    canvas: Tensor, known: Candidates, limit: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Words by fused cosines [Q, h, w] of the candidates' prompts, likeliest first.

    Returns:
        Those that are there, at least one and at most `limit`, and `limit` that come next.
    """
    scores = LOGIT_SCALE * class_scores(canvas, known.vocabulary).flatten(1)
    weights = _weights(scores)
    indoors, outdoors = (known.of(place) for place in ("indoors", "outdoors"))
    inside, outside = weights[indoors].sum(), weights[outdoors].sum()
    for other, mine, others in ((indoors, inside, outside), (outdoors, outside, inside)):
        if others > _OTHER_PLACE * mine:
            scores[torch.from_numpy(other)] = -torch.inf
            weights = _weights(scores)
    weights *= known.trust
    order = np.argsort(-weights, kind="stable")
    names = tuple(known.vocabulary.names[i] for i in order)
    count = min(limit, max(1, int((weights > _LEAST).sum())))
    return names[:count], names[count : count + limit]


def _weights(scores: Tensor) -> NDArray[np.float64]:
    """[C] the share of places where a word is the best, each counted by its probability."""
    best, winner = scores.softmax(dim=0).max(dim=0)
    total = best.new_zeros(len(scores)).index_add_(0, winner, best)
    weights: NDArray[np.float64] = (total / best.numel()).double().cpu().numpy()
    return weights
