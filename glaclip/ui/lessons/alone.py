"""Lesson: anchors and normalization without context, where a straight cut remains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import class_colors, hex_of
from glaclip.segmenter.seams import interior_edges
from glaclip.ui.lessons.lab import Lab, labels_file, photo_file, stage, to_photo
from glaclip.ui.lessons.lesson import Facts, Lesson, Part, View, change

WITHOUT = "anchors+normalization"
#: What the figure switches between, by its name in files.
METHODS = {"off": "off", "without": WITHOUT, "context": "context", "on": "on"}
#: A cut through the sky is seen at once, so one is preferred if it is this share of a side long.
SKY, LONG_ENOUGH = "sky", 0.05


@dataclass(frozen=True)
class Cut:
    """A straight stretch of a window edge where labels jump without context, and not with it.

    Attributes:
        photo: name of the photo.
        word: the label on both sides of it with all switches on.
        axis: "rows" for a level edge, "columns" for an upright one.
        at: index of the pixel just past the edge, at the working size.
        start: first pixel along the edge.
        length: in pixels.
        share: length as a share of the photo's side.
    """

    photo: str
    word: str
    axis: str
    at: int
    start: int
    length: int
    share: float


def measure(lab: Lab) -> Part:
    """The longest cut of all photos, through the sky if there is one."""
    cuts = [cut for photo in lab.photos for cut in cuts_of(lab, photo.name)]
    skies = [cut for cut in cuts if cut.word == SKY and cut.share >= LONG_ENOUGH]
    cut = max(skies or cuts, key=lambda found: found.share)
    example, encoded = lab.example(cut.photo), lab.encoded(cut.photo)
    labels = {key: lab.working_labels(cut.photo, method) for key, method in METHODS.items()}
    classes = lab.segment(cut.photo, "on").classes
    middle = cut.start + cut.length / 2
    place = (cut.at, middle) if cut.axis == "columns" else (middle, cut.at)
    name, data = photo_file(example)
    return Part(
        facts={
            "photos": len(lab.photos),
            "word": cut.word,
            "cut": cut.share,
            "upright": float(cut.axis == "columns"),
            **{key: lab.average_disagreement(method) for key, method in METHODS.items()},
        },
        figure={
            **stage(example, encoded),
            "labels": {key: f"file:alone-{key}.png" for key in METHODS},
            "titles": {key: _title(lab, cut.photo, method) for key, method in METHODS.items()},
            "classes": list(classes),
            "colors": list(hex_of(class_colors(classes))),
            "edges": interior_edges(encoded.boxes, encoded.size, encoded.size)._asdict(),
            "cut": {"axis": cut.axis, "at": cut.at, "start": cut.start, "length": cut.length},
            "differ": {
                key: [
                    lab.segment(cut.photo, method).disagreement,
                    lab.average_disagreement(method),
                ]
                for key, method in METHODS.items()
            },
        },
        view=View(cut.photo, {"cross_window": False}, to_photo(encoded, *place), "compare"),
        files={
            name: data,
            **{f"alone-{key}.png": labels_file(values) for key, values in labels.items()},
        },
    )


def _title(lab: Lab, photo: str, method: str) -> str:
    return lab.segment(photo, method).method.title


def cuts_of(lab: Lab, photo: str) -> list[Cut]:
    """The longest cut of a photo along each window edge, through each of its words."""
    encoded, classes = lab.encoded(photo), lab.segment(photo, "on").classes
    without, whole = (lab.working_labels(photo, method) for method in (WITHOUT, "on"))
    found = []
    for axis, positions in (
        interior_edges(encoded.boxes, encoded.size, encoded.size)._asdict().items()
    ):
        before, after = (labels if axis == "rows" else labels.T for labels in (without, whole))
        for at in positions:
            jumps = (before[at - 1] != before[at]) & (after[at - 1] == after[at])
            for label in np.unique(after[at]):
                start, length = longest_run(jumps & (after[at] == label))
                share = length / len(jumps)
                found.append(Cut(photo, classes[label], axis, at, start, length, share))
    return found


def longest_run(values: NDArray[np.bool_]) -> tuple[int, int]:
    """Start and length of the longest stretch of True."""
    ends = np.flatnonzero(np.diff(np.concatenate([[0], values.astype(np.int8), [0]])))
    if not len(ends):
        return 0, 0
    starts, lengths = ends[::2], ends[1::2] - ends[::2]
    best = int(lengths.argmax())
    return int(starts[best]), int(lengths[best])


def text(n: Facts) -> tuple[str, ...]:
    """What the two switches can see without context, the cut, the averages."""
    side = "height" if n.upright else "width"
    verdict = (
        "Without context they do not replace it."
        if n.on < n.without
        else "In these photos they do as well without it."
    )
    return (
        "Proxy anchors and dynamic normalization can be switched on without cross-window context. "
        "Then an anchor averages similar tokens of its own window only, and whatever the next "
        "window says of the same thing stays unknown.",
        f"Here a straight cut runs through the {n.word}, exactly along a window's edge and "
        f"{percent(n.cut)} of the photo's {side} long. Switch to all three: with context, both "
        f"sides of it are {n.word}.",
        f"Over all {n.photos} photos, two windows that hold the same place contradict each other "
        f"in {percent(n.off)} of all cases when each is alone. With the two switches and no "
        f"context this share {change(n.off, n.without)}; with all three it {change(n.off, n.on)}. "
        f"{verdict}",
    )


LESSON = Lesson(
    slug="alone",
    short="No context",
    title="Two switches, no context",
    measure=measure,
    text=text,
    formulas=("P_{i} = { j in own window : q_{i} · k_{j} > ρ },   L = 1,   u = 1 + λ_{1} ln 2",),
    symbols=(("P_{i}", "similar tokens, as far as they are in sight"), ("L", "visible windows")),
    try_label="Compare this photo without context",
    note="The white bracket marks the cut; yellow bars are places on window edges where labels "
    "change.",
)
