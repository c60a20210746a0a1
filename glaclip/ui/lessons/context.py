"""Lesson: attention of a few places, own window and all windows."""

from __future__ import annotations

import numpy as np

from glaclip.pictures.numbers import percent
from glaclip.ui.lessons.lab import Lab, pack, photo_file, stage
from glaclip.ui.lessons.lesson import Facts, Lesson, Part, View, change
from glaclip.ui.viewers.attention_value import receiving_windows

PHOTO = "meadow"
SPOTS = {
    "Grass": (880, 640),
    "Track": (290, 660),
    "Rock face": (760, 300),
    "Sky": (985, 60),
    "Cloud": (190, 130),
}
#: What the figure switches between.
RUNGS = ("off", "context")


def measure(lab: Lab) -> Part:
    """Weights of each place in its own window and over all windows."""
    example, encoded = lab.example(PHOTO), lab.encoded(PHOTO)
    spots = []
    for label, point in SPOTS.items():
        maps = lab.click(PHOTO, point)
        rungs = [maps.rung(name) for name in RUNGS]
        values = [rung.weights.cpu().double().numpy().ravel() for rung in rungs]
        spots.append(
            {
                "label": label,
                "point": list(point),
                "own": maps.window,
                "token": list(maps.token),
                "weights": [pack(weights, 0.0, float(weights.max())) for weights in values],
                "own_mass": [rung.own_mass for rung in rungs],
                "own_share": [rung.own_share for rung in rungs],
                "reached": [receiving_windows(rung) for rung in rungs],
                # Drawn brightest; a few tokens may saturate, or the rest could not be seen.
                "top": [float(np.quantile(w[w > 0], 0.99)) for w in values],
            }
        )
    name, data = photo_file(example)
    windows, tokens = encoded.tokens.keys.shape[:2]
    first = lab.click(PHOTO, next(iter(SPOTS.values()))).rung("context")
    return Part(
        facts={
            "point": next(iter(SPOTS)).lower(),
            "reached": receiving_windows(first),
            "own": first.own_mass,
            "windows": windows,
            "own_tokens": tokens,
            "all_tokens": windows * tokens,
            "photos": len(lab.photos),
            "alone": lab.average_disagreement("off"),
            "together": lab.average_disagreement("context"),
        },
        figure={**stage(example, encoded), "spots": spots},
        view=View(
            PHOTO,
            {"cross_window": True, "proxy_anchors": False, "dynamic_normalization": False},
            next(iter(SPOTS.values())),
            "attention",
        ),
        files={name: data},
    )


def text(n: Facts) -> tuple[str, ...]:
    """Queries, keys and values; what all windows' change; one place as an example."""
    return (
        "In attention a token sends a query. Every token it sees has a key, which says how well it "
        "fits the query, and a value, which is what gets averaged.",
        "Cross-window context leaves the queries as they are and gives each of them the keys and "
        f"values of all windows: {n.all_tokens:,} tokens here instead of {n.own_tokens:,}. Two "
        "windows that cut one object now average many of the same values. Over all "
        f"{n.photos} photos, the share of cases in which two windows that hold the same place "
        f"contradict each other {change(n.alone, n.together)}.",
        f"For the point “{n.point}”, {n.reached} of {n.windows} windows receive more than 1 % of "
        f"the attention, and {percent(n.own)} stays in its own window. Attention shows where "
        "weight goes; it does not show why a label was chosen.",
    )


LESSON = Lesson(
    slug="context",
    short="All windows",
    title="Keys and values of all windows",
    measure=measure,
    text=text,
    formulas=("output_{i} = sum_{j} weight_{ij} v_{j}",),
    symbols=(
        ("weight_{ij}", "softmax of how well key j fits query i"),
        ("v_{j}", "value of token j, of any window"),
    ),
    try_label="Open this point in Attention",
    note="Every tile is one window, in its place. The teal frame is the query's own window.",
)
