"""Attention over windows, with products as exact as float32 or as fast as the processor can."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from glaclip.attention import fast, rows
from glaclip.attention.rows import CHUNK_BYTES, Progress, Resizing
from glaclip.settings import FAST, AttentionSettings


def attend(
    keys: Tensor,
    values: Tensor,
    settings: AttentionSettings,
    *,
    key_grid: tuple[int, int] | None = None,
    value_grid: tuple[int, int] | None = None,
    chunk_bytes: int = CHUNK_BYTES,
    progress: Progress | None = None,
) -> Tensor:
    """Averages values over the windows each query may see: `method.attend`, a part at a time.

    Args:
        keys: [L, S, Dk] raw keys of all windows, any float type; similarities are float32 unless
            the settings ask for the fast precision.
        values: [L, Sv, Dv]. When Sv != S they count as resized bilinearly to the key grid.
        settings: the switches and their constants; all combinations are valid.
        key_grid: (rows, columns) of the keys; square when left out. Needed only when Sv != S.
        value_grid: (rows, columns) of the values; square when left out.
        chunk_bytes: temporary memory of a chunk of rows; the result does not depend on it. The
            fast precision takes no notice of it.
        progress: called as (windows done, windows) at the start and with each chunk; it may raise
            to stop.

    Returns:
        [L, S, Dv] in the values' type.

    Raises:
        ValueError: shapes that do not belong together.
    """
    resizing = Resizing.between(keys, values, key_grid, value_grid)
    return attend_and_mean_query(keys, values, settings, resizing, chunk_bytes, progress)[0]


def attend_and_mean_query(
    keys: Tensor,
    values: Tensor,
    settings: AttentionSettings,
    resizing: Resizing,
    chunk_bytes: int = CHUNK_BYTES,
    progress: Progress | None = None,
    known: fast.Known | None = None,
) -> tuple[Tensor, Tensor]:
    """`attend`, and the mean query [Dk].

    With context and anchors on the mean equals `mean_query` to the last bit, whichever the
    normalization, for the default `chunk_bytes`. `known` keeps anchors for other settings of the
    same keys; the exact precision, whose chunks bound its memory, makes no use of it.
    """
    if settings.precision == FAST:
        return fast.attend(keys, values, settings, resizing, progress, known)
    return rows.attend_and_mean_query(keys, values, settings, resizing, chunk_bytes, progress)


def mean_query(
    keys: Tensor,
    settings: AttentionSettings,
    before_chunk: Callable[[], None] | None = None,
    known: fast.Known | None = None,
) -> Tensor:
    """Mean query [Dk] over all windows: what the fixed normalization needs of all other rows.

    Computed once, it serves every `point.attention_row` of a photo.

    Args:
        keys: [L, S, Dk] raw keys.
        settings: anchors on or off, their constants, and the precision.
        before_chunk: called before each chunk of rows; it may raise to stop.
        known: where anchors are kept, as for `attend_and_mean_query`.
    """
    if settings.precision == FAST:
        return fast.mean_query(keys, settings, before_chunk, known)
    return rows.mean_query(keys, settings, before_chunk)
