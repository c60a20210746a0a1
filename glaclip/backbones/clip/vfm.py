"""Keys from a vision foundation model: the final normalized patch tokens of a timm ViT."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from glaclip.backbones.base import BackboneError, Grid
from glaclip.backbones.clip.positions import resized_positions
from glaclip.settings import ANTIALIASED

#: Per-channel mean and standard deviation of RGB in 0..1.
Normalization = tuple[tuple[float, float, float], tuple[float, float, float]]

#: ImageNet's, which DINO and DINOv2 expect.
IMAGENET: Normalization = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def normalize(pixels: Tensor, constants: Normalization) -> Tensor:
    """(pixels - mean) / std per channel. pixels: [B, 3, h, w] in 0..1."""
    mean, std = (pixels.new_tensor(values).view(3, 1, 1) for values in constants)
    return (pixels - mean) / std


class Vfm:
    """A timm VisionTransformer as a source of keys; read, never changed."""

    def __init__(
        self,
        model: nn.Module,
        normalization: Normalization = IMAGENET,
        positions: str = ANTIALIASED,
    ) -> None:
        """Args:
        model: timm ViT. With `dynamic_img_size=True` it takes windows of any size (timm resizes
            its position embeddings bicubically); otherwise only those of its own `img_size`.
        normalization: pixel normalization it was trained with.
        positions: how position embeddings are resized, see `ClipBackbone`.

        Raises:
            BackboneError: a model without patch tokens to read.
        """
        vit: Any = model  # to a type checker, attributes of a module may be tensors
        for needed in ("patch_embed", "forward_features", "num_prefix_tokens"):
            if not hasattr(model, needed):
                raise BackboneError(
                    "The VFM must be a timm VisionTransformer; "
                    f"{type(model).__name__} has no {needed}."
                )
        self.model = vit
        self.normalization, self.positions = normalization, positions
        self.patch: Grid = tuple(vit.patch_embed.patch_size)
        self.width: int = vit.num_features

    def keys(self, pixels: Tensor) -> tuple[Tensor, Grid]:
        """[B, 3, h, w] in 0..1 -> keys [B, S', Dk], CLS and registers dropped, and their grid.

        Raises:
            BackboneError: windows of a size the model was not made for.
        """
        model, size = self.model, tuple(pixels.shape[-2:])
        own = tuple(model.patch_embed.img_size or size)
        if size != own and not getattr(model, "dynamic_img_size", False):
            raise BackboneError(
                f"This VFM takes windows of {own[0]} x {own[1]} pixels, not {size[0]} x {size[1]}; "
                "create it with dynamic_img_size=True for other sizes."
            )
        dtype = next(model.parameters()).dtype
        pixels = normalize(pixels, self.normalization).to(dtype)
        grid = (size[0] // self.patch[0], size[1] // self.patch[1])
        if self.positions == ANTIALIASED or size == own or not self._is_plain:
            tokens: Tensor = model.forward_features(pixels)
        else:
            tokens = self._with_plain_positions(pixels, grid)
        return tokens[:, model.num_prefix_tokens :], grid

    @property
    def _is_plain(self) -> bool:
        """Whether it is a ViT as DINO's: CLS, no registers, one learned position a patch."""
        positions = getattr(self.model, "pos_embed", None)
        patches = math.prod(self.model.patch_embed.grid_size)
        return (
            self.model.num_prefix_tokens == 1
            and positions is not None
            and positions.shape[1] == 1 + patches
        )

    def _with_plain_positions(self, pixels: Tensor, grid: Grid) -> Tensor:
        """Timm's `forward_features` of such a ViT with positions resized as DINO's program does."""
        model = self.model
        x: Tensor = model.patch_embed(pixels)
        x = x.flatten(1, -2)  # rows and columns of patches, where timm keeps them apart
        x = torch.cat([model.cls_token.expand(len(x), -1, -1), x], dim=1)
        own: Grid = tuple(model.patch_embed.grid_size)
        x = x + resized_positions(model.pos_embed[0], own, grid, self.positions)
        x = model.norm_pre(model.patch_drop(model.pos_drop(x)))
        for block in model.blocks:
            x = block(x)
        tokens: Tensor = model.norm(x)
        return tokens
