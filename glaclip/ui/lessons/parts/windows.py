"""Lesson 1: how a photo is cut, and which windows see a place."""

from __future__ import annotations

import numpy as np

from glaclip.ui.lessons.lesson import Part, View
from glaclip.ui.lessons.parts.lab import Lab, photo_file, stage

PHOTO = "china"


def build(lab: Lab) -> Part:
    """Geometry of one photo; the model is not needed beyond its grid."""
    example, encoded = lab.example(PHOTO), lab.encoded(PHOTO)
    covered = np.zeros(encoded.size, dtype=int)
    for box in encoded.boxes:
        covered[box.top : box.bottom, box.left : box.right] += 1
    name, data = photo_file(example)
    rows, _ = encoded.tokens.key_grid
    return Part(
        facts={
            "short": min(encoded.size),
            "windows": len(encoded.boxes),
            "crop": encoded.windows.crop,
            "stride": encoded.windows.stride,
            "tokens": encoded.tokens.keys.shape[1],
            "patch": encoded.windows.crop / rows,
            "shared": float((covered > 1).mean()),
            "most": int(covered.max()),
        },
        figure={**stage(example, encoded), "point": list(example.point)},
        view=View(PHOTO, {}, example.point, "windows"),
        files={name: data},
    )
