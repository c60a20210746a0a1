"""Lesson 3: how much attention stays in the own window."""

from __future__ import annotations

from typing import Any

import numpy as np

from glaclip.settings import CAPTIONS
from glaclip.ui.lessons.lesson import Part, View
from glaclip.ui.lessons.parts.lab import Lab


def build(lab: Lab) -> Part:
    """Own mass over all queries of every shipped photo, at each rung."""
    rows: list[dict[str, Any]] = []
    for photo in lab.photos:
        summaries = [lab.summary(photo.name, rung) for rung in range(len(lab.ladder))]
        rows.append(
            {
                "name": photo.name,
                "title": photo.title,
                "own": [summary.own_mass for summary in summaries],
                "even": [summary.own_share for summary in summaries],
            }
        )
    own = np.mean([row["own"] for row in rows], axis=0)
    even = np.mean([row["even"] for row in rows], axis=0)
    # Shown first: where the own window gets most beyond its share.
    beyond = [row["own"][1] / row["even"][1] for row in rows]
    most = lab.photos[int(np.argmax(beyond))]
    return Part(
        facts={
            "photos": len(rows),
            "context": float(own[1]),
            "anchors": float(own[2]),
            "all": float(own[3]),
            "even": float(even[1]),
        },
        figure={
            "rungs": list(CAPTIONS),
            "all": {"own": own.tolist(), "even": even.tolist()},
            "photos": rows,
        },
        view=View(most.name, {}, most.point, "attention"),
    )
