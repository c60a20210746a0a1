"""Attention over windows for `precision="fast"`: the same formulas, a few passes over N x N.

Three ideas, none of which changes a formula:

- Where a CPU multiplies bfloat16 in hardware several times faster than float32, a product of two
  numbers is three products of their halves: q . k = q1 . k1 + q1 . k2 + q2 . k1, 16 bits in all.
  The three are one product of rows three times as long. Scores and weights keep 8 bits.
- What is subtracted from a product is added to it as two more columns, so that it happens inside
  the product, before rounding: q . k_j - rho has the right sign, A_ij is exact where it is near 0,
  and no pass over N x N is needed for it.
- Rows that ask with the same anchor are computed once, among all N of them. Keys are summed over a
  set as 8-bit integers where those are quicker, which is exact, so equal sets have equal anchors.

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
from glaclip.products import fast_type, integers_pay
from glaclip.settings import AttentionSettings
from glaclip.similar import Queries, first_of_each
from glaclip.visible import Visible

#: Rows and columns of a block; its products (8 MB of bfloat16) stay in the cache, measured.
_BLOCK = 2048
#: What products need of the keys is kept between blocks of rows up to this size, else built again.
_KEPT_BYTES = 64 * 2**20
#: exp(A) times any number of values stays a float up to this A; beyond, rows are done exactly.
_MOST = 60.0
#: Steps of the second half of a key in one of the first.
_HALF = 256


class _Keys:
    """Unit keys of N tokens in two halves, small whole numbers each: k = step (k1 + k2 / 256)."""

    def __init__(self, exact: Visible) -> None:
        self.exact = exact
        self.dtype = fast_type(exact.keys.device)
        self.narrow = self.dtype == torch.bfloat16
        count, self.size = exact.keys.shape
        largest = float((exact.keys.abs().amax(dim=1) / exact.norms).max().clamp_min(1e-12))
        # A power of two: multiplying by it changes no digit.
        self.step = 2.0 ** math.ceil(math.log2(largest / 127))
        self.integers = exact.keys.device.type == "cpu" and integers_pay()
        self.halves: Tensor | None = None
        self.kept: dict[int, Tensor] | None = {}
        if count * (self.size * 6 if self.narrow else self.size * 4) > _KEPT_BYTES:
            self.kept = None
        if self.narrow or self.integers:  # int8 [N, 2 Dk + 1], the last column ones
            width = 2 * self.size + 1
            self.halves = exact.keys.new_empty((count, width), dtype=torch.int8)
            self.halves[:, -1] = 1
            for columns in _blocks(count):
                scaled = exact.unit_keys(columns).div_(self.step)
                first = scaled.round()
                self.halves[columns, : self.size] = first
                rest = scaled.sub_(first).mul_(_HALF).round_().clamp_(-127, 127)
                self.halves[columns, self.size : -1] = rest

    def __len__(self) -> int:
        return len(self.exact)

    def block(self, columns: slice) -> Tensor:
        """[C, W] what rows are multiplied with: keys, and ones for what is subtracted."""
        if self.kept is None:
            return self._block(columns)
        if columns.start not in self.kept:
            self.kept[columns.start] = self._block(columns)
        return self.kept[columns.start]

    def _block(self, columns: slice) -> Tensor:
        count, size = columns.stop - columns.start, self.size
        if not self.narrow:
            return self._block_of_floats(columns)
        assert self.halves is not None
        block = self.exact.keys.new_empty((count, 3 * size + 2), dtype=torch.bfloat16)
        block[:, -2:] = 1
        block[:, : 2 * size] = self.halves[columns, :-1]
        block[:, size : 2 * size].div_(_HALF)
        block[:, 2 * size : 3 * size] = block[:, :size]
        return block

    def _block_of_floats(self, columns: slice) -> Tensor:
        """[C, Dk + 1] unit keys and ones."""
        unit = self.exact.unit_keys(columns)
        return torch.cat([unit, unit.new_ones((len(unit), 1))], dim=1)

    def rows(self, vectors: Tensor, factor: Tensor | float, shift: Tensor) -> Tensor:
        """[R, W] whose products with a block are factor (q . k_j) - shift; shift is [R]."""
        size = self.size
        if not self.narrow:
            return torch.cat([vectors * factor, -shift[:, None]], dim=1)
        rows = vectors.new_empty((len(vectors), 3 * size + 2), dtype=torch.bfloat16)
        scaled = vectors * factor * self.step
        rows[:, :size] = scaled
        rows[:, size : 2 * size] = rows[:, :size]
        rows[:, 2 * size : -2] = scaled.sub_(rows[:, :size])
        rows[:, -2] = -shift
        rows[:, -1] = -shift - rows[:, -2]
        return rows

    def products(self, rows: Tensor) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """Products of rows with all keys, a block of columns at a time in the same memory."""
        memory = rows.new_empty(len(rows) * min(_BLOCK, len(self)))
        for columns in _blocks(len(self)):
            block = self.block(columns)
            out = memory[: len(rows) * len(block)].view(len(rows), -1)
            yield columns, block, torch.mm(rows, block.T, out=out)

    def sums(self, vectors: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
        """[R, Dk] sums of the keys with q . k_j > threshold, and [R] how many there are."""
        size = self.size
        rho = self.exact.norms.new_full((len(vectors),), threshold)
        rows = self.rows(vectors, 1.0, rho)
        if not self.integers:
            total = rho.new_zeros((len(rows), size + 1))
            for columns, block, products in self.products(rows):
                # A comparison that writes numbers is several times faster than one that writes
                # bools.
                members = torch.gt(products, 0, out=products)
                unit = self._block_of_floats(columns) if self.narrow else block
                total += members.to(unit.dtype) @ unit
            return total[:, :size], total[:, size]
        assert self.halves is not None
        whole = torch.zeros((len(rows), 2 * size + 1), dtype=torch.int32)
        part = torch.empty_like(whole)
        memory = torch.empty(len(rows) * min(_BLOCK, len(self)), dtype=torch.int8)
        for columns, _, products in self.products(rows):
            members = memory[: products.numel()].view(products.shape)
            members.copy_(torch.gt(products, 0, out=products))
            whole += torch._int_mm(members, self.halves[columns], out=part)
        total = whole[:, :size].to(rho.dtype).mul_(_HALF).add_(whole[:, size:-1])
        return total.mul_(self.step / _HALF), whole[:, -1].to(rho.dtype)


@dataclass(frozen=True)
class _Asked:
    """Distinct queries of N rows.

    Attributes:
        vectors: [U, Dk] unit queries.
        sizes: [U] |P_i| as float32, or None where no stage needs it.
        of_row: [N] index into `vectors`, or None when every row has its own.
    """

    vectors: Tensor
    sizes: Tensor | None
    of_row: Tensor | None = None

    def expand(self, values: Tensor) -> Tensor:
        return values if self.of_row is None else values[self.of_row]

    def total(self) -> Tensor:
        """Sum of the queries of all rows, [Dk]."""
        if self.of_row is None:
            return self.vectors.sum(dim=0)
        times = torch.bincount(self.of_row, minlength=len(self.vectors))
        total: Tensor = times.to(self.vectors.dtype) @ self.vectors
        return total


class _Steps:
    """Steps of attention among N tokens."""

    def __init__(self, keys: Tensor, windows: int, settings: AttentionSettings) -> None:
        self.settings = settings
        self.exact = Visible(keys, windows, integers=False)
        self.keys = _Keys(self.exact)

    def anchors(self, report: Callable[[float], None]) -> _Asked:
        """Step 1: proxy anchors with |P_i|, each distinct one once."""
        vectors = self.own()
        sizes, of_row = self.exact.norms.new_ones(len(vectors)), None
        first = torch.arange(len(vectors), device=vectors.device)  # a row of each query
        for done in range(self.settings.iterations):
            count = len(vectors)
            for rows in _blocks(count):
                report((done + rows.start / count) / self.settings.iterations)
                sums, found = self.keys.sums(vectors[rows], self.settings.threshold)
                if bool((found == 0).any()):  # an empty set stands for its token alone
                    sums = torch.where((found > 0)[:, None], sums, self._unit_keys(first[rows]))
                # The mean and the sum have the same direction.
                vectors[rows] = F.normalize(sums, dim=1)
                sizes[rows] = found.clamp_min(1)
            group, one = _equal_rows(vectors, sizes)
            of_row = group if of_row is None else group[of_row]
            vectors, sizes, first = vectors[one], sizes[one], first[one]
        return _Asked(vectors, sizes, of_row)

    def own(self) -> Tensor:
        """[N, Dk] unit keys."""
        return self.exact.unit_keys(slice(None))

    def _unit_keys(self, which: Tensor) -> Tensor:
        keys: Tensor = self.exact.keys[which] / self.exact.norms[which, None]
        return keys

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
            scaled = self.keys.rows(queries.vectors, scale, shift[:, 0])
            for columns, _, scores in self.keys.products(scaled):  # A_ij
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


def fast_bytes(tokens: int, key_size: int, value_size: int) -> int:
    """Temporary memory of `attend_fast`, beyond its inputs and its result; an estimate from above.

    Args:
        tokens: N, that see each other.
        key_size: Dk.
        value_size: Dv.
    """
    keys, rows = tokens * key_size, min(tokens, _BLOCK)
    # Halves, queries and the distinct ones among them; blocks of keys; values.
    lasting = 10 * keys + min(6 * keys, _KEPT_BYTES) + 4 * tokens * (value_size + 1)
    # Of a block: rows and keys threefold, sums and their parts, products and members.
    return lasting + rows * (40 * key_size + 8 * value_size + 7 * rows)


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
    if not (settings.proxy_anchors or settings.dynamic_normalization):
        return _Asked(steps.own(), None)
    anchors = steps.anchors(report)
    if settings.proxy_anchors:
        return anchors
    assert anchors.sizes is not None
    return _Asked(steps.own(), anchors.expand(anchors.sizes))


def _values(values: Tensor, resizing: Resizing, tokens: int, dtype: torch.dtype) -> Tensor:
    """[L, Sv, Dv] to [L * S, Dv + 1]: on the keys' grid, with a column of ones."""
    columns = values.new_ones((len(values), tokens, values.shape[2] + 1), dtype=dtype)
    for window, target in zip(values, columns, strict=True):
        target[:, :-1] = resizing.values(window)
    return columns.flatten(0, 1)


def _queries(asked: _Asked, rows: slice | Tensor) -> Queries:
    sizes = asked.sizes
    return Queries(asked.vectors[rows], None if sizes is None else sizes[rows])


def _blocks(count: int) -> Iterator[slice]:
    for first in range(0, count, _BLOCK):
        yield slice(first, min(first + _BLOCK, count))


def _equal_rows(vectors: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
    """The group [R] of each row, rows with equal numbers together, and a row [U] of each group.

    Rows are told apart by their products with four random vectors: 96 bits.
    """
    generator = torch.Generator().manual_seed(0)
    factors = torch.randn(vectors.shape[1], 4, generator=generator).to(vectors)
    names = (vectors @ factors).add_(sizes[:, None]).to(torch.float32).cpu()  # [R, 4]
    halves = names.view(torch.int64)  # [R, 2]
    _, group = torch.unique(halves[:, 0] * 0x9E3779B97F4A7C1 + halves[:, 1], return_inverse=True)
    group = group.to(vectors.device)
    return group, first_of_each(group, int(group.max()) + 1)
