"""Lesson 4: attention of a few places, own window and all windows."""

from __future__ import annotations

import numpy as np

from glaclip.ui.attention_value import receiving_windows
from glaclip.ui.lessons.lesson import Part, View
from glaclip.ui.lessons.parts.lab import Lab, Spot, pack, photo_file, stage

PHOTO = "meadow"
SPOTS = (
    Spot("Grass", (880, 640)),
    Spot("Track", (290, 660)),
    Spot("Rock face", (760, 300)),
    Spot("Sky", (985, 60)),
    Spot("Cloud", (190, 130)),
)
#: The mosaics of both steps use the first two rungs.
_OWN, _ALL = 0, 1


def build(lab: Lab) -> Part:
    """Weights of each place at the first two rungs."""
    example, encoded = lab.example(PHOTO), lab.encoded(PHOTO)
    spots = []
    facts: dict[str, float] = {}
    for spot in SPOTS:
        maps = lab.segmenter.attention(encoded, spot.point, lab.attention)
        rungs = [maps.rungs[_OWN], maps.rungs[_ALL]]
        values = [rung.weights.cpu().double().numpy().ravel() for rung in rungs]
        spots.append(
            {
                "label": spot.label,
                "point": list(spot.point),
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
        if spot is SPOTS[0]:
            facts = {"reached": receiving_windows(rungs[1]), "own": rungs[1].own_mass}
    name, data = photo_file(example)
    windows, tokens = encoded.tokens.keys.shape[:2]
    return Part(
        facts={
            **facts,
            "windows": windows,
            "own_tokens": tokens,
            "all_tokens": windows * tokens,
        },
        names={"point": SPOTS[0].label.lower()},
        figure={**stage(example, encoded), "spots": spots},
        view=View(
            PHOTO,
            {"cross_window": True, "proxy_anchors": False, "dynamic_normalization": False},
            SPOTS[0].point,
            "attention",
        ),
        files={name: data},
    )
