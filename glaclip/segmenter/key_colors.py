"""Keys as colors: the first three principal components of all windows' keys as red, green, blue.

The picture that DINO made known: parts of one thing have one color. The components are of all
windows together, so that one color means one thing in every window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from glaclip.backbones.base import Backbone, Grid, Tokens
from glaclip.segmenter.joining import places, spliced
from glaclip.segmenter.results import Encoded

#: Components below and above these shares of all tokens are drawn alike, so that a few of them do
#: not take the colors of all others.
_RANGE = (0.01, 0.99)
#: Short names of the key sources of CLIP's last block, which holds queries, keys and values.
_NAMES = {"clearclip": ("q",), "sclip": ("q", "k")}
_VALUES = "v"

_Read = Callable[[Tokens], tuple[Tensor, Grid]]


@dataclass(frozen=True)
class KeyColors:
    """The first three principal components of one kind of tokens.

    Attributes:
        name: of the kind, see `token_kinds`.
        windows: uint8 [L, rows, columns, 3], a picture a window.
        stitched: uint8 [H, W, 3], the mean of the windows over each place.
        explained: share of the variance in the three components.
    """

    name: str
    windows: NDArray[np.uint8]
    stitched: NDArray[np.uint8]
    explained: float


def token_kinds(backbone: Backbone) -> Mapping[str, _Read]:
    """What can be pictured: every key set of the backbone by its source's name, and values "v".

    With CLIP these are "vfm" where there is one, its last block's own "q" and "k", and "v".
    """
    kinds: dict[str, _Read] = {}
    for source in backbone.key_sources:
        blank = backbone.blank_tokens(backbone.default_windows.crop)
        count = len(backbone.key_grids(blank, source))
        plain = (source,) if count == 1 else tuple(f"{source} {n + 1}" for n in range(count))
        for index, name in enumerate(_NAMES.get(source, plain)):
            kinds.setdefault(name, _reader(backbone, source, index))
    kinds[_VALUES] = lambda tokens: (tokens.values, tokens.value_grid)
    return kinds


def _reader(backbone: Backbone, source: str, index: int) -> _Read:
    return lambda tokens: backbone.keys(tokens, source)[index]


def key_colors(backbone: Backbone, encoded: Encoded, kind: str = "") -> KeyColors:
    """Pictures of one kind of tokens.

    Args:
        backbone: that encoded the photo.
        encoded: from `Segmenter.encode`.
        kind: of `token_kinds`; the first when left out.

    Raises:
        ValueError: another kind.
    """
    name, tokens, grid = _unit_tokens(backbone, encoded, kind)
    with torch.inference_mode():
        components, explained = principal_components(tokens)
        onto = places(encoded.size, encoded.boxes, grid)
        joined = spliced(components, encoded.boxes, encoded.size, grid, onto)
        colors = _painter(components)
        return KeyColors(
            name,
            colors(components).reshape(len(components), *grid, 3),
            colors(joined).reshape(*onto, 3),
            explained,
        )


def colors_alone(backbone: Backbone, encoded: Encoded, kind: str = "") -> NDArray[np.uint8]:
    """Each window in components of its own, as if there were no other: [L, rows, columns, 3].

    A color means one thing within a window, and nothing beyond it. See `key_colors`.
    """
    _, tokens, grid = _unit_tokens(backbone, encoded, kind)
    with torch.inference_mode():
        alone = [principal_components(window)[0] for window in tokens[:, None]]
        return np.stack([_painter(window)(window).reshape(*grid, 3) for window in alone])


def _unit_tokens(backbone: Backbone, encoded: Encoded, kind: str) -> tuple[str, Tensor, Grid]:
    """The kind's name, its unit vectors [L, S, D], and their grid."""
    kinds = token_kinds(backbone)
    name = kind or next(iter(kinds))
    if name not in kinds:
        raise ValueError(f"kind must be one of {', '.join(kinds)}; received {kind!r}")
    with torch.inference_mode():
        tokens, grid = kinds[name](encoded.tokens)
        return name, F.normalize(tokens.float(), dim=-1), grid


def _painter(components: Tensor) -> Callable[[Tensor], NDArray[np.uint8]]:
    """What makes colors of components [..., 3], on the range of those given [L, S, 3]."""
    low, high = torch.from_numpy(np.quantile(components.flatten(0, 1).cpu(), _RANGE, axis=0))

    def colors(values: Tensor) -> NDArray[np.uint8]:
        shares = (values.cpu() - low) / (high - low).clamp_min(1e-12)
        shown: NDArray[np.uint8] = (255 * shares.clamp(0, 1)).round().byte().numpy()
        return shown

    return colors


def principal_components(tokens: Tensor) -> tuple[Tensor, float]:
    """The first three components [L, S, 3] of tokens [L, S, D] and their share of the variance.

    On the CPU, whose numbers are double everywhere.

    Their signs are those that make the largest loading positive: the same photo has the same
    colors.
    """
    flat = tokens.flatten(0, 1).cpu().double()
    flat = flat - flat.mean(dim=0)
    variances, directions = torch.linalg.eigh(flat.T @ flat)  # ascending
    first = directions[:, -3:].flip(1)  # [D, 3]
    largest = first.gather(0, first.abs().argmax(dim=0, keepdim=True))
    first = first * largest.sign()
    whole = float(variances.clamp_min(0).sum())
    share = float(variances[-3:].clamp_min(0).sum()) / whole if whole > 0 else 0.0
    return (flat @ first).float().unflatten(0, tokens.shape[:2]), share
