"""Proxy anchors quicker than on the page (`method.proxy_anchors`): keys summed over sets.

The sum of keys over a set is a product of a 0/1 matrix with the keys, and by far the largest part
of an anchor's cost. Rows that ask with the same numbers to the last bit are computed once. Small
sets are gathered. Where the processor multiplies 8-bit integers faster than floats, keys are
written as three planes of 8-bit integers, 24 bits in all as in a float. Their sums are exact, so
that equal sets always have equal anchors. In nine shipped photos |P_i| is that of sums of 64 bits
in all 49,572 rows (floats: all but 2; two planes: all but 49).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.attention import method
from glaclip.support.processor import processor

#: Below this share of members their keys are gathered instead of multiplied.
SPARSE_SHARE = 0.02
#: 8-bit integers that stand for a number of a key, each this many times finer than the one before.
_PLANES, _FINER = 3, 254
#: Integer sums stay below 2**31, and counts exact as floats, for up to this many tokens.
_MAX_INTEGER_TOKENS = 2**24
#: Rows of keys and of queries that are copied at a time: never all of them.
_STRIP = 1024


@dataclass(frozen=True)
class Queries:
    """What rows ask with. Rows whose sets are equal share an anchor, which is computed once.

    Attributes:
        vectors: [U, Dk] unit queries: keys, or anchors.
        set_sizes: [U] |P_i|, or None where no stage needs it.
        of_row: [R] index into `vectors` of each row, or None when every row has its own.
    """

    vectors: Tensor
    set_sizes: Tensor | None
    of_row: Tensor | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of all numbers."""
        parts = (self.vectors, self.set_sizes, self.of_row)
        return sum(part.numel() * part.element_size() for part in parts if part is not None)

    def expand(self, values: Tensor) -> Tensor:
        """[U, ...] to [R, ...]."""
        return values if self.of_row is None else values[self.of_row]

    def total(self) -> Tensor:
        """Sum of the queries of all rows, [Dk]."""
        if self.of_row is None:
            return self.vectors.sum(dim=0)
        times = torch.bincount(self.of_row, minlength=len(self.vectors))
        total: Tensor = times.to(self.vectors.dtype) @ self.vectors
        return total


