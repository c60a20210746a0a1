"""Labels of many photos in a folder: spread, gone on with and lost to no single bad photo.

The folder holds labels/STEM.png of every photo and labels*.jsonl, one a process that ever wrote
there; both are read again by whoever goes on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from glaclip.evaluation.data.photo_inputs import PhotoFile
from glaclip.evaluation.run.content import FileState
from glaclip.evaluation.run.store import StoreError
from glaclip.evaluation.run.team import Team, spread
from glaclip.photo import PhotoError, load_photo
from glaclip.pictures.drawing import Colors
from glaclip.pictures.encoding import png_bytes
from glaclip.pictures.formats import FORMATS, LabeledPhoto, place_of
from glaclip.pictures.label_pictures import label_png
from glaclip.pictures.palette import class_colors
from glaclip.segmenter import Method, Progress, Segmentation, Segmenter
from glaclip.segmenter.dense import WINDOWS, features_npz
from glaclip.settings import WindowSettings
from glaclip.support.cache import digest
from glaclip.support.files import atomic_write
from glaclip.vocabulary import Vocabulary

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Labeling:
    """What labels photos: everything that a label map depends on but the photo."""

    segmenter: Segmenter
    vocabulary: Vocabulary
    method: Method
    windows: WindowSettings

    @property
    def key(self) -> str:
        """Hash of all of it; labels of another key are made anew."""
        method = self.method
        settings = (method.settings, method.baseline, method.key_source)
        return digest(self.segmenter.backbone.fingerprint, self.vocabulary, settings, self.windows)[
            :16
        ]

    @property
    def colors(self) -> Colors:
        """[C, 3], by class."""
        return class_colors(self.vocabulary.names, self.vocabulary.background)


@dataclass
class LabelFolder:
    """A folder of label maps.

    Attributes:
        folder: made when it is missing.
        labeling: what makes them.
        name: this process's own file, "labels*.jsonl".
        say: is told of photos that cannot be used and of depths that were guessed.
        features: a folder for STEM.npz of every photo, if features are wanted too.
        features_as: one of `glaclip.segmenter.dense.LAYOUTS`.
    """

    folder: Path
    labeling: Labeling
    name: str = "labels.jsonl"
    say: Callable[[str], None] = print
    features: Path | None = None
    features_as: str = WINDOWS
    records: dict[str, Record] = field(default_factory=dict)

    def read(self) -> None:
        """Takes up what is there, the newest record of each photo if it is of this labeling."""
        newest: dict[str, Record] = {}
        for path in sorted(self.folder.glob("labels*.jsonl")):
            for record in _records(path):
                known = newest.get(record["photo"])
                if known is None or known["time"] <= record["time"]:
                    newest[record["photo"]] = record
        key = self.labeling.key
        self.records = {photo: record for photo, record in newest.items() if record["key"] == key}

    def has(self, photo: PhotoFile) -> bool:
        """Whether a photo has its labels, and holds what they are of; its features likewise."""
        record = self.records.get(photo.stem)
        if record is None or "areas" not in record or not self.label_path(photo).is_file():
            return False
        path = self.feature_path(photo)
        if path and not (path.is_file() and record.get("features") == self.features_as):
            return False
        return FileState(*record["content"]).holds(photo.path)

    def label_path(self, photo: PhotoFile) -> Path:
        """Where a photo's label map lies."""
        return self.folder / "labels" / f"{photo.stem}.png"

    def feature_path(self, photo: PhotoFile) -> Path | None:
        """Where a photo's features lie, if they are wanted."""
        return self.features and self.features / f"{photo.stem}.npz"

    def run(self, photos: Sequence[PhotoFile], team: Team, progress: Progress | None) -> None:
        """Labels those that have no labels yet, with all processes of a team.

        Raises:
            StoreError: the folder cannot be written.
        """
        self.read()
        pending = [photo for photo in photos if not self.has(photo)]
        team.begin()

        def report(done: int) -> None:
            if progress and team.rank == 0:
                progress("evaluate", len(photos) - len(pending) + done, len(photos))

        spread(team, pending, self._label, report)
        team.gather(None)  # all have written
        self.read()

    def _label(self, photo: PhotoFile) -> None:
        record: dict[str, Any] = {"photo": photo.stem, "key": self.labeling.key}
        start = time.perf_counter()
        try:
            content = FileState.of(photo.path)
            picture = load_photo(photo.path, say=lambda text: self.say(f"{photo.name}: {text}"))
        except (PhotoError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            record["failed"] = reason or "it cannot be read"
            self.say(f"{photo.name} is left out: {record['failed']}")
        else:
            labeling = self.labeling
            encoded = labeling.segmenter.encode(picture, labeling.windows)
            result = labeling.segmenter.segment(encoded, labeling.vocabulary, labeling.method)
            self.keep(photo, content, result, time.perf_counter() - start)
            return
        self._append({**record, "time": time.time()})

    def keep(
        self, photo: PhotoFile, content: FileState, result: Segmentation, seconds: float
    ) -> None:
        """Keeps a photo's labels.

        Raises:
            StoreError: the folder cannot be written.
        """
        labels = label_png(result.labels, self.labeling.colors)
        self._write(self.label_path(photo), png_bytes(labels))
        if path := self.feature_path(photo):
            given = self.labeling.segmenter, result.encoded, result.method, result.vocabulary
            self._write(path, features_npz(*given, self.features_as))
        height, width = result.encoded.photo_size
        record = {
            "photo": photo.stem,
            "key": self.labeling.key,
            "content": [content.size, content.time, content.digest],
            "size": [width, height],
            "areas": [round(float(area), 6) for area in result.areas],
            "seconds": round(seconds, 3),
            "time": time.time(),
        }
        if self.features:
            record["features"] = self.features_as
        self.records[photo.stem] = record
        self._append(record)

    def _write(self, path: Path, content: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(path, content)
        except OSError as error:
            raise StoreError(f"{path.name} cannot be written: {error.strerror}") from error

    def _append(self, record: Record) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / self.name).open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        except OSError as error:
            raise StoreError(f"{self.name} cannot be written: {error.strerror}") from error

    def files(
        self, formats: Iterable[str], photos: Sequence[PhotoFile]
    ) -> Iterator[tuple[str, bytes]]:
        """The class list of the label maps, and the files of other formats, by name."""
        names = enumerate(self.labeling.vocabulary.names)
        yield "labels/classes.txt", "".join(f"{index} {name}\n" for index, name in names).encode()
        for form in formats:
            yield from FORMATS[form].files(self.labeled(photos))

    def labeled(self, photos: Sequence[PhotoFile]) -> Iterator[LabeledPhoto]:
        """The photos that have labels, read again one after the other, for other formats."""
        for photo in photos:
            if "areas" in self.records.get(photo.stem, {}):
                with Image.open(self.label_path(photo), formats=["PNG"]) as image:
                    labels = np.asarray(image).astype(np.int32)
                yield LabeledPhoto(
                    photo.stem,
                    photo.name,
                    labels,
                    self.labeling.vocabulary.names,
                    self.labeling.colors,
                    place_of(photo.path),
                )


def _records(path: Path) -> list[dict[str, Any]]:
    """Whole lines of a file; a run that was killed leaves half a line."""
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and record.keys() >= {"photo", "key", "time"}:
            found.append(record)
    return found
