"""Lesson 2: labels that jump at window edges, and how they are counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glaclip.pictures.palette import class_colors, hex_of
from glaclip.seams import Edges, control_lines, facing_pairs, interior_edges
from glaclip.ui.lessons.lesson import Part, View
from glaclip.ui.lessons.parts.lab import Lab, labels_file, photo_file, stage

#: Facing pairs that the lens shows at once.
LENS = 28


def build(lab: Lab) -> Part:
    """The shipped photo whose seam rate falls most, per window and with all switches on."""
    names = [photo.name for photo in lab.photos]
    off = np.array([lab.seams(name, 0) for name in names])
    on = np.array([lab.seams(name, -1) for name in names])
    best = int(np.argmax(off - on))
    example, encoded = lab.example(names[best]), lab.encoded(names[best])
    sides = {"alone": lab.segment(example.name, 0), "gla": lab.segment(example.name, -1)}
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
    lens = _lens(sides["alone"].labels, sides["gla"].labels, edges)
    classes = sides["alone"].classes
    name, data = photo_file(example)
    files = {name: data}
    files |= {f"labels-{key}.png": labels_file(side.labels) for key, side in sides.items()}
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
            "edges": {"rows": list(edges.rows), "columns": list(edges.columns)},
            "control": {"rows": list(lines.rows), "columns": list(lines.columns)},
            "counts": counts,
            "lens": lens,
            "span": LENS,
        },
        view=View(example.name, {}, example.point, "compare"),
        files=files,
    )


def _lens(alone: NDArray[np.int16], gla: NDArray[np.int16], edges: Edges) -> dict[str, object]:
    """The stretch of an edge where most seams of the per-window labels are gone afterwards."""
    best, found = -1, {"axis": "columns", "at": 0, "start": 0}
    for axis, positions in (("rows", edges.rows), ("columns", edges.columns)):
        for at in positions:
            jumps = [
                (labels[at - 1] != labels[at])
                if axis == "rows"
                else (labels[:, at - 1] != labels[:, at])
                for labels in (alone, gla)
            ]
            gone = np.convolve(jumps[0].astype(int) - jumps[1], np.ones(LENS), "valid")
            if gone.max() > best:
                best = gone.max()
                # The middle of the longest such stretch, not its first pixel.
                where = np.flatnonzero(gone == gone.max())
                found = {"axis": axis, "at": int(at), "start": int(where[len(where) // 2])}
    return found
