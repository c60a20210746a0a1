"""Keys cut into two halves of small whole numbers, and products with them, for `fast`."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from glaclip.attention.anchors import Keys
from glaclip.support import onednn
from glaclip.support.processor import processor

#: Rows and columns of a block; its products (8 MB of bfloat16) stay in the cache, measured.
BLOCK = 2048
#: What products need of the keys is kept between blocks of rows up to this size, else built again.
KEPT_BYTES = 64 * 2**20
#: Steps of the second half of a key in one of the first.
_HALF = 256


def blocks(count: int) -> Iterator[slice]:
    """Slices of `BLOCK` rows at most that cover `count` rows."""
    for first in range(0, count, BLOCK):
        yield slice(first, min(first + BLOCK, count))


class SplitKeys:
    """Unit keys of N tokens in two halves, small whole numbers each: k = step (k1 + k2 / 256)."""

    def __init__(self, exact: Keys) -> None:
        self.exact = exact
        self.dtype = processor().fast_type(exact.raw.device)
        self.narrow = self.dtype == torch.bfloat16
        count, self.size = exact.raw.shape
        largest = float((exact.raw.abs().amax(dim=1) / exact.norms).max().clamp_min(1e-12))
        # A power of two: multiplying by it changes no digit.
        self.step = 2.0 ** math.ceil(math.log2(largest / 127))
        self.integers = exact.raw.device.type == "cpu" and processor().integers
        self.halves: Tensor | None = None
        self.kept: dict[int, Tensor] | None = {}
        if count * (self.size * 6 if self.narrow else self.size * 4) > KEPT_BYTES:
            self.kept = None
        if self.narrow or self.integers:  # int8 [N, 2 Dk + 1], the last column ones
            width = 2 * self.size + 1
            self.halves = exact.raw.new_empty((count, width), dtype=torch.int8)
            self.halves[:, -1] = 1
            for columns in blocks(count):
                scaled = exact.unit(columns).div_(self.step)
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
        block = self.exact.raw.new_empty((count, 3 * size + 2), dtype=torch.bfloat16)
        block[:, -2:] = 1
        block[:, : 2 * size] = self.halves[columns, :-1]
        block[:, size : 2 * size].div_(_HALF)
        block[:, 2 * size : 3 * size] = block[:, :size]
        return block

    def _block_of_floats(self, columns: slice) -> Tensor:
        """[C, Dk + 1] unit keys and ones."""
        unit = self.exact.unit(columns)
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
        memory = rows.new_empty(len(rows) * min(BLOCK, len(self)))
        for columns in blocks(len(self)):
            block = self.block(columns)
            out = memory[: len(rows) * len(block)].view(len(rows), -1)
            yield columns, block, onednn.product(rows, block, out)

    def sums(self, vectors: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
        """Sums [R, Dk] of the keys with q . k_j > threshold, and how many there are, [R].

        Twin of `method.sum_similar`.
        """
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
        memory = torch.empty(len(rows) * min(BLOCK, len(self)), dtype=torch.int8)
        for columns, _, products in self.products(rows):
            members = memory[: products.numel()].view(products.shape)
            members.copy_(torch.gt(products, 0, out=products))
            whole += torch._int_mm(members, self.halves[columns], out=part)
        total = whole[:, :size].to(rho.dtype).mul_(_HALF).add_(whole[:, size:-1])
        return total.mul_(self.step / _HALF), whole[:, -1].to(rho.dtype)
