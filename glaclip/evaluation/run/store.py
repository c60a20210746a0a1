"""Every photo's counts in files, so that a run that was stopped goes on and shards are merged.

A folder holds `photos*.jsonl`, one a process that ever wrote there. Each file says in its first
line which run it belongs to; all are read, and each process appends to its own.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glaclip.evaluation.data.pairs import Sample, Skip
from glaclip.evaluation.run.content import Content
from glaclip.evaluation.run.setting import Entry, Run, RunCost
from glaclip.evaluation.score.counts import Score
from glaclip.segmenter.seams import Pairs


class StoreError(ValueError):
    """A file of counts that belongs to another run or cannot be used."""


@dataclasses.dataclass(frozen=True)
class _PhotoCounts:
    """A photo's counts by one method; the confusion as its entries [K, 3], for most are zero."""

    entries: NDArray[np.int64]
    seconds: float
    pairs: tuple[Pairs, ...]
    content: Content | None
    time: float
    outside: Mapping[str, int]


class StoredRun:
    """Counts of one run by photo and method, as they were read."""

    def __init__(self, run: Run) -> None:
        """Args:
        run: what they belong to.
        """
        self.run = run
        self.methods: dict[str, Entry] = {}
        self.costs: list[RunCost] = []
        self._known: dict[tuple[str, str], _PhotoCounts] = {}
        self._skipped: dict[str, str] = {}

    def get(self, photo: str, method: str) -> Score | None:
        """The counts of a photo, if they are known."""
        found = self._known.get((photo, method))
        if found is None:
            return None
        classes = len(self.run.classes)
        confusion = np.zeros((classes, classes), dtype=np.int64)
        rows, columns, counts = found.entries.T
        confusion[rows, columns] = counts
        names = ("boundary", "edges", "controls", "windows")  # older counts have three
        pairs: dict[str, Any] = dict(zip(names, found.pairs, strict=False))
        outside = Counter(found.outside)
        return Score(confusion, **pairs, photos=1, seconds=found.seconds, outside=outside)

    def current(self, sample: Sample, method: str) -> Score | None:
        """The counts of a photo, if they are known and photo and truth hold the same still."""
        found = self._known.get((sample.stem, method))
        if found is None or found.content is None or not found.content.holds(sample):
            return None
        return self.get(sample.stem, method)

    def has(self, sample: Sample, methods: Iterable[str]) -> bool:
        """Whether a photo is known as it is now with all these methods."""
        return all(self.current(sample, method) is not None for method in methods)

    def drop_outdated(self) -> None:
        """Forgets counts of photos or truths that were counted anew, by whatever method, since."""
        latest: dict[str, _PhotoCounts] = {}
        for (photo, _), counts in self._known.items():
            if photo not in latest or counts.time > latest[photo].time:
                latest[photo] = counts
        self._known = {
            (photo, method): counts
            for (photo, method), counts in self._known.items()
            if counts.content is None
            or (newest := latest[photo].content) is None
            or counts.content.key == newest.key
        }

    def photos(self, method: str) -> tuple[str, ...]:
        """Photos that are known with a method."""
        return tuple(photo for photo, known in self._known if known == method)

    @property
    def skipped(self) -> tuple[Skip, ...]:
        """Photos that could not be used."""
        return tuple(Skip(stem, reason) for stem, reason in self._skipped.items())

    def take(self, record: Mapping[str, Any]) -> None:
        """Takes up one line of a file."""
        if "run" in record:
            self.run = Run.from_record(record["about"])
        elif "skipped" in record:
            self._skipped[record["photo"]] = record["skipped"]
        elif "confusion" in record:
            written = record.get("time", 0.0)
            known = self._known.get((record["photo"], record["method"]))
            if known is not None and known.time > written:
                return  # files are read by their names, not by their age
            entries = np.asarray(record["confusion"], dtype=np.int64).reshape(-1, 3)
            self._known[record["photo"], record["method"]] = _PhotoCounts(
                entries,
                record["seconds"],
                tuple(Pairs(*pair) for pair in record["pairs"]),
                Content.from_record(content) if (content := record.get("content")) else None,
                written,
                record.get("outside", {}),
            )
            self._skipped.pop(record["photo"], None)
        elif "about" in record:
            self.methods[record["method"]] = Entry.from_record(record["about"])
        elif "cost" in record:
            values = {**record["cost"], "devices": tuple(record["cost"]["devices"])}
            self.costs.append(RunCost(**values))


