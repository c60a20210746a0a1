"""What a segmenter gives: a photo as tokens, and its labels with what can be read off them."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from glaclip.backbones.base import Grid, Tokens
from glaclip.segmenter.disagreement import window_disagreement
from glaclip.segmenter.fusion import BLENDS
from glaclip.segmenter.labels import class_probabilities, class_scores, label_map
from glaclip.segmenter.method import Method
from glaclip.segmenter.progress import Progress
from glaclip.segmenter.seams import Pairs
from glaclip.segmenter.suggestions import coarse, sureness
from glaclip.settings import SettingsError, WindowSettings
from glaclip.support import notebook
from glaclip.vocabulary import LOGIT_SCALE, Vocabulary
from glaclip.windows import Box, Size, stitch

#: Of words whose presence is below, 9 in 10 and more have less than .5 % of a held-out photo
#: (training/run/presence.py).
PROBABLY_ABSENT = 0.05


@dataclass(frozen=True)
class Encoded:
    """A photo as tokens. It depends on the photo, the backbone and the window settings only.

    Attributes:
        key: hash of exactly what it depends on.
        backbone: fingerprint of the backbone whose tokens these are.
        windows: how the photo was cut.
        photo_size: (height, width) of the photo as given.
        size: (height, width) the photo was resized to before cutting.
        boxes: L windows in pixels of `size`, row by row.
        grid: (rows, columns) of windows.
        tokens: keys [L, S', Dk], values [L, S, Dv] and what the baselines need.
        pixels: uint8 [3, *size], for who wants to see it.
    """

    key: str
    backbone: str
    windows: WindowSettings
    photo_size: Size
    size: Size
    boxes: tuple[Box, ...]
    grid: tuple[int, int]
    tokens: Tokens
    pixels: Tensor

    @property
    def nbytes(self) -> int:
        """Memory of tokens and pixels."""
        return self.tokens.nbytes + self.pixels.numel()

    def __repr__(self) -> str:
        height, width = self.photo_size
        return f"<Encoded: {width} x {height} photo in {len(self.boxes)} windows>"


@dataclass(frozen=True)
class Segmentation:
    """Labels of a photo.

    Attributes:
        labels: int16 [H, W] at the photo's size, index into `classes`.
        vocabulary: the words used.
        method: the settings or baseline used.
        window_scores: [L, Q, gh, gw] float32 cosines of each window before fusion; one map of the
            whole photo where the method joins windows before.
        encoded: the photo's tokens.
        seconds: time of each step; 0 for a step that came from the cache.
        cached: the steps that came from the cache.
        rivals: gives the scores [L, 1, gh, gw] of other words, see `suggestions.rivals`.
    """

    labels: NDArray[np.int16]
    vocabulary: Vocabulary
    method: Method
    window_scores: Tensor
    encoded: Encoded
    seconds: Mapping[str, float]
    cached: frozenset[str]
    rivals: Callable[[], Tensor]

    def __repr__(self) -> str:
        height, width = self.labels.shape
        shares = zip(self.areas, self.classes, strict=True)
        shown = [f"{name} {share:.0%}" for share, name in sorted(shares, reverse=True) if share]
        more = f" and {len(shown) - 5} more" if len(shown) > 5 else ""
        return f"<Segmentation: {width} x {height}, {', '.join(shown[:5])}{more}>"

    def _repr_html_(self) -> str:
        return notebook.as_html(self)

    @property
    def classes(self) -> tuple[str, ...]:
        """Shown names; `labels` index into them."""
        return self.vocabulary.names

    @functools.cached_property
    def areas(self) -> NDArray[np.float64]:
        """[C] share of the photo that each class covers, sums to 1."""
        counts = np.bincount(self.labels.ravel(), minlength=len(self.classes))
        return counts / self.labels.size

    @functools.cached_property
    def presence(self) -> NDArray[np.float32]:
        """[C] in 0..1, how surely a word is in the photo at all, however many pixels it was given.

        The probability that a hundredth of the photo's places exceed, at an eighth of the working
        size: a single place may be sure by chance. The photo's words have common words as rivals,
        since every pixel gets the best of its own words, also where none fits. Below
        `PROBABLY_ABSENT` a word is probably not there.
        """
        with torch.inference_mode():
            boxes = scored_boxes(self.encoded, self.method)
            own, others = (
                coarse(scores, boxes, self.encoded.size)
                for scores in (self.window_scores, self.rivals())
            )
            # Over classes, not prompts: synonyms are no rivals of each other.
            cosines = torch.cat([class_scores(own, self.vocabulary), others]).flatten(1)
            sure = sureness(LOGIT_SCALE * cosines)[:-1]
        presence: NDArray[np.float32] = sure.float().cpu().numpy()
        return presence

    def canvas(self) -> Tensor:
        """[Q, h, w] cosines of all prompts at the working size, fused over windows."""
        return fused(self.window_scores, self.encoded, self.method)

    def probabilities(self, size: Size | None = None) -> NDArray[np.float32]:
        """[C, height, width] class probabilities, a class taking its synonyms' maximum.

        Args:
            size: (height, width); the photo's size when left out.
        """
        size = size or self.encoded.photo_size
        canvas = F.interpolate(self.canvas()[None], size, mode="bilinear", align_corners=False)
        probabilities: NDArray[np.float32] = (
            class_probabilities(canvas[0], self.vocabulary).float().cpu().numpy()
        )
        return probabilities

    def scores(self) -> Iterator[NDArray[np.float32]]:
        """Probability [h, w] of each class in turn at the working size; see `probabilities`."""
        with torch.inference_mode():
            canvas = self.vocabulary.logit_scale * self.canvas()
            total = canvas.logsumexp(dim=0)
            counts = [len(entry.prompts) for entry in self.vocabulary.classes]
            for prompts in torch.split(canvas, counts):
                score: NDArray[np.float32] = (
                    (prompts.amax(dim=0) - total).exp().float().cpu().numpy()
                )
                yield score

    def score(self, index: int) -> NDArray[np.float32]:
        """Probability [h, w] of one class at the working size."""
        return next(itertools.islice(self.scores(), index, None))

    def probabilities_at(self, point: tuple[float, float]) -> NDArray[np.float32]:
        """[C] class probabilities at a point (x, y) in photo pixels; computes that point alone."""
        x, y = to_working(point, self.encoded)
        scores = torch.zeros(self.window_scores.shape[1], device=self.window_scores.device)
        weight = _weight(self.encoded, self.method)
        boxes = scored_boxes(self.encoded, self.method)
        covered = 0.0
        for window, b in zip(self.window_scores, boxes, strict=True):
            if not (b.left <= x < b.right and b.top <= y < b.bottom):
                continue
            where = window.new_tensor(
                [
                    2 * (x - b.left) / (b.right - b.left) - 1,
                    2 * (y - b.top) / (b.bottom - b.top) - 1,
                ]
            )
            sampled = F.grid_sample(
                window[None], where.view(1, 1, 1, 2), padding_mode="border", align_corners=False
            )
            counted = 1.0 if weight is None else float(weight[int(y - b.top), int(x - b.left)])
            scores += sampled[0, :, 0, 0] * counted
            covered += counted
        result: NDArray[np.float32] = (
            class_probabilities(scores / covered, self.vocabulary).float().cpu().numpy()
        )
        return result

    def window_labels(self, window: int) -> NDArray[np.int16]:
        """int16 [crop, crop]: what one window says before fusion, or its part of a joint map."""
        box = self.encoded.boxes[window]
        if self.method.joins:
            whole = label_map(self.window_scores[0], self.vocabulary, self.encoded.size)
            return whole[box.top : box.bottom, box.left : box.right]
        side = (box.bottom - box.top, box.right - box.left)
        return label_map(self.window_scores[window], self.vocabulary, side)

    @functools.cached_property
    def _compared(self) -> tuple[Pairs, NDArray[np.uint8]]:
        boxes = self.encoded.boxes
        if self.method.joins:  # there is one map, which nothing contradicts
            return Pairs(), np.zeros(self.encoded.size, np.uint8)
        with torch.inference_mode():
            said = [self.window_labels(window) for window in range(len(boxes))]
        return window_disagreement(said, boxes, self.encoded.size, len(self.classes))

    @property
    def window_pairs(self) -> Pairs:
        """Pairs of windows at all pixels that both hold; add those of many photos."""
        return self._compared[0]

    @property
    def disagreement(self) -> float:
        """Share of `window_pairs` that differ before fusion; NaN when no two windows overlap.

        NaN too when a method joins windows before there are scores.

        Window bias itself, without ground truth: no way of fusing windows changes it (method,
        section 4).
        """
        return self.window_pairs.rate

    def contradictions(self) -> NDArray[np.uint8]:
        """uint8 [h, w] at the working size: how many windows over a pixel contradict the most."""
        return self._compared[1]


def to_working(point: tuple[float, float], encoded: Encoded) -> tuple[float, float]:
    """Center of a photo pixel (x, y) in pixels of the resized photo."""
    x, y = point
    height, width = encoded.photo_size
    if not (0 <= x < width and 0 <= y < height):
        raise SettingsError(
            f"The point must lie inside the photo, x from 0 to {width - 1} and y from 0 to "
            f"{height - 1}; received ({x:g}, {y:g})."
        )
    return (x + 0.5) * encoded.size[1] / width, (y + 0.5) * encoded.size[0] / height


def fused(
    scores: Tensor,
    encoded: Encoded,
    method: Method,
    before_window: Callable[[], None] | None = None,
) -> Tensor:
    """[Q, h, w] canvas of window scores [L, Q, gh, gw], fused as the method says."""
    weight = _weight(encoded, method)
    weight = weight if weight is None else weight.to(scores)
    return stitch(scores, scored_boxes(encoded, method), encoded.size, before_window, weight)


def scored_boxes(encoded: Encoded, method: Method) -> tuple[Box, ...]:
    """What a method's features and scores are of: the windows, or the photo where it joins them."""
    return (Box(0, 0, *encoded.size),) if method.joins else encoded.boxes


def _weight(encoded: Encoded, method: Method) -> Tensor | None:
    return BLENDS[method.fusion](encoded.windows.crop) if method.fusion in BLENDS else None


def labels_and_scores(
    encoded: Encoded,
    features: Tensor,
    grid: Grid,
    words: Tensor,
    vocabulary: Vocabulary,
    method: Method,
    progress: Progress,
) -> tuple[NDArray[np.int16], Tensor]:
    """Labels [H, W] and scores [L, Q, gh, gw] of features [L, S, E] and words [Q, E]."""
    step = functools.partial(progress, "labels", 0, 1)
    scores = features.new_empty((len(features), len(words), *grid))
    for window, target in zip(features, scores.flatten(2), strict=True):
        step()
        torch.mm(words, window.T, out=target)  # [Q, E] @ [E, S] -> [Q, S]
    canvas = fused(scores, encoded, method, step)
    labels = label_map(canvas, vocabulary, encoded.photo_size, step)
    labels.flags.writeable = False  # others may get the same array
    return labels, scores
