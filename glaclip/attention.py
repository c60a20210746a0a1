"""Attention over windows: proxy anchors, dynamic normalization, chunked (method, section 2).

Pure tensor functions. L windows of S tokens each; N visible tokens; k_j the L2-normalized keys.
Rows (queries) are independent given the keys, so they are processed in chunks and memory is
O(chunk x N). Keys are never copied to normalize them: products are scaled by 1 / |key| instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.settings import AttentionSettings

#: Temporary memory of one chunk of rows. With stored anchors (below) the total stays under 256 MB.
CHUNK_BYTES = 96 * 2**20
#: Anchors are kept between the two passes of the fixed normalization up to this size.
STORED_ANCHOR_BYTES = 96 * 2**20
#: Bytes alive per score while a chunk is processed: scores, member weights, masks, softmax.
_BYTES_PER_SCORE = 20
#: Below this share of members the mean over P_i is gathered instead of a dense product.
_SPARSE_SHARE = 0.02
_TIE = 1e-6


@dataclass(frozen=True)
class RowAttention:
    """Attention of one query at one rung of the ladder.

    Attributes:
        weights: [L, S] float32, sums to 1; zero outside the own window when context is off.
        settings: the switches and constants used.
        set_size: |P_i|, tokens similar to the query (0 when neither switch needs it).
        shift: u, the factor on the mean score (beta when dynamic normalization is off).
        scale: w_i, the factor on the scores (gamma when dynamic normalization is off).
        own_mass: share of the weights inside the own window.
        own_share: share of the own window among the visible tokens, what even attention would give.
    """

    weights: Tensor
    settings: AttentionSettings
    set_size: int
    shift: float
    scale: float
    own_mass: float
    own_share: float


@dataclass(frozen=True)
class WeightChunk:
    """Weights of consecutive queries: rows `start` .. `start + R` of the L * S tokens.

    Attributes:
        start: first query of the chunk.
        first: first visible token; its window's first token when context is off, else 0.
        weights: [R, N] over the visible tokens `first` .. `first + N`.
        set_sizes: [R] |P_i|, or None when neither anchors nor dynamic normalization are on.
        query_sum: [Dk] sum of the chunk's unit queries, anchors where they are on.
    """

    start: int
    first: int
    weights: Tensor
    set_sizes: Tensor | None
    query_sum: Tensor


class _Block:
    """The tokens that see each other: keys [N, Dk] of one window or of all."""

    def __init__(self, keys: Tensor, visible_windows: int) -> None:
        # Half precision would blur the comparison with rho, so similarities are at least float32.
        self.keys: Tensor = keys.to(torch.promote_types(keys.dtype, torch.float32))
        self.inverse_norms: Tensor = 1.0 / self.keys.norm(dim=1).clamp_min(1e-12)  # [N]
        self.mean_key = (self.inverse_norms @ self.keys) / len(self.keys)  # [Dk]
        self.visible_windows = visible_windows

    def __len__(self) -> int:
        return len(self.keys)

    def unit_keys(self, rows: slice) -> Tensor:
        """[R, Dk]."""
        return self.keys[rows] * self.inverse_norms[rows, None]

    def similarity(self, queries: Tensor) -> Tensor:
        """[R, Dk] unit queries -> [R, N] cosines."""
        cosines = queries @ self.keys.T
        return cosines.mul_(self.inverse_norms)

    def sum_members(self, members: Tensor, counts: Tensor) -> Tensor:
        """Sum of k_j over each row's members: [R, N] bool -> [R, Dk]."""
        if int(counts.sum()) > _SPARSE_SHARE * members.numel():
            return (members.to(self.keys.dtype).mul_(self.inverse_norms)) @ self.keys
        columns = members.nonzero()[:, 1]  # row by row, as the offsets need
        offsets = counts.cumsum(0) - counts
        return F.embedding_bag(
            columns,
            self.keys,
            offsets,
            mode="sum",
            per_sample_weights=self.inverse_norms[columns],
        )

    def anchors(self, rows: slice, settings: AttentionSettings) -> tuple[Tensor, Tensor]:
        """Proxy anchors q_i^(T) [R, Dk] and |P_i^(T)| [R] of some queries."""
        own = self.unit_keys(rows)
        query = own
        counts = own.new_ones(len(own), dtype=torch.long)
        for _ in range(settings.iterations):
            members = self.similarity(query) > settings.threshold
            counts = members.sum(dim=1)
            # The mean and the sum have the same direction; an empty set stands for the query alone.
            total = torch.where((counts > 0)[:, None], self.sum_members(members, counts), own)
            query = F.normalize(total, dim=1)
            counts = counts.clamp_min(1)
        return query, counts


