"""How long a plan will take here: a photo of each set, run and timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F

from glaclip.evaluation.paper.plan import Job
from glaclip.photo import load_photo
from glaclip.segmenter import Segmenter
from glaclip.segmenter.progress import unheard
from glaclip.segmenter.results import labels_and_scores

#: Texts that are embedded to see how long one takes.
_TEXTS = 16


def seconds_of(
    segmenter: Segmenter, groups: Sequence[Sequence[Job]], note: Callable[[int], None]
) -> list[float]:
    """Seconds of each group of jobs, whose photos are encoded once for all of them.

    A photo from the middle of the set is encoded and labeled by every method, with random vectors
    for the words, and a few texts are embedded; what is kept from earlier runs counts as done.

    Args:
        segmenter: with the backbone.
        groups: of `together`.
        note: called with the number of groups that are timed, before each.

    Raises:
        PhotoError, DatasetError: a photo or set that cannot be read.
    """
    a_text = _seconds_a_text(segmenter)
    found, asked = [], set[str]()
    for index, group in enumerate(groups):
        note(index)
        first = group[0].open()
        photo = first.samples[len(first.samples) // 2]
        start = time.perf_counter()
        encoded = segmenter.encode(load_photo(photo.photo), group[0].windows)
        new: set[str] = set()
        for job in group:
            vocabulary = job.open(1).vocabulary
            new |= set(segmenter.unknown_words(vocabulary.prompts)) - asked
            for entry in job.methods:
                method = segmenter.method(entry.method)
                (features, grid), _ = segmenter.features(encoded, method)
                count = len(vocabulary.prompts)
                with torch.inference_mode():
                    words = torch.randn(count, features.shape[-1], device=features.device)
                    labels_and_scores(
                        encoded, features, grid, F.normalize(words, dim=1), vocabulary, method,
                        unheard,
                    )  # fmt: skip
        a_photo = time.perf_counter() - start
        asked |= new
        texts = len(new) * len(segmenter.backbone.templates)
        found.append(a_photo * group[0].place.photos + a_text * texts)
    return found


def _seconds_a_text(segmenter: Segmenter) -> float:
    texts = [f"a photo of number {index}." for index in range(_TEXTS)]
    segmenter.backbone.encode_text(texts[:1])  # what the first one reads is no part of it
    start = time.perf_counter()
    segmenter.backbone.encode_text(texts)
    return (time.perf_counter() - start) / len(texts)
