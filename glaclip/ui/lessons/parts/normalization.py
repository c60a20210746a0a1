"""Lesson 6: fixed and dynamic normalization of a small object and a large region."""

from __future__ import annotations

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray

from glaclip.attention import dynamic_shift
from glaclip.ui.lessons.lesson import Part, View
from glaclip.ui.lessons.parts.anchors import mean_shift
from glaclip.ui.lessons.parts.lab import Lab, Spot, pack, photo_file, stage

PHOTO = "cows"
SMALL = Spot("the distant cow", (862, 228))
LARGE = Spot("the grass", (380, 690))


def build(lab: Lab) -> Part:
    """Scores of both places, so that the browser can apply the formula itself."""
    example, encoded = lab.example(PHOTO), lab.encoded(PHOTO)
    keys = F.normalize(lab.keys(PHOTO).flatten(0, 1).float(), dim=1)
    settings = lab.attention
    spots = []
    facts: dict[str, float] = {"shift": settings.shift, "scale": settings.scale}
    for kind, spot in (("small", SMALL), ("large", LARGE)):
        maps = lab.segmenter.attention(encoded, spot.point, settings)
        row, column = maps.token
        rows, columns = maps.key_grid
        token = maps.window * rows * columns + row * columns + column
        anchor = mean_shift(keys, token, settings.threshold, settings.iterations)[0][-1]
        fixed, dynamic = (rung.weights.cpu().double().numpy().ravel() for rung in maps.rungs[2:])
        facts[f"{kind}_set"] = maps.rung("on").set_size
        facts[f"{kind}_w"] = maps.rung("on").scale
        facts[f"{kind}_half"] = half_count(dynamic)
        facts[f"{kind}_half_fixed"] = half_count(fixed)
        spots.append(
            {
                "label": spot.label,
                "point": list(spot.point),
                "set_size": maps.rung("on").set_size,
                "scores": pack((keys @ anchor).cpu().double().numpy(), -1.0, 1.0),
                "fixed": pack(np.sort(fixed)[::-1].copy(), 0.0, float(fixed.max())),
                "half_fixed": half_count(fixed),
                "half": half_count(dynamic),
            }
        )
    name, data = photo_file(example)
    return Part(
        facts=facts,
        names={"small": SMALL.label, "large": LARGE.label},
        figure={
            **stage(example, encoded),
            "spots": spots,
            "scale": settings.scale,
            "u": dynamic_shift(settings, len(encoded.boxes)),
        },
        view=View(PHOTO, {}, SMALL.point, "attention"),
        files={name: data},
    )


def half_count(weights: NDArray[np.float64]) -> int:
    """How many of the largest weights make up half of the attention."""
    return int(np.searchsorted(np.cumsum(np.sort(weights)[::-1]), 0.5 * weights.sum()) + 1)
