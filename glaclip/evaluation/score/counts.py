"""Counts of one photo or of many, and the measures they give (method, section 4)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields

import numpy as np
import torch
from numpy.typing import NDArray

from glaclip.evaluation.score.metrics import (
    class_iou,
    confusion,
    mean_iou,
    mean_iou_with_predicted,
    pixel_accuracy,
)
from glaclip.segmenter import Segmentation
from glaclip.segmenter.labels import label_map
from glaclip.segmenter.seams import (
    Labels,
    Pairs,
    boundary_errors,
    control_lines,
    facing_pairs,
    interior_edges,
)


@dataclass(frozen=True)
class Score:
    """Counts of one photo or of many; they add.

    Attributes:
        confusion: [C, C] pixel counts, rows ground truth.
        boundary: pairs of BER.
        edges: facing pairs at window edges, for the seam rate.
        controls: facing pairs at control lines.
        windows: pairs of windows at pixels that both hold, for the disagreement; photos counted
            before it was measured add none.
        photos: how many photos.
        seconds: time of attention and labels, encoding and words left out.
        outside: pixels of the ground truth that belong to no class, by value.
    """

    confusion: NDArray[np.int64]
    boundary: Pairs = field(default_factory=Pairs)
    edges: Pairs = field(default_factory=Pairs)
    controls: Pairs = field(default_factory=Pairs)
    windows: Pairs = field(default_factory=Pairs)
    photos: int = 0
    seconds: float = 0.0
    outside: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Score) -> Score:
        names = (field.name for field in fields(self))
        return Score(*(getattr(self, name) + getattr(other, name) for name in names))

    @classmethod
    def none(cls, classes: int) -> Score:
        """Nothing counted yet."""
        return cls(np.zeros((classes, classes), dtype=np.int64))

    @property
    def miou(self) -> float:
        """Mean over the classes present in the ground truth of the whole set."""
        return mean_iou(self.confusion)

    @property
    def miou_with_predicted(self) -> float:
        """Mean over the classes present or predicted, as MMSegmentation counts."""
        return mean_iou_with_predicted(self.confusion)

    @property
    def only_predicted(self) -> int:
        """Classes that were predicted and are in no ground truth."""
        predicted, present = self.confusion.sum(axis=0), self.confusion.sum(axis=1)
        return int(((predicted > 0) & (present == 0)).sum())

    @property
    def accuracy(self) -> float:
        """Share of pixels with the right label."""
        return pixel_accuracy(self.confusion)

    @property
    def pixels(self) -> int:
        """Pixels of the ground truth, those of no class among them."""
        return int(self.confusion.sum()) + self.outside.total()

    @property
    def ious(self) -> NDArray[np.float64]:
        """[C] intersection over union; NaN for a class that no ground truth contains."""
        return class_iou(self.confusion)

    @property
    def ber(self) -> float:
        """Boundary error rate."""
        return self.boundary.rate

    @property
    def seam_rate(self) -> float:
        """Label changes at window edges beyond those at control lines."""
        return self.edges.rate - self.controls.rate

    @property
    def disagreement(self) -> float:
        """Window disagreement; NaN where no windows overlap."""
        return self.windows.rate


def score_of(result: Segmentation, truth: Labels) -> Score:
    """Counts of one photo, at the ground truth's size.

    Args:
        result: the segmentation.
        truth: [H, W] class indices, below zero where ignored.
    """
    encoded = result.encoded
    labels: Labels = result.labels
    if labels.shape != truth.shape:
        with torch.inference_mode():
            labels = label_map(result.canvas(), result.vocabulary, truth.shape)
    geometry = (encoded.boxes, encoded.size)
    lines = interior_edges(*geometry, labels.shape)
    controls = control_lines(*geometry, labels.shape, encoded.windows.stride)
    return Score(
        confusion(truth, labels, len(result.classes), ignore=()),
        boundary_errors(labels, truth, *geometry, ignore=(-1,)),
        facing_pairs(labels, lines),
        facing_pairs(labels, controls),
        result.window_pairs,
        photos=1,
        seconds=result.seconds.get("attention", 0.0) + result.seconds.get("labels", 0.0),
    )
