"""The lessons in order; what they say and show is measured and kept with the shipped results."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glaclip.pictures.encoding import data_uri
from glaclip.segmenter import Segmenter
from glaclip.support.files import atomic_write
from glaclip.ui.examples import PRECOMPUTED
from glaclip.ui.lessons.lab import Lab
from glaclip.ui.lessons.lesson import Facts, Lesson, Part, View

#: The book. A lesson is a file here, a figure beside it (NAME.js), and its name in this list.
NAMES = (
    "windows",
    "seams",
    "answers",
    "bias",
    "keys",
    "context",
    "anchors",
    "normalization",
    "alone",
    "switches",
    "looks",
    "needed",
    "limits",
)
LESSONS: tuple[Lesson, ...] = tuple(
    importlib.import_module(f"glaclip.ui.lessons.{name}").LESSON for name in NAMES
)
FILE = "lessons.json"
FOLDER = "lessons"
#: Fields of a lesson that the browser gets as they are.
_SHOWN = ("slug", "short", "title", "formulas", "symbols", "try_label", "note", "live")


def measure_all(segmenter: Segmenter) -> dict[str, Part]:
    """Facts, figures and views of all lessons, by slug; about a minute on two CPU cores."""
    lab = Lab(segmenter)
    return {lesson.slug: lesson.measure(lab) for lesson in LESSONS}


def build_lessons(segmenter: Segmenter, out_dir: Path = PRECOMPUTED) -> Path:
    """Writes `lessons.json` and the folder `lessons` with its pictures.

    Args:
        segmenter: the model whose numbers and figures are shown.
        out_dir: folder of shipped results.

    Returns:
        The file.
    """
    parts = measure_all(segmenter)
    folder = out_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: data for part in parts.values() for name, data in part.files.items()}
    for old in folder.iterdir():
        if old.name not in files:
            old.unlink()
    for name, data in files.items():
        atomic_write(folder / name, data)
    document = {
        "backbone": segmenter.backbone.title,
        "fingerprint": segmenter.backbone.fingerprint,
        "lessons": {
            slug: {"facts": part.facts, "view": vars(part.view), "figure": part.figure}
            for slug, part in parts.items()
        },
    }
    path = out_dir / FILE
    atomic_write(path, (json.dumps(_rounded(document), indent=1) + "\n").encode())
    return path


def _rounded(value: Any) -> Any:
    """Six digits are more than any text or figure shows."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(entry) for entry in value]
    return value


def load_document(out_dir: Path = PRECOMPUTED) -> dict[str, Any] | None:
    """The shipped measurements, or None when they were not built or belong to other lessons."""
    path = out_dir / FILE
    if not path.is_file():
        return None
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    try:
        for lesson in LESSONS:
            told(document, lesson)
    except (KeyError, AttributeError):  # a lesson, or a fact of its text
        return None
    return document


def told(document: Mapping[str, Any], lesson: Lesson) -> list[str]:
    """A lesson's paragraphs with the measured facts."""
    facts = document["lessons"][lesson.slug]["facts"]
    # No line may break between a number and its percent sign.
    return [
        text.replace(" %", "\N{NARROW NO-BREAK SPACE}%") for text in lesson.text(Facts(**facts))
    ]


def views(document: Mapping[str, Any]) -> dict[str, View]:
    """What each lesson's "Try it" opens."""
    return {slug: View.of(part["view"]) for slug, part in document["lessons"].items()}


def book_value(out_dir: Path = PRECOMPUTED) -> dict[str, Any] | None:
    """The value of `LessonBook`: texts, figures, pictures as data URIs; None if not built."""
    document = load_document(out_dir)
    if document is None:
        return None
    pictures: dict[str, str] = {}

    def embed(value: Any) -> Any:
        """Names each picture once, whichever figures show it."""
        if isinstance(value, str) and value.startswith("file:"):
            name = value.removeprefix("file:")
            path = out_dir / FOLDER / name
            pictures.setdefault(name, data_uri(path.read_bytes(), path.suffix[1:]))
            return name
        if isinstance(value, dict):
            return {key: embed(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [embed(entry) for entry in value]
        return value

    lessons = [
        {
            **{field: getattr(lesson, field) for field in _SHOWN},
            "text": told(document, lesson),
            "figure": embed(document["lessons"][lesson.slug]["figure"]),
        }
        for lesson in LESSONS
    ]
    return {"backbone": document["backbone"], "lessons": lessons, "pictures": pictures}
