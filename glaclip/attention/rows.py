"""Attention over windows: the paper's section 3, as in section 2 of the method.

L windows of S tokens each; token i sees the N visible tokens j: those of its own window, or of all.

    1. proxy anchor    q_i = k_i, then T times:  P_i = { j : q_i . k_j > rho },
                                                 q_i = normalize(mean of k_j over P_i)
    2. scores          S_ij = q_i . k_j
    3. normalization   A_ij = w_i (S_ij - u mean_j S_ij)         dynamic
                       A_ij = gamma (S_ij - beta mean_ij S_ij)   fixed
    4. output          softmax_j over A_ij >= min(0, max_j A_ij);  output_i = sum_j weights_ij v_j

k_j are keys of unit length. Rows are independent given the keys: computed in chunks, they need
memory of O(chunk x N), and the result is the same. `AttentionSettings.precision` says whether the
products are as exact as float32 or as fast as the processor can (`glaclip.attention.fast`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from glaclip.attention.anchors import Queries, WeightChunk
from glaclip.attention.chunks import CHUNK_BYTES, Progress, Resizing, keep_anchors, row_chunks
from glaclip.attention.fast import Known, attend_fast
from glaclip.attention.visible import Visible
from glaclip.settings import FAST, AttentionSettings


def attention_chunks(
    keys: Tensor,
    settings: AttentionSettings,
    *,
    chunk_bytes: int = CHUNK_BYTES,
    before_chunk: Callable[[], None] | None = None,
) -> Iterator[WeightChunk]:
    """Weights of every query, in order, a chunk of rows at a time.

    Args:
        keys: [L, S, Dk] raw keys.
        settings: switches and constants.
        chunk_bytes: temporary memory of a chunk.
        before_chunk: called while a first pass takes the mean query; it may raise to stop.
    """
    windows, tokens, _ = keys.shape
    groups = [keys.flatten(0, 1)] if settings.cross_window else keys.unbind(0)
    for first, group in zip(range(0, windows * tokens, len(groups[0])), groups, strict=True):
        visible = Visible(group, windows if settings.cross_window else 1)
        mean, kept = None, None
        if not settings.dynamic_normalization:
            mean, kept = _mean_query(visible, settings, chunk_bytes, before_chunk)
        for rows in row_chunks(len(visible), len(visible), chunk_bytes):
            if kept is not None:
                queries = Queries(kept[rows], None)
            else:
                queries = visible.queries(rows, settings)
            weights = visible.weights(queries, settings, mean)
            yield WeightChunk(first + rows.start, first, weights, queries)


def _mean_query(
    visible: Visible,
    settings: AttentionSettings,
    chunk_bytes: int,
    before_chunk: Callable[[], None] | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Mean query [Dk], and the anchors [N, Dk] when they are small enough to keep."""
    if not settings.proxy_anchors:
        return visible.mean_key, None
    kept = torch.empty_like(visible.keys) if keep_anchors(visible.keys) else None
    total = torch.zeros_like(visible.mean_key)
    for rows in row_chunks(len(visible), len(visible), chunk_bytes):
        if before_chunk:
            before_chunk()
        queries = visible.queries(rows, settings)
        total += queries.total()
        if kept is not None:
            kept[rows] = queries.expand(queries.vectors)
    return total / len(visible), kept


def mean_query(
    keys: Tensor, settings: AttentionSettings, before_chunk: Callable[[], None] | None = None
) -> Tensor:
    """Mean query [Dk] over all windows: what the fixed normalization needs of all other rows.

    Computed once, it serves every `attention_row` of a photo (`glaclip.attention.point`).
    `before_chunk` is called before each chunk of rows and may raise to stop. It is exact with
    either precision.
    """
    visible = Visible(keys.flatten(0, 1), len(keys))
    return _mean_query(visible, settings, CHUNK_BYTES, before_chunk)[0]


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
    """Averages values over the windows each query may see (method, section 2).

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
    known: Known | None = None,
) -> tuple[Tensor, Tensor]:
    """`attend`, and the mean query [Dk], which with context and anchors on equals `mean_query`.

    `known` keeps anchors for other settings of the same keys; the exact precision, whose chunks
    bound its memory, makes no use of it.
    """
    windows, tokens, _ = keys.shape
    if settings.precision == FAST:
        return attend_fast(keys, values, settings, resizing, progress, known)
    flat = values.flatten(0, 1).to(torch.promote_types(values.dtype, torch.float32))
    output = flat.new_empty((windows * tokens, flat.shape[1]))
    total = torch.zeros((), device=keys.device)
    done = 0

    def report() -> None:
        if progress:
            progress(done, windows)

    report()
    for chunk in attention_chunks(keys, settings, chunk_bytes=chunk_bytes, before_chunk=report):
        weights = resizing.weights(chunk.weights.to(flat.dtype))  # [U, Nv]
        first = chunk.first // tokens * values.shape[1]
        mixed = chunk.queries.expand(weights @ flat[first : first + weights.shape[1]])  # [R, Dv]
        output[chunk.start : chunk.start + len(mixed)] = mixed
        total = total + chunk.queries.total()
        done = (chunk.start + len(mixed)) // tokens
        report()
    return output.view(windows, tokens, -1).to(values.dtype), total / (windows * tokens)