class Keys:
    """The N keys in sight: raw, as their unit copies would take as much memory again."""

    def __init__(
        self, raw: Tensor, integers: bool | None = None, sparse_share: float = SPARSE_SHARE
    ) -> None:
        """Args:
        raw: [N, Dk] keys of any length.
        integers: sums as integers; when left out, for float32 on a CPU where that pays.
        sparse_share: share of members below which sums of floats are gathered.
        """
        # Half precision would blur the comparison with rho, so similarities are at least float32.
        self.raw = raw.to(torch.promote_types(raw.dtype, torch.float32))
        self.norms = self.raw.norm(dim=1).clamp_min(1e-12)  # [N]
        self.mean = (1 / self.norms) @ self.raw / len(raw)  # [Dk], of unit keys
        self.sparse_share = sparse_share
        # From another device rows would have to come here to be told apart.
        self.once = raw.device.type == "cpu"
        if integers is None:
            plain = raw.device.type == "cpu" and self.raw.dtype == torch.float32
            integers = plain and len(raw) <= _MAX_INTEGER_TOKENS and processor().integers
        self.integers = integers

    def __len__(self) -> int:
        return len(self.raw)

    def unit(self, rows: slice | Tensor) -> Tensor:
        """k_i [R, Dk]."""
        unit: Tensor = self.raw[rows] / self.norms[rows, None]
        return unit

    def cosines(self, queries: Tensor) -> Tensor:
        """S [U, N] of queries [U, Dk], in units of a query's length."""
        products: Tensor = queries @ self.raw.T
        return products.div_(self.norms)

    def anchors(self, own: Tensor, rho: float, iterations: int) -> Queries:
        """Proxy anchors of some queries, given by their unit keys [R, Dk]; equal ones once."""
        found = method.proxy_anchors(own, self.raw, rho, iterations, self.sums)
        return distinct(*found) if self.once else Queries(*found)

    def sums(self, anchors: Tensor, rho: float) -> tuple[Tensor, Tensor]:
        """Sums [R, Dk] of keys over sets and the sets' sizes [R], as `method.sum_similar`."""
        asked = distinct(anchors) if self.once else Queries(anchors, None)
        products = asked.vectors @ self.raw.T  # [U, N]; q . k_j times |k_j|
        # A comparison that writes numbers is several times faster than one that writes bools, and
        # one that writes the numbers it reads than one that writes integers.
        members = torch.gt(products, self.norms * rho, out=products)
        sizes = members.sum(dim=1)
        if self.integers:
            total = self._integer_sums(members.to(torch.int8))
        elif int(sizes.sum()) <= self.sparse_share * members.numel():
            total = self._gathered_sums(members, sizes.long())
        else:
            total = members.div_(self.norms) @ self.raw
        return asked.expand(total), asked.expand(sizes)

    def _gathered_sums(self, members: Tensor, sizes: Tensor) -> Tensor:
        columns = members.nonzero()[:, 1]  # row by row, as the offsets need
        return F.embedding_bag(
            columns,
            self.raw,
            sizes.cumsum(0) - sizes,
            mode="sum",
            per_sample_weights=1 / self.norms[columns],
        )

    @functools.cached_property
    def _planes(self) -> list[tuple[Tensor, float]]:
        """Unit keys as planes [N, Dk] of int8, each with its step."""
        largest = float((self.raw.abs().amax(dim=1) / self.norms).max().clamp_min(1e-12))
        # The first is a power of two: of multiplying by it nothing is rounded.
        steps = [2.0 ** math.ceil(math.log2(largest / 127)) / _FINER**i for i in range(_PLANES)]
        planes = [torch.empty_like(self.raw, dtype=torch.int8) for _ in steps]
        for first in range(0, len(self), _STRIP):
            rows = slice(first, first + _STRIP)
            rest = self.unit(rows)
            for plane, step in zip(planes, steps, strict=True):
                whole = (rest / step).round_()
                plane[rows] = whole
                rest -= whole.mul_(step)
        return list(zip(planes, steps, strict=True))

    def _integer_sums(self, members: Tensor) -> Tensor:
        total = self.raw.new_zeros((len(members), self.raw.shape[1]))
        for plane, step in reversed(self._planes):  # the finest first, as little is rounded then
            total.add_(torch._int_mm(members, plane), alpha=step)
        return total


def distinct(vectors: Tensor, sizes: Tensor | None = None) -> Queries:
    """Queries of rows [R, Dk] with sizes [R], equal ones once unless few are equal."""
    of_row, one = equal_rows(vectors, sizes)
    if len(one) > 0.7 * len(vectors):
        return Queries(vectors, sizes)
    return Queries(vectors[one], None if sizes is None else sizes[one], of_row)


def equal_rows(vectors: Tensor, sizes: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The group [R] of each row, rows with equal numbers together, and a row [U] of each group.

    Rows are told apart by a name of 64 bits, made of all bits of their numbers.
    """
    bits = vectors.contiguous().view(torch.int32)
    names = torch.zeros(len(bits), dtype=torch.int64, device=bits.device)  # [R]
    if sizes is not None:
        names += sizes.long()
    generator = torch.Generator().manual_seed(0)
    factors = torch.randint(-(2**62), 2**62, bits.shape[1:], generator=generator) * 2 + 1
    factors = factors.to(bits.device)
    for rows in range(0, len(bits), _STRIP):
        names[rows : rows + _STRIP] += (bits[rows : rows + _STRIP] * factors).sum(dim=1)
    _, group = torch.unique(names.cpu(), return_inverse=True)  # not every device sorts integers
    group = group.to(vectors.device)
    return group, _first_of_each(group, int(group.max()) + 1)


def _first_of_each(which: Tensor, count: int) -> Tensor:
    """First row of each of `count` groups, [count], for the group index [R] of each row."""
    rows = torch.arange(len(which), device=which.device)
    return torch.full((count,), len(which), device=which.device).scatter_reduce(
        0, which, rows, "amin"
    )
