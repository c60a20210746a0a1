"""Attention over windows for `precision="fast"`: the same formulas, a few passes over N x N.

Three ideas, none of which changes a formula:

- Products are in the processor's fastest float type (`glaclip.products.fast_type`), which is
  bfloat16 where a CPU multiplies it in hardware: 8 bits of a number are kept, sums are float32.
- What is subtracted from a product is added to it as two more columns, so that it happens inside
  the product, before rounding: q . k_j - rho has the right sign, A_ij is exact where it is near 0,
  and no pass over N x N is needed for it.
- Rows that ask with the same anchor are computed once, among all N of them.

A row that keeps no score above 0, or whose scores could overflow, is computed again by the exact
steps (`glaclip.visible`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.chunks import CHUNK_BYTES, Progress, Resizing, row_chunks
from glaclip.products import fast_type
from glaclip.settings import AttentionSettings
from glaclip.similar import Queries, first_of_each
from glaclip.visible import Visible

#: Rows and columns of a block; its products (8 MB of bfloat16) stay in the cache, measured.
_BLOCK = 2048
#: Columns beside the keys: what is subtracted, in two parts, as one has 8 bits only.
_MORE = 2
#: Differences become at least 1 when multiplied by it, and are cut there: members are 0 or 1.
_LARGE = 2.0**60
#: exp(A) times any number of values stays a float up to this A; beyond, rows are done exactly.
_MOST = 60.0


@dataclass(frozen=True)
class _Asked:
    """Distinct queries of N rows.

    Attributes:
        vectors: [U, Dk] unit queries in the fast type.
        sizes: [U] |P_i| as float32, or None where no stage needs it.
        of_row: [N] index into `vectors`, or None when every row has its own.
    """

    vectors: Tensor
    sizes: Tensor | None
    of_row: Tensor | None = None

    def expand(self, values: Tensor) -> Tensor:
        return values if self.of_row is None else values[self.of_row]

    def total(self) -> Tensor:
        """Sum of the queries of all rows, [Dk] float32."""
        if self.of_row is None:
            return self.vectors.sum(dim=0, dtype=torch.float32)
        times = torch.bincount(self.of_row, minlength=len(self.vectors))
        total: Tensor = times.to(torch.float32) @ self.vectors.float()
        return total


class _Steps:
    """Steps of attention among N tokens in the fast type."""

    def __init__(self, keys: Tensor, windows: int, settings: AttentionSettings) -> None:
        self.settings = settings
        self.exact = Visible(keys, windows, integers=False)
        count, self.size = keys.shape
        self.keys = keys.new_ones((count, self.size + _MORE), dtype=fast_type(keys.device))
        for rows in _blocks(count):  # [N, Dk + 2], unit keys and ones
            self.keys[rows, : self.size] = self.exact.unit_keys(rows)

    def _shifted(self, vectors: Tensor, factor: Tensor | float, shift: Tensor | float) -> Tensor:
        """[R, Dk + 2] rows whose product with the keys is factor (q . k_j) - shift."""
        rows = vectors.new_empty((len(vectors), self.size + _MORE), dtype=self.keys.dtype)
        rows[:, : self.size] = vectors * factor
        rows[:, self.size] = -shift
        rows[:, self.size + 1] = -shift - rows[:, self.size].float()
        return rows

    def _products(self, rows: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Products of rows with all keys, a block of columns at a time in the same memory."""
        memory = rows.new_empty(len(rows) * min(_BLOCK, len(self.keys)))
        for columns in _blocks(len(self.keys)):
            block = memory[: len(rows) * (columns.stop - columns.start)].view(len(rows), -1)
            yield columns, torch.mm(rows, self.keys[columns].T, out=block)

    def anchors(self, report: Callable[[float], None]) -> _Asked:
        """Step 1: proxy anchors with |P_i|, each distinct one once."""
        asked = _Asked(self.keys[:, : self.size], None)
        first = torch.arange(len(self.keys), device=self.keys.device)  # a row of each query
        for done in range(self.settings.iterations):
            count = len(asked.vectors)
            vectors = self.keys.new_empty((count, self.size))
            sizes = self.exact.norms.new_empty(count)
            names = first.new_empty(count)
            for rows in _blocks(count):
                report((done + rows.start / count) / self.settings.iterations)
                sums = self._sums(asked.vectors[rows])  # [R, Dk + 2]
                found = sums[:, self.size]
                # The mean and the sum have the same direction; an empty set is its token alone.
                own = self.keys[first[rows], : self.size].float()
                mean = torch.where((found > 0)[:, None], sums[:, : self.size], own)
                vectors[rows] = F.normalize(mean, dim=1)
                sizes[rows] = found.clamp_min(1)
                names[rows] = _names(vectors[rows], sizes[rows])
            _, group = torch.unique(names, return_inverse=True)
            one = first_of_each(group, int(group.max()) + 1)
            of_row = group if asked.of_row is None else group[asked.of_row]
            asked, first = _Asked(vectors[one], sizes[one], of_row), first[one]
        return asked

    def _sums(self, vectors: Tensor) -> Tensor:
        """[R, Dk + 2] sums of the keys with q . k_j > rho; the last columns count them."""
        rho = vectors.new_full((len(vectors),), self.settings.threshold, dtype=torch.float32)
        # A power of two changes no digit.
        rows = self._shifted(vectors, 1.0, rho).mul_(_LARGE)
        sums: Tensor = self.exact.norms.new_zeros((len(rows), self.size + _MORE))
        for columns, products in self._products(rows):
            sums += products.clamp_(0, 1) @ self.keys[columns]
        return sums

    def outputs(
        self, asked: _Asked, values: Tensor, mean: Tensor | None, report: Callable[[float], None]
    ) -> Tensor:
        """Steps 2 to 4 of each distinct query.

        Args:
            asked: U queries.
            values: [N, Dv + 1] in the fast type, ones in the last column.
            mean: [Dk] mean query, for the fixed normalization.
            report: called with the share done.

        Returns:
            [U, Dv] float32.
        """
        count = len(asked.vectors)
        output: Tensor = self.exact.norms.new_empty((count, values.shape[1] - 1))
        for rows in _blocks(count):
            report(rows.start / count)
            queries = _queries(asked, rows)
            shift, scale = self.exact.shift_and_scale(queries, self.settings, mean)
            scale = torch.as_tensor(scale, device=shift.device).expand(len(queries.vectors), 1)
            shift = shift.expand(len(queries.vectors), 1) * scale
            sums = output.new_zeros((len(queries.vectors), values.shape[1]))
            scaled = self._shifted(queries.vectors, scale, shift[:, 0])
            for columns, scores in self._products(scaled):  # A_ij
                # F.threshold keeps what is above its limit: from 0 on, and no negative number.
                kept = F.threshold(scores, -1e-37, -math.inf, inplace=True).exp_()
                sums += kept @ values[columns]
            output[rows] = sums[:, :-1] / sums[:, -1:]
            settled = (sums[:, -1] > 0) & (scale - shift < _MOST)[:, 0]
            self._again(rows.start + (~settled).nonzero()[:, 0], asked, values, mean, output)
        return output

    def _again(
        self, which: Tensor, asked: _Asked, values: Tensor, mean: Tensor | None, output: Tensor
    ) -> None:
        """Rows of which nothing is above 0, or which could overflow, by the exact steps."""
        for chunk in row_chunks(len(which), len(self.keys), CHUNK_BYTES // 4):
            rows = which[chunk]
            weights = self.exact.weights(_queries(asked, rows), self.settings, mean)  # [R, N]
            total = output.new_zeros((len(rows), output.shape[1]))
            for columns in _blocks(len(self.keys)):
                total += weights[:, columns] @ values[columns, :-1].float()
            output[rows] = total


def attend_fast(
    keys: Tensor,
    values: Tensor,
    settings: AttentionSettings,
    resizing: Resizing,
    progress: Progress | None = None,
) -> tuple[Tensor, Tensor]:
    """`glaclip.attention.attend_and_mean_query` in the processor's fastest float type.

    Args:
        keys: [L, S, Dk] raw keys.
        values: [L, Sv, Dv].
        settings: switches and constants.
        resizing: of the values to the keys' grid.
        progress: called as (windows done, windows); it may raise to stop.

    Returns:
        [L, S, Dv] in the values' type, and the mean query [Dk].
    """
    windows, tokens, _ = keys.shape
    output = values.new_empty((windows, tokens, values.shape[2]))
    total = torch.zeros((), device=keys.device)
    step = windows if settings.cross_window else 1
    for first in range(0, windows, step):

        def report(share: float, first: int = first) -> None:
            if progress:
                progress(first + int(step * share), windows)

        seen = slice(first, first + step)
        mixed, mean = _attend_among(keys[seen], values[seen], settings, resizing, report)
        output[seen] = mixed.view(step, tokens, -1)
        total = total + mean * (step / windows)
    if progress:
        progress(windows, windows)
    return output, total


def _attend_among(
    keys: Tensor,
    values: Tensor,
    settings: AttentionSettings,
    resizing: Resizing,
    report: Callable[[float], None],
) -> tuple[Tensor, Tensor]:
    """Windows that see each other: [L * S, Dv] and the mean query [Dk]."""
    report(0)
    steps = _Steps(keys.flatten(0, 1), len(keys), settings)
    asked = _asked(steps, settings, lambda share: report(share / 2))
    mean = asked.total() / len(steps.keys)
    columns = _values(values, resizing, keys.shape[1], steps.keys.dtype)
    wanted = None if settings.dynamic_normalization else mean
    mixed = steps.outputs(asked, columns, wanted, lambda share: report((1 + share) / 2))
    return asked.expand(mixed), mean


def _asked(steps: _Steps, settings: AttentionSettings, report: Callable[[float], None]) -> _Asked:
    own = steps.keys[:, : steps.size]
    if not (settings.proxy_anchors or settings.dynamic_normalization):
        return _Asked(own, None)
    anchors = steps.anchors(report)
    if settings.proxy_anchors:
        return anchors
    assert anchors.sizes is not None
    return _Asked(own, anchors.expand(anchors.sizes))


def _values(values: Tensor, resizing: Resizing, tokens: int, dtype: torch.dtype) -> Tensor:
    """[L, Sv, Dv] to [L * S, Dv + 1]: on the keys' grid, with a column of ones."""
    columns = values.new_ones((len(values), tokens, values.shape[2] + 1), dtype=dtype)
    for window, target in zip(values, columns, strict=True):
        target[:, :-1] = resizing.values(window)
    return columns.flatten(0, 1)


def _queries(asked: _Asked, rows: slice | Tensor) -> Queries:
    sizes = asked.sizes
    return Queries(asked.vectors[rows].float(), None if sizes is None else sizes[rows])


def _blocks(count: int) -> Iterator[slice]:
    for first in range(0, count, _BLOCK):
        yield slice(first, min(first + _BLOCK, count))


def _names(vectors: Tensor, sizes: Tensor) -> Tensor:
    """[R] int64: equal for equal rows, and for others but once in 2^64 pairs."""
    bits = vectors.view(torch.int16 if vectors.element_size() == 2 else torch.int32)
    generator = torch.Generator().manual_seed(0)
    factors = torch.randint(2**62, (bits.shape[1] + 1,), generator=generator).to(bits.device)
    factors = 2 * factors + 1
    return (bits * factors[:-1]).sum(dim=1) + sizes.long() * factors[-1]