def _chunk_rows(n: int, chunk_bytes: int) -> int:
    return max(1, chunk_bytes // (_BYTES_PER_SCORE * n))


def _row_slices(start: int, stop: int, step: int) -> Iterator[slice]:
    for first in range(start, stop, step):
        yield slice(first, min(first + step, stop))


def dynamic_shift(settings: AttentionSettings, visible_windows: int) -> float:
    """U = 1 + lambda1 ln(1 + L_vis)."""
    return 1.0 + settings.shift * math.log1p(visible_windows)


def _mean_query(
    block: _Block,
    settings: AttentionSettings,
    chunk_bytes: int,
    before_chunk: Callable[[], None] | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Mean query [Dk] over all rows, and the anchors [N, Dk] when they are small enough to keep."""
    if not settings.proxy_anchors:
        return block.mean_key, None
    keep = block.keys.numel() * block.keys.element_size() <= STORED_ANCHOR_BYTES
    kept = torch.empty_like(block.keys) if keep else None
    total = torch.zeros_like(block.mean_key)
    for rows in _row_slices(0, len(block), _chunk_rows(len(block), chunk_bytes)):
        if before_chunk:
            before_chunk()
        queries, _ = block.anchors(rows, settings)
        total += queries.sum(dim=0)
        if kept is not None:
            kept[rows] = queries
    return total / len(block), kept


def _normalized_weights(
    scores: Tensor,
    queries: Tensor,
    block: _Block,
    settings: AttentionSettings,
    set_sizes: Tensor | None,
    mean_query: Tensor | None,
) -> Tensor:
    """Scores S [R, N] to weights [R, N]; writes into `scores`."""
    if settings.dynamic_normalization:
        assert set_sizes is not None
        mean = (queries @ block.mean_key).clamp_min(0)[:, None]  # mean_j S_ij = q_i . mean(k)
        factor = 1.0 + settings.scale / set_sizes.to(scores.dtype)[:, None]
        scores.sub_(dynamic_shift(settings, block.visible_windows) * mean).mul_(factor)
    else:
        assert mean_query is not None
        mean_all = mean_query @ block.mean_key  # mean_ij S_ij = mean(q) . mean(k)
        scores.sub_(settings.beta * mean_all).mul_(settings.gamma)
    # When every score is negative the mask keeps the largest alone. The tolerance keeps those that
    # tie with it in exact arithmetic, so that rounding (and the chunk) does not choose among them.
    floor = (scores.amax(dim=1, keepdim=True) - _TIE).clamp_max(0)
    return scores.masked_fill_(scores < floor, -math.inf).softmax(dim=1)


def _block_chunks(
    block: _Block,
    settings: AttentionSettings,
    chunk_bytes: int,
    rows: range | None = None,
    mean_query: Tensor | None = None,
    before_chunk: Callable[[], None] | None = None,
) -> Iterator[tuple[slice, Tensor, Tensor | None, Tensor]]:
    """(rows, weights [R, N], |P_i| [R], sum of queries [Dk]) of a block, chunk by chunk."""
    kept = None
    if not settings.dynamic_normalization and mean_query is None:
        mean_query, kept = _mean_query(block, settings, chunk_bytes, before_chunk)
    rows = rows if rows is not None else range(len(block))
    for part in _row_slices(rows.start, rows.stop, _chunk_rows(len(block), chunk_bytes)):
        set_sizes: Tensor | None = None
        queries = block.unit_keys(part)
        if kept is not None:
            queries = kept[part]
        elif settings.proxy_anchors or settings.dynamic_normalization:
            anchors, set_sizes = block.anchors(part, settings)
            queries = anchors if settings.proxy_anchors else queries
        scores = block.similarity(queries)
        weights = _normalized_weights(scores, queries, block, settings, set_sizes, mean_query)
        yield part, weights, set_sizes, queries.sum(dim=0)


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
        before_chunk: called while the fixed normalization passes over the queries for their mean,
            which yields nothing yet; it may raise to stop.
    """
    windows, tokens, _ = keys.shape
    if settings.cross_window:
        groups = [(0, _Block(keys.flatten(0, 1), windows))]
    else:
        groups = [(index * tokens, _Block(keys[index], 1)) for index in range(windows)]
    for first, block in groups:
        for rows, weights, sizes, query_sum in _block_chunks(
            block, settings, chunk_bytes, before_chunk=before_chunk
        ):
            yield WeightChunk(first + rows.start, first, weights, sizes, query_sum)


def _interpolation(source: int, target: int, like: Tensor) -> Tensor:
    """[target, source] matrix of bilinear resizing along one side, align_corners=False."""
    identity = torch.eye(source, dtype=like.dtype, device=like.device)[None]  # [1, source, source]
    return F.interpolate(identity, size=target, mode="linear", align_corners=False)[0].T


def _grids(
    keys: Tensor,
    values: Tensor,
    key_grid: tuple[int, int] | None,
    value_grid: tuple[int, int] | None,
) -> tuple[tuple[int, int], tuple[int, int]]:
    def grid(given: tuple[int, int] | None, tokens: int, name: str) -> tuple[int, int]:
        side = math.isqrt(tokens)
        shape = given or (side, side)
        if shape[0] * shape[1] != tokens:
            raise ValueError(
                f"{name}_grid must have {tokens} cells, the number of {name} tokens a window; "
                f"received {given}"
            )
        return shape

    return grid(key_grid, keys.shape[1], "key"), grid(value_grid, values.shape[1], "value")


def attend(
    keys: Tensor,
    values: Tensor,
    settings: AttentionSettings,
    *,
    key_grid: tuple[int, int] | None = None,
    value_grid: tuple[int, int] | None = None,
    chunk_bytes: int = CHUNK_BYTES,
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Averages values over the windows each query may see (method, section 2).

    Args:
        keys: [L, S, Dk] raw keys of all windows, any float type; similarities are float32.
        values: [L, Sv, Dv]. When Sv != S they count as resized bilinearly to the key grid.
        settings: the three switches and their constants; all eight combinations are valid.
        key_grid: (rows, columns) of the keys; square when left out. Needed only when Sv != S.
        value_grid: (rows, columns) of the values; square when left out.
        chunk_bytes: temporary memory of a chunk of rows; the result does not depend on it.
        progress: called as (windows done, windows) at the start and with each chunk; it may raise
            to stop.

    Returns:
        [L, S, Dv] in the values' type.

    Raises:
        ValueError: shapes that do not belong together.
    """
    return attend_and_mean_query(
        keys,
        values,
        settings,
        key_grid=key_grid,
        value_grid=value_grid,
        chunk_bytes=chunk_bytes,
        progress=progress,
    )[0]


def attend_and_mean_query(
    keys: Tensor,
    values: Tensor,
    settings: AttentionSettings,
    *,
    key_grid: tuple[int, int] | None = None,
    value_grid: tuple[int, int] | None = None,
    chunk_bytes: int = CHUNK_BYTES,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Tensor, Tensor]:
    """`attend`, and the mean [Dk] of all its unit queries, which `attention_row` can use.

    With context and anchors on it equals `mean_query`, which would compute every anchor again.
    """
    if keys.dim() != 3 or values.dim() != 3 or keys.shape[0] != values.shape[0]:
        raise ValueError(
            "keys must be [L, S, Dk] and values [L, Sv, Dv] of the same L windows; "
            f"received {tuple(keys.shape)} and {tuple(values.shape)}"
        )
    windows, tokens, _ = keys.shape
    resize: tuple[Tensor, Tensor] | None = None
    value_tokens = values.shape[1]
    flat = values.flatten(0, 1).to(torch.promote_types(values.dtype, torch.float32))
    if value_tokens != tokens:
        (key_rows, key_columns), (value_rows, value_columns) = _grids(
            keys, values, key_grid, value_grid
        )
        resize = (
            _interpolation(value_rows, key_rows, flat),
            _interpolation(value_columns, key_columns, flat),
        )

    output = flat.new_empty((windows * tokens, values.shape[2]))
    query_sum = torch.zeros((), dtype=torch.float32, device=keys.device)
    done = 0

    def report() -> None:
        if progress:
            progress(done, windows)

    report()
    for chunk in attention_chunks(keys, settings, chunk_bytes=chunk_bytes, before_chunk=report):
        weights = chunk.weights.to(flat.dtype)
        if resize is not None:
            # Resizing is linear: moving it from the values to the weights gives the same sum with
            # fewer columns and no copy of the values.
            shrunk = weights.view(-1, key_columns) @ resize[1]  # one product over all windows' rows
            shrunk = shrunk.view(-1, key_rows, value_columns)
            over_rows = resize[0].T.expand(len(shrunk), value_rows, key_rows)
            weights = torch.bmm(over_rows, shrunk).view(len(weights), -1)
        first = chunk.first // tokens * value_tokens
        visible = flat[first : first + weights.shape[1]]
        output[chunk.start : chunk.start + len(weights)] = weights @ visible
        query_sum = query_sum + chunk.query_sum
        done = (chunk.start + len(weights)) // tokens
        report()
    result = output.view(windows, tokens, -1).to(values.dtype)
    return result, query_sum / (windows * tokens)


def mean_query(keys: Tensor, settings: AttentionSettings) -> Tensor:
    """Mean query [Dk] over all windows: what the fixed normalization needs of all other rows.

    It depends on keys, anchors, threshold and iterations only, so that a caller who shows many rows
    of one photo computes it once and passes it to `attention_row`.
    """
    block = _Block(keys.flatten(0, 1), len(keys))
    return _mean_query(block, settings, CHUNK_BYTES)[0]


def attention_row(
    keys: Tensor,
    window: int,
    token: int,
    settings: AttentionSettings,
    *,
    query_mean: Tensor | None = None,
) -> RowAttention:
    """Weights of one query; agrees with `attend`.

    Args:
        keys: [L, S, Dk] raw keys.
        window: index of the query's own window.
        token: index of the query in its window, row by row.
        settings: switches and constants.
        query_mean: `mean_query(keys, settings)` if known; used with context on and dynamic
            normalization off.

    Raises:
        IndexError: no such window or token.
    """
    windows, tokens, _ = keys.shape
    if not (0 <= window < windows and 0 <= token < tokens):
        raise IndexError(
            f"window must be in 0..{windows - 1} and token in 0..{tokens - 1}; "
            f"received {window} and {token}"
        )
    if settings.cross_window:
        block, row = _Block(keys.flatten(0, 1), windows), window * tokens + token
    else:
        block, row, query_mean = _Block(keys[window], 1), token, None
    _, weights, set_sizes, _ = next(
        _block_chunks(block, settings, CHUNK_BYTES, range(row, row + 1), query_mean)
    )
    if set_sizes is None and (settings.proxy_anchors or settings.dynamic_normalization):
        # The fixed normalization may have kept the anchors without the sizes of their sets.
        set_sizes = block.anchors(slice(row, row + 1), settings)[1]
    size = int(set_sizes[0]) if set_sizes is not None else 0
    full = weights.new_zeros((windows, tokens))
    if settings.cross_window:
        full[:] = weights.view(windows, tokens)
    else:
        full[window] = weights[0]
    dynamic = settings.dynamic_normalization
    return RowAttention(
        weights=full,
        settings=settings,
        set_size=size,
        shift=dynamic_shift(settings, block.visible_windows) if dynamic else settings.beta,
        scale=1.0 + settings.scale / size if dynamic else settings.gamma,
        own_mass=float(full[window].sum()),
        own_share=1.0 / block.visible_windows,
    )


def attention_ladder(
    keys: Tensor,
    window: int,
    token: int,
    settings: AttentionSettings,
    *,
    query_mean: Tensor | None = None,
) -> tuple[RowAttention, ...]:
    """One query at the four rungs: own window, + context, + anchors, + normalization.

    Args:
        keys: [L, S, Dk] raw keys.
        window: index of the query's own window.
        token: index of the query in its window.
        settings: the constants; its switches are not used.
        query_mean: `mean_query` of the third rung, if known.
    """
    rungs = AttentionSettings.ladder(settings)
    return tuple(
        attention_row(
            keys, window, token, rung, query_mean=query_mean if rung.proxy_anchors else None
        )
        for rung in rungs
    )
