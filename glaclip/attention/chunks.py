"""Bookkeeping of attention: how many rows at a time, and values on another grid than the keys."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

#: Called as (windows done, windows).
Progress = Callable[[int, int], None]

#: Temporary memory of one chunk of rows. With stored anchors the total stays under 256 MB.
CHUNK_BYTES = 48 * 2**20
#: Bytes alive per score while a chunk is processed: products, members, weights, resized weights.
_BYTES_PER_SCORE = 13
#: Anchors are kept between the two passes of the fixed normalization up to this size.
_KEPT_ANCHOR_BYTES = 96 * 2**20


def row_chunks(rows: int, visible: int, chunk_bytes: int) -> Iterator[slice]:
    """Consecutive slices of `rows` rows over `visible` tokens, each within the memory given."""
    step = max(1, chunk_bytes // (_BYTES_PER_SCORE * visible))
    for first in range(0, rows, step):
        yield slice(first, min(first + step, rows))


def keep_anchors(keys: Tensor) -> bool:
    """Whether anchors as large as these keys [N, Dk] are kept rather than computed twice."""
    return keys.numel() * keys.element_size() <= _KEPT_ANCHOR_BYTES


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
