"""Attention over windows for `precision="fast"`: `method` again, in few passes over N x N.

The same functions under a processor's constraints; each names its twin, and a test holds each pair.
Three ideas, none of which changes a formula:

- Where a CPU multiplies matrices of bfloat16 in hardware, a product of two numbers is three
  products of their halves: q . k = q1 . k1 + q1 . k2 + q2 . k1, 16 bits in all. The three are one
  product of rows three times as long. Scores and weights keep 8 bits.
- What is subtracted from a product is added to it as two more columns, so that it happens inside
  the product, before rounding: q . k_j - rho has the right sign, A_ij is exact where it is near 0,
  and no pass over N x N is needed for it.
- Rows that ask with the same anchor are computed once, among all N of them. Keys are summed over a
  set as 8-bit integers where those are quicker, which is exact, so equal sets have equal anchors.

A row that keeps no score above 0, or whose scores could overflow, is computed again by the exact
steps (`rows`).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.attention import method, rows
from glaclip.attention.anchors import Keys, Queries, equal_rows
from glaclip.attention.rows import CHUNK_BYTES, Progress, Resizing, row_chunks
from glaclip.attention.split_keys import BLOCK, KEPT_BYTES, SplitKeys, blocks
from glaclip.settings import AttentionSettings
from glaclip.support import onednn

#: Gives the anchors of the windows from a first one on: known ones, or what is computed.
Known = Callable[[int, Callable[[], Queries]], Queries]
#: Called with the share done.
Report = Callable[[float], None]
#: exp(A) times any number of values stays a float up to this A; beyond, rows are done exactly.
_MOST = 60.0


def proxy_anchors(keys: SplitKeys, rho: float, iterations: int, report: Report) -> Queries:
    """Anchors of all N tokens with |P_i|, each distinct one once: twin of `method.proxy_anchors`.

    It keeps the distinct anchors alone between the iterations, where its twin keeps all.
    """
    exact = keys.exact
    anchors = exact.unit(slice(None))
    sizes, of_row = exact.norms.new_ones(len(anchors)), None
    first = torch.arange(len(anchors), device=anchors.device)  # a row of each query
    for done in range(iterations):
        count = len(anchors)
        for block in blocks(count):
            report((done + block.start / count) / iterations)
            total, found = keys.sums(anchors[block], rho)
            if bool((found == 0).any()):
                total = torch.where((found > 0)[:, None], total, exact.unit(first[block]))
            anchors[block] = F.normalize(total, dim=1)
            sizes[block] = found.clamp_min(1)
        group, one = equal_rows(anchors, sizes)
        of_row = group if of_row is None else group[of_row]
        anchors, sizes, first = anchors[one], sizes[one], first[one]
    return Queries(anchors, sizes, of_row)


def dynamic(
    mean: Tensor, sizes: Tensor, windows: int, settings: AttentionSettings
) -> tuple[Tensor, Tensor]:
    """Factor a and offset b [R, 1] of A_ij = a S_ij - b: twin of `method.dynamic`."""
    scale = method.scale(sizes, settings)
    return scale, scale * (method.shift(windows, settings) * mean.clamp_min(0))


def fixed(mean: Tensor, settings: AttentionSettings) -> tuple[Tensor, Tensor]:
    """Factor a and offset b [1, 1] of A_ij = a S_ij - b: twin of `method.fixed`."""
    scale = mean.new_full((1, 1), settings.gamma)
    return scale, scale * (settings.beta * mean)


def weights(adjusted: Tensor) -> Tensor:
    """exp(A), written over A, where it is not below zero, else 0: twin of `method.weights`.

    Dividing by the sum of a row is left for the end.
    """
    return F.threshold(adjusted, -1e-37, -math.inf, inplace=True).exp_()


def attend(
    keys: Tensor,
    values: Tensor,
    settings: AttentionSettings,
    resizing: Resizing,
    progress: Progress | None = None,
    known: Known | None = None,
) -> tuple[Tensor, Tensor]:
    """Twin of `method.attend`: of windows, and with the mean query.

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

        report(0)
        seen = slice(first, first + step)
        split = SplitKeys(Keys(keys[seen].flatten(0, 1), integers=False))
        asked = _asked(split, settings, lambda share: report(share / 2), known, first)
        mean = asked.total() / len(split)
        mixed = _outputs(
            split,
            asked,
            _with_ones(values[seen], resizing, tokens, split.dtype),
            settings,
            step,
            None if settings.dynamic_normalization else mean,
            lambda share: report((1 + share) / 2),
        )
        output[seen] = asked.expand(mixed).view(step, tokens, -1)
        total = total + mean * (step / windows)
    if progress:
        progress(windows, windows)
    return output, total


