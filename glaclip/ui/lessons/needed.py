"""Lesson: what blending windows can do without attention, and what it cannot."""

from __future__ import annotations

from glaclip.pictures.numbers import percent
from glaclip.segmenter.method import parse_method
from glaclip.ui.lessons.card import averages, held_out
from glaclip.ui.lessons.lab import Lab, labeled
from glaclip.ui.lessons.lesson import Facts, Lesson, Part, View, change

#: Plain, blended, attention, both; by their names in facts.
METHODS = {"plain": "identity", "blended": "identity/gauss", "on": "on", "both": "on/gauss"}
_NAMES = ("Each patch alone", "Blended", "Attention", "Both")


def measure(lab: Lab) -> Part:
    """The photo whose seams blending hides most; seams and contradictions of all photos."""
    backbone = lab.segmenter.backbone
    methods = [parse_method(name, backbone).name for name in METHODS.values()]
    photo = max(lab.photos, key=lambda one: _hidden(lab, one.name))
    figure, files = labeled(lab, photo.name, methods, "needed")
    seams = {key: lab.average_seams(name) for key, name in METHODS.items()}
    apart = {key: lab.average_disagreement(name) for key, name in METHODS.items()}
    tests = averages()
    here = [(lab.seams(photo.name, m), lab.segment(photo.name, m).disagreement) for m in methods]
    return Part(
        facts={
            "photos": len(lab.photos),
            **{f"seams_{key}": rate for key, rate in seams.items()},
            **{f"apart_{key}": rate for key, rate in apart.items()},
            "tests": len(held_out()),
            "miou_plain": tests["identity"][0],
            "miou_on": tests["on"][0],
        },
        figure=figure
        | {
            "names": list(_NAMES),
            "table": f"Seams and contradictions: here, and on all {len(lab.photos)} photos",
            "columns": ["seams", "all", "contradictions", "all"],
            "cells": [
                [percent(share) for share in (jumps, seams[key], differ, apart[key])]
                for key, (jumps, differ) in zip(METHODS, here, strict=True)
            ],
        },
        view=View(photo.name, {"baseline": METHODS["blended"]}, photo.point, "compare"),
        files=files,
    )


def _hidden(lab: Lab, photo: str) -> float:
    return lab.seams(photo, METHODS["plain"]) - lab.seams(photo, METHODS["blended"])


def text(n: Facts) -> tuple[str, ...]:
    """What blending hides, what it leaves, and when it is enough."""
    enough = (
        "So where only straight breaks disturb, blending is enough, and cheaper."
        if n.seams_blended <= n.seams_on
        else "Even so, attention leaves fewer of them."
    )
    return (
        "Seams can be hidden without any attention: let a window count most in its middle and "
        "hardly at its edge, and labels no longer jump along that edge. Blended like this, the "
        f"seam rate over all {n.photos} photos {change(n.seams_plain, n.seams_blended)}; attention "
        f"without blending brings it to {percent(n.seams_on)}. {enough}",
        "But blending only mixes the windows' answers. Two windows that hold the same place "
        f"contradict each other in {percent(n.apart_plain)} of all cases, blended or not: look at "
        "the yellow places, they stay. The jump has moved away from the edge, to where two "
        "windows weigh the same. Attention changes the answers themselves: the share "
        f"{change(n.apart_plain, n.apart_on)}.",
        f"And the labels? In {n.tests} tests on photos whose truth is known, mIoU "
        f"{change(n.miou_plain, n.miou_on)} with attention. Both can be combined.",
    )


LESSON = Lesson(
    slug="needed",
    short="Needed?",
    title="Is attention needed?",
    measure=measure,
    text=text,
    formulas=("score(pixel) = sum_{ℓ} G_{ℓ} score_{ℓ} / sum_{ℓ} G_{ℓ}",),
    symbols=(
        ("ℓ", "the windows that hold the pixel"),
        ("G_{ℓ}", "a Gaussian of the distance to the middle of window ℓ, σ = side / 8"),
        ("mIoU", "mean overlap of labels and truth over the words"),
    ),
    try_label="Compare blended windows with attention",
    note="Yellow bars: labels that change on a window edge. Yellow places: windows contradict.",
)
