"""Lesson: what each switch buys, and what it costs."""

from __future__ import annotations

from glaclip.pictures.numbers import percent
from glaclip.settings import RUNGS
from glaclip.ui.lessons.card import averages, held_out
from glaclip.ui.lessons.lab import Lab, labeled
from glaclip.ui.lessons.lesson import Facts, Lesson, Part, View, change

#: The paper's ladder, which the card was measured with.
STEPS = ("off", "context", "context+anchors", "on")
#: What a figure of the card is called where a switch makes it better, and whether less is better.
_GOODS = {"agreement": True, "clean edges": True, "mIoU": False}
#: Averages of the card's figures, which have three digits, are the same up to this.
_SAME = 0.0005


def measure(lab: Lab) -> Part:
    """The photo whose windows anchors reconcile most, at each step; averages at each step."""
    photo = max(lab.photos, key=lambda one: _apart(lab, one.name, 1) - _apart(lab, one.name, 2))
    figure, files = labeled(lab, photo.name, STEPS, "switches")
    tests = averages()
    facts: dict[str, float | str] = {"photos": len(lab.photos), "tests": len(held_out())}
    cells = []
    for at, name in enumerate(STEPS):
        miou, ber, apart = tests[name]
        facts |= {f"here_{at}": _apart(lab, photo.name, at), f"all_{at}": _average(lab, name)}
        facts |= {f"apart_{at}": apart, f"ber_{at}": ber, f"miou_{at}": miou}
        shares = [percent(float(facts[f"{kind}_{at}"])) for kind in ("here", "all", "ber")]
        cells.append([*shares, points(miou)])
    return Part(
        facts=facts,
        figure=figure
        | {
            "names": [rung.caption for rung in RUNGS if rung.name in STEPS],
            "table": "Contradictions here and on all photos; BER and mIoU on the card's tests",
            "columns": ["this photo", f"{len(lab.photos)} photos", "BER", "mIoU"],
            "cells": cells,
        },
        view=View(photo.name, {}, photo.point, "compare"),
        files=files,
    )


def _apart(lab: Lab, photo: str, rung: int) -> float:
    return lab.segment(photo, STEPS[rung]).disagreement


def _average(lab: Lab, method: str) -> float:
    return lab.average_disagreement(method)


def points(miou: float) -> str:
    """A mIoU to a tenth of a point, since steps differ by less than one."""
    return f"{100 * miou:.1f} %"


def bought(before: tuple[float, ...], after: tuple[float, ...]) -> str:
    """What a step from one set of figures to another buys and costs.

    Args:
        before: window disagreement, BER and mIoU, as shares of 1.
        after: the same with a switch more.
    """
    changes = [
        (name, abs(new - old) > _SAME, (new < old) == less)
        for (name, less), old, new in zip(_GOODS.items(), before, after, strict=True)
    ]
    better = [name for name, differs, good in changes if differs and good]
    worse = [name for name, differs, good in changes if differs and not good]
    bought = f"buys {_listed(better)}" if better else "buys nothing here"
    return f"{bought} and costs {_listed(worse)}" if worse else bought


def _listed(names: list[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]


def text(n: Facts) -> tuple[str, ...]:
    """The steps on one photo, on photos whose truth is known, and what each is for."""
    facts = vars(n)
    here, every, miou = ([facts[f"{k}_{at}"] for at in range(4)] for k in ("here", "all", "miou"))
    tested = [tuple(facts[f"{k}_{at}"] for k in ("apart", "ber", "miou")) for at in range(4)]
    context, anchors, normalization = (bought(*tested[at : at + 2]) for at in range(3))
    return (
        "Yellow marks where windows contradict each other, here on the photo where anchors settle "
        f"most. With context the share of contradictions {change(*here[:2])}; with anchors it "
        f"{change(*here[1:3])}; with normalization on top it {change(*here[2:])}. Over all "
        f"{n.photos} photos: {percent(every[0])}, {percent(every[1])}, {percent(every[2])}, "
        f"{percent(every[3])}.",
        "But windows may agree on what is wrong. In "
        f"{n.tests} tests on photos whose truth is known, mIoU is on average {points(miou[0])} "
        f"alone, {points(miou[1])} with context, {points(miou[2])} with anchors and "
        f"{points(miou[3])} with all three.",
        f"In these tests context {context}; the anchors' step {anchors}; normalization "
        f"{normalization}: it sharpens attention where few tokens are alike, so that small things "
        "are not averaged away.",
    )


LESSON = Lesson(
    slug="switches",
    short="Each switch",
    title="What each switch buys",
    measure=measure,
    text=text,
    formulas=("IoU(word) = | labeled ∩ true | / | labeled ∪ true |",),
    symbols=(
        ("mIoU", "mean of IoU over the words: labels against the truth, higher is better"),
        (
            "BER",
            "boundary error rate: of the pairs of pixels across window edges that truly are "
            "one thing, the share with two labels; lower is better",
        ),
    ),
    try_label="Climb the steps on this photo",
    note="Averages of the tests are those of the embedded model's card, a test counting one.",
)
