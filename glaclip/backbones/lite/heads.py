"""The trained part of the embedded backbone: image and text heads into one joint space."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glaclip.backbones.lite.sentences import CHANNELS as TEXT_CHANNELS
from glaclip.backbones.lite.towers import FINAL_CHANNELS, STAGE_CHANNELS

#: The stride-8 map is folded 2 x 2, so that all four maps share the coarse grid.
FOLDED = 4 * STAGE_CHANNELS[0]
STACKED_CHANNELS = FOLDED + sum(STAGE_CHANNELS[1:])


def stack_maps(maps: tuple[Tensor, ...]) -> Tensor:
    """The tower's four maps side by side at the coarse grid, [B, STACKED_CHANNELS, gh, gw]."""
    fine, *coarse = maps
    return torch.cat([F.pixel_unshuffle(fine, 2), *coarse], dim=1)


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


class Block(nn.Module):
    """A 5 x 5 look at the neighborhood, then a two-layer perceptron, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.spatial = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.norm = nn.GroupNorm(1, channels)
        self.expand = nn.Conv2d(channels, 2 * channels, 1)
        self.reduce = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, gh, gw] to the same shape."""
        seen: Tensor = self.reduce(F.gelu(self.expand(self.norm(self.spatial(x)))))
        return x + seen


class ImageHead(nn.Module):
    """Joint-space vectors: linear in the classifier's features, a convolutional branch, and detail.

    The linear path keeps what ImageNet taught about a thousand things; the branch sees finer and
    earlier maps, which surfaces (road, pavement, sky, grass) need; detail adds, at twice the
    resolution, what the stride-8 map says about small and thin things and about borders.
    """

    stacked_mean: Tensor
    stacked_scale: Tensor
    final_mean: Tensor
    final_scale: Tensor

    def __init__(
        self, channels: int = 224, blocks: int = 2, joint: int = 256, detail: int = 160
    ) -> None:
        super().__init__()
        self.register_buffer("stacked_mean", torch.zeros(STACKED_CHANNELS))
        self.register_buffer("stacked_scale", torch.ones(STACKED_CHANNELS))
        self.register_buffer("final_mean", torch.zeros(FINAL_CHANNELS))
        self.register_buffer("final_scale", torch.ones(FINAL_CHANNELS))
        self.linear = nn.Conv2d(FINAL_CHANNELS, joint, 1, bias=True)
        self.enter = nn.Conv2d(STACKED_CHANNELS, channels, 1)
        self.blocks = nn.ModuleList(Block(channels) for _ in range(blocks))
        self.leave = nn.Conv2d(channels, joint, 1)
        self.fine = nn.Conv2d(STAGE_CHANNELS[0], detail, 1)
        self.around = nn.Conv2d(channels, detail, 1)
        self.refine = nn.Conv2d(detail, joint, 1)

    def normalized(self, stacked: Tensor) -> Tensor:
        """Stacked maps with mean 0 and deviation 1 in each channel."""
        return (stacked - self.stacked_mean[:, None, None]) * self.stacked_scale[:, None, None]

    def general(self, final: Tensor) -> Tensor:
        """The linear path, [B, E, gh, gw], from [B, 1280, gh, gw]."""
        final = (final - self.final_mean[:, None, None]) * self.final_scale[:, None, None]
        joint: Tensor = self.linear(final)
        return joint

    def branch(self, normalized: Tensor) -> Tensor:
        """The convolutional path up to its last map, [B, channels, gh, gw]."""
        x = F.gelu(self.enter(normalized))
        for block in self.blocks:
            x = block(x)
        return x

    def detail(self, fine: Tensor, branch: Tensor) -> Tensor:
        """What the fine map adds, [B, E, 2 gh, 2 gw].

        Args:
            fine: [B, 48, 2 gh, 2 gw] normalized.
            branch: [B, channels, gh, gw].
        """
        around = resize(self.around(branch), (int(fine.shape[2]), int(fine.shape[3])))
        joint: Tensor = self.refine(F.gelu(self.fine(fine) + around))
        return joint

    def forward(self, stacked: Tensor, final: Tensor) -> Tensor:
        """Values before normalization, [B, E, 2 gh, 2 gw]."""
        x = self.normalized(stacked)
        branch = self.branch(x)
        fine = F.pixel_shuffle(x[:, :FOLDED], 2)
        coarse = self.general(final) + self.leave(branch)
        return resize(coarse, (int(fine.shape[2]), int(fine.shape[3]))) + self.detail(fine, branch)


class TextHead(nn.Module):
    """Linear map of sentence vectors into the joint space."""

    def __init__(self, joint: int = 256) -> None:
        super().__init__()
        self.linear = nn.Linear(TEXT_CHANNELS, joint)

    def forward(self, sentences: Tensor) -> Tensor:
        """Unit vectors [..., E] from unit vectors [..., 384]."""
        return F.normalize(self.linear(sentences), dim=-1)


class Heads(nn.Module):
    """Both heads, as stored in one file."""

    def __init__(
        self, channels: int = 224, blocks: int = 2, joint: int = 256, detail: int = 160
    ) -> None:
        super().__init__()
        self.image = ImageHead(channels, blocks, joint, detail)
        self.text = TextHead(joint)
