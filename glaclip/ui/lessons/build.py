"""Measures everything the lessons say and show, and keeps it with the shipped results."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from glaclip.pictures.files import data_uri
from glaclip.segmenter import Segmenter
from glaclip.ui.examples import PRECOMPUTED
from glaclip.ui.lessons.lesson import Part, View, fill, placeholders
from glaclip.ui.lessons.parts import (
    anchors,
    bias,
    context,
    limits,
    normalization,
    seams,
    windows,
)
from glaclip.ui.lessons.parts.lab import Lab
from glaclip.ui.lessons.texts import LESSONS

BUILDERS: dict[str, Callable[[Lab], Part]] = {
    "windows": windows.build,
    "seams": seams.build,
    "bias": bias.build,
    "context": context.build,
    "anchors": anchors.build,
    "normalization": normalization.build,
    "limits": limits.build,
}
FILE = "lessons.json"
FOLDER = "lessons"


def compute_parts(segmenter: Segmenter) -> dict[str, Part]:
    """Facts, figures and views of all lessons, by slug; about a minute on two CPU cores."""
    lab = Lab(segmenter)
    return {lesson.slug: BUILDERS[lesson.slug](lab) for lesson in LESSONS}


def build_lessons(segmenter: Segmenter, out_dir: Path = PRECOMPUTED) -> Path:
    """Writes `lessons.json` and the folder `lessons` with its pictures.

    Args:
        segmenter: the model whose numbers and figures are shown.
        out_dir: folder of shipped results.

    Returns:
        The file.
    """
    parts = compute_parts(segmenter)
    folder = out_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: data for part in parts.values() for name, data in part.files.items()}
    for old in folder.iterdir():
        if old.name not in files:
            old.unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    document = {
        "backbone": segmenter.backbone.title,
        "fingerprint": segmenter.backbone.fingerprint,
        "lessons": {
            slug: {
                "facts": dict(part.facts),
                "names": dict(part.names),
                "view": {
                    "example": part.view.example,
                    "changes": dict(part.view.changes),
                    "point": list(part.view.point),
                    "tab": part.view.tab,
                },
                "figure": dict(part.figure),
            }
            for slug, part in parts.items()
        },
    }
    path = out_dir / FILE
    path.write_text(json.dumps(_rounded(document), indent=1) + "\n", encoding="utf-8")
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
    parts = document.get("lessons", {})
    known = {slug: {*part["facts"], *part["names"]} for slug, part in parts.items()}
    complete = all(
        lesson.slug in known and placeholders(template) <= known[lesson.slug]
        for lesson in LESSONS
        for template in lesson.templates
    )
    return document if complete else None


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

    lessons = []
    for lesson in LESSONS:
        part = document["lessons"][lesson.slug]
        values = {**part["facts"], **part["names"]}
        lessons.append(
            {
                "slug": lesson.slug,
                "short": lesson.short,
                "title": lesson.title,
                "text": [fill(paragraph, values) for paragraph in lesson.text],
                "formulas": list(lesson.formulas),
                "symbols": [[symbol, fill(text, values)] for symbol, text in lesson.symbols],
                "try_label": lesson.try_label,
                "note": fill(lesson.note, values),
                "figure": embed(part["figure"]),
            }
        )
    return {"backbone": document["backbone"], "lessons": lessons, "pictures": pictures}
