"""Lesson: how much attention stays in the own window, and why."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.backbones.base import Grid
from glaclip.pictures.numbers import percent
from glaclip.settings import CAPTIONS, RUNG_NAMES
from glaclip.ui.lessons.lab import Lab
from glaclip.ui.lessons.lesson import Facts, Lesson, Part, View, change
from glaclip.windows import Box


def measure(lab: Lab) -> Part:
    """Own mass over all queries of every shipped photo, at each rung; likeness of neighbors."""
    rows: list[dict[str, Any]] = []
    likeness = []
    for photo in lab.photos:
        summaries = {rung: lab.summary(photo.name, rung) for rung in RUNG_NAMES}
        rows.append(
            {
                "title": photo.title,
                "own": {rung: summary.own_mass for rung, summary in summaries.items()},
                "even": {rung: summary.own_share for rung, summary in summaries.items()},
            }
        )
        encoded = lab.encoded(photo.name)
        keys, grid = lab.keys(photo.name), encoded.tokens.key_grid
        likeness.append(neighbor_cosines(keys, encoded.boxes, grid))
    average = {
        kind: {rung: float(np.mean([row[kind][rung] for row in rows])) for rung in RUNG_NAMES}
        for kind in ("own", "even")
    }
    same, other = np.mean(likeness, axis=0)
    # Opened by "Try it": where the own window gets most beyond its share.
    beyond = [row["own"]["context"] / row["even"]["context"] for row in rows]
    most = lab.photos[int(np.argmax(beyond))]
    return Part(
        facts={
            "photos": len(rows),
            "context": average["own"]["context"],
            "anchors": average["own"]["context+anchors"],
            "on": average["own"]["on"],
            "even": average["even"]["context"],
            "same_window": float(same),
            "other_window": float(other),
        },
        figure={
            "rungs": dict(zip(RUNG_NAMES, CAPTIONS, strict=True)),
            "all": average,
            "photos": rows,
        },
        view=View(most.name, {}, most.point, "attention"),
    )


def neighbor_cosines(keys: Tensor, boxes: Sequence[Box], grid: Grid) -> tuple[float, float]:
    """How alike a token is to its right neighbor, encoded with it or by another window.

    Only tokens whose neighbor lies in both windows are counted. The other window's tokens rarely
    lie exactly there: its cosine is interpolated between its tokens left and right of the place.

    Args:
        keys: [L, S, Dk].
        boxes: L windows of one size.
        grid: (rows, columns) of a window's keys.
    """
    unit = F.normalize(keys.float(), dim=2).view(len(boxes), *grid, -1)
    step = (boxes[0].right - boxes[0].left) / grid[1]
    same, other = [], []
    for (mine, here), (theirs, there) in itertools.permutations(zip(unit, boxes, strict=True), 2):
        if here.top != there.top:  # tokens of one row of windows lie on the same lines
            continue
        places = torch.arange(1, grid[1]) + (here.left - there.left) / step
        inside = (places >= 0) & (places <= grid[1] - 1)
        left = places[inside].floor().long()
        asked, beside = mine[:, :-1][:, inside], mine[:, 1:][:, inside]
        around = [theirs[:, at.clamp_max(grid[1] - 1)] for at in (left, left + 1)]
        share = (places[inside] - left)[None]
        across = [(asked * tokens).sum(dim=-1) for tokens in around]
        same.append((asked * beside).sum(dim=-1).flatten())
        other.append(((1 - share) * across[0] + share * across[1]).flatten())
    if not same:
        return 1.0, 1.0
    return float(torch.cat(same).mean()), float(torch.cat(other).mean())


def text(n: Facts) -> tuple[str, ...]:
    """The preference, where it comes from, what the switches do to it."""
    if n.context > n.even:
        preference = "it still prefers those of its own. Part of this is right: what is near is "
        preference += "often alike."
    else:
        preference = "it takes no more from its own than an even share."
    if n.other_window < n.same_window:
        reason = "less alike, though the picture is the same. This is window bias."
    else:
        reason = "with this model, no less alike."
    return (
        f"Let every token look at the tokens of all windows, and {preference}",
        f"A token and its neighbor in the same window have a cosine of {n.same_window:.3f}; the "
        f"token and that neighbor as another window encoded it, {n.other_window:.3f}: {reason}",
        "The meter compares two shares: how much attention stays in the own window, and how many "
        "of the visible tokens are there, which is what even attention would leave. Over all "
        f"{n.photos} photos, {percent(n.context)} stays at home with context alone, where even "
        f"attention would leave {percent(n.even)}. With proxy anchors the share "
        f"{change(n.context, n.anchors)}; with dynamic normalization on top it "
        f"{change(n.anchors, n.on)}: it sharpens or widens attention, and is not meant to lower "
        "this share.",
    )


LESSON = Lesson(
    slug="bias",
    short="Window bias",
    title="Window bias, counted",
    measure=measure,
    text=text,
    formulas=("own mass_{i} = sum_{j in own window} weight_{ij}", "even share = 1 / L"),
    symbols=(("i", "a query token"), ("j", "a token it sees"), ("L", "number of windows")),
    try_label="See where attention goes",
    note="The mark on each bar is the share that even attention would leave.",
)
