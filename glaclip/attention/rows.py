"""How many rows at a time: `method` on chunks of rows, within a bound of memory.

Rows are independent given the keys: computed in chunks, they need memory of O(chunk x N), and the
result is the same. The fixed normalization needs one number of all rows first, a mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.attention import method
from glaclip.attention.anchors import Keys, Queries
from glaclip.settings import AttentionSettings

#: Called as (windows done, windows).
Progress = Callable[[int, int], None]

#: Temporary memory of one chunk of rows. With stored anchors the total stays under 256 MB.
CHUNK_BYTES = 48 * 2**20
#: Bytes alive per score while a chunk is processed: products, members, weights, resized weights.
_BYTES_PER_SCORE = 13
#: Anchors are kept between the two passes of the fixed normalization up to this size.
_KEPT_ANCHOR_BYTES = 96 * 2**20


@dataclass(frozen=True)
class WeightChunk:
    """Weights of consecutive queries: rows `start` .. `start + R` of the L * S tokens.

    Attributes:
        start: first query of the chunk.
        first: first visible token; its window's first token when context is off, else 0.
        weights: [U, N] over the visible tokens `first` .. `first + N`.
        queries: of the R rows; `queries.expand` turns [U, ...] into [R, ...].
    """

    start: int
    first: int
    weights: Tensor
    queries: Queries


def row_chunks(rows: int, visible: int, chunk_bytes: int) -> Iterator[slice]:
    """Consecutive slices of `rows` rows over `visible` tokens, each within the memory given."""
    step = max(1, chunk_bytes // (_BYTES_PER_SCORE * visible))
    for first in range(0, rows, step):
        yield slice(first, min(first + step, rows))


def keep_anchors(keys: Keys) -> bool:
    """Whether anchors as large as these keys are kept rather than computed twice."""
    return keys.raw.numel() * keys.raw.element_size() <= _KEPT_ANCHOR_BYTES


def queries_of(keys: Keys, rows: slice, settings: AttentionSettings) -> Queries:
    """What rows ask with: anchors where they are on; |P_i| where the normalization needs it."""
    own = keys.unit(rows)
    if not (settings.proxy_anchors or settings.dynamic_normalization):
        return Queries(own, None)
    anchors = keys.anchors(own, settings.threshold, settings.iterations)
    if settings.proxy_anchors:
        return anchors
    assert anchors.set_sizes is not None
    return Queries(own, anchors.expand(anchors.set_sizes))


def adjusted(
    keys: Keys,
    queries: Queries,
    windows: int,
    settings: AttentionSettings,
    mean_query: Tensor | None,
) -> Tensor:
    """A [U, N] of queries over the keys of so many windows.

    A mean of scores is taken as a product with a mean key: mean_j S_ij = q_i . mean_j k_j.
    """
    scores = keys.cosines(queries.vectors)
    if settings.dynamic_normalization:
        assert queries.set_sizes is not None
        mean = (queries.vectors @ keys.mean)[:, None]
        return method.dynamic(scores, mean, queries.set_sizes, windows, settings)
    assert mean_query is not None
    return method.fixed(scores, mean_query @ keys.mean, settings)


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
    groups = [keys.flatten(0, 1)] if settings.cross_window else list(keys.unbind(0))
    for first, group in zip(range(0, windows * tokens, len(groups[0])), groups, strict=True):
        seen = Keys(group)
        mean, kept = None, None
        if not settings.dynamic_normalization:
            mean, kept = _mean_query(seen, settings, chunk_bytes, before_chunk)
        for index, rows in enumerate(row_chunks(len(seen), len(seen), chunk_bytes)):
            queries = kept[index] if kept else queries_of(seen, rows, settings)
            scores = adjusted(seen, queries, len(group) // tokens, settings, mean)
            yield WeightChunk(first + rows.start, first, method.weights(scores), queries)


def _mean_query(
    keys: Keys,
    settings: AttentionSettings,
    chunk_bytes: int,
    before_chunk: Callable[[], None] | None = None,
) -> tuple[Tensor, list[Queries] | None]:
    """Mean query [Dk], and the queries of each chunk when they are small enough to keep."""
    if not settings.proxy_anchors:
        return keys.mean, None
    kept: list[Queries] | None = [] if keep_anchors(keys) else None
    total = torch.zeros_like(keys.mean)
    for rows in row_chunks(len(keys), len(keys), chunk_bytes):
        if before_chunk:
            before_chunk()
        queries = queries_of(keys, rows, settings)
        total += queries.total()
        if kept is not None:
            kept.append(queries)
    return total / len(keys), kept


def mean_query(
    keys: Tensor, settings: AttentionSettings, before_chunk: Callable[[], None] | None = None
) -> Tensor:
    """Mean query [Dk] of all L windows of keys [L, S, Dk]; see `precision.mean_query`."""
    return _mean_query(Keys(keys.flatten(0, 1)), settings, CHUNK_BYTES, before_chunk)[0]


def attend_and_mean_query(
    keys: Tensor,
    values: Tensor,
    settings: AttentionSettings,
    resizing: Resizing,
    chunk_bytes: int = CHUNK_BYTES,
    progress: Progress | None = None,
) -> tuple[Tensor, Tensor]:
    """`precision.attend_and_mean_query` with products as exact as float32."""
    windows, tokens, _ = keys.shape
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


@dataclass(frozen=True)
class Resizing:
    """Values that count as resized bilinearly to the key grid, without a copy of them.

    Resizing is linear: moving it from the values to the weights gives the same sum with fewer
    columns. Method, section 1, step 4.

    Attributes:
        rows: [gh, vh] matrix of resizing along a side; None when the grids are equal.
        columns: [gw, vw].
    """

    rows: Tensor | None = None
    columns: Tensor | None = None

    @classmethod
    def between(
        cls,
        keys: Tensor,
        values: Tensor,
        key_grid: tuple[int, int] | None,
        value_grid: tuple[int, int] | None,
    ) -> Resizing:
        """The resizing that values [L, Sv, Dv] need for keys [L, S, Dk].

        Raises:
            ValueError: shapes that do not belong together.
        """
        if keys.dim() != 3 or values.dim() != 3 or keys.shape[0] != values.shape[0]:
            raise ValueError(
                "keys must be [L, S, Dk] and values [L, Sv, Dv] of the same L windows; "
                f"received {tuple(keys.shape)} and {tuple(values.shape)}"
            )
        if keys.shape[1] == values.shape[1]:
            return cls()
        to = _grid(key_grid, keys.shape[1], "key")
        had = _grid(value_grid, values.shape[1], "value")
        dtype = torch.promote_types(values.dtype, torch.float32)
        rows, columns = (
            _interpolation(source, target, values.device, dtype)
            for source, target in zip(had, to, strict=True)
        )
        return cls(rows, columns)

    def weights(self, weights: Tensor) -> Tensor:
        """[U, L * S] over the key grid to [U, L * Sv] over the value grid."""
        if self.rows is None or self.columns is None:
            return weights
        (gh, vh), (gw, vw) = self.rows.shape, self.columns.shape
        narrow = weights.view(-1, gw) @ self.columns  # one product over all windows' rows
        narrow = narrow.view(-1, gh, vw)
        return torch.bmm(self.rows.T.expand(len(narrow), vh, gh), narrow).view(len(weights), -1)

    def values(self, values: Tensor) -> Tensor:
        """[Sv, Dv] of one window over the value grid to [S, Dv] over the key grid."""
        if self.rows is None or self.columns is None:
            return values
        (gh, vh), vw = self.rows.shape, self.columns.shape[1]
        narrow = self.rows @ values.to(self.rows.dtype).reshape(vh, -1)  # [gh, vw * Dv]
        wide: Tensor = self.columns @ narrow.view(gh, vw, -1)  # [gh, gw, Dv]
        return wide.flatten(0, 1)


def _grid(given: tuple[int, int] | None, tokens: int, name: str) -> tuple[int, int]:
    side = math.isqrt(tokens)
    shape = given or (side, side)
    if shape[0] * shape[1] != tokens:
        raise ValueError(
            f"{name}_grid must have {tokens} cells, the number of {name} tokens a window; "
            f"received {given}"
        )
    return shape


def _interpolation(source: int, target: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """[target, source] matrix of bilinear resizing along one side, align_corners=False."""
    identity = torch.eye(source, dtype=dtype, device=device)[None]  # [1, source, source]
    return F.interpolate(identity, size=target, mode="linear", align_corners=False)[0].T
