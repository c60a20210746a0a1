"""The contract between a backbone, which turns pixels and words into tokens, and the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeGuard, runtime_checkable

import torch
from torch import Tensor

from glaclip.settings import AttentionSettings, WindowSettings

Grid = tuple[int, int]


class BackboneError(RuntimeError):
    """A backbone that cannot start; the message is one sentence with the way forward.

    Attributes:
        brief: for a page, where commands of the server's terminal help nobody.
    """

    def __init__(self, message: str, brief: str = "") -> None:
        super().__init__(message)
        self.brief = brief or message


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
    def gathered(cls, parts: Iterable[Tokens], windows: int) -> Tokens:
        """Joins batches of windows in order, each let go once it is copied.

        Args:
            parts: batches that hold `windows` windows together, at least one.
            windows: L.
        """
        whole: Tokens | None = None
        done = 0
        for part in parts:
            if whole is None:
                whole = part._empty(windows)
            rows = slice(done, done + len(part.keys))
            for target, source in zip(whole._tensors(), part._tensors(), strict=True):
                target[rows] = source
            done += len(part.keys)
        assert whole is not None
        return whole

    def _empty(self, windows: int) -> Tokens:
        def empty(tensor: Tensor) -> Tensor:
            return tensor.new_empty((windows, *tensor.shape[1:]))

        return replace(
            self,
            keys=empty(self.keys),
            values=empty(self.values),
            extras={name: empty(tensor) for name, tensor in self.extras.items()},
        )

    def _tensors(self) -> tuple[Tensor, ...]:
        return (self.keys, self.values, *self.extras.values())

    def to(self, device: torch.device | str) -> Tokens:
        """The same tokens on another device."""
        return replace(
            self,
            keys=self.keys.to(device),
            values=self.values.to(device),
            extras={name: tensor.to(device) for name, tensor in self.extras.items()},
        )

    @property
    def nbytes(self) -> int:
        """Bytes held by all tensors."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self._tensors())


class Mixing(Protocol):
    """A baseline on the tokens of L windows: which tokens a patch averages, and what that gives.

    Attributes:
        grid: (rows, columns) of the S patches of a window.
    """

    @property
    def grid(self) -> Grid:
        """See above."""
        ...

    def features(self) -> Tensor:
        """Unit vectors [L, S, E] of the joint space."""
        ...

    def row(self, window: int, token: int) -> Tensor:
        """[H, 1 + S] float32: what each head weighs the tokens of a patch's window with, CLS first.

        Each head's weights are together 1; H is 1 where all heads do alike.
        """
        ...


@dataclass(frozen=True)
class Identity:
    """Every patch keeps its own value; see `Mixing`.

    Attributes:
        project: values [..., Dv] to unit vectors [..., E].
        tokens: of L windows.
    """

    project: Callable[[Tensor], Tensor]
    tokens: Tokens

    @property
    def grid(self) -> Grid:
        """See `Mixing`."""
        return self.tokens.value_grid

    def features(self) -> Tensor:
        """See `Mixing`."""
        return self.project(self.tokens.values)

    def row(self, window: int, token: int) -> Tensor:
        """See `Mixing`."""
        row = torch.zeros(1, 1 + self.tokens.values.shape[1], device=self.tokens.values.device)
        row[0, 1 + token] = 1
        return row


@runtime_checkable
class Backbone(Protocol):
    """Turns windows and words into tokens of one joint space. It knows nothing of window positions.

    Attributes:
        name: registry name.
        title: name for people.
        fingerprint: identifies weights, dtype, templates and options; part of every cache key.
        device: where its tensors live.
        dtype: of its towers.
        dtype_why: why that type, in a few words; empty when nobody chose.
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
    dtype: torch.dtype
    dtype_why: str
    pixel_multiple: int
    batch_size: int
    templates: tuple[str, ...]
    key_sources: tuple[str, ...]
    baselines: tuple[str, ...]
    default_attention: AttentionSettings
    default_windows: WindowSettings

    def prepare(self) -> None:
        """Reads what would otherwise be read on first use, and does nothing the second time.

        Raises:
            BackboneError: something is missing.
        """
        ...

    def encode_windows(self, pixels: Tensor) -> Tokens:
        """Tokens of windows. pixels: [B, 3, h, w] float32 RGB in 0..1, on `device`."""
        ...

    def keys(self, tokens: Tokens, source: str) -> tuple[tuple[Tensor, Grid], ...]:
        """Keys [L, S', Dk] and their grid for each attention of `source`; outputs are summed."""
        ...

    def key_grids(self, tokens: Tokens, source: str) -> tuple[Grid, ...]:
        """The grids that `keys` would give, without computing any."""
        ...

    def blank_tokens(self, crop: int) -> Tokens:
        """Shapes of one window's tokens, on the meta device: what `encode_windows` would give."""
        ...

    def forward_bytes(self, crop: int) -> int:
        """Temporary memory of `encode_windows` for one window of `crop` pixels a side."""
        ...

    def project(self, values: Tensor) -> Tensor:
        """[..., Dv] values to [..., E] unit vectors of the joint space, float32."""
        ...

    def baseline(self, name: str, tokens: Tokens) -> tuple[Tensor, Grid]:
        """Unit vectors [L, S, E] of a method that looks at each window alone, and their grid."""
        ...

    def mixing(self, name: str, tokens: Tokens) -> Mixing:
        """How a baseline mixes tokens; `baseline` is what that gives."""
        ...

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        """[P, E] unit vectors of prompts as they stand (templates already filled in), float32."""
        ...


@runtime_checkable
class SeesPhotos(Backbone, Protocol):
    """A backbone whose keys may come from its VFM's one look at a photo; see `sees_photos`.

    Attributes:
        key_patch: (height, width) in pixels of a patch of the VFM.
    """

    key_patch: Grid

    def photo_keys(self, pixels: Tensor) -> tuple[Tensor, Grid]:
        """Keys [1, S', Dk] of a photo [1, 3, h, w] in 0..1 whose sides `key_patch` divides."""
        ...

    def encode_windows(self, pixels: Tensor, keys: tuple[Tensor, Grid] | None = None) -> Tokens:
        """See `Backbone`; with keys [B, S', Dk] and their grid, the VFM does not look again."""
        ...


def sees_photos(backbone: Backbone) -> TypeGuard[SeesPhotos]:
    """Whether a backbone can take `WindowSettings.vfm_view` "whole": it has a VFM."""
    return isinstance(backbone, SeesPhotos) and "vfm" in backbone.key_sources
