"""Results as one document: everything that tables, files and the page show of an evaluation."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.paper.comparison import Ran, compare, differences
from glaclip.evaluation.paper.names import TABLE_NAMES
from glaclip.evaluation.paper.table import (
    BENCHMARKS,
    BEST,
    PAPER_BACKBONE,
    RESIZING,
    TABLES,
    PaperRow,
    Scales,
)
from glaclip.evaluation.run.evaluate import Evaluation
from glaclip.evaluation.run.setting import Entry
from glaclip.evaluation.score.counts import Score
from glaclip.settings import ANTIALIASED, WindowSettings
from glaclip.support.version import versions
from glaclip.vocabulary import LOGIT_SCALE

FORM = "glaclip evaluation 1"
#: Photos listed as worst.
WORST = 20
#: Packages that figures depend on.
_PACKAGES = ("torch", "numpy", "pillow", "open_clip_torch", "timm")
Document = dict[str, Any]


def evaluation_document(evaluation: Evaluation) -> Document:
    """One run as JSON; shares are of 1, the paper's mIoU is in percent."""
    run = evaluation.run
    return {
        "form": FORM,
        "made": time.strftime("%Y-%m-%d"),
        "versions": versions(_PACKAGES),
        "dataset": run.dataset,
        "preset": run.preset,
        "photos": evaluation.photos,
        "photos_in_set": len(run.photos) + len(run.missing),
        "whole_benchmark": evaluation.whole,
        "skipped": [dataclasses.asdict(skip) for skip in evaluation.skipped],
        "words": run.words,
        "background_threshold": run.background_threshold,
        "logit_scale": run.logit_scale,
        "area_threshold": run.area_threshold,
        "positions": run.positions,
        "backbone": {
            "name": run.backbone,
            "title": run.backbone_title,
            "fingerprint": run.fingerprint,
        },
        "windows": dataclasses.asdict(run.windows),
        "run": run.key,
        "ground_truth": _ground_truth(evaluation),
        "cost": dataclasses.asdict(evaluation.cost),
        "methods": [_method(evaluation, method) for method in evaluation.methods],
        "worst": worst_photos(evaluation),
    }


def _ground_truth(evaluation: Evaluation) -> Document:
    """Pixels of the truth, those of no class by their values, and classes without a pixel."""
    score = next(iter(evaluation.scores.values()), Score.none(len(evaluation.run.classes)))
    present = score.confusion.sum(axis=1) > 0
    return {
        "pixels": score.pixels,
        "no_class": dict(score.outside.most_common()),
        "absent": [
            n for n, there in zip(evaluation.run.classes, present, strict=True) if not there
        ],
    }


def _method(evaluation: Evaluation, entry: Entry) -> Document:
    score, method = evaluation.scores[entry.name], entry.method
    beside, reason = compare(evaluation, method)
    names = evaluation.run.classes
    return {
        "name": entry.name,
        "title": entry.title,
        "attention": dataclasses.asdict(method.settings) if method.settings else None,
        "baseline": method.baseline or None,
        "key_source": method.key_source or None,
        "photos": score.photos,
        "miou": _finite(score.miou),
        "miou_with_predicted": _finite(score.miou_with_predicted),
        "only_predicted": score.only_predicted,
        "pixel_accuracy": _finite(score.accuracy),
        "ber": _finite(score.ber),
        "seam_rate": _finite(score.seam_rate),
        "disagreement": _finite(score.disagreement),
        "iou": {
            name: _finite(float(value))
            for name, value in zip(_distinct(names), score.ious, strict=True)
        },
        "seconds": round(score.seconds, 2),
        "paper_miou": beside.miou if beside else None,
        "paper_row": beside.title if beside else None,
        "differences": list(beside.differences) if beside else [],
        "not_comparable": reason or None,
    }


