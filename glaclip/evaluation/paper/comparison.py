"""When a score may stand beside a figure of the paper, and what differs when it does."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from glaclip.evaluation.paper.names import RELEASED, SETTINGS
from glaclip.evaluation.paper.table import PAPER_BACKBONE, TABLE1, PaperRow, Scales
from glaclip.evaluation.run.evaluate import Evaluation
from glaclip.segmenter import Method
from glaclip.settings import AttentionSettings, WindowSettings

NOT_WHOLE = "not the whole validation set of one of the paper's benchmarks"
_OTHER_BACKBONE = f"the paper's backbone is {PAPER_BACKBONE}"


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


@dataclass(frozen=True)
class Ran:
    """What a method's run was, as far as a row of the paper asks.

    Attributes:
        preset: the benchmark.
        whole: whether its whole validation set was scored.
        backbone: registry name.
        windows: how photos were cut.
        words: where the words came from.
        rho: of attention with a switch on; None where it plays no part.
        scales: logit scale and thresholds; None where the set has no background.
    """

    preset: str
    whole: bool
    backbone: str
    windows: WindowSettings
    words: str
    rho: float | None
    scales: Scales | None


def differences(row: PaperRow, ran: Ran) -> tuple[str, ...]:
    """How a run differs from a row of the paper, in sentences; nothing is left out."""
    found = []
    if not ran.whole:
        found.append(NOT_WHOLE)
    if ran.backbone != PAPER_BACKBONE:
        found.append(_OTHER_BACKBONE)
    text, released = (row.window_settings(settings, ran.preset) for settings in SETTINGS)
    if not same_shape(ran.windows, text):
        whose = " of the released program" if same_shape(ran.windows, released) else ""
        found.append(
            f"windows {windows_text(ran.windows)}{whose}; the paper's text says "
            f"{windows_text(text)}"
        )
    if row.stages and ran.rho is not None and ran.rho != AttentionSettings().threshold:
        found.append(f"rho {ran.rho:g}; the paper says 0.6")
    if ran.words != row.words(ran.preset):
        found.append(
            f"words of {ran.words}; the released lists for this row are {row.words(ran.preset)}"
        )
    theirs = row.scales_for(RELEASED, ran.preset)
    if ran.scales is not None and ran.scales != theirs:
        found.append(f"{ran.scales.text()}; the released program's: {theirs.text()}")
    return tuple(found)


def same_shape(one: WindowSettings, other: WindowSettings) -> bool:
    """Whether windows have the same sizes and distances, however photos were resized."""
    return dataclasses.replace(one, resampling=other.resampling) == other


def compare(evaluation: Evaluation, method: Method) -> tuple[Comparison | None, str]:
    """The figure of Table 1 that a score may stand beside, or the reason why none."""
    run = evaluation.run
    if not evaluation.whole:
        return None, NOT_WHOLE
    if run.backbone != PAPER_BACKBONE:
        return None, _OTHER_BACKBONE
    if run.windows.unlike_the_paper:
        return None, run.windows.unlike_the_paper
    ran = _ran(evaluation, method)
    rows = [row for row in TABLE1 if _same_method(row, method, run.default_keys)]
    for settings in SETTINGS:
        fitting = [
            row
            for row in rows
            if same_shape(row.window_settings(settings, run.benchmark), run.windows)
        ]
        if fitting:
            # Rows may share method and windows, and differ in their words.
            row = min(fitting, key=lambda row: len(differences(row, ran)))
            return Comparison(row.title, row.values[run.benchmark], differences(row, ran)), ""
    if rows:
        shapes = dict.fromkeys(
            windows_text(row.window_settings(settings, run.benchmark))
            for row in rows
            for settings in SETTINGS
        )
        return None, f"the paper's windows are {' or '.join(shapes)}"
    return None, "the paper's table has no such method"


def _ran(evaluation: Evaluation, method: Method) -> Ran:
    run = evaluation.run
    scales = Scales(run.logit_scale, run.background_threshold, run.area_threshold)
    return Ran(
        preset=run.benchmark,
        whole=evaluation.whole,
        backbone=run.backbone,
        windows=run.windows,
        words=run.words,
        rho=method.settings.threshold if method.settings else None,
        scales=scales if run.background_threshold else None,
    )


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


def windows_text(windows: WindowSettings) -> str:
    """Short side, crop and stride as papers write them: "336/224/112"; and what is no paper's."""
    lengths = f"{windows.short_side}/{windows.crop}/{windows.stride}"
    return ", ".join(filter(None, (lengths, windows.unlike_the_paper)))
