"""When a score may stand beside a figure of the paper, and what differs when it does."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from glaclip.evaluation.paper.names import SETTINGS
from glaclip.evaluation.paper.table import PAPER_BACKBONE, TABLE1, PaperRow
from glaclip.evaluation.run.evaluate import Evaluation
from glaclip.segmenter import Method
from glaclip.settings import AttentionSettings, WindowSettings


@dataclass(frozen=True)
class Comparison:
    """A score beside the paper's.

    Attributes:
        title: the paper's row.
        miou: the paper's figure, percent.
        differences: how this run differs from the paper's text; empty when nothing is known to.
    """

    title: str
    miou: float
    differences: tuple[str, ...]


def compare(evaluation: Evaluation, method: Method) -> tuple[Comparison | None, str]:
    """The figure of Table 1 that a score may stand beside, or the reason why none."""
    run = evaluation.run
    if not evaluation.whole:
        return None, "not the whole validation set of one of the paper's benchmarks"
    if run.backbone != PAPER_BACKBONE:
        return None, f"the paper's backbone is {PAPER_BACKBONE}"
    rows = [row for row in TABLE1 if _same_method(row, method, run.default_keys)]
    for row in rows:
        for settings in SETTINGS:
            if row.window_settings(settings, run.benchmark) == run.windows:
                differences = _differences(row, method, evaluation)
                return Comparison(row.title, row.values[run.benchmark], differences), ""
    if rows:
        shapes = dict.fromkeys(
            windows_text(row.window_settings(settings, run.benchmark))
            for row in rows
            for settings in SETTINGS
        )
        return None, f"the paper's windows are {' or '.join(shapes)}"
    return None, "the paper's table has no such method"


def _same_method(row: PaperRow, method: Method, default_keys: str) -> bool:
    if method.fusion:
        return False
    if method.baseline or row.baseline:
        # "off" with a VFM's keys is ProxyCLIP under another name.
        name = "proxyclip" if row.name == "proxyclip" else row.baseline
        return bool(method.baseline) and method.baseline == name
    assert method.settings is not None
    keys = method.key_source or default_keys
    return keys == row.key_source and _comparable(method.settings, row.stages)


def _comparable(settings: AttentionSettings, stages: tuple[str, ...]) -> bool:
    """Whether switches and used constants are the paper's, but for rho, which is said."""
    paper = AttentionSettings().with_stages(stages)
    used = dataclasses.replace(settings, threshold=paper.threshold)
    if not stages:  # anchors and their normalization are off
        used = dataclasses.replace(
            used, iterations=paper.iterations, shift=paper.shift, scale=paper.scale
        )
    else:
        used = dataclasses.replace(used, beta=paper.beta, gamma=paper.gamma)
    return used == paper


def _differences(row: PaperRow, method: Method, evaluation: Evaluation) -> tuple[str, ...]:
    run = evaluation.run
    found = []
    text = row.window_settings("paper", run.benchmark)
    if run.windows != text:
        found.append(
            f"windows {windows_text(run.windows)} of the released program; the paper's text says "
            f"{windows_text(text)}"
        )
    settings = method.settings
    if settings is not None and settings.stages and settings.threshold != 0.6:
        found.append(f"rho {settings.threshold:g}; the paper says 0.6")
    if run.words != row.words(run.benchmark):
        found.append(
            f"words of {run.words}; the released lists for this row are {row.words(run.benchmark)}"
        )
    return tuple(found)


def windows_text(windows: WindowSettings) -> str:
    """Short side, crop and stride as papers write them: "336/224/112"."""
    return f"{windows.short_side}/{windows.crop}/{windows.stride}"
