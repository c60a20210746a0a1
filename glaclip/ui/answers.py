"""What the page says about a result, as escaped HTML and plain sentences."""

from __future__ import annotations

import math
from html import escape

from glaclip.ui.service import Comparison, best_classes
from glaclip.ui.viewer_value import Side


def percent(share: float) -> str:
    """One decimal below 10 %."""
    return f"{share * 100:.1f} %" if abs(share) < 0.0995 else f"{share * 100:.0f} %"


def status(result: Comparison, backbone: str, notes: tuple[str, ...] = ()) -> str:
    """The line below the viewers: backbone, windows, time, what came from the cache."""
    rows, columns = result.encoded.grid
    origin = " (photo from cache)" if result.encoded_cached else ""
    steps = [
        f"<span class='badge'>{escape(backbone)}</span>",
        f"<span><b>{rows * columns}</b> windows, {rows} × {columns}</span>",
        f"<span><b>{result.seconds:.2f} s</b>{origin}</span>",
    ]
    for name, label in (("words", "words"), ("attention", "attention"), ("labels", "labels")):
        cached = name in result.right.cached
        value = "from cache" if cached else f"{result.right.seconds[name]:.2f} s"
        steps.append(f"<span>{label} {value}</span>")
    problems = "".join(f"<p class='problem'>{escape(note)}</p>" for note in notes)
    return f"{problems}<p class='line'>{''.join(steps)}</p>"


def problem(sentence: str) -> str:
    """A refusal in the status line."""
    return f"<p class='problem' role='alert'>{escape(sentence)}</p>"


def side(title: str, subtitle: str, labels: object, seams: float) -> Side:
    """A side of the viewer."""
    return Side(labels, title, subtitle, None if math.isnan(seams) else seams)  # type: ignore[arg-type]


def readout(result: Comparison, point: tuple[int, int], left: str, right: str) -> str:
    """The five most probable classes at a point on both sides, as a table."""

    def cell(ranked: list[tuple[str, float]]) -> str:
        return "".join(
            f"<span><span class='word'>{escape(name)}</span><span>{percent(p)}</span></span>"
            for name, p in ranked
        )

    sides = [
        best_classes(part.probabilities_at(point), part.classes)
        for part in (result.left, result.right)
    ]
    return (
        f"<table><caption>Point {point[0]}, {point[1]}</caption>"
        f"<thead><tr><th>{escape(left)}</th><th>{escape(right)}</th></tr></thead>"
        f"<tbody><tr><td>{cell(sides[0])}</td><td>{cell(sides[1])}</td></tr></tbody></table>"
    )
