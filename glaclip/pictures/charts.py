"""Charts of attention over a whole photo: figures of matplotlib that belong to no global state."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence
from typing import Any

import matplotlib.axes
import matplotlib.colors
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from glaclip.pictures.drawing import RGB, Theme, ThemeName, theme_of
from glaclip.settings import CAPTIONS


def _figure(theme: Theme, height: float) -> tuple[Figure, matplotlib.axes.Axes]:
    """A figure for a column of 390 pixels: 3.9 inches with 11-point type, drawn at 200 dpi."""
    paper, ink, rule = (_unit(color) for color in (theme.paper, theme.ink, theme.rule))
    figure = Figure(figsize=(3.9, height), dpi=200, facecolor=paper, layout="constrained")
    axes = figure.add_subplot(facecolor=paper)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(rule)
    axes.tick_params(colors=ink, labelsize=10, length=0)
    axes.grid(axis="y", color=rule, linewidth=0.7)
    axes.set_axisbelow(True)
    return figure, axes


def _write(axes: matplotlib.axes.Axes, look: Theme, title: str, below: str) -> None:
    axes.set_xlabel(below, color=_unit(look.ink), fontsize=11)
    axes.set_title(title, loc="left", color=_unit(look.ink), fontsize=11)


def _unit(color: RGB) -> tuple[float, float, float]:
    return color[0] / 255, color[1] / 255, color[2] / 255


def _rung_colors(theme: Theme, count: int) -> list[tuple[float, ...]]:
    """Gray for no switch, blues that darken from rung to rung, and a color apart for all."""
    none, light, dark, everything = map(matplotlib.colors.to_rgb, theme.series)
    between = map(tuple, np.linspace(light, dark, max(count - 2, 0)))
    return [none, *between, everything][:count]


def _distance_names(distances: NDArray[np.float64]) -> list[str]:
    names = ["own"]
    for low, high in itertools.pairwise(distances):
        names.append(f"{high:g}" if np.isfinite(high) else f"> {low:g}")
    return names


def mass_by_distance_chart(
    distances: NDArray[np.float64],
    masses: Sequence[NDArray[np.float64]],
    names: Sequence[str] = CAPTIONS,
    *,
    theme: ThemeName = "light",
) -> Figure:
    """Bars: the share of attention by distance of the attended window, a color a rung.

    Args:
        distances: [K] upper ends of the distance bins, in windows.
        masses: [K] share of the weights in each bin, one a rung.
        names: one a rung.
        theme: "light" or "dark".
    """
    look = theme_of(theme)
    figure, axes = _figure(look, 3.3)
    # Bins beyond the photo's extent would only be empty room.
    bins = 1 + max(int(np.flatnonzero(mass > 0).max(initial=1)) for mass in masses)
    width = 0.84 / len(masses)
    colors = _rung_colors(look, len(masses))
    for index, (mass, name, color) in enumerate(zip(masses, names, colors, strict=True)):
        at = np.arange(bins) - 0.42 + width * (index + 0.5)
        share = 100 * mass[:bins]
        axes.bar(at, share, width * 0.92, color=color, label=name)
    axes.set_xticks(np.arange(bins), _distance_names(distances)[:bins])
    _write(axes, look, "Share of attention, %", "Distance of the window, in windows")
    figure.legend(
        loc="outside lower center",
        ncols=2,
        fontsize=10,
        frameon=False,
        labelcolor=_unit(look.ink),
        handlelength=1.0,
        columnspacing=1.2,
    )
    return figure


def set_size_histogram(
    sizes: NDArray[np.int64] | Sequence[int], *, theme: ThemeName = "light"
) -> Figure:
    """How many tokens are similar to a query, |P_i|, over all queries; the size axis is log.

    Args:
        sizes: |P_i| of every query, each at least 1.
        theme: "light" or "dark".
    """
    look = theme_of(theme)
    figure, axes = _figure(look, 2.7)
    values = np.maximum(np.asarray(sizes, dtype=np.float64), 1)
    edges = np.geomspace(1, max(values.max(), 10) * 1.001, 25)
    shares = 100 * np.histogram(values, edges)[0] / len(values)
    axes.bar(edges[:-1], shares, np.diff(edges) * 0.92, align="edge", color=look.series[1])
    axes.set_xscale("log")
    axes.set_xlim(0.9, edges[-1] * 1.1)
    ticks = [t for t in (1, 10, 100, 1000, 10_000, 100_000) if t <= edges[-1]]
    axes.set_xticks(ticks, [f"{t:,}" for t in ticks])
    axes.tick_params(which="minor", length=0)
    middle = float(np.median(values))
    axes.axvline(middle, color=look.series[3], linewidth=1.6)
    right = middle > np.sqrt(edges[-1])
    axes.annotate(
        f"median {middle:,.0f}",
        (middle, 1),
        (-5 if right else 5, -3),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right" if right else "left",
        va="top",
        fontsize=10,
        color=_unit(look.ink),
    )
    _write(axes, look, "Share of queries, %", "Tokens similar to the query")
    return figure


def ratio_chart(bars: Sequence[tuple[str, float]]) -> Figure:
    """Bars of times relative to another time of the same run, with their numbers.

    Args:
        bars: (what was timed, ratio), from the top.
    """
    look = theme_of("light")
    figure, axes = _figure(look, 0.9 + 0.3 * len(bars))
    at = np.arange(len(bars))[::-1]
    ratios = [ratio for _, ratio in bars]
    axes.barh(at, ratios, 0.7, color=look.series[1])
    axes.set_yticks(at, [name for name, _ in bars])
    axes.set_xscale("log")
    axes.set_xticks([])
    axes.tick_params(which="minor", length=0, labelbottom=False)
    axes.grid(visible=False)
    axes.set_xlim(min(ratios) / 2, max(ratios) * 3)
    axes.axvline(1, color=_unit(look.rule), linewidth=1.2, zorder=0)
    for y, ratio in zip(at, ratios, strict=True):
        axes.annotate(
            f"{ratio:.2g}",
            (ratio, y),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=10,
            color=_unit(look.ink),
            bbox={"facecolor": _unit(look.paper), "edgecolor": "none", "pad": 1},
        )
    figure.suptitle(
        "Time, as a ratio within one run", x=0.02, ha="left", color=_unit(look.ink), fontsize=11
    )
    return figure


def png_of(figure: Figure, **options: Any) -> bytes:
    """A figure as PNG; options are those of its `savefig`."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", **options)
    return stream.getvalue()
