"""What the longest shipped word list costs at a first start, and at a second one beside it."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from glaclip.backbones.base import Backbone
from glaclip.segmenter import Segmenter
from glaclip.segmenter.word_store import WordStore, shipped_lists


@dataclass(frozen=True)
class WordCost:
    """Seconds from a list to its embeddings.

    Attributes:
        words: of the list.
        texts: words times templates.
        first: nothing is on disk yet.
        second: another process's segmenter finds them there.
        equal: whether both have the same numbers to the last bit.
    """

    words: int
    texts: int
    first: float
    second: float
    equal: bool


def word_cost(backbone: Backbone, words: tuple[str, ...] | None = None) -> WordCost:
    """Times both in a folder of its own, which is removed.

    Args:
        backbone: encodes the texts.
        words: a list; the longest shipped one when left out.
    """
    chosen = max(shipped_lists(), key=lambda each: (len(each), each)) if words is None else words
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        seconds: list[float] = []
        features: list[torch.Tensor] = []
        for _ in range(2):
            segmenter = Segmenter(backbone, word_store=WordStore(Path(folder), [chosen]))
            start = time.perf_counter()
            features.append(segmenter.text_features(chosen))
            seconds.append(time.perf_counter() - start)
    equal = torch.equal(*features)
    first, second = seconds
    return WordCost(len(chosen), len(chosen) * len(backbone.templates), first, second, equal)
