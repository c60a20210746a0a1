"""Lesson: the same place, asked from every window that holds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import class_colors, hex_of
from glaclip.segmenter import Encoded, Segmentation
from glaclip.ui.lessons.lab import (
    Lab,
    labels_file,
    photo_file,
    stage,
    to_photo,
)
from glaclip.ui.lessons.lesson import Facts, Lesson, Part, View, change
from glaclip.windows import Box

METHODS = ("off", "on")
#: Windows should contradict each other this often on a photo, or there is little to see.
ENOUGH = 0.1
#: The place shown first is in the middle of the largest disagreement: a blur of this side finds it.
_BLUR = 31
#: A dragged window moves by this many pixels, and keeps the place this far from its border.
_DRAG_STEP, _MARGIN = 16, 8
#: Every so many pixels of a dragged window's labels travel.
_OWN_STEP = 8


def measure(lab: Lab) -> Part:
    """The shipped photo whose windows come to agree most, and its most contested place."""
    example = max(lab.photos, key=lambda photo: _mended(lab, photo.name))
    encoded = lab.encoded(example.name)
    sides = {method: lab.segment(example.name, method) for method in METHODS}
    x, y = contested(sides["off"].contradictions(), sides["on"].contradictions())
    given = {method: answers_at(side, x, y) for method, side in sides.items()}
    own = lab.segmenter.segment(
        lab.cut(example.name, windows_around(x, y, encoded)),
        sides["off"].vocabulary,
        lab.settings("off"),
    )
    dragged = answers_at(own, x, y)
    classes = sides["on"].classes
    name, data = photo_file(example)
    return Part(
        facts={
            "photos": len(lab.photos),
            "windows": len(given["off"]),
            **{f"kinds_{key}": len(set(said)) for key, said in given.items()},
            **{f"said_{key}": votes(said, classes) for key, said in given.items()},
            "dragged": len(dragged),
            "dragged_said": votes(dragged, classes),
            "off": lab.average_disagreement("off"),
            "context": lab.average_disagreement("context"),
            "anchors": lab.average_disagreement("context+anchors"),
            "on": lab.average_disagreement("on"),
        },
        figure={
            **stage(example, encoded),
            "place": [x, y],
            "answers": {method: f"file:answers-{method}.png" for method in METHODS},
            "own": {
                "boxes": [list(box) for box in own.encoded.boxes],
                "labels": "file:answers-own.png",
            },
            "classes": list(classes),
            "colors": list(hex_of(class_colors(classes))),
        },
        view=View(example.name, {}, to_photo(encoded, x, y), "windows"),
        files={
            name: data,
            **{f"answers-{key}.png": labels_file(_strip(side, 2)) for key, side in sides.items()},
            "answers-own.png": labels_file(_strip(own, _OWN_STEP)),
        },
    )


def _mended(lab: Lab, photo: str) -> float:
    """Share of the contradictions that the switches settle; few to begin with count less."""
    off, on = (lab.segment(photo, method).disagreement for method in METHODS)
    return (off - on) / max(off, ENOUGH)


def contested(alone: NDArray[np.uint8], gla: NDArray[np.uint8]) -> tuple[int, int]:
    """(x, y) amid places where windows disagree alone and agree afterwards, in working pixels.

    Args:
        alone: [h, w] contradictions of each window alone.
        gla: the same with all switches on.
    """
    mended = torch.from_numpy((alone > 0) & (gla == 0)).float()
    around = F.avg_pool2d(mended[None], _BLUR, stride=1, padding=_BLUR // 2)[0]
    y, x = divmod(int((around * mended + 1e-3 * mended).argmax()), mended.shape[1])
    return x, y


def answers_at(result: Segmentation, x: int, y: int) -> list[int]:
    """Labels of the windows that hold a place, given in working pixels."""
    return [
        int(result.window_labels(window)[y - b.top, x - b.left])
        for window, b in enumerate(result.encoded.boxes)
        if b.left <= x < b.right and b.top <= y < b.bottom
    ]


def votes(answers: Sequence[int], classes: tuple[str, ...]) -> str:
    """Answers of the windows that hold a place: "2 × sky, 1 × hill"."""
    counts = Counter(answers)
    return ", ".join(f"{count} × {classes[label]}" for label, count in counts.most_common())


def windows_around(x: int, y: int, encoded: Encoded) -> tuple[Box, ...]:
    """Windows that hold a place, a few pixels apart: where a hand may drag one."""
    (height, width), side = encoded.size, encoded.windows.crop
    tops, lefts = (
        range(max(0, at - side + _MARGIN), max(0, min(at - _MARGIN, length - side)) + 1, _DRAG_STEP)
        for at, length in ((y, height), (x, width))
    )
    return tuple(Box(top, left, top + side, left + side) for top in tops for left in lefts)


def _strip(result: Segmentation, step: int) -> NDArray[np.int16]:
    """Every so many pixels of each window's own labels, window below window."""
    windows, first = range(len(result.encoded.boxes)), step // 2
    return np.concatenate([result.window_labels(at)[first::step, first::step] for at in windows])


def text(n: Facts) -> tuple[str, ...]:
    """The starred place, what its windows say, and how often windows contradict each other."""
    if n.kinds_off == 1:
        alone = f"Alone, all of them say the same: {n.said_off}."
    else:
        alone = f"Alone, they contradict each other: {n.said_off}. The spot is the same; what "
        alone += "differs is what else a window holds. This is window bias, as one can see it."
    together = "they agree" if n.kinds_on == 1 else "they still differ"
    return (
        f"The place under the star lies in {n.windows} windows, so each of them answers for it. "
        "One answer is hidden: predict it first.",
        f"{alone} Drag a window of your own over the star: at {n.dragged} places it was asked, and "
        f"said {n.dragged_said}.",
        "Windows vote on every place, and where a window ends, its vote ends. If the others vote "
        f"otherwise, the label jumps along that edge. With the three switches on, {together}: "
        f"{n.said_on}.",
        f"Over all {n.photos} photos, two windows that hold the same place contradict each other "
        f"in {percent(n.off)} of all cases. With cross-window context this share "
        f"{change(n.off, n.context)}; with proxy anchors it {change(n.context, n.anchors)}; with "
        f"dynamic normalization on top it {change(n.anchors, n.on)}.",
    )


LESSON = Lesson(
    slug="answers",
    short="Two answers",
    title="One place, two answers",
    measure=measure,
    text=text,
    formulas=("label(pixel) = the word with the largest mean_{ℓ} cos(feature_{ℓ}(pixel), word)",),
    symbols=(("ℓ", "the windows that hold the pixel, each with its own answer"),),
    try_label="See what every window of this photo says",
    note="Yellow: places where windows contradict each other. Point anywhere, or use the arrow "
    "keys on the photo; “Drag a window” moves one by mouse, finger or arrow keys.",
)
