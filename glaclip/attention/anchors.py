"""Proxy anchors: the mean key of the tokens similar to a query (method, section 2).

The sum of keys over a set is a product of a 0/1 matrix with the keys, and by far the largest part
of an anchor's cost. Where the processor multiplies 8-bit integers faster than floats, keys are
written as two planes of 8-bit integers (17 bits in all), which sum exactly in 32-bit integers.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.support.processor import PLANES, integers_pay

#: Below this share of members their keys are gathered instead of multiplied.
SPARSE_SHARE = 0.02
#: Integer sums stay below 2**31 for up to this many tokens.
_MAX_INTEGER_TOKENS = 2**31 // 127
#: Rounding of the planes averages out over so many tokens; smaller sets are summed as floats.
_MANY = 64
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


class SimilarTokens:
    """Sets P_i among N visible tokens, and the mean of their keys."""

    def __init__(
        self,
        keys: Tensor,
        norms: Tensor,
        integers: bool | None = None,
        sparse_share: float = SPARSE_SHARE,
    ) -> None:
        """Args:
        keys: [N, Dk] raw keys.
        norms: [N] their lengths.
        integers: sums as integers; when left out, for float32 on a CPU where that pays.
        sparse_share: share of members below which sums of floats are gathered.
        """
        self.keys, self.norms, self.sparse_share = keys, norms, sparse_share
        if integers is None:
            plain = keys.device.type == "cpu" and keys.dtype == torch.float32
            integers = plain and len(keys) <= _MAX_INTEGER_TOKENS and integers_pay()
        self.integers = integers

    @functools.cached_property
    def _planes(self) -> tuple[Tensor, list[float]]:
        """Unit keys as int8 [N, 2 Dk + 1], the last column ones, and the step of each plane."""
        step = float((self.keys.abs().amax(dim=1) / self.norms).max().clamp_min(1e-12)) / 127
        steps = [step / 254**plane for plane in range(PLANES)]
        size = self.keys.shape[1]
        planes = self.keys.new_ones((len(self.keys), PLANES * size + 1), dtype=torch.int8)
        for first in range(0, len(self.keys), _STRIP):
            rows = slice(first, first + _STRIP)
            rest = self.keys[rows] / self.norms[rows, None]
            for index, width in enumerate(steps):
                plane = (rest / width).round_()
                planes[rows, index * size : (index + 1) * size] = plane.to(torch.int8)
                rest -= plane * width
        return planes, steps

    def sums(self, queries: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
        """Sum of unit keys [R, Dk] and number [R] of the tokens with q . k_j > threshold."""
        products = queries @ self.keys.T  # [R, N]; q . k_j times |k_j|
        bounds = self.norms * threshold
        # A comparison that writes numbers is several times faster than one that writes bools, and
        # one that writes the numbers it reads than one that writes integers.
        members = torch.gt(products, bounds, out=products)
        if self.integers:
            return self._integer_sums(members.to(torch.int8))
        counts = members.sum(dim=1).long()
        if int(counts.sum()) <= self.sparse_share * members.numel():
            return self._gathered_sums(members, counts), counts
        return members.div_(self.norms) @ self.keys, counts

    def _gathered_sums(self, members: Tensor, counts: Tensor) -> Tensor:
        columns = members.nonzero()[:, 1]  # row by row, as the offsets need
        return F.embedding_bag(
            columns,
            self.keys,
            counts.cumsum(0) - counts,
            mode="sum",
            per_sample_weights=1 / self.norms[columns],
        )

    def _integer_sums(self, members: Tensor) -> tuple[Tensor, Tensor]:
        planes, steps = self._planes
        size = self.keys.shape[1]
        sums = torch._int_mm(members, planes)  # int32 [R, 2 Dk + 1]
        total = sums[:, :size].to(self.keys.dtype).mul_(steps[0])
        for index in range(1, PLANES):
            total.add_(sums[:, index * size : (index + 1) * size], alpha=steps[index])
        counts = sums[:, -1].long()
        few = ((counts > 0) & (counts < _MANY)).nonzero()[:, 0]
        if len(few):
            total[few] = self._gathered_sums(members[few], counts[few])
        return total, counts

    def anchors(self, own: Tensor, threshold: float, iterations: int) -> Queries:
        """Proxy anchors q^(T) of some queries with |P^(T)|, rows with equal sets only once.

        Args:
            own: [R, Dk] unit keys of the queries.
            threshold: rho.
            iterations: T.
        """
        of_row: Tensor | None = None
        query = own
        counts = own.new_ones(len(own), dtype=torch.long)
        for _ in range(iterations):
            total, counts = self.sums(query, threshold)
            # The mean and the sum have the same direction; an empty set stands for its token alone.
            total = torch.where((counts > 0)[:, None], total, own)
            query, counts = F.normalize(total, dim=1), counts.clamp_min(1)
            if not self.integers:
                continue
            # Sums of integers are equal to the last bit when the sets are.
            group, one = equal_rows(query, counts)
            if len(one) > 0.7 * len(query):
                continue
            query, counts, own = query[one], counts[one], own[one]
            of_row = group if of_row is None else group[of_row]
        return Queries(query, counts, of_row)


def equal_rows(vectors: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
    """The group [R] of each row, rows with equal numbers together, and a row [U] of each group.

    Rows are told apart by a name of 64 bits, made of all bits of their numbers.
    """
    names = sizes.to(torch.int64, copy=True)  # [R]
    bits = vectors.contiguous().view(torch.int32)
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
