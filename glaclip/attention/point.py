"""One query's attention: what a click on the photo shows, at each rung of the ladder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from glaclip.attention import method
from glaclip.attention.anchors import Keys
from glaclip.attention.rows import adjusted, mean_query, queries_of
from glaclip.settings import RUNGS, AttentionSettings
from glaclip.windows import Box


@dataclass(frozen=True)
class RowAttention:
    """Attention of one query with one choice of switches.

    Attributes:
        weights: [L, S] float32, sums to 1; zero outside the own window when context is off.
        settings: the switches and constants used.
        set_size: |P_i|, tokens similar to the query (0 when no stage needs it).
        shift: u, the factor on the mean score (beta when dynamic normalization is off).
        scale: w_i, the factor on the scores (gamma when dynamic normalization is off).
        collapsed: every score fell below zero, so that the best token alone is kept.
        own_mass: share of the weights inside the own window.
        own_share: share of the own window among the visible tokens, what even attention would give.
    """

    weights: Tensor
    settings: AttentionSettings
    set_size: int
    shift: float
    scale: float
    collapsed: bool
    own_mass: float
    own_share: float


@dataclass(frozen=True)
class WindowView:
    """A point as one of the windows that hold it sees it, with that window alone in sight.

    Attributes:
        window: index of the window.
        token: (row, column) of the point in the window's key grid.
        row: its attention with all switches off.
    """

    window: int
    token: tuple[int, int]
    row: RowAttention


@dataclass(frozen=True)
class AttentionMaps:
    """Where one point's attention goes, at the rungs of the ladder.

    A point lies in several windows; the query is its token in the window whose center is nearest.

    Attributes:
        point: (x, y) in photo pixels.
        window: index of the query's own window.
        token: (row, column) of the query in that window's key grid.
        key_grid: (rows, columns) of a window's keys.
        rungs: own window, + context, + anchors, + normalization; each weights [L, S].
        boxes: the windows in pixels of the resized photo.
        grid: (rows, columns) of windows.
        views: the point from each window that holds it, nearest center first: the own window leads.
    """

    point: tuple[float, float]
    window: int
    token: tuple[int, int]
    key_grid: tuple[int, int]
    rungs: tuple[RowAttention, ...]
    boxes: tuple[Box, ...]
    grid: tuple[int, int]
    views: tuple[WindowView, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of all weights."""
        rows = (*self.rungs, *(view.row for view in self.views))
        return sum(row.weights.numel() * row.weights.element_size() for row in rows)

    def rung(self, name: str) -> RowAttention:
        """The row at one of `settings.RUNG_NAMES`."""
        return next(row for rung, row in zip(RUNGS, self.rungs, strict=True) if rung.name == name)


def attention_row(
    keys: Tensor,
    window: int,
    token: int,
    settings: AttentionSettings,
    *,
    query_mean: Tensor | None = None,
) -> RowAttention:
    """Weights of one query; agrees with `glaclip.attention.attend`.

    Args:
        keys: [L, S, Dk] raw keys.
        window: index of the query's own window.
        token: index of the query in its window, row by row.
        settings: switches and constants.
        query_mean: `mean_query(keys, settings)` if known; used with context and anchors on and
            dynamic normalization off.

    Raises:
        IndexError: no such window or token.
    """
    windows, tokens, _ = keys.shape
    if not (0 <= window < windows and 0 <= token < tokens):
        raise IndexError(
            f"window must be in 0..{windows - 1} and token in 0..{tokens - 1}; "
            f"received {window} and {token}"
        )
    own = keys[window : window + 1]
    in_sight, row = (keys, window * tokens + token) if settings.cross_window else (own, token)
    # Writing keys as integers pays for many rows only.
    seen = Keys(in_sight.flatten(0, 1), integers=False)
    mean = None
    if not settings.dynamic_normalization:
        known = query_mean if needs_mean_query(settings) and settings.cross_window else None
        mean = mean_query(in_sight, settings) if known is None else known
    queries = queries_of(seen, slice(row, row + 1), settings)
    scores = adjusted(seen, queries, len(in_sight), settings, mean)
    # Tokens that tie with the best are kept too: then nothing has collapsed.
    below = bool(scores.max() < 0)
    weights = method.weights(scores)
    full = weights.new_zeros((windows, tokens))
    full[window] = weights[0, -tokens:]
    if settings.cross_window:
        full = weights.view(windows, tokens)
    sizes, shift, scale = queries.set_sizes, settings.beta, settings.gamma
    if settings.dynamic_normalization:
        assert sizes is not None
        shift, scale = method.shift(len(in_sight), settings), float(method.scale(sizes, settings))
    return RowAttention(
        weights=full,
        settings=settings,
        set_size=int(sizes[0]) if sizes is not None else 0,
        shift=shift,
        scale=scale,
        collapsed=below and int((full > 0).sum()) == 1,
        own_mass=float(full[window].sum()),
        own_share=1.0 / len(in_sight),
    )


def needs_mean_query(settings: AttentionSettings) -> bool:
    """Whether a row depends on the mean anchor of all others (the fixed normalization's)."""
    return settings.proxy_anchors and not settings.dynamic_normalization


def attention_ladder(
    keys: Tensor,
    window: int,
    token: int,
    settings: AttentionSettings,
    *,
    query_mean: Tensor | None = None,
) -> tuple[RowAttention, ...]:
    """One query at the rungs of the ladder: own window, + context, + anchors, + normalization.

    Args:
        keys: [L, S, Dk] raw keys.
        window: index of the query's own window.
        token: index of the query in its window.
        settings: the constants; its switches are not used.
        query_mean: `mean_query` with context and anchors, if known.
    """
    return tuple(
        attention_row(keys, window, token, rung, query_mean=query_mean)
        for rung in AttentionSettings.ladder(settings)
    )


#: With a small stride a point lies in hundreds of windows; so many of the nearest are asked.
_MOST_VIEWS = 9


def token_at(point: tuple[float, float], box: Box, grid: tuple[int, int]) -> tuple[int, int]:
    """(row, column) of the token that holds a point (x, y) of the resized photo in a window."""
    x, y = point
    return (
        int((y - box.top) * grid[0] / (box.bottom - box.top)),
        int((x - box.left) * grid[1] / (box.right - box.left)),
    )


def window_views(
    keys: Tensor,
    point: tuple[float, float],
    boxes: Sequence[Box],
    grid: tuple[int, int],
    settings: AttentionSettings,
) -> tuple[WindowView, ...]:
    """The same point asked from every window that holds it, each looking at itself alone.

    Args:
        keys: [L, S, Dk] raw keys of windows that see themselves alone.
        point: (x, y) in pixels of the resized photo.
        boxes: the L windows.
        grid: (rows, columns) of a window's keys.
        settings: the constants; its switches are not used.

    Returns:
        Nearest center first, ties in the windows' order, as `glaclip.windows.own_window` chooses.
    """
    x, y = point

    def distance(index: int) -> float:
        box = boxes[index]
        return math.hypot(x - (box.left + box.right) / 2, y - (box.top + box.bottom) / 2)

    holding = [i for i, b in enumerate(boxes) if b.left <= x < b.right and b.top <= y < b.bottom]
    views = []
    for window in sorted(holding, key=distance)[:_MOST_VIEWS]:
        token = token_at(point, boxes[window], grid)
        row = attention_row(keys, window, token[0] * grid[1] + token[1], settings.off())
        views.append(WindowView(window, token, row))
    return tuple(views)
