"""What all lessons measure with: one segmenter, the shipped photos, packing for the browser."""

from __future__ import annotations

import base64
import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from glaclip.attention.point import AttentionMaps
from glaclip.attention.summary import AttentionSummary, attention_summary
from glaclip.backbones.base import Tokens
from glaclip.pictures.encoding import encoded as encoded_picture
from glaclip.pictures.export import seam_rate_of
from glaclip.pictures.palette import class_colors, hex_of
from glaclip.segmenter import Encoded, Segmentation, Segmenter
from glaclip.segmenter.labels import label_map
from glaclip.segmenter.method import parse_method
from glaclip.segmenter.seams import interior_edges
from glaclip.settings import AttentionSettings
from glaclip.support.cache import digest
from glaclip.ui.examples import Example, examples, find
from glaclip.vocabulary import parse_vocabulary
from glaclip.windows import Box, crops, resize_photo

#: Long side of photos in figures.
PHOTO_SIDE = 640
_WEBP_QUALITY = 72


class Lab:
    """Measures shipped photos; what several lessons need is computed once.

    Methods go by their short names: "off", "context", "anchors+normalization", "identity/gauss".
    """

    def __init__(self, segmenter: Segmenter) -> None:
        self.segmenter = segmenter
        self.attention: AttentionSettings = segmenter.backbone.default_attention
        self.photos: tuple[Example, ...] = examples()
        # Instance-bound, so that the memory goes with the lab.
        self.segment = functools.cache(self._segment)
        self.summary = functools.cache(self._summary)

    def settings(self, method: str) -> AttentionSettings:
        """The backbone's constants with a method's switches."""
        settings = parse_method(method, self.segmenter.backbone).settings
        assert settings is not None, f"{method} is a baseline"
        return settings

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

    def click(self, name: str, point: tuple[float, float]) -> AttentionMaps:
        """Attention of a place of a shipped photo, at every rung."""
        return self.segmenter.attention(self.encoded(name), point, self.attention)

    def _segment(self, name: str, method: str, words: str = "") -> Segmentation:
        """A shipped photo with its words, or with others."""
        vocabulary = parse_vocabulary(words or self.example(name).vocabulary)
        asked = parse_method(method, self.segmenter.backbone)
        return self.segmenter.segment(self.encoded(name), vocabulary, asked)

    def average_seams(self, method: str) -> float:
        """Seam rate, averaged over the shipped photos."""
        return float(np.mean([self.seams(photo.name, method) for photo in self.photos]))

    def cut(self, name: str, windows: Sequence[Box]) -> Encoded:
        """A shipped photo cut into other windows of its usual size; they may leave gaps."""
        usual, backbone = self.encoded(name), self.segmenter.backbone
        pixels = resize_photo(self.example(name).photo(), usual.size)
        step = backbone.batch_size
        with torch.inference_mode():
            parts = (
                backbone.encode_windows(crops(pixels, windows[first : first + step]))
                for first in range(0, len(windows), step)
            )
            tokens = Tokens.gathered(parts, len(windows))
        key = digest(usual.key, windows)
        return dataclasses.replace(usual, key=key, boxes=tuple(windows), tokens=tokens)

    def seams(self, name: str, method: str) -> float:
        """Seam rate of a shipped photo."""
        rate = seam_rate_of(self.segment(name, method))
        assert rate is not None, "lessons' photos have several windows"
        return rate

    def working_labels(self, name: str, method: str) -> NDArray[np.int16]:
        """[h, w] labels at the size that is cut into windows, where a cut keeps to one pixel."""
        result = self.segment(name, method)
        return label_map(result.canvas(), result.vocabulary, result.encoded.size)

    def _summary(self, name: str, method: str) -> AttentionSummary:
        """Attention over a whole shipped photo."""
        return attention_summary(self.keys(name), self.encoded(name).boxes, self.settings(method))

    def average_disagreement(self, method: str) -> float:
        """Window disagreement, averaged over the shipped photos."""
        return float(
            np.mean([self.segment(photo.name, method).disagreement for photo in self.photos])
        )


def photo_file(example: Example) -> tuple[str, bytes]:
    """File name and bytes of a small copy of a shipped photo."""
    photo = example.photo()
    photo.thumbnail((PHOTO_SIDE, PHOTO_SIDE), Image.Resampling.LANCZOS)
    return f"{example.name}.webp", encoded_picture(photo, "WEBP", quality=_WEBP_QUALITY, method=6)


def labels_file(labels: NDArray[np.integer]) -> bytes:
    """Gray PNG whose gray is the class."""
    return encoded_picture(Image.fromarray(labels.astype(np.uint8)), "PNG", optimize=True)


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


def labeled(
    lab: Lab, photo: str, methods: Sequence[str], slug: str
) -> tuple[dict[str, object], dict[str, bytes]]:
    """A photo's labels and contradictions by several methods, as `labeled` of draw.js shows them.

    Returns:
        Entries of a figure, and its pictures by file name.
    """
    example, encoded = lab.example(photo), lab.encoded(photo)
    results = [lab.segment(photo, method) for method in methods]
    name, data = photo_file(example)
    files = {name: data}
    for at, (method, result) in enumerate(zip(methods, results, strict=True)):
        files[f"{slug}-{at}.png"] = labels_file(lab.working_labels(photo, method))
        apart = np.minimum(result.contradictions()[::2, ::2], 1)
        files[f"{slug}-{at}-apart.png"] = labels_file(apart)
    figure = {
        **stage(example, encoded),
        "labels": [f"file:{slug}-{at}.png" for at in range(len(methods))],
        "apart": [f"file:{slug}-{at}-apart.png" for at in range(len(methods))],
        "classes": list(results[0].classes),
        "colors": list(hex_of(class_colors(results[0].classes))),
        "edges": interior_edges(encoded.boxes, encoded.size, encoded.size)._asdict(),
    }
    return figure, files


def centers(encoded: Encoded) -> NDArray[np.float64]:
    """[N, 2] (x, y) of every token's middle, in working pixels."""
    rows, columns = encoded.tokens.key_grid
    y, x = np.meshgrid((np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns)
    shares = np.stack([y.T.ravel(), x.T.ravel()], axis=1)[:, ::-1]
    return np.concatenate(
        [shares * (b.right - b.left, b.bottom - b.top) + (b.left, b.top) for b in encoded.boxes]
    )


def to_photo(encoded: Encoded, x: float, y: float) -> tuple[int, int]:
    """Photo pixel (x, y) that holds a place given in working pixels."""
    (height, width), (tall, wide) = encoded.photo_size, encoded.size
    return min(int(x * width / wide), width - 1), min(int(y * height / tall), height - 1)


def pack(values: NDArray[np.floating], low: float, high: float) -> dict[str, object]:
    """Numbers as 16-bit steps between two ends, for the browser."""
    steps = np.round((np.clip(values, low, high) - low) / (high - low) * 65535).astype("<u2")
    return {"low": low, "high": high, "data": base64.b64encode(steps.tobytes()).decode()}


def pack_bits(values: NDArray[np.bool_]) -> str:
    """Booleans, eight a byte, the first in the lowest bit."""
    return base64.b64encode(np.packbits(values.ravel(), bitorder="little").tobytes()).decode()
