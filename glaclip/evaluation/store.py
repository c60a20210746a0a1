"""Every photo's counts in a file, so that a long run that was stopped goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from glaclip.backbones.base import Backbone
from glaclip.cache import digest
from glaclip.evaluation.datasets import Dataset
from glaclip.evaluation.score import Score
from glaclip.methods import NamedMethod
from glaclip.seams import Pairs
from glaclip.settings import WindowSettings


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


def method_key(method: NamedMethod) -> str:
    """Hash of what a method does."""
    return digest(method.settings, method.baseline, method.key_source)[:16]