def mean_query(
    keys: Tensor,
    settings: AttentionSettings,
    before_block: Callable[[], None] | None = None,
    known: Known | None = None,
) -> Tensor:
    """Mean query [Dk] of all windows of keys [L, S, Dk], as `attend` with context gives it.

    Args:
        keys: [L, S, Dk] raw keys.
        settings: anchors on or off, and their constants.
        before_block: called before each block of rows; it may raise to stop.
        known: where anchors are kept.
    """

    def report(share: float) -> None:
        if before_block:
            before_block()

    split = SplitKeys(Keys(keys.flatten(0, 1), integers=False))
    return _asked(split, settings, report, known, 0).total() / len(split)


def fast_bytes(tokens: int, key_size: int, value_size: int) -> int:
    """Temporary memory of `attend`, beyond its inputs and its result; an estimate from above.

    Args:
        tokens: N, that see each other.
        key_size: Dk.
        value_size: Dv.
    """
    keys, block = tokens * key_size, min(tokens, BLOCK)
    # Halves, queries and the distinct ones among them; blocks of keys; values.
    lasting = 10 * keys + min(6 * keys, KEPT_BYTES) + 4 * tokens * (value_size + 1)
    # Of a block: rows and keys threefold, sums and their parts, products and members.
    return lasting + block * (40 * key_size + 8 * value_size + 7 * block)


def _asked(
    keys: SplitKeys, settings: AttentionSettings, report: Report, known: Known | None, first: int
) -> Queries:
    """What all rows ask with, as `rows.queries_of`."""

    def compute() -> Queries:
        return proxy_anchors(keys, settings.threshold, settings.iterations, report)

    sizes = None
    if settings.proxy_anchors or settings.dynamic_normalization:
        anchors = known(first, compute) if known else compute()
        if settings.proxy_anchors:
            return anchors
        assert anchors.set_sizes is not None
        sizes = anchors.expand(anchors.set_sizes)
    return Queries(keys.exact.unit(slice(None)), sizes)


def _outputs(
    keys: SplitKeys,
    asked: Queries,
    values: Tensor,
    settings: AttentionSettings,
    windows: int,
    mean_query: Tensor | None,
    report: Report,
) -> Tensor:
    """Averages [U, Dv], float32, of the values [N, Dv + 1] for each distinct query.

    The values are in the fast type, ones in the last column, which sums the weights.
    """
    exact, count = keys.exact, len(asked.vectors)
    output: Tensor = exact.norms.new_empty((count, values.shape[1] - 1))
    for block in blocks(count):
        report(block.start / count)
        queries = _part(asked, block)
        if settings.dynamic_normalization:
            assert queries.set_sizes is not None
            mean = (queries.vectors @ exact.mean)[:, None]
            factor, offset = dynamic(mean, queries.set_sizes, windows, settings)
        else:
            assert mean_query is not None
            factor, offset = fixed(mean_query @ exact.mean, settings)
        factor, offset = (part.expand(len(queries.vectors), 1) for part in (factor, offset))
        sums = output.new_zeros((len(queries.vectors), values.shape[1]))
        scaled = keys.rows(queries.vectors, factor, offset[:, 0])
        for columns, _, adjusted in keys.products(scaled):
            sums += onednn.product(weights(adjusted), values[columns].T)
        output[block] = sums[:, :-1] / sums[:, -1:]
        settled = (sums[:, -1] > 0) & (factor - offset < _MOST)[:, 0]
        # Rows of which nothing is above 0, or which could overflow, by the exact steps.
        again = block.start + (~settled).nonzero()[:, 0]
        for chunk in row_chunks(len(again), len(keys), CHUNK_BYTES // 4):
            which = again[chunk]
            scores = rows.adjusted(exact, _part(asked, which), windows, settings, mean_query)
            shares = method.weights(scores)  # [R, N]
            output[which] = sum(
                shares[:, columns] @ values[columns, :-1].float() for columns in blocks(len(keys))
            )
    return output


def _with_ones(values: Tensor, resizing: Resizing, tokens: int, dtype: torch.dtype) -> Tensor:
    """[L, Sv, Dv] to [L * S, Dv + 1]: on the keys' grid, with a column of ones."""
    columns = values.new_ones((len(values), tokens, values.shape[2] + 1), dtype=dtype)
    for window, target in zip(values, columns, strict=True):
        target[:, :-1] = resizing.values(window)
    return columns.flatten(0, 1)


def _part(asked: Queries, which: slice | Tensor) -> Queries:
    sizes = asked.set_sizes
    return Queries(asked.vectors[which], None if sizes is None else sizes[which])
