"""What a photo and its ground truth held when they were counted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glaclip.evaluation.data.pairs import Sample


@dataclass(frozen=True)
class FileState:
    """A file as it was: bytes, time of its last change (ns), and hash."""

    size: int
    time: int
    digest: str

    @classmethod
    def of(cls, path: Path) -> FileState:
        """The state of a file now.

        Raises:
            OSError: it cannot be read.
        """
        found = path.stat()
        return cls(found.st_size, found.st_mtime_ns, _digest(path))

    def holds(self, path: Path) -> bool:
        """Whether a file holds the same; it is read only when its time has changed."""
        try:
            now = path.stat()
            if now.st_size != self.size:
                return False
            return now.st_mtime_ns == self.time or _digest(path) == self.digest
        except OSError:
            return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


@dataclass(frozen=True)
class Content:
    """The states of a photo and of its ground truth; their times do not tell them apart."""

    photo: FileState
    truth: FileState

    @classmethod
    def of(cls, sample: Sample) -> Content:
        """What a sample holds now; see `FileState.of`."""
        return cls(FileState.of(sample.photo), FileState.of(sample.truth))

    def holds(self, sample: Sample) -> bool:
        """Whether a sample holds the same."""
        return self.photo.holds(sample.photo) and self.truth.holds(sample.truth)

    @property
    def key(self) -> tuple[str, str]:
        """What two contents that are equal share."""
        return self.photo.digest, self.truth.digest

    def record(self) -> list[list[int | str]]:
        """As JSON."""
        return [[state.size, state.time, state.digest] for state in (self.photo, self.truth)]

    @classmethod
    def from_record(cls, record: Sequence[Sequence[int | str]]) -> Content:
        """The content of a `record`."""
        photo, truth = (FileState(int(s), int(t), str(d)) for s, t, d in record)
        return cls(photo, truth)
