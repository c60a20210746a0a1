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
steps (`glaclip.attention.visible`).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.attention.anchors import Queries, equal_rows
from glaclip.attention.chunks import CHUNK_BYTES, Progress, Resizing, row_chunks
from glaclip.attention.split_keys import BLOCK, KEPT_BYTES, SplitKeys, blocks
from glaclip.attention.visible import Visible
from glaclip.settings import AttentionSettings

#: Gives the anchors of the windows from a first one on: known ones, or what is computed.
Known = Callable[[int, Callable[[], Queries]], Queries]
#: exp(A) times any number of values stays a float up to this A; beyond, rows are done exactly.
_MOST = 60.0


class _Steps:
    """Steps of attention among N tokens."""

    def __init__(self, keys: Tensor, windows: int, settings: AttentionSettings) -> None:
        self.settings = settings
        self.exact = Visible(keys, windows, integers=False)
        self.keys = SplitKeys(self.exact)

    def anchors(self, report: Callable[[float], None]) -> Queries:
        """Step 1: proxy anchors with |P_i|, each distinct one once."""
        vectors = self.own()
        sizes, of_row = self.exact.norms.new_ones(len(vectors)), None
        first = torch.arange(len(vectors), device=vectors.device)  # a row of each query
        for done in range(self.settings.iterations):
            count = len(vectors)
            for rows in blocks(count):
                report((done + rows.start / count) / self.settings.iterations)
                sums, found = self.keys.sums(vectors[rows], self.settings.threshold)
                if bool((found == 0).any()):  # an empty set stands for its token alone
                    sums = torch.where((found > 0)[:, None], sums, self._unit_keys(first[rows]))
                # The mean and the sum have the same direction.
                vectors[rows] = F.normalize(sums, dim=1)
                sizes[rows] = found.clamp_min(1)
            group, one = equal_rows(vectors, sizes)
            of_row = group if of_row is None else group[of_row]
            vectors, sizes, first = vectors[one], sizes[one], first[one]
        return Queries(vectors, sizes, of_row)

    def own(self) -> Tensor:
        """[N, Dk] unit keys."""
        return self.exact.unit_keys(slice(None))

    def _unit_keys(self, which: Tensor) -> Tensor:
        keys: Tensor = self.exact.keys[which] / self.exact.norms[which, None]
        return keys

    def outputs(
        self, asked: Queries, values: Tensor, mean: Tensor | None, report: Callable[[float], None]
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
        for rows in blocks(count):
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
        self, which: Tensor, asked: Queries, values: Tensor, mean: Tensor | None, output: Tensor
    ) -> None:
        """Rows of which nothing is above 0, or which could overflow, by the exact steps."""
        for chunk in row_chunks(len(which), len(self.keys), CHUNK_BYTES // 4):
            rows = which[chunk]
            weights = self.exact.weights(_queries(asked, rows), self.settings, mean)  # [R, N]
            total = output.new_zeros((len(rows), output.shape[1]))
            for columns in blocks(len(self.keys)):
                total += weights[:, columns] @ values[columns, :-1].float()
            output[rows] = total


def attend_fast(
    keys: Tensor,
    values: Tensor,
    settings: AttentionSettings,
    resizing: Resizing,
    progress: Progress | None = None,
    known: Known | None = None,
) -> tuple[Tensor, Tensor]:
    """`glaclip.attention.rows.attend_and_mean_query` in the processor's fastest float type.

    Args:
        keys: [L, S, Dk] raw keys.
        values: [L, Sv, Dv].
        settings: switches and constants.
        resizing: of the values to the keys' grid.
        progress: called as (windows done, windows); it may raise to stop.
        known: where anchors are kept; they depend on keys, threshold and iterations alone.

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
        keep = (lambda compute, first=first: known(first, compute)) if known else _computed
        mixed, mean = _attend_among(keys[seen], values[seen], settings, resizing, report, keep)
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
    keys, rows = tokens * key_size, min(tokens, BLOCK)
    # Halves, queries and the distinct ones among them; blocks of keys; values.
    lasting = 10 * keys + min(6 * keys, KEPT_BYTES) + 4 * tokens * (value_size + 1)
    # Of a block: rows and keys threefold, sums and their parts, products and members.
    return lasting + rows * (40 * key_size + 8 * value_size + 7 * rows)


def _attend_among(
    keys: Tensor,
    values: Tensor,
    settings: AttentionSettings,
    resizing: Resizing,
    report: Callable[[float], None],
    keep: Callable[[Callable[[], Queries]], Queries],
) -> tuple[Tensor, Tensor]:
    """Windows that see each other: [L * S, Dv] and the mean query [Dk]."""
    report(0)
    steps = _Steps(keys.flatten(0, 1), len(keys), settings)
    asked = _asked(steps, settings, lambda share: report(share / 2), keep)
    mean = asked.total() / len(steps.keys)
    columns = _values(values, resizing, keys.shape[1], steps.keys.dtype)
    wanted = None if settings.dynamic_normalization else mean
    mixed = steps.outputs(asked, columns, wanted, lambda share: report((1 + share) / 2))
    return asked.expand(mixed), mean


def _computed(compute: Callable[[], Queries]) -> Queries:
    return compute()


def _asked(
    steps: _Steps,
    settings: AttentionSettings,
    report: Callable[[float], None],
    keep: Callable[[Callable[[], Queries]], Queries],
) -> Queries:
    if not (settings.proxy_anchors or settings.dynamic_normalization):
        return Queries(steps.own(), None)
    anchors = keep(lambda: steps.anchors(report))
    if settings.proxy_anchors:
        return anchors
    assert anchors.set_sizes is not None
    return Queries(steps.own(), anchors.expand(anchors.set_sizes))


def _values(values: Tensor, resizing: Resizing, tokens: int, dtype: torch.dtype) -> Tensor:
    """[L, Sv, Dv] to [L * S, Dv + 1]: on the keys' grid, with a column of ones."""
    columns = values.new_ones((len(values), tokens, values.shape[2] + 1), dtype=dtype)
    for window, target in zip(values, columns, strict=True):
        target[:, :-1] = resizing.values(window)
    return columns.flatten(0, 1)


def _queries(asked: Queries, rows: slice | Tensor) -> Queries:
    sizes = asked.set_sizes
    return Queries(asked.vectors[rows], None if sizes is None else sizes[rows])
