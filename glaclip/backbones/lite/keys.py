"""Keys of the embedded backbone: which patches show the same thing, on a fine grid."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glaclip.backbones.lite.heads import STACKED_CHANNELS
from glaclip.backbones.lite.towers import STAGE_CHANNELS

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
        x = F.gelu(
            self.fine(F.pixel_shuffle(fine, 2))
            + resize(self.coarse(coarse), (2 * x.shape[2], 2 * x.shape[3]))
        )
        x = x + F.gelu(self.middle(x))
        return F.normalize(self.leave(x), dim=1)

    def parts(self, stacked: Tensor, values: Tensor) -> Tensor:
        """All parts side by side, [B, parts, 2 gh - 1, 2 gw - 1], each on `odd_grid`.

        Args:
            stacked: [B, STACKED_CHANNELS, gh, gw].
            values: [B, joint, gh, gw] before normalization.
        """
        fine = F.pixel_shuffle(stacked[:, :FOLDED], 2)
        early = stacked[:, FOLDED : FOLDED + EARLY_CHANNELS]
        grid = odd_grid((int(fine.shape[2]), int(fine.shape[3])))
        parts = (self.trained(stacked), fine, early, values)
        weighted = [
            F.normalize(resize(part, grid), dim=1) * share**0.5
            for part, share in zip(parts, SHARES, strict=True)
        ]
        return torch.cat(weighted, dim=1)

    def forward(self, stacked: Tensor, values: Tensor) -> Tensor:
        """Keys [B, size, 2 gh - 1, 2 gw - 1]; arguments as of `parts`."""
        keys: Tensor = torch.einsum("bphw,pk->bkhw", self.parts(stacked, values), self.basis)
        return keys


def odd_grid(grid: tuple[int, int]) -> tuple[int, int]:
    """The largest grid with odd sides that is no finer.

    Windows overlap by half. With an even number of cells a window's edge runs between two cells of
    the window under it, and predicted borders, which gather between cells, gather on that edge.
    """
    rows, columns = grid
    return rows - 1 + rows % 2, columns - 1 + columns % 2


def resize(maps: Tensor, grid: tuple[int, int]) -> Tensor:
    """[B, C, h, w] to [B, C, *grid], bilinear without smoothing, which would mix neighbors."""
    return F.interpolate(maps, grid, mode="bilinear", align_corners=False)
