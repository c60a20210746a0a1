"""Lesson: labels that jump at window edges, and how they are counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import class_colors, hex_of
from glaclip.segmenter.seams import Edges, control_lines, facing_pairs, interior_edges
from glaclip.ui.lessons.lab import Lab, labels_file, photo_file, stage
from glaclip.ui.lessons.lesson import Facts, Lesson, Part, View, change

#: Facing pairs that the lens shows at once.
LENS = 28


def measure(lab: Lab) -> Part:
    """The shipped photo whose seam rate falls most, per window and with all switches on."""
    names = [photo.name for photo in lab.photos]
    off, on = (np.array([lab.seams(name, method) for name in names]) for method in ("off", "on"))
    best = int(np.argmax(off - on))
    example, encoded = lab.example(names[best]), lab.encoded(names[best])
    sides = {"alone": lab.segment(example.name, "off"), "gla": lab.segment(example.name, "on")}
    edges = interior_edges(encoded.boxes, encoded.size, encoded.photo_size)
    lines = control_lines(encoded.boxes, encoded.size, encoded.photo_size, encoded.windows.stride)
    counts = {
        name: {
            kind: [pairs.differing, pairs.compared]
            for kind, pairs in (
                ("edges", facing_pairs(side.labels, edges)),
                ("control", facing_pairs(side.labels, lines)),
            )
        }
        for name, side in sides.items()
    }
    classes = sides["alone"].classes
    name, data = photo_file(example)
    files = {f"labels-{key}.png": labels_file(side.labels) for key, side in sides.items()}
    return Part(
        facts={
            "off_edges": counts["alone"]["edges"][0] / counts["alone"]["edges"][1],
            "off_control": counts["alone"]["control"][0] / counts["alone"]["control"][1],
            "off": float(off[best]),
            "on": float(on[best]),
            "mean_off": float(off.mean()),
            "mean_on": float(on.mean()),
            "better": int((on < off).sum()),
            "photos": len(names),
        },
        figure={
            **stage(example, encoded),
            "labels": {key: f"file:labels-{key}.png" for key in sides},
            "classes": list(classes),
            "colors": list(hex_of(class_colors(classes))),
            "edges": edges._asdict(),
            "control": lines._asdict(),
            "counts": counts,
            "lens": _lens(sides["alone"].labels, sides["gla"].labels, edges),
            "span": LENS,
        },
        view=View(example.name, {}, example.point, "compare"),
        files={name: data, **files},
    )


def _lens(alone: NDArray[np.int16], gla: NDArray[np.int16], edges: Edges) -> dict[str, object]:
    """The stretch of an edge where most seams of the per-window labels are gone afterwards."""
    best, found = -1, {"axis": "columns", "at": 0, "start": 0}
    for axis, positions in edges._asdict().items():
        for at in positions:
            before, after = (
                lined[at - 1] != lined[at]
                for lined in (labels if axis == "rows" else labels.T for labels in (alone, gla))
            )
            gone = np.convolve(before.astype(int) - after, np.ones(LENS), "valid")
            if gone.max() > best:
                best = gone.max()
                # The middle of the longest such stretch, not its first pixel.
                where = np.flatnonzero(gone == gone.max())
                found = {"axis": axis, "at": int(at), "start": int(where[len(where) // 2])}
    return found


def text(n: Facts) -> tuple[str, ...]:
    """What a seam is, how to count it, what the counts are."""
    return (
        "A wall does not end where a window ends. But when every window decides alone, labels can "
        "change there: a straight break along a window's edge. That is a seam.",
        "Seams can be counted without knowing the truth. Take all pairs of pixels that face each "
        "other across a window edge, and count those with different labels. Real borders cross "
        "edges too, so subtract the same share on control lines half a stride away.",
        f"Here {percent(n.off_edges)} of the pairs on edges and {percent(n.off_control)} of those "
        f"on control lines differ: a seam rate of {percent(n.off)}. With the three switches on, "
        f"it {change(n.off, n.on)}. This is the shipped photo with the largest gain. Over all "
        f"{n.photos} the average {change(n.mean_off, n.mean_on)}; it is lower on {n.better}.",
        "A seam is only the trace of a contradiction. The seam rate, like BER where the truth is "
        "known, looks at edges only: blur them and both fall, while the windows contradict each "
        "other as before.",
    )


LESSON = Lesson(
    slug="seams",
    short="Seams",
    title="Seams: where labels jump",
    measure=measure,
    text=text,
    formulas=("seam rate = d_{edges} / n_{edges} − d_{control} / n_{control}",),
    symbols=(("d", "pairs whose two labels differ"), ("n", "all facing pairs")),
    try_label="Compare both sides on this photo",
    note="The lens shows single pixels on both sides of an edge; each yellow bar is a pair that "
    "differs.",
)
