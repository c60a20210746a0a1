"""The shipped photos that weights are asked about: what each shows, and three with their truth."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from glaclip.photo import load_photo, open_picture
from glaclip.segmenter.seams import Labels
from glaclip.vocabulary import ASSETS, Vocabulary, parse_vocabulary

PHOTOS, TRUTH = ASSETS / "photos", ASSETS / "ground_truth"
#: As many words are asked for each photo.
WORDS = 20
#: Beside the photos' own subjects: what none of them shows.
_FILLERS = (
    "airplane", "bicycle", "cat", "pizza", "bus", "laptop", "sailing ship", "sunflower", "guitar",
    "washing machine", "subway station", "tennis match", "chessboard", "strawberry", "lighthouse",
)  # fmt: skip


@dataclass(frozen=True)
class SubjectPhoto:
    """A shipped photo and the words for what it shows as a whole."""

    path: Path
    subject: str

    def photo(self) -> Image.Image:
        """The photo."""
        return load_photo(self.path)


@dataclass(frozen=True)
class TruthPhoto:
    """A shipped photo with its label map.

    Attributes:
        path: the photo's file.
        vocabulary: classes in the order of the map's values.
        truth: int16 [H, W] class indices, -1 where nothing is judged.
    """

    path: Path
    vocabulary: Vocabulary
    truth: Labels


@functools.cache
def subject_photos() -> tuple[SubjectPhoto, ...]:
    """The example photos to choose from, at most `WORDS`."""
    entries = json.loads((PHOTOS / "examples.json").read_text(encoding="utf-8"))
    listed = [entry for entry in entries if entry.get("listed", True)]
    return tuple(SubjectPhoto(PHOTOS / e["file"], e["subject"]) for e in listed)[:WORDS]


@functools.cache
def asked_words() -> tuple[str, ...]:
    """The subjects of all photos, filled up to `WORDS` with words that fit none."""
    subjects = [photo.subject for photo in subject_photos()]
    return tuple(dict.fromkeys((*subjects, *_FILLERS)))[:WORDS]


@functools.cache
def truth_photos() -> tuple[TruthPhoto, ...]:
    """The photos of assets/ground_truth."""
    entries = json.loads((TRUTH / "index.json").read_text(encoding="utf-8"))
    return tuple(
        TruthPhoto(
            PHOTOS / entry["photo"],
            parse_vocabulary(entry["classes"]),
            _labels(TRUTH / entry["map"], entry["ignore"]),
        )
        for entry in entries
    )


def _labels(path: Path, ignore: int) -> Labels:
    with open_picture(path) as image:
        values = np.asarray(image).astype(np.int16)
    return np.where(values == ignore, np.int16(-1), values)