def _distinct(names: Sequence[str]) -> list[str]:
    """Names of classes, the second "bag" as "bag (2)"."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def worst_photos(evaluation: Evaluation, count: int = WORST) -> list[Document]:
    """The photos with the lowest mIoU by the last method, worst first; ties by their names."""
    if not evaluation.methods:
        return []
    by = evaluation.methods[-1].name
    rated = [
        (miou[by], stem)
        for stem, miou in evaluation.photo_miou.items()
        if by in miou and math.isfinite(miou[by])
    ]
    return [
        {
            "photo": stem,
            "miou": {name: _finite(v) for name, v in evaluation.photo_miou[stem].items()},
        }
        for _, stem in sorted(rated)[:count]
    ]


def _finite(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def paper_document(table: str, settings: str, words: str, runs: Sequence[Document]) -> Document:
    """Runs of a table of the paper as one document.

    Args:
        table: a name of `TABLES`.
        settings: "paper" or "released".
        words: "field" or "project".
        runs: documents of single runs; a row of a set is in at most one for each backbone.
    """
    backbones = dict.fromkeys(run["backbone"]["name"] for run in runs)
    return {
        "form": FORM,
        "made": time.strftime("%Y-%m-%d"),
        "versions": versions(_PACKAGES),
        "table": table,
        "settings": settings,
        "words": words,
        "standing_difference": " ".join(_standing(table, runs)),
        "rows": [row for name in backbones for row in _table_rows(table, name, runs)],
        "runs": list(runs),
    }


def _standing(table: str, runs: Sequence[Document]) -> list[str]:
    """What is so in every row: how things were resized, and the row that cannot be run."""
    ways = {run["windows"].get("resampling", ANTIALIASED) for run in runs} or {ANTIALIASED}
    best = [BEST] if table == TABLE_NAMES[0] else []
    return [*(RESIZING[way] for way in sorted(ways)), *best]


def joined_document(runs: Sequence[Document], table: str | None = None) -> Document:
    """One run as it is; several as a table, of the paper where their methods are its rows.

    Args:
        runs: documents of single runs.
        table: a name of `TABLES`; the first that fits when left out.
    """
    if len(runs) == 1 and not table:
        return runs[0]
    names = {method["name"] for run in runs for method in run["methods"]}
    fitting = [name for name, rows in TABLES.items() if names & {row.name for row in rows}]
    chosen = table or next(iter([*fitting, *TABLES]))
    return paper_document(chosen, "as they ran", "as they ran", runs)


def _table_rows(table: str, backbone: str, runs: Sequence[Document]) -> list[Document]:
    rows = []
    for row in TABLES[table]:
        cells = {}
        for run in runs:
            if run["backbone"]["name"] != backbone or run["preset"] not in BENCHMARKS:
                continue
            for method in run["methods"]:
                if method["name"] == row.name:
                    cells[run["preset"]] = {
                        "miou": method["miou"],
                        "ber": method["ber"],
                        "paper_miou": row.values.get(run["preset"]),
                        "differences": _cell_differences(row, run, method),
                        "whole": run["whole_benchmark"],
                    }
        if cells:
            average = _average(cells) if backbone == PAPER_BACKBONE else None
            # The ablation's averages are all that the paper gives.
            cited = row.average if average is not None or table != TABLE_NAMES[0] else None
            rows.append(
                {
                    "row": row.name,
                    "title": row.title,
                    "backbone": backbone,
                    "cells": cells,
                    "average": average,
                    "paper_average": cited,
                }
            )
    return rows


def _cell_differences(row: PaperRow, run: Document, method: Document) -> list[str]:
    """What differs from the row; nothing of a row of which the paper has no figure."""
    if row.average is None:
        return []
    windows = WindowSettings(**run["windows"])
    scales = Scales(
        run.get("logit_scale", LOGIT_SCALE),
        run["background_threshold"],
        run.get("area_threshold", 0.0),
    )
    attention = method["attention"]
    ran = Ran(
        preset=run["preset"],
        whole=run["whole_benchmark"],
        backbone=run["backbone"]["name"],
        windows=windows,
        words=run["words"],
        rho=attention["threshold"] if attention else None,
        scales=scales if run["background_threshold"] else None,
    )
    return list(differences(row, ran))


def _average(cells: Document) -> float | None:
    """Mean over the eight sets, or None unless all of them are there and whole."""
    values = [cell["miou"] for cell in cells.values()]
    whole = all(cell["whole"] for cell in cells.values())
    if len(values) < len(BENCHMARKS) or None in values or not whole:
        return None
    return round(float(sum(values)) / len(values), 6)


def read_document(path: str | Path) -> Document:
    """A document that `evaluate` wrote as scores.json.

    Raises:
        DatasetError: another file.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError("this file cannot be read as JSON; choose a scores.json") from error
    if not isinstance(document, dict) or document.get("form") != FORM:
        raise DatasetError("this file holds no scores; choose a scores.json that `evaluate` wrote")
    return document
