"""What training asks of values and keys."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from training.data.photos import BACKGROUND, DENSE_CONCEPTS, IGNORE
from training.data.vocabularies import Question
from training.data.words import Concepts

#: The segmenter multiplies cosines by 40 (method, section 1).
LOGIT_SCALE = 40.0
#: Keys: softness of comparisons, the least cosine of one class, the most of two, rows of a pair.
SOFTNESS, ALIKE, UNLIKE, ROWS = 0.1, 0.75, 0.25, 112


def votes(labels: Tensor) -> Tensor:
    """One of each token's 2 x 2 labels at random: [B, 56, 56] to [B, 784]."""
    cells = _cells(labels)
    return cells.gather(2, torch.randint(4, (*cells.shape[:2], 1))).squeeze(2)


def pure_labels(labels: Tensor) -> Tensor:
    """Labels of tokens that one class fills, else IGNORE: [B, 56, 56] to [B, 784]."""
    cells = _cells(labels)
    first = cells[..., 0]
    return torch.where((cells == first[..., None]).all(2), first, IGNORE)


def _cells(labels: Tensor) -> Tensor:
    count, side, _ = labels.shape
    cells = labels.view(count, side // 2, 2, side // 2, 2).permute(0, 1, 3, 2, 4)
    return cells.reshape(count, -1, 4).long()


class Masks:
    """`Concepts` as tensors; `chance` is how often each true word is asked for."""

    def __init__(self, concepts: Concepts) -> None:
        self.true = torch.from_numpy(concepts.true)
        self.undecided = torch.from_numpy(concepts.undecided)
        self.chance = self.true.float() / self.true.sum(1, keepdim=True).clamp(min=1)
        taught = np.flatnonzero(concepts.own >= 0)
        self.chance[taught, concepts.own[taught]] += 0.8


def question_loss(
    tokens: Tensor, labels: Tensor, question: Question, text: Tensor, weight: Tensor
) -> Tensor:
    """Cross-entropy of tokens [M, E] with concepts [M] among the question's words."""
    background = labels == BACKGROUND
    target = question.target[labels.clamp(max=len(question.target) - 1)]
    target = torch.where(labels >= len(DENSE_CONCEPTS), -1, target)
    logits = LOGIT_SCALE * tokens @ text[question.words].T
    known = target >= 0
    token_weight = weight[labels[known]]
    loss = F.cross_entropy(logits[known], target[known], reduction="none", label_smoothing=0.05)
    total = (loss * token_weight).sum() / token_weight.sum().clamp(min=1.0)
    if background.any() and question.absent.any() and not question.absent.all():
        share = F.softmax(logits[background], dim=1)[:, question.absent].sum(1)
        total = total - 0.3 * torch.log1p(-share.clamp(max=0.999)).mean()
    return total


def word_loss(tokens: Tensor, concept: Tensor, text: Tensor, concepts: Masks) -> Tensor:
    """Cross-entropy of one true word against every false one, for tokens [M, E]."""
    logits = LOGIT_SCALE * tokens @ text.T  # [M, words]
    picked = torch.multinomial(concepts.chance[concept], 1)
    out = (concepts.true[concept] | concepts.undecided[concept]).scatter(1, picked, False)
    return F.cross_entropy(logits.masked_fill(out, -1e4), picked.flatten())


def key_losses(keys: Tensor, labels: Tensor, upright: Tensor) -> dict[str, Tensor]:
    """What keys of pairs of overlapping windows should be like.

    Of a row's mass exp(cosine / 0.1) over both windows, the part on its own class should be all
    ("mass"); classes in a photo should be further than `UNLIKE` apart ("unlike"), so that the
    method's threshold falls between them, and each class within `ALIKE` ("alike"); and a patch
    should have one key in both windows ("views"). Rows are drawn so that small classes count.

    Args:
        keys: [2 P, 784, D] unit vectors, two windows of a pair one after the other.
        labels: [2 P, 784] concepts of pure tokens, IGNORE elsewhere.
        upright: [P] whether a pair's second window lies below the first, else beside it.
    """
    pairs = len(upright)
    both = keys.reshape(pairs, -1, keys.shape[-1])  # [P, 1568, D]
    marks = labels.reshape(pairs, -1)
    rows = torch.multinomial(_rarity(marks), ROWS, replacement=True)  # [P, R]
    scores = both.gather(1, rows[..., None].expand(-1, -1, both.shape[2])) @ both.transpose(1, 2)
    mine, theirs = marks.gather(1, rows)[..., None], marks[:, None]
    known = (mine <= BACKGROUND) & (theirs <= BACKGROUND)
    # VOC's background is unlike every object, but not one thing.
    alike = (mine == theirs) & (mine < BACKGROUND)
    unlike = (mine != theirs) & known
    logits = scores / SOFTNESS
    inside = torch.logsumexp(logits.masked_fill(~alike, -1e4), 2)
    everything = torch.logsumexp(logits.masked_fill(~(alike | unlike), -1e4), 2)
    asked = alike.any(2) & unlike.any(2)
    mass = (everything - inside)[asked].sum() / asked.sum().clamp(min=1)
    pull = _mean(F.softplus((ALIKE - scores) / SOFTNESS), alike)
    push = _mean(F.softplus((scores - UNLIKE) / SOFTNESS), unlike)
    grid = keys.view(pairs, 2, 28, 28, -1)
    grid = torch.where(upright[:, None, None, None, None], grid, grid.transpose(2, 3))
    views = 1 - (grid[:, 0, 14:] * grid[:, 1, :14]).sum(-1)
    return {
        "mass": 0.5 * mass, "alike": 0.3 * pull, "unlike": 0.5 * push, "views": 3 * views.mean(),
    }  # fmt: skip


def _rarity(marks: Tensor) -> Tensor:
    """[P, N] chances that give classes of a pair almost equal shares; unknown tokens get none."""
    counts = torch.zeros(len(marks), 256).scatter_add_(1, marks, torch.ones_like(marks).float())
    chance = counts.gather(1, marks) ** -0.7
    # A pair without any label is asked at random and answers with views alone.
    return torch.where(marks <= BACKGROUND, chance, 1e-9)


def _mean(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean over rows of each row's mean over the chosen."""
    count = chosen.sum(2)
    rows = (values * chosen).sum(2) / count.clamp(min=1)
    return rows.sum() / (count > 0).sum().clamp(min=1)
