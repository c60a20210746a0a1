"""A backbone without weights: colors are its features, so tests know what it must answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from glaclip.attention.point import AttentionMaps
from glaclip.backbones.base import Grid, Identity, Tokens
from glaclip.settings import AttentionSettings, WindowSettings

WORDS = {
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.0, 1.0),
    "crimson": (0.9, 0.1, 0.1),
    "sky": (0.6, 0.8, 1.0),
    "building": (0.7, 0.6, 0.5),
    "tree": (0.2, 0.4, 0.1),
    "water": (0.1, 0.3, 0.5),
}


class ColorBackbone:
    """Tokens are mean colors of 16-pixel patches; words are colors."""

    name = "toy"
    title = "Colors"
    fingerprint = "toy-1"
    device = torch.device("cpu")
    dtype = torch.float32
    dtype_why = ""
    pixel_multiple = 16
    batch_size = 2
    templates: tuple[str, ...] = ("{}",)
    key_sources: tuple[str, ...] = ("colors", "twice")
    baselines: tuple[str, ...] = ("identity",)
    default_attention = AttentionSettings()
    default_windows = WindowSettings()

    def __init__(self) -> None:
        self.encoded_windows = 0
        self.encoded_texts: list[str] = []

    def prepare(self) -> None:
        pass

    def encode_windows(self, pixels: Tensor) -> Tokens:
        self.encoded_windows += len(pixels)
        patches = F.avg_pool2d(pixels, 16)  # [B, 3, h / 16, w / 16]
        grid = (patches.shape[2], patches.shape[3])
        tokens = patches.flatten(2).transpose(1, 2)
        return Tokens(tokens - 0.5, grid, tokens, grid)

    def keys(self, tokens: Tokens, source: str) -> tuple[tuple[Tensor, Grid], ...]:
        return ((tokens.keys, tokens.key_grid),) * (2 if source == "twice" else 1)

    def key_grids(self, tokens: Tokens, source: str) -> tuple[Grid, ...]:
        return (tokens.key_grid,) * (2 if source == "twice" else 1)

    def blank_tokens(self, crop: int) -> Tokens:
        grid = (crop // 16, crop // 16)
        tokens = torch.empty(1, grid[0] * grid[1], 3, device="meta")
        return Tokens(tokens, grid, tokens, grid)

    def forward_bytes(self, crop: int) -> int:
        return 2 * 12 * crop * crop

    def project(self, values: Tensor) -> Tensor:
        return F.normalize(values.float(), dim=-1)

    def baseline(self, name: str, tokens: Tokens) -> tuple[Tensor, Grid]:
        return self.project(tokens.values), tokens.value_grid

    def mixing(self, name: str, tokens: Tokens) -> Identity:
        return Identity(self.project, tokens)

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        self.encoded_texts += prompts
        return F.normalize(torch.tensor([WORDS.get(p, (0.5, 0.5, 0.5)) for p in prompts]), dim=1)


def load_toy(name: str, device: str, dtype: str, weights: str | None) -> ColorBackbone:
    """As commands load a backbone."""
    return ColorBackbone()


class SmallWindows(ColorBackbone):
    """On photos of some hundred pixels."""

    default_windows = WindowSettings(short_side=96, crop=64, stride=32)


class FewWindows(ColorBackbone):
    """Eight windows on a photo twice as wide as high."""

    default_windows = WindowSettings(short_side=224, crop=112, stride=112)


Color = str | tuple[int, int, int]


def side_by_side(
    size: tuple[int, int] = (192, 96), left: Color = "red", right: Color = "blue"
) -> Image.Image:
    """Two colors, half of the width each."""
    photo = Image.new("RGB", size, left)
    photo.paste(right, (size[0] // 2, 0, *size))
    return photo


def collapsed(maps: AttentionMaps, window: int, token: int, **more: Any) -> AttentionMaps:
    """The same with all weight of the last step on one token."""
    single = torch.zeros_like(maps.rungs[-1].weights)
    single[window, token] = 1
    last = dataclasses.replace(maps.rungs[-1], weights=single, collapsed=True, **more)
    return dataclasses.replace(maps, rungs=(*maps.rungs[:-1], last))
