"""Keys from a vision foundation model: the final normalized patch tokens of a timm ViT."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from glaclip.backbones.base import BackboneError, Grid

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

    def __init__(self, model: nn.Module, normalization: Normalization = IMAGENET) -> None:
        """Args:
        model: timm ViT. With `dynamic_img_size=True` it takes windows of any size (timm resizes
            its position embeddings bicubically); otherwise only those of its own `img_size`.
        normalization: pixel normalization it was trained with.

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
        self.normalization = normalization
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
        tokens: Tensor = model.forward_features(normalize(pixels, self.normalization).to(dtype))
        grid = (size[0] // self.patch[0], size[1] // self.patch[1])
        return tokens[:, model.num_prefix_tokens :], grid
