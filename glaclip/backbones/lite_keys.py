"""Keys of the embedded backbone: which patches show the same thing, on an 8-pixel grid."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glaclip.backbones.lite_heads import STACKED_CHANNELS
from glaclip.backbones.lite_towers import STAGE_CHANNELS

FINE_CHANNELS, EARLY_CHANNELS = STAGE_CHANNELS[:2]
#: Channels of the fine map once it is folded 2 x 2 (see `stack_maps`).
FOLDED = 4 * FINE_CHANNELS
#: Shares of a key's cosine: trained vectors, stride-8 map, stride-16 map, values.
SHARES = (1.0, 1.25, 1.0, 0.5)


class KeyHead(nn.Module):
    """Patches of one surface or object get near keys, whichever window shows them.

    A part trained for just that stands beside fixed parts: the tower's two earliest maps, which
    tell surfaces apart by texture and color and see little of a window's borders, and the
    values, which tell them apart by meaning. Training alone merged things it had not seen.
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
        parts = trained + FINE_CHANNELS + EARLY_CHANNELS + joint
        self.register_buffer("basis", torch.zeros(parts, size))
        self.fine = nn.Conv2d(FINE_CHANNELS, hidden, 1)
        self.coarse = nn.Conv2d(STACKED_CHANNELS - FOLDED, hidden, 1)
        self.middle = nn.Conv2d(hidden, hidden, 1)
        self.leave = nn.Conv2d(hidden, trained, 1)

    def trained(self, stacked: Tensor) -> Tensor:
        """Unit vectors [B, trained, 2 gh, 2 gw] from maps [B, STACKED_CHANNELS, gh, gw]."""
        x = (stacked - self.stacked_mean[:, None, None]) * self.stacked_scale[:, None, None]
        fine, coarse = x[:, :FOLDED], x[:, FOLDED:]
        x = F.gelu(self.fine(F.pixel_shuffle(fine, 2)) + _twice(self.coarse(coarse)))
        x = x + F.gelu(self.middle(x))
        return F.normalize(self.leave(x), dim=1)

    def parts(self, stacked: Tensor, values: Tensor) -> Tensor:
        """All parts side by side, [B, parts, 2 gh, 2 gw].

        Args:
            stacked: [B, STACKED_CHANNELS, gh, gw].
            values: [B, joint, gh, gw] before normalization.
        """
        fine = F.pixel_shuffle(stacked[:, :FOLDED], 2)
        early = stacked[:, FOLDED : FOLDED + EARLY_CHANNELS]
        parts = (self.trained(stacked), fine, _twice(early), _twice(values))
        weighted = [
            F.normalize(part, dim=1) * share**0.5 for part, share in zip(parts, SHARES, strict=True)
        ]
        return torch.cat(weighted, dim=1)

    def forward(self, stacked: Tensor, values: Tensor) -> Tensor:
        """Keys [B, size, 2 gh, 2 gw]; arguments as of `parts`."""
        keys: Tensor = torch.einsum("bphw,pk->bkhw", self.parts(stacked, values), self.basis)
        return keys


def _twice(maps: Tensor) -> Tensor:
    return F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
