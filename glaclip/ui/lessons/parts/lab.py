"""What all lessons measure with: one segmenter, the shipped photos, packing for the browser."""

from __future__ import annotations

import base64
import functools
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from glaclip.evaluation.metrics import AttentionSummary, attention_summary
from glaclip.pictures.export import seam_rate_of
from glaclip.segmenter import Encoded, Segmentation, Segmenter
from glaclip.settings import AttentionSettings
from glaclip.ui.examples import Example, examples, find
from glaclip.vocabulary import parse_vocabulary
from glaclip.windows import Box

#: Long side of photos in figures.
PHOTO_SIDE = 640
_WEBP_QUALITY = 72


@dataclass(frozen=True)
class Spot:
    """A place on a shipped photo that a lesson names.

    Attributes:
        label: what is there.
        point: (x, y) in photo pixels.
    """

    label: str
    point: tuple[int, int]


class Lab:
    """Measures shipped photos; what several lessons need is computed once."""

    def __init__(self, segmenter: Segmenter) -> None:
        self.segmenter = segmenter
        self.attention: AttentionSettings = segmenter.backbone.default_attention
        self.ladder = AttentionSettings.ladder(self.attention)
        self.photos: tuple[Example, ...] = examples()
        # Instance-bound, so that the memory goes with the lab.
        self.segment = functools.cache(self._segment)
        self.summary = functools.cache(self._summary)

    def example(self, name: str) -> Example:
        """A shipped photo by name."""
        example = find(name)
        assert example is not None, f"no shipped photo is called {name}"
        return example

    def encoded(self, name: str) -> Encoded:
        """Tokens of a shipped photo; the segmenter keeps them."""
        return self.segmenter.encode(self.example(name).photo())

    def keys(self, name: str) -> Tensor:
        """[L, S, Dk] keys of a shipped photo."""
        backbone = self.segmenter.backbone
        return backbone.keys(self.encoded(name).tokens, backbone.key_sources[0])[0][0]

    def _segment(self, name: str, rung: int, words: str = "") -> Segmentation:
        """A shipped photo with its words, at a rung of the ladder."""
        vocabulary = parse_vocabulary(words or self.example(name).vocabulary)
        return self.segmenter.segment(self.encoded(name), vocabulary, self.ladder[rung])

    def seams(self, name: str, rung: int) -> float:
        """Seam rate of a shipped photo at a rung."""
        rate = seam_rate_of(self.segment(name, rung))
        assert rate is not None, "lessons' photos have several windows"
        return rate

    def _summary(self, name: str, rung: int) -> AttentionSummary:
        """Attention over a whole shipped photo at a rung."""
        return attention_summary(self.keys(name), self.encoded(name).boxes, self.ladder[rung])


def photo_file(example: Example) -> tuple[str, bytes]:
    """File name and bytes of a small copy of a shipped photo."""
    photo = example.photo()
    photo.thumbnail((PHOTO_SIDE, PHOTO_SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    photo.save(stream, "WEBP", quality=_WEBP_QUALITY, method=6)
    return f"{example.name}.webp", stream.getvalue()


def labels_file(labels: NDArray[np.integer]) -> bytes:
    """Gray PNG whose gray is the class."""
    stream = io.BytesIO()
    Image.fromarray(labels.astype(np.uint8), "L").save(stream, "PNG", optimize=True)
    return stream.getvalue()


def stage(example: Example, encoded: Encoded) -> dict[str, object]:
    """What every figure with a photo and its windows needs; boxes in working pixels."""
    return {
        "photo": f"file:{example.name}.webp",
        "alt": example.alt,
        "photo_size": list(encoded.photo_size),
        "working_size": list(encoded.size),
        "boxes": [list(box) for box in encoded.boxes],
        "grid": list(encoded.grid),
        "key_grid": list(encoded.tokens.key_grid),
    }


def pack(values: NDArray[np.floating], low: float, high: float) -> dict[str, object]:
    """Numbers as 16-bit steps between two ends, for the browser."""
    steps = np.round((np.clip(values, low, high) - low) / (high - low) * 65535).astype("<u2")
    return {"low": low, "high": high, "data": base64.b64encode(steps.tobytes()).decode()}


def pack_bits(values: NDArray[np.bool_]) -> str:
    """Booleans, eight a byte, the first in the lowest bit."""
    return base64.b64encode(np.packbits(values.ravel(), bitorder="little").tobytes()).decode()


def token_of(encoded: Encoded, window: int, point: tuple[float, float]) -> int:
    """Index of a place's token in a window; the place is in working pixels."""
    box: Box = encoded.boxes[window]
    rows, columns = encoded.tokens.key_grid
    row = int((point[1] - box.top) * rows / (box.bottom - box.top))
    column = int((point[0] - box.left) * columns / (box.right - box.left))
    return row * columns + column
