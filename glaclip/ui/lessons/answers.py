"""Lesson: the same place, asked from every window that holds it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import class_colors, hex_of
from glaclip.segmenter import Segmentation
from glaclip.ui.lessons.lab import (
    Lab,
    disagree,
    labels_file,
    photo_file,
    stage,
    to_photo,
    window_answers,
)
from glaclip.ui.lessons.lesson import Facts, Lesson, Part, View, change

METHODS = ("off", "on")
#: A photo should have contradictions on this share of its places, or there is little to see.
ENOUGH = 0.1
#: The place shown first is in the middle of the largest disagreement: a blur of this side finds it.
_BLUR = 31


def measure(lab: Lab) -> Part:
    """The shipped photo whose windows come to agree most, and its most contested place."""
    example = max(lab.photos, key=lambda photo: _mended(lab, photo.name))
    encoded = lab.encoded(example.name)
    sides = {method: lab.segment(example.name, method) for method in METHODS}
    answers = {method: window_answers(side) for method, side in sides.items()}
    x, y = contested(answers["off"], answers["on"])
    classes = sides["on"].classes
    name, data = photo_file(example)
    return Part(
        facts={
            "photos": len(lab.photos),
            "windows": int((answers["off"][:, y, x] >= 0).sum()),
            **{f"kinds_{key}": len(set(given[:, y, x]) - {-1}) for key, given in answers.items()},
            **{f"said_{key}": votes(given[:, y, x], classes) for key, given in answers.items()},
            "off": lab.average_disagreement("off"),
            "context": lab.average_disagreement("context"),
            "anchors": lab.average_disagreement("context+anchors"),
            "on": lab.average_disagreement("on"),
        },
        figure={
            **stage(example, encoded),
            "place": [x, y],
            "answers": {method: f"file:answers-{method}.png" for method in METHODS},
            "classes": list(classes),
            "colors": list(hex_of(class_colors(classes))),
        },
        view=View(example.name, {}, to_photo(encoded, x, y), "windows"),
        files={
            name: data,
            **{f"answers-{method}.png": labels_file(_strip(sides[method])) for method in METHODS},
        },
    )


def _mended(lab: Lab, photo: str) -> float:
    """Share of the contradictions that the switches settle; few to begin with count less."""
    off, on = (lab.disagreement(photo, method) for method in METHODS)
    return (off - on) / max(off, ENOUGH)


def contested(alone: NDArray[np.int16], gla: NDArray[np.int16]) -> tuple[int, int]:
    """(x, y) amid places where windows disagree alone and agree afterwards, in working pixels.

    Args:
        alone: [L, h, w] labels of each window, -1 outside.
        gla: the same with all switches on.
    """
    mended = torch.from_numpy(disagree(alone) & ~disagree(gla)).float()
    around = F.avg_pool2d(mended[None], _BLUR, stride=1, padding=_BLUR // 2)[0]
    y, x = divmod(int((around * mended + 1e-3 * mended).argmax()), mended.shape[1])
    return x, y


def votes(answers: NDArray[np.int16], classes: tuple[str, ...]) -> str:
    """Answers of the windows that hold a place: "2 × sky, 1 × hill"."""
    counts = Counter(int(answer) for answer in answers if answer >= 0)
    return ", ".join(f"{count} × {classes[label]}" for label, count in counts.most_common())


def _strip(result: Segmentation) -> NDArray[np.int16]:
    """Every other pixel of each window's own labels, window below window."""
    count = len(result.encoded.boxes)
    return np.concatenate([result.window_labels(window)[::2, ::2] for window in range(count)])


def text(n: Facts) -> tuple[str, ...]:
    """The starred place, what its windows say, and how often windows contradict each other."""
    if n.kinds_off == 1:
        alone = f"all of them say the same: {n.said_off}."
    else:
        alone = f"they contradict each other: {n.said_off}. The spot is the same; what differs is "
        alone += "what else a window holds. This is window bias, as one can see it."
    together = "they agree" if n.kinds_on == 1 else "they still differ"
    return (
        f"The place under the star lies in {n.windows} windows, so each of them answers for it. "
        f"Alone, {alone}",
        "Windows vote on every place, and where a window ends, its vote ends. If the others vote "
        f"otherwise, the label jumps along that edge. With the three switches on, {together}: "
        f"{n.said_on}.",
        f"Over all {n.photos} photos, windows that hold the same place contradict each other on "
        f"{percent(n.off)} of the places. With cross-window context this share "
        f"{change(n.off, n.context)}; with proxy anchors it {change(n.context, n.anchors)}; with "
        f"dynamic normalization on top it {change(n.anchors, n.on)}.",
    )


LESSON = Lesson(
    slug="answers",
    short="Two answers",
    title="One place, several answers",
    measure=measure,
    text=text,
    formulas=("label(pixel) = the word with the largest mean_{ℓ} cos(feature_{ℓ}(pixel), word)",),
    symbols=(("ℓ", "the windows that hold the pixel, each with its own answer"),),
    try_label="See what every window of this photo says",
    note="Yellow: places where windows contradict each other. Point anywhere, or use the arrow "
    "keys on the photo.",
)
