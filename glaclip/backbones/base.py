"""The contract between a backbone, which turns pixels and words into tokens, and the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from glaclip.settings import AttentionSettings, WindowSettings

Grid = tuple[int, int]


class BackboneError(RuntimeError):
    """A backbone that cannot start; the message is one sentence with the way forward."""


@dataclass(frozen=True)
class Tokens:
    """What a backbone makes of a batch of windows. B is the number of windows.

    Attributes:
        keys: [B, S', Dk] raw keys; attention L2-normalizes them.
        key_grid: (rows, columns) of the keys in a window, S' = rows * columns, row by row.
        values: [B, S, Dv] what attention averages; `Backbone.project` maps it to the joint space.
        value_grid: (rows, columns) of the values.
        extras: further tensors whose first dimension is B, by name; what baselines need.
    """

    keys: Tensor
    key_grid: Grid
    values: Tensor
    value_grid: Grid
    extras: Mapping[str, Tensor] = field(default_factory=dict)

    @classmethod
    def concatenate(cls, parts: Sequence[Tokens]) -> Tokens:
        """Joins batches of windows in order."""
        first = parts[0]
        return cls(
            keys=torch.cat([part.keys for part in parts]),
            key_grid=first.key_grid,
            values=torch.cat([part.values for part in parts]),
            value_grid=first.value_grid,
            extras={name: torch.cat([p.extras[name] for p in parts]) for name in first.extras},
        )

    def to(self, device: torch.device | str) -> Tokens:
        """The same tokens on another device."""
        return Tokens(
            keys=self.keys.to(device),
            key_grid=self.key_grid,
            values=self.values.to(device),
            value_grid=self.value_grid,
            extras={name: tensor.to(device) for name, tensor in self.extras.items()},
        )

    @property
    def nbytes(self) -> int:
        """Bytes held by all tensors."""
        tensors = (self.keys, self.values, *self.extras.values())
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


@runtime_checkable
class Backbone(Protocol):
    """Turns windows and words into tokens of one joint space. It knows nothing of window positions.

    Attributes:
        name: registry name.
        title: name for people.
        fingerprint: identifies weights, dtype, templates and options; part of every cache key.
        device: where its tensors live.
        pixel_multiple: window sides must be a multiple of this many pixels.
        batch_size: windows per forward pass.
        templates: prompt templates with one `{}`; a prompt's feature is their normalized mean.
        key_sources: what attention may use as keys; the first is the default.
        baselines: names accepted by `baseline`.
        default_attention: the attention settings measured best for this backbone.
        default_windows: the window settings measured best for this backbone.
    """

    name: str
    title: str
    fingerprint: str
    device: torch.device
    pixel_multiple: int
    batch_size: int
    templates: tuple[str, ...]
    key_sources: tuple[str, ...]
    baselines: tuple[str, ...]
    default_attention: AttentionSettings
    default_windows: WindowSettings

    def encode_windows(self, pixels: Tensor) -> Tokens:
        """Tokens of windows. pixels: [B, 3, h, w] float32 RGB in 0..1, on `device`."""
        ...

    def keys(self, tokens: Tokens, source: str) -> tuple[tuple[Tensor, Grid], ...]:
        """Keys [L, S', Dk] and their grid for each attention of `source`; outputs are summed."""
        ...

    def key_grids(self, tokens: Tokens, source: str) -> tuple[Grid, ...]:
        """The grids that `keys` would give, without computing any."""
        ...

    def project(self, values: Tensor) -> Tensor:
        """[..., Dv] values to [..., E] unit vectors of the joint space, float32."""
        ...

    def baseline(self, name: str, tokens: Tokens) -> tuple[Tensor, Grid]:
        """Unit vectors [L, S, E] of a method that looks at each window alone, and their grid."""
        ...

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        """[P, E] unit vectors of prompts as they stand (templates already filled in), float32."""
        ...
