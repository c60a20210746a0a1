"""What a folder of counts holds beside the rows of this run: nothing in it is forgotten."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from glaclip.evaluation.report.document import Document, evaluation_document
from glaclip.evaluation.run.evaluate import Evaluation, evaluation_of
from glaclip.evaluation.run.store import read_counts


def with_kept(fresh: Sequence[Document], folder: Path) -> list[Document]:
    """The documents of a folder's runs: those of before, then those that were made now.

    Rows of one run that count the same photos share a table. Others, such as those of a run with
    --limit, have one of their own, for no mean is of both.

    Args:
        fresh: of the runs that were made now, whose counts are in the folder.
        folder: that --out names.
    """
    now = {document["run"]: document for document in fresh}
    kept: list[Document] = []
    for stored in read_counts([folder]):
        document = now.get(stored.run.key)
        rows = [] if document is None else [_identity(row) for row in document["methods"]]
        for part in _by_photos(evaluation_of(stored)):
            found = evaluation_document(part)
            others = [row for row in found["methods"] if _identity(row) not in rows]
            if document is not None and len(others) < len(found["methods"]):
                # Rows of now come last, by the names that tell them from those of before.
                again = [row for row in found["methods"] if row not in others]
                again.sort(key=lambda row: rows.index(_identity(row)))
                methods = [*others, *again] if others else document["methods"]
                now[stored.run.key] = {**document, "methods": methods}
            elif others:
                kept.append({**found, "methods": others})
    return [*kept, *now.values()]


def _identity(row: Document) -> str:
    return repr([row[name] for name in ("attention", "baseline", "key_source")])


def _by_photos(evaluation: Evaluation) -> list[Evaluation]:
    """Parts whose methods count the same photos."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for method in evaluation.methods:
        photos = tuple(s for s, miou in evaluation.photo_miou.items() if method.name in miou)
        groups.setdefault(photos, []).append(method.name)
    return [
        dataclasses.replace(
            evaluation,
            methods=tuple(method for method in evaluation.methods if method.name in names),
            scores={name: evaluation.scores[name] for name in names},
            photo_miou={stem: {name: evaluation.photo_miou[stem][name] for name in names}
                        for stem in photos},
        )
        for photos, names in groups.items()
        if photos
    ]  # fmt: skip
