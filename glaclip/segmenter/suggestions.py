"""Words for a photo that nobody has described: those of a list of common words that cover it.

Each place of the photo goes to the word it resembles most. What is asked of a word is how much of
the photo it gets and how sure its surest places are; how much of both a word needs was fitted on
photos whose words are known (training/run/suggestions.py).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glaclip.backbones.base import Grid
from glaclip.segmenter.labels import class_scores
from glaclip.vocabulary import ASSETS, LOGIT_SCALE, Vocabulary, parse_vocabulary
from glaclip.windows import Box, Size, stitch

#: Pixels of the working size to one of the map that is counted; tokens are larger than that.
_REDUCTION = 8
#: Share of the photo whose surest places say how sure a word is: a single place may be by chance.
SURE_SHARE = 0.01
#: A place is ruled out where the other one covers this many times as much.
_OTHER_PLACE = 2.0
#: What being at the upper edge adds to the scores of what is mostly above, and takes from those of
#: what is mostly below: calm water looks like sky.
_TILT = 1.0
#: What the logarithm of its area and its sureness add to the log odds that a word is there.
AREA_ODDS, SURE_ODDS = 0.56, 1.52
#: Added to areas before the logarithm, and the least area of a word that is proposed.
NO_AREA, LEAST_AREA = 1e-4, 1e-3
#: A candidate whose cosine with a word is above is no rival of it: it means nearly the same, as
#: cloud and sky do.
_SAME = 0.8
#: What stands beside a single proposed word.
OTHER = "something else"


@dataclass(frozen=True)
class Candidates:
    """Words that are looked for.

    Attributes:
        vocabulary: general words with those that mean nearly the same as their synonyms: the
            general word is proposed for all of them.
        places: "indoors", "outdoors" or "anywhere" of each class.
        above: [C] 1 for what is mostly in the upper part of a photo, -1 for the lower, else 0.
        odds: [C] log odds that a word is there, but for what the photo says.
    """

    vocabulary: Vocabulary
    places: tuple[str, ...]
    above: NDArray[np.float32]
    odds: NDArray[np.float32]

    def of(self, place: str) -> NDArray[np.bool_]:
        """[C] whether a word belongs to a place alone."""
        return np.array([each == place for each in self.places])


@functools.cache
def candidates() -> Candidates:
    """The list of assets/candidates.txt, whose head says how it is written."""
    text = (ASSETS / "candidates.txt").read_text(encoding="utf-8")
    lines, places, above, odds = [], [], [], []
    place = "anywhere"
    for line in text.splitlines():
        if line.startswith("["):
            place = line.strip("[]")
        elif not line.startswith("#"):
            words, _, more = line.partition("|")
            number, _, where = more.strip().partition(" ")
            lines.append(words)
            places.append(place)
            above.append({"above": 1.0, "below": -1.0}.get(where, 0.0))
            odds.append(float(number))
    return Candidates(
        parse_vocabulary("\n".join(lines)),
        tuple(places),
        np.array(above, dtype=np.float32),
        np.array(odds, dtype=np.float32),
    )


def at_least_two(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words to segment with: one word alone would be everywhere."""
    return words if len(words) > 1 else (*words, OTHER)


def coarse(scores: Tensor, boxes: Sequence[Box], size: Size) -> Tensor:
    """Scores [L, Q, gh, gw] fused over windows at an eighth of the working size: [Q, h, w]."""

    def reduced(length: int) -> int:
        return round(length / _REDUCTION)

    small = [Box(*map(reduced, box)) for box in boxes]
    return stitch(scores, small, (reduced(size[0]), reduced(size[1])))


def sureness(scores: Tensor) -> Tensor:
    """[C] the probability that `SURE_SHARE` of the places exceed, by scores [C, places]."""
    most = max(1, round(SURE_SHARE * scores.shape[1]))
    return scores.softmax(dim=0).topk(most, dim=1).values[:, -1]


def rivals(features: Tensor, grid: Grid, words: Tensor, others: Tensor) -> Tensor:
    """Scores [L, 1, *grid] of all other words together, as that of one word.

    Args:
        features: [L, S, E] of a photo's windows.
        grid: rows and columns of S.
        words: [Q, E] of the words that are asked for.
        others: [P, E] of the candidates; one that means the same as a word is no rival.
    """
    others = others[(others @ words.T).amax(dim=1) < _SAME]
    # As sure of one word with this score as of all of them: the sum in a softmax over words.
    scores = [(LOGIT_SCALE * others @ window.T).logsumexp(dim=0) for window in features]
    # Where no rival is left the sum is minus infinity; a cosine is no less than -1.
    return (torch.stack(scores) / LOGIT_SCALE).clamp_min(-1).view(-1, 1, *grid)


def evidence(canvas: Tensor, known: Candidates) -> NDArray[np.float32]:
    """What a photo says for each candidate.

    Args:
        canvas: [Q, h, w] fused cosines of the candidates' prompts.
        known: the candidates.

    Returns:
        [C, 2] the share of places where a word is the best, each counted by its probability; and
        its `sureness`. Words of the other place have none.
    """
    scores = LOGIT_SCALE * class_scores(canvas, known.vocabulary)
    down = torch.linspace(1, -1, scores.shape[1]).to(scores)
    above = torch.from_numpy(known.above).to(scores)
    scores = (scores + _TILT * above[:, None, None] * down[None, :, None]).flatten(1)
    areas = _areas(scores)
    indoors, outdoors = (
        torch.from_numpy(known.of(place)).to(scores.device) for place in ("indoors", "outdoors")
    )
    for other, mine in ((indoors, outdoors), (outdoors, indoors)):
        if areas[mine].sum() > _OTHER_PLACE * areas[other].sum():
            scores[other] = -torch.inf
    found: NDArray[np.float32] = torch.stack([_areas(scores), sureness(scores)], 1).cpu().numpy()
    return found


def _areas(scores: Tensor) -> Tensor:
    best, winner = scores.softmax(dim=0).max(dim=0)
    return best.new_zeros(len(scores)).index_add_(0, winner, best) / best.numel()


def likeliest(
    canvas: Tensor, known: Candidates, limit: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Words by fused cosines [Q, h, w] of the candidates' prompts, likeliest first.

    Returns:
        Those that are there, at least one and at most `limit`, and `limit` that come next.
    """
    areas, sure = evidence(canvas.float(), known).T
    odds = AREA_ODDS * np.log(areas + NO_AREA) + SURE_ODDS * sure + known.odds
    odds[areas < LEAST_AREA] = -np.inf
    there = np.argsort(-odds, kind="stable")
    there = there[: min(limit, max(1, int((odds > 0).sum())))]
    # What is best nowhere comes by how near it is to being the best.
    others = [i for i in np.argsort(-sure, kind="stable") if i not in there]
    names = known.vocabulary.names
    return tuple(names[i] for i in there), tuple(names[i] for i in others[:limit])
