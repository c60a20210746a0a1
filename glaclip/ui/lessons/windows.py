"""Lesson: how a photo is cut, and which windows see a place."""

from __future__ import annotations

import numpy as np

from glaclip.pictures.numbers import percent
from glaclip.ui.lessons.lab import Lab, photo_file, stage
from glaclip.ui.lessons.lesson import Facts, Lesson, Part, View

PHOTO = "china"


def measure(lab: Lab) -> Part:
    """Geometry of one photo; the model is not needed beyond its grid."""
    example, encoded = lab.example(PHOTO), lab.encoded(PHOTO)
    covered = np.zeros(encoded.size, dtype=int)
    for box in encoded.boxes:
        covered[box.top : box.bottom, box.left : box.right] += 1
    name, data = photo_file(example)
    return Part(
        facts={
            "short": min(encoded.size),
            "windows": len(encoded.boxes),
            "crop": encoded.windows.crop,
            "stride": encoded.windows.stride,
            "tokens": encoded.tokens.keys.shape[1],
            "patch": encoded.windows.crop / encoded.tokens.key_grid[0],
            "shared": float((covered > 1).mean()),
            "most": int(covered.max()),
        },
        figure={**stage(example, encoded), "point": list(example.point)},
        view=View(PHOTO, {}, example.point, "windows"),
        files={name: data},
    )


def text(n: Facts) -> tuple[str, ...]:
    """Cutting, encoding, overlap."""
    many = "Most" if n.shared > 0.5 else "Some"
    return (
        "CLIP learned from small square pictures, and it is at its best with pictures of that "
        f"size. So a photo is resized until its short side has {n.short} pixels, and cut into "
        f"overlapping squares, the windows. This photo gives {n.windows} windows of {n.crop} "
        f"pixels, a new one every {n.stride} pixels.",
        f"Each window is encoded on its own and becomes {n.tokens} tokens, one for each patch of "
        f"about {n.patch:.0f} by {n.patch:.0f} pixels. What lies outside a window cannot change "
        "them.",
        f"{many} places lie in more than one window; here it is {percent(n.shared)} of the photo, "
        f"and up to {n.most} windows see the same place. Each compares it with your words; the "
        "answers are averaged. But each of them saw other surroundings.",
    )


LESSON = Lesson(
    slug="windows",
    short="Windows",
    title="Why windows",
    measure=measure,
    text=text,
    formulas=("score(pixel, word) = mean_{ℓ} cos(feature_{ℓ}(pixel), word)",),
    symbols=(("ℓ", "the windows that cover the pixel"),),
    try_label="See each window's own answer",
    note="Point at the photo, or use the arrow keys on it. The slider walks through the windows.",
)
