"""Lesson: keys as colors, chosen for each window alone and for all windows together."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from glaclip.pictures.encoding import png_bytes
from glaclip.pictures.numbers import percent
from glaclip.segmenter import Encoded
from glaclip.segmenter.joining import places, spliced
from glaclip.segmenter.key_colors import colors_alone, key_colors
from glaclip.ui.lessons.lab import Lab, photo_file, stage
from glaclip.ui.lessons.lesson import Facts, Lesson, Part, View

PHOTO = "camels"


def measure(lab: Lab) -> Part:
    """Colors of one photo's keys; over all photos how far apart windows color the same place."""
    backbone = lab.segmenter.backbone
    apart = []
    for photo in lab.photos:
        encoded = lab.encoded(photo.name)
        together = key_colors(backbone, encoded).windows
        apart.append(
            (
                colors_apart(colors_alone(backbone, encoded), encoded),
                colors_apart(together, encoded),
                colors_at_random(together),
            )
        )
    alone, common, random = np.mean(apart, axis=0).tolist()
    example, encoded = lab.example(PHOTO), lab.encoded(PHOTO)
    shown = key_colors(backbone, encoded)
    pictures = {"alone": colors_alone(backbone, encoded), "common": shown.windows}
    # Windows one below the other.
    files = {f"keys-{key}.png": _png(np.concatenate(list(own))) for key, own in pictures.items()}
    name, data = photo_file(example)
    return Part(
        facts={
            "numbers": lab.keys(PHOTO).shape[-1],
            "explained": shown.explained,
            "photos": len(lab.photos),
            "alone": alone,
            "common": common,
            "random": random,
        },
        figure={
            **stage(example, encoded),
            "colors": {key: f"file:keys-{key}.png" for key in pictures},
            "map": "file:keys-map.png",
            "point": list(example.point),
        },
        view=View(PHOTO, {}, example.point, "windows"),
        files={name: data, **files, "keys-map.png": _png(shown.stitched)},
    )


def _png(colors: NDArray[np.uint8]) -> bytes:
    return png_bytes(Image.fromarray(colors))


def colors_apart(colors: NDArray[np.uint8], encoded: Encoded) -> float:
    """Mean distance, as a share of the range, of what two windows make of a place that both hold.

    Args:
        colors: [L, rows, columns, 3], of each window.
        encoded: the photo; its windows say where colors lie.
    """
    grid, size = (colors.shape[1], colors.shape[2]), encoded.size
    onto = places(size, encoded.boxes, grid)
    tokens = torch.from_numpy(colors / 255).float().flatten(1, 2)  # [L, S, 3]
    laid = [  # NaN outside of the window
        spliced(window, [box], size, grid, onto)
        for window, box in zip(tokens[:, None], encoded.boxes, strict=True)
    ]
    pairs = [(a - b).abs() for a, b in itertools.combinations(laid, 2)]
    return float(torch.stack(pairs).nanmean())


def colors_at_random(colors: NDArray[np.uint8]) -> float:
    """The same of two places drawn at random."""
    flat = colors.reshape(-1, 3) / 255
    other = np.random.default_rng(0).permutation(flat)
    return float(np.abs(flat - other).mean())


def text(n: Facts) -> tuple[str, ...]:
    """What a key is, colors without other windows, and with them."""
    if n.common < n.random / 2:
        verdict = "So keys of different windows can be compared, which is what cross-window "
        verdict += "context does."
    else:
        verdict = "So with this model windows hardly agree, and comparing across them helps little."
    return (
        f"For attention each token has a key, here {n.numbers} numbers that say what its patch is "
        "like. To see keys, take the three directions in which they differ most, here "
        f"{percent(n.explained)} of their variance, as red, green and blue. What has one color has "
        "like keys, and attends to each other.",
        "Let each window choose its colors as if there were no other, and they mean nothing beyond "
        "it. That is attention without context: a patch is compared within its window only. Over "
        f"all {n.photos} photos, two windows that hold the same place color it "
        f"{percent(n.alone)} of the range apart; two places drawn at random are "
        f"{percent(n.random)} apart.",
        "Choose the colors for all windows at once, and the same place is "
        f"{percent(n.common)} apart. {verdict} What is left is window bias: the same pixels with "
        "other surroundings.",
    )


LESSON = Lesson(
    slug="keys",
    short="Keys",
    title="Keys as colors",
    measure=measure,
    text=text,
    formulas=("color_{i} = (k_{i} · e_{1}, k_{i} · e_{2}, k_{i} · e_{3})",),
    symbols=(
        ("k_{i}", "key of token i, less the mean of all"),
        ("e_{1}, e_{2}, e_{3}", "the principal components: directions of most variance"),
    ),
    try_label="See these colors in Windows",
    note="Point at the photo: each window that holds the place shows the color it has there.",
)
