"""Prompt scores on the canvas to class labels at the photo's size, in strips of rows."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from glaclip.segmenter.seams import Labels
from glaclip.vocabulary import Vocabulary
from glaclip.windows import Size

#: Scores of a strip while resizing; a handful of tensors of this size are alive at a time.
_STRIP_SCORES = 4_000_000


def resized_strips(canvas: Tensor, size: Size) -> Iterator[tuple[int, Tensor]]:
    """Bilinear resizing (align_corners=False) of [Q, h, w] to [Q, H, W], as (first row, strip)."""
    prompts, height, _ = canvas.shape
    rows = max(1, _STRIP_SCORES // (prompts * size[1]))
    position = (torch.arange(size[0], device=canvas.device) + 0.5) * (height / size[0]) - 0.5
    position = position.clamp(0, height - 1)
    above = position.floor().long()
    below = (above + 1).clamp_max(height - 1)
    share = (position - above).to(canvas.dtype)
    for first in range(0, size[0], rows):
        part = slice(first, min(first + rows, size[0]))
        strip = torch.lerp(canvas[:, above[part]], canvas[:, below[part]], share[part, None])
        strip = F.interpolate(strip, size=size[1], mode="linear", align_corners=False)
        yield first, strip


def class_scores(scores: Tensor, vocabulary: Vocabulary) -> Tensor:
    """Best prompt of each class: [Q, ...] -> [C, ...]. A class takes its synonyms' maximum."""
    counts = [len(entry.prompts) for entry in vocabulary.classes]
    if max(counts) == 1:
        return scores
    return torch.stack([prompts.amax(dim=0) for prompts in torch.split(scores, counts)])


def class_probabilities(scores: Tensor, vocabulary: Vocabulary) -> Tensor:
    """Cosines [Q, ...] to probabilities [C, ...]: scale, softmax over prompts, class maximum."""
    return class_scores((scores * vocabulary.logit_scale).softmax(dim=0), vocabulary)


def label_map(
    canvas: Tensor,
    vocabulary: Vocabulary,
    size: Size,
    before_strip: Callable[[], None] | None = None,
) -> NDArray[np.int16]:
    """The most probable class of every pixel (method, section 1, step 6).

    Args:
        canvas: [Q, h, w] cosines of all prompts at the working size.
        vocabulary: its background takes pixels whose best probability is below the threshold.
        size: (height, width) of the photo.
        before_strip: called before each strip of rows; it may raise to stop.

    Returns:
        int16 [H, W], index into `vocabulary.classes`.
    """
    background, least = vocabulary.background, vocabulary.area_threshold
    if background is None or not least:
        return _label_map(canvas, vocabulary, size, before_strip)
    # Areas are those of the likeliest classes, before unsure pixels go to the background.
    sure = dataclasses.replace(vocabulary, background_threshold=0.0)
    likeliest = _label_map(canvas, sure, size, before_strip)
    areas = np.bincount(likeliest.ravel(), minlength=len(vocabulary.classes))
    areas[background] = 0
    small = np.flatnonzero((areas > 0) & (areas <= least * areas.sum()))
    return _label_map(canvas, vocabulary, size, before_strip, small.tolist())


def _label_map(
    canvas: Tensor,
    vocabulary: Vocabulary,
    size: Size,
    before_strip: Callable[[], None] | None,
    given_up: Sequence[int] = (),
) -> NDArray[np.int16]:
    """`label_map` without the classes that are given up."""
    labels = np.empty(size, dtype=np.int16)
    scale = vocabulary.logit_scale
    for first, strip in resized_strips(canvas, size):
        if before_strip:
            before_strip()
        # The class order of probabilities is that of scores; the softmax is needed only to compare
        # the best one with the background threshold.
        scores = class_scores(strip, vocabulary)
        for index in given_up:
            scores = scores.index_fill(0, torch.tensor(index, device=scores.device), -math.inf)
        best, winner = scores.max(dim=0)
        if vocabulary.background is not None and vocabulary.background_threshold > 0:
            total = (strip * scale).logsumexp(dim=0)
            unsure = (best * scale - total).exp() < vocabulary.background_threshold
            winner = winner.masked_fill(unsure, vocabulary.background)
        labels[first : first + strip.shape[1]] = winner.to(torch.int16).cpu().numpy()
    return labels


def resize_labels(labels: Labels, size: Size) -> Labels:
    """Labels at (height, width), nearest neighbor; pixels sample at their centers."""
    if labels.shape == size:
        return labels
    rows, columns = (
        ((np.arange(to) + 0.5) * had / to).astype(np.intp)
        for had, to in zip(labels.shape, size, strict=True)
    )
    resized: Labels = labels[rows[:, None], columns]
    return resized
