"""Keys of the embedded backbone: which patches show the same thing, on a fine grid."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glaclip.backbones.base import Grid
from glaclip.backbones.lite.heads import FOLDED, STACKED_CHANNELS, resize
from glaclip.backbones.lite.towers import STAGE_CHANNELS

FINE_CHANNELS, EARLY_CHANNELS = STAGE_CHANNELS[:2]
#: Shares of a key's cosine: trained vectors, stride-8 map, stride-16 map.
SHARES = (1.0, 0.3, 0.2)
#: The mean cosine of a photo's keys is at most about this.
LIKENESS = 0.35
#: A key whose cosine to all keys around it is below this is alone; see `accompanied`.
COMPANY = 0.84


class KeyHead(nn.Module):
    """Patches of one surface or object get near keys, whichever window shows them.

    A part trained for just that stands beside fixed parts: the tower's two earliest maps, each
    channel with mean 0 and deviation 1 over training photos, which tell surfaces apart by texture
    and color, also things that were never marked, and see little of a window's borders.
    All parts together are turned into few numbers that keep their cosines.
    """

    stacked_mean: Tensor
    stacked_scale: Tensor
    basis: Tensor

    def __init__(
        self, hidden: int = 192, trained: int = 96, joint: int = 256, size: int = 128
    ) -> None:
        """Args:
        hidden: width of the trained part.
        trained: numbers of the trained part.
        joint: numbers of a value.
        size: numbers of a key.
        """
        super().__init__()
        self.register_buffer("stacked_mean", torch.zeros(STACKED_CHANNELS))
        self.register_buffer("stacked_scale", torch.ones(STACKED_CHANNELS))
        parts = trained + FINE_CHANNELS + EARLY_CHANNELS
        self.register_buffer("basis", torch.zeros(parts, size))
        self.fine = nn.Conv2d(FINE_CHANNELS, hidden, 1)
        self.coarse = nn.Conv2d(STACKED_CHANNELS - FOLDED, hidden, 1)
        self.meaning = nn.Conv2d(joint, hidden, 1, bias=False)
        self.middle = nn.Conv2d(hidden, hidden, 1)
        self.leave = nn.Conv2d(hidden, trained, 1)

    def normalized(self, stacked: Tensor) -> Tensor:
        """Stacked maps with mean 0 and deviation 1 in each channel."""
        return (stacked - self.stacked_mean[:, None, None]) * self.stacked_scale[:, None, None]

    def trained(self, normalized: Tensor, values: Tensor) -> Tensor:
        """Unit vectors [B, trained, h, w] on the grid of the values.

        Args:
            normalized: [B, STACKED_CHANNELS, gh, gw].
            values: [B, joint, h, w] before normalization.
        """
        grid = (int(values.shape[2]), int(values.shape[3]))
        x = F.gelu(
            resize(self.fine(F.pixel_shuffle(normalized[:, :FOLDED], 2)), grid)
            + resize(self.coarse(normalized[:, FOLDED:]), grid)
            + self.meaning(F.normalize(values, dim=1))
        )
        x = x + F.gelu(self.middle(x))
        return F.normalize(self.leave(x), dim=1)

    def parts(self, stacked: Tensor, values: Tensor) -> Tensor:
        """All parts side by side, [B, parts, h, w], on the grid of the values.

        Args:
            stacked: [B, STACKED_CHANNELS, gh, gw].
            values: [B, joint, h, w] before normalization.
        """
        x = self.normalized(stacked)
        grid = (int(values.shape[2]), int(values.shape[3]))
        fine = F.pixel_shuffle(x[:, :FOLDED], 2)
        early = x[:, FOLDED : FOLDED + EARLY_CHANNELS]
        parts = (self.trained(x, values), resize(fine, grid), resize(early, grid))
        weighted = [
            F.normalize(part, dim=1) * share**0.5 for part, share in zip(parts, SHARES, strict=True)
        ]
        return torch.cat(weighted, dim=1)

    def forward(self, stacked: Tensor, values: Tensor) -> Tensor:
        """Keys [B, size, h, w] on the grid of the values; arguments as of `parts`."""
        keys: Tensor = torch.einsum("bphw,pk->bkhw", self.parts(stacked, values), self.basis)
        return keys


def apart(keys: Tensor) -> Tensor:
    """Keys of a photo, told apart where nearly all are alike; else as they are.

    Where one surface fills a photo, every score is below the bound of dynamic normalization, which
    grows with their mean (method, section 2), and each row would put all its weight on one token.
    What all keys share does not say which are more alike: as much of the mean key is taken from
    each as brings their mean cosine down to `LIKENESS`, were they all as near to it.

    Args:
        keys: [L, S, D] of all windows of a photo.
    """
    unit = F.normalize(keys.float(), dim=-1)
    mean = unit.flatten(0, 1).mean(0)  # [D]
    likeness = float(mean @ mean)
    if likeness <= LIKENESS:
        return keys
    share = 1 - math.sqrt(max(0.0, 1 - (likeness - LIKENESS) / (likeness * (1 - LIKENESS))))
    # Equal keys stay so: what is left of them is no noise.
    return F.normalize(unit - min(share, 0.95) * mean, dim=-1).to(keys.dtype)


def accompanied(keys: Tensor, grid: Grid) -> Tensor:
    """Keys of which none is alone: one unlike all around it is averaged with the nearest of them.

    On a rough surface, gravel or leaves, some tokens resemble no other. Their sets would hold
    themselves alone, and dynamic normalization is so sharp for a set of one that such a token would
    put all its weight on itself, as if nothing surrounded it.

    Args:
        keys: [L, S, D] of any lengths; they count as unit vectors.
        grid: (rows, columns) of a window's keys, S = rows * columns.

    Returns:
        [L, S, D] unit vectors in the keys' type.
    """
    unit = F.normalize(keys.float(), dim=-1).view(len(keys), *grid, -1)  # [L, gh, gw, D]
    most = unit.new_full(unit.shape[:-1], -1.0)  # [L, gh, gw]
    nearest = torch.zeros_like(unit)
    for down, across in itertools.product((-1, 0, 1), repeat=2):
        if down == across == 0:
            continue
        here = (slice(None), _overlap(down), _overlap(across))
        there = (slice(None), _overlap(-down), _overlap(-across))
        likeness = (unit[here] * unit[there]).sum(-1)
        nearer = likeness > most[here]
        most[here] = torch.where(nearer, likeness, most[here])
        nearest[here] = torch.where(nearer[..., None], unit[there], nearest[here])
    alone = (most < COMPANY)[..., None]
    joined = torch.where(alone, F.normalize(unit + nearest, dim=-1), unit)
    return joined.flatten(1, 2).to(keys.dtype)


def _overlap(step: int) -> slice:
    """Cells along one side that have a neighbor so many cells on."""
    return slice(max(0, -step), -step if step > 0 else None)
