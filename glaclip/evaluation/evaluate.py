"""Scores of a set: mIoU, accuracy, BER and seam rate of any methods (method, section 4).

All measures are over the whole set: confusions and pairs of all photos are added first.
Every photo's counts can be kept in a file, so that a long run that was stopped goes on.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glaclip.backbones.base import Backbone
from glaclip.cache import digest
from glaclip.evaluation.datasets import Dataset, DatasetError, Sample
from glaclip.evaluation.metrics import (
    Labels,
    Pairs,
    boundary_errors,
    class_iou,
    confusion,
    facing_pairs,
    mean_iou,
    pixel_accuracy,
)
from glaclip.labels import label_map
from glaclip.methods import NamedMethod
from glaclip.photo import PhotoError, load_photo
from glaclip.segmenter import Encoded, Progress, Segmentation, Segmenter
from glaclip.settings import AttentionSettings, WindowSettings
from glaclip.windows import control_lines, interior_edges

#: Memory for photos and words during a run; every photo is seen once.
CACHE_BYTES = 512 * 2**20


@dataclass(frozen=True)
class Score:
    """Counts of one photo or of many; they add.

    Attributes:
        confusion: [C, C] pixel counts, rows ground truth.
        boundary: pairs of BER.
        edges: facing pairs at window edges, for the seam rate.
        controls: facing pairs at control lines.
        photos: how many photos.
        seconds: time of attention and labels, encoding and words left out.
    """

    confusion: NDArray[np.int64]
    boundary: Pairs = field(default_factory=Pairs)
    edges: Pairs = field(default_factory=Pairs)
    controls: Pairs = field(default_factory=Pairs)
    photos: int = 0
    seconds: float = 0.0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.confusion + other.confusion,
            self.boundary + other.boundary,
            self.edges + other.edges,
            self.controls + other.controls,
            self.photos + other.photos,
            self.seconds + other.seconds,
        )

    @property
    def miou(self) -> float:
        """Mean over the classes present in the ground truth of the whole set."""
        return mean_iou(self.confusion)

    @property
    def accuracy(self) -> float:
        """Share of pixels with the right label."""
        return pixel_accuracy(self.confusion)

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
        photos=1,
        seconds=result.seconds.get("attention", 0.0) + result.seconds.get("labels", 0.0),
    )


# ---------------------------------------------------------------------------------------------
# Counts on disk


class StoreError(ValueError):
    """A file of counts that belongs to another run or cannot be used."""


class Store:
    """Counts by photo and method in a JSON-lines file that only grows."""

    def __init__(self, path: Path, run: str, classes: int) -> None:
        """Reads what is there already.

        Args:
            path: the file; made when it is missing.
            run: identifies set, words, backbone and windows; see `run_key`.
            classes: C.

        Raises:
            StoreError: the file is of another run, or cannot be read.
        """
        self._path = path
        self._classes = classes
        self._known: dict[tuple[str, str], Score] = {}
        try:
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            records = [r for line in text.splitlines() if (r := _record(line)) is not None]
            if records and records[0].get("run") != run:
                raise StoreError(
                    f"{path.name} in the folder is of another set, backbone, windows or words; "
                    "choose another folder or remove the file"
                )
            with path.open("a", encoding="utf-8") as file:
                if text and not text.endswith("\n"):
                    file.write("\n")  # a run that was killed left half a line
                if not records:
                    file.write(json.dumps({"run": run}) + "\n")
        except OSError as error:
            raise StoreError(f"{path.name} cannot be used: {error.strerror}") from error
        for record in records[1:]:
            self._known[record["photo"], record["method"]] = self._score(record)

    def get(self, photo: str, method: str) -> Score | None:
        """The counts of a photo, if they are known."""
        return self._known.get((photo, method))

    def put(self, photo: str, method: str, score: Score) -> None:
        """Appends the counts of a photo."""
        self._known[photo, method] = score
        rows, columns = np.nonzero(score.confusion)
        counts = score.confusion[rows, columns]
        record = {
            "photo": photo,
            "method": method,
            "confusion": np.stack([rows, columns, counts], axis=1).tolist(),
            "pairs": [
                [pairs.differing, pairs.compared]
                for pairs in (score.boundary, score.edges, score.controls)
            ],
            "seconds": round(score.seconds, 4),
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def _score(self, record: Mapping[str, Any]) -> Score:
        counts = np.zeros((self._classes, self._classes), dtype=np.int64)
        for row, column, count in record["confusion"]:
            counts[row, column] = count
        boundary, edges, controls = (Pairs(*pair) for pair in record["pairs"])
        return Score(counts, boundary, edges, controls, 1, record["seconds"])


def _record(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def run_key(dataset: Dataset, backbone: Backbone, windows: WindowSettings) -> str:
    """Hash of what all methods of a run share."""
    table = dataset.table.tobytes()
    return digest(dataset.name, dataset.vocabulary, table, backbone.fingerprint, windows)


def _method_key(method: NamedMethod) -> str:
    return digest(method.settings, method.baseline, method.key_source)[:16]


# ---------------------------------------------------------------------------------------------


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
        key = _method_key(method)
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


# ---------------------------------------------------------------------------------------------
# The paper's numbers


@dataclass(frozen=True)
class PaperRow:
    """A row of the paper's Table 1 (CLIP ViT-B/16) and what it takes to run it here.

    Attributes:
        title: as in the paper.
        kind: "off", "on" or a baseline's name.
        key_source: of "off" and "on".
        windows: (short side, crop, stride); the short side is 560 for Cityscapes.
        values: mIoU by preset.
    """

    title: str
    kind: str
    key_source: str
    windows: tuple[int, int, int]
    values: Mapping[str, float]


_COLUMNS = (
    "voc21", "context60", "coco_object", "voc20", "context59", "coco_stuff", "cityscapes", "ade20k",
)  # fmt: skip


def _row(
    title: str, kind: str, key_source: str, windows: tuple[int, int, int], *values: float
) -> PaperRow:
    return PaperRow(title, kind, key_source, windows, dict(zip(_COLUMNS, values, strict=True)))


_PROXY, _SCLIP, _CLEAR = (448, 336, 112), (336, 224, 112), (448, 448, 224)
#: mIoU of Table 1, Lee et al., CVPR 2026 (method, section 5).
PAPER_TABLE = (
    _row("ClearCLIP", "clearclip", "", _CLEAR, 51.8, 32.6, 33.0, 80.9, 35.9, 23.9, 30.0, 16.7),
    _row("ClearCLIP + GLA", "on", "clearclip", _CLEAR,
         55.6, 33.2, 34.6, 79.7, 36.5, 24.6, 32.7, 17.4),
    _row("ProxyCLIP", "off", "vfm", _PROXY, 61.3, 35.3, 37.5, 80.3, 39.1, 26.5, 38.1, 20.2),
    _row("ProxyCLIP", "proxyclip", "", _PROXY, 61.3, 35.3, 37.5, 80.3, 39.1, 26.5, 38.1, 20.2),
    _row("ProxyCLIP + GLA, same setting", "on", "vfm", _PROXY,
         63.2, 35.8, 37.7, 81.5, 39.7, 26.8, 38.5, 20.3),
    _row("SCLIP", "sclip", "", _SCLIP, 59.1, 30.4, 30.5, 80.4, 34.2, 22.4, 32.2, 16.1),
    _row("SCLIP + GLA", "on", "sclip", _SCLIP, 59.8, 32.0, 32.8, 80.5, 35.1, 24.2, 35.1, 18.0),
    _row("ProxyCLIP + GLA", "on", "vfm", _SCLIP, 66.3, 36.1, 37.7, 84.2, 39.9, 26.9, 40.8, 20.0),
)  # fmt: skip
PAPER_BACKBONE = "clip-b16"


def paper_row(
    dataset: Dataset, backbone: Backbone, method: NamedMethod, windows: WindowSettings
) -> tuple[PaperRow | None, str]:
    """The row of the paper's table that a score may be put beside, or the reason why none.

    The paper's class words are not published with it and the presets' synonyms are this project's
    own, so even a matching row is a target and not the same experiment.
    """
    if not dataset.benchmark:
        return None, "not the whole validation set of one of the paper's benchmarks"
    if backbone.name != PAPER_BACKBONE:
        return None, f"the paper's backbone is {PAPER_BACKBONE}"
    kind, source = method.baseline, ""
    if method.settings is not None:
        source = method.key_source or backbone.key_sources[0]
        kind = _switch_kind(method.settings)
    geometry = (windows.short_side, windows.crop, windows.stride)
    candidates = [r for r in PAPER_TABLE if (r.kind, r.key_source) == (kind, source)]
    for row in candidates:
        road = dataset.benchmark == "cityscapes"
        if geometry == ((560, *row.windows[1:]) if road else row.windows):
            return row, ""
    if candidates:
        shapes = " or ".join("/".join(map(str, row.windows)) for row in candidates)
        return None, f"the paper's windows are {shapes}"
    return None, "the paper's table has no such method"


def _switch_kind(settings: AttentionSettings) -> str:
    if settings == settings.off():
        paper = AttentionSettings(beta=settings.beta, gamma=settings.gamma)
        return "off" if paper == AttentionSettings() else ""
    return "on" if settings == AttentionSettings() else ""


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