def read_records(path: Path) -> list[dict[str, Any]]:
    """The lines of a file of counts that are whole; a run that was killed leaves half a line.

    Raises:
        StoreError: a file that cannot be read or holds something else.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise StoreError(f"{path.name} cannot be used: {reason}") from error
    records = [record for line in lines if (record := _record(line)) is not None]
    if records and ("run" not in records[0] or "about" not in records[0]):
        raise StoreError(f"{path.name} is no file of counts, or of an earlier version; remove it")
    return records


def _record(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


class Store(StoredRun):
    """Counts of a run in a folder: those of all its files, and one to append to."""

    def __init__(self, folder: Path, run: Run, name: str = "photos.jsonl") -> None:
        """Reads what is there already.

        Args:
            folder: made when it is missing.
            run: this run; files of others in the folder are left alone.
            name: this process's own file, "photos*.jsonl"; another one when it is of another run.

        Raises:
            StoreError: a file cannot be read or written.
        """
        super().__init__(run)
        self._path = folder / name
        for path in sorted(folder.glob("photos*.jsonl")):
            records = read_records(path)
            if records and records[0]["run"] != run.key:
                if path.name == name:
                    self._path = folder / name.replace("photos", f"photos.{run.key[:12]}", 1)
                continue
            for record in records:
                self.take(record)
        self.run = run
        self._open(folder)

    def _open(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            text = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
            with self._path.open("a", encoding="utf-8") as file:
                if text and not text.endswith("\n"):
                    file.write("\n")  # a run that was killed left half a line
        except OSError as error:
            raise StoreError(f"{self._path.name} cannot be used: {error.strerror}") from error
        # Also in a file that has one: more photos may be there now.
        self._append({"run": self.run.key, "about": self.run.record()})

    def add_methods(self, methods: Iterable[Entry]) -> None:
        """Notes what the methods are, for whoever merges the files."""
        for method in methods:
            key = method.key
            if self.methods.get(key) != method:
                self.methods[key] = method
                self._append({"method": key, "about": method.record()})

    def put(self, photo: str, method: str, score: Score, content: Content | None = None) -> None:
        """Appends the counts of a photo, and what it and its truth held: without, it is no help."""
        rows, columns = np.nonzero(score.confusion)
        counts = score.confusion[rows, columns]
        record = {
            "photo": photo,
            "method": method,
            "content": content.record() if content else None,
            "time": time.time(),
            "confusion": np.stack([rows, columns, counts], axis=1).tolist(),
            "pairs": [
                [pairs.differing, pairs.compared]
                for pairs in (score.boundary, score.edges, score.controls, score.windows)
            ],
            "seconds": round(score.seconds, 4),
            "outside": dict(score.outside),
        }
        self.take(record)
        self._append(record)

    def skip(self, skip: Skip) -> None:
        """Notes a photo that could not be used; the next run tries it again."""
        record = {"photo": skip.stem, "skipped": skip.reason}
        self.take(record)
        self._append(record)

    def add_cost(self, cost: RunCost) -> None:
        """Notes what a run took."""
        record = {"cost": dataclasses.asdict(cost)}
        self.take(record)
        self._append(record)

    def _append(self, record: Mapping[str, Any]) -> None:
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        except OSError as error:  # a full disk
            raise StoreError(f"{self._path.name} cannot be written: {error.strerror}") from error


def read_counts(folders: Iterable[Path]) -> list[StoredRun]:
    """The runs whose files lie in folders or anywhere below, in the order they are found.

    Raises:
        StoreError: no such file in a folder, or one that cannot be read.
    """
    runs: dict[str, StoredRun] = {}
    for folder in folders:
        paths = sorted(folder.rglob("photos*.jsonl"))
        if not paths:
            raise StoreError(f"{folder} holds no photos*.jsonl that `evaluate --out` wrote")
        for path in paths:
            records = read_records(path)
            if not records:
                continue
            counts = runs.setdefault(
                records[0]["run"], StoredRun(Run.from_record(records[0]["about"]))
            )
            for record in records:
                counts.take(record)
    for counts in runs.values():
        counts.drop_outdated()
    return list(runs.values())
