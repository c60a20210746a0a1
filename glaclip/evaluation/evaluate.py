"""Scores of a set: mIoU, accuracy, BER and seam rate of any methods (method, section 4).

All measures are over the whole set: confusions and pairs of all photos are added first.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from glaclip.backbones.base import Backbone
from glaclip.evaluation.datasets import Dataset, DatasetError, Sample
from glaclip.evaluation.paper import paper_row
from glaclip.evaluation.score import Score, score_of
from glaclip.evaluation.store import Store, method_key
from glaclip.methods import NamedMethod
from glaclip.photo import PhotoError, load_photo
from glaclip.seams import Labels
from glaclip.segmenter import Encoded, Progress, Segmenter
from glaclip.settings import WindowSettings

#: Memory for photos and words during a run; every photo is seen once.
CACHE_BYTES = 512 * 2**20


def evaluate(
    segmenter: Segmenter,
    dataset: Dataset,
    methods: Sequence[NamedMethod],
    windows: WindowSettings,
    *,
    store: Store | None = None,
    progress: Progress | None = None,
) -> dict[str, Score]:
    """Scores of a set by method name.

    Args:
        segmenter: with the backbone.
        dataset: from `open_dataset`.
        methods: each photo is encoded once for all of them.
        windows: how photos are cut.
        store: keeps the counts of every photo and knows those of a run before.
        progress: called as ("evaluate", photos done, photos).

    Raises:
        DatasetError: a photo or ground truth that cannot be read.
    """
    classes = len(dataset.vocabulary.classes)
    totals = {m.name: Score(np.zeros((classes, classes), dtype=np.int64)) for m in methods}
    for done, sample in enumerate(dataset.samples):
        if progress:
            progress("evaluate", done, len(dataset.samples))
        scores = _sample_scores(segmenter, dataset, sample, methods, windows, store)
        for method, score in zip(methods, scores, strict=True):
            totals[method.name] += score
    if progress:
        progress("evaluate", len(dataset.samples), len(dataset.samples))
    return totals


def _sample_scores(
    segmenter: Segmenter,
    dataset: Dataset,
    sample: Sample,
    methods: Sequence[NamedMethod],
    windows: WindowSettings,
    store: Store | None,
) -> list[Score]:
    encoded: Encoded | None = None
    truth: Labels | None = None
    scores: list[Score] = []
    for method in methods:
        key = method_key(method)
        score = store.get(sample.stem, key) if store else None
        if score is None:
            if encoded is None:
                encoded, truth = _read(segmenter, dataset, sample, windows)
            assert truth is not None
            result = segmenter.segment(
                encoded,
                dataset.vocabulary,
                method.settings,
                baseline=method.baseline or None,
                key_source=method.key_source or None,
            )
            score = score_of(result, truth)
            if store:
                store.put(sample.stem, key, score)
        scores.append(score)
    return scores


def _read(
    segmenter: Segmenter, dataset: Dataset, sample: Sample, windows: WindowSettings
) -> tuple[Encoded, Labels]:
    truth = dataset.truth(sample)
    try:
        return segmenter.encode(load_photo(sample.photo), windows), truth
    except PhotoError as error:
        raise DatasetError(f"the photo {sample.stem} cannot be used: {error}") from error


def evaluation_document(
    dataset: Dataset,
    backbone: Backbone,
    windows: WindowSettings,
    methods: Sequence[NamedMethod],
    scores: Mapping[str, Score],
) -> dict[str, Any]:
    """Scores as JSON; shares are of 1, the paper's mIoU is in percent."""
    rows = []
    for method in methods:
        score = scores[method.name]
        row, reason = paper_row(dataset, backbone, method, windows)
        rows.append(
            {
                "name": method.name,
                "title": method.title,
                "attention": dataclasses.asdict(method.settings) if method.settings else None,
                "key_source": method.key_source or None,
                "miou": _finite(score.miou),
                "pixel_accuracy": _finite(score.accuracy),
                "ber": _finite(score.ber),
                "seam_rate": _finite(score.seam_rate),
                "iou": {
                    name: _finite(float(value))
                    for name, value in zip(dataset.vocabulary.names, score.ious, strict=True)
                },
                "seconds": round(score.seconds, 2),
                "paper_miou": row.values[dataset.benchmark] if row else None,
                "not_comparable": reason or None,
            }
        )
    return {
        "made": time.strftime("%Y-%m-%d"),
        "dataset": dataset.name,
        "photos": len(dataset.samples),
        "whole_benchmark": bool(dataset.benchmark),
        "background_threshold": dataset.vocabulary.background_threshold,
        "backbone": {"name": backbone.name, "title": backbone.title},
        "windows": dataclasses.asdict(windows),
        "methods": rows,
    }


def _finite(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
