"""The real CLIP backbones by name: which towers, which files, under which license."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from glaclip.backbones.clip.backbone import ClipBackbone
from glaclip.backbones.clip.checkpoint import load_into
from glaclip.backbones.clip.text import OpenClipText
from glaclip.backbones.clip.weights import WeightFile, fetch

_CLIP_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_TIMM_FILES = ("model.safetensors", "pytorch_model.bin")
#: How the title of a CLIP ends whose weights nobody trained.
UNTRAINED = ", random weights"


@dataclass(frozen=True)
class Tower:
    """A model of a library with its weights.

    Attributes:
        model: open_clip's or timm's name of the architecture.
        file: its weights.
    """

    model: str
    file: WeightFile


@dataclass(frozen=True)
class ClipModel:
    """A CLIP and a VFM that give it keys.

    Attributes:
        name: registry name.
        title: name for people.
        clip: open_clip model. OpenAI's and MetaCLIP's weights need its "-quickgelu" form: the
            plain one loads them with a warning and is silently worse.
        vfm: timm model.
        note: what it is good for, one sentence.
    """

    name: str
    title: str
    clip: Tower
    vfm: Tower
    note: str

    @property
    def files(self) -> tuple[WeightFile, WeightFile]:
        """Weights of the CLIP and of the VFM."""
        return self.clip.file, self.vfm.file


def _clip_tower(
    model: str, repo: str, megabytes: int, license: str, shape: tuple[int, ...], **more: Any
) -> Tower:
    probe = ("visual.conv1.weight", shape)
    return Tower(model, WeightFile(repo, _CLIP_FILES, megabytes, license, probe, **more))


def _vfm_tower(model: str, megabytes: int, authors: str, shape: tuple[int, ...]) -> Tower:
    probe = ("patch_embed.proj.weight", shape)
    file = WeightFile(f"timm/{model}", _TIMM_FILES, megabytes, "Apache-2.0", probe, (authors,))
    return Tower(model, file)


_B16 = _clip_tower(
    "ViT-B-16-quickgelu", "timm/vit_base_patch16_clip_224.openai", 599, "MIT", (768, 3, 16, 16)
)
_L14 = _clip_tower(
    "ViT-L-14-quickgelu", "timm/vit_large_patch14_clip_224.openai", 1711, "MIT", (1024, 3, 14, 14)
)
_H14 = _clip_tower(
    "ViT-H-14", "laion/CLIP-ViT-H-14-laion2B-s32B-b79K", 3944, "MIT", (1280, 3, 14, 14)
)
_METACLIP = _clip_tower(
    "ViT-B-16-quickgelu",
    "timm/vit_base_patch16_clip_224.metaclip_2pt5b",
    599,
    "CC-BY-NC-4.0",
    (768, 3, 16, 16),
    nameless=False,
)
_DINO_B8 = _vfm_tower("vit_base_patch8_224.dino", 343, "dino_vitbase8_pretrain.pth", (768, 3, 8, 8))
_DINO_S8 = _vfm_tower(
    "vit_small_patch8_224.dino", 87, "dino_deitsmall8_pretrain.pth", (384, 3, 8, 8)
)
_DINO_S16 = _vfm_tower(
    "vit_small_patch16_224.dino", 87, "dino_deitsmall16_pretrain.pth", (384, 3, 16, 16)
)
_DINOV2 = _vfm_tower(
    "vit_base_patch14_dinov2.lvd142m", 346, "dinov2_vitb14_pretrain.pth", (768, 3, 14, 14)
)

#: In the order of preference of "auto": the paper first, a non-commercial license last.
CLIP_MODELS: dict[str, ClipModel] = {
    model.name: model
    for model in (
        ClipModel(
            "clip-b16", "CLIP ViT-B/16 + DINO ViT-B/8", _B16, _DINO_B8, "The paper's own pair."
        ),
        ClipModel(
            "clip-b16-s8",
            "CLIP ViT-B/16 + DINO ViT-S/8",
            _B16,
            _DINO_S8,
            "A smaller VFM on the paper's own grid: the one for computers without a GPU.",
        ),
        ClipModel(
            "clip-b16-fast",
            "CLIP ViT-B/16 + DINO ViT-S/16",
            _B16,
            _DINO_S16,
            "A smaller VFM on a coarser grid: the quickest.",
        ),
        ClipModel(
            "clip-l14",
            "CLIP ViT-L/14 + DINO ViT-B/8",
            _L14,
            _DINO_B8,
            "The larger CLIP; window sides are multiples of 56 pixels.",
        ),
        ClipModel(
            "clip-b16-dinov2",
            "CLIP ViT-B/16 + DINOv2 ViT-B/14",
            _B16,
            _DINOV2,
            "Other keys; window sides are multiples of 112 pixels.",
        ),
        ClipModel(
            "clip-h14",
            "OpenCLIP ViT-H/14 (LAION-2B) + DINO ViT-B/8",
            _H14,
            _DINO_B8,
            "The largest; a GPU is advisable. Window sides are multiples of 56 pixels.",
        ),
        ClipModel(
            "metaclip-b16",
            "MetaCLIP ViT-B/16 + DINO ViT-B/8",
            _METACLIP,
            _DINO_B8,
            "MetaCLIP's weights are for non-commercial use.",
        ),
    )
}


_DRAWS = (torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.erfinv_)


class _Undrawn(TorchFunctionMode):
    """Draws no random numbers: a file replaces them all, and they take as long as its reading."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        return args[0] if func in _DRAWS else func(*args, **(kwargs or {}))


@functools.cache
def _tokenizer(model: str) -> Any:
    """Reads its list of words once, for all models that are loaded one after the other."""
    import open_clip

    return open_clip.get_tokenizer(model)


def _clip_from(tower: Tower, path: Path | None) -> nn.Module:
    import open_clip

    config = open_clip.get_model_config(tower.model)
    return _filled(lambda: open_clip.CLIP(**config), tower, path)


def _vfm_from(tower: Tower, path: Path | None) -> nn.Module:
    import timm

    # dynamic_img_size: windows of any size that the patches divide.
    options: dict[str, Any] = {"num_classes": 0, "dynamic_img_size": True}
    return _filled(lambda: timm.create_model(tower.model, **options), tower, path)


def _filled(build: Callable[[], Any], tower: Tower, path: Path | None) -> nn.Module:
    """A tower with the weights of a file, all of them, or with random ones."""
    if path is None:
        untrained: nn.Module = build()
        return untrained
    with _Undrawn():
        module: nn.Module = build()
    load_into(module, path, tower.file.repo, str(tower.file))
    return module


def _backbone(
    model: ClipModel, clip: nn.Module, vfm: nn.Module, device: torch.device, dtype: torch.dtype
) -> ClipBackbone:
    clip = clip.to(device, dtype).eval().requires_grad_(False)
    tower: Any = clip  # to a type checker, attributes of a module may be tensors
    return ClipBackbone(
        visual=tower.visual,
        encode_text=OpenClipText(clip, _tokenizer(model.clip.model)),
        vfm=vfm.to(device, dtype).eval().requires_grad_(False),
        name=model.name,
        title=model.title,
    )


def load_clip(
    model: ClipModel, device: torch.device, dtype: torch.dtype, folder: Path | None
) -> ClipBackbone:
    """A backbone with its weights, in evaluation mode.

    Args:
        model: one of `CLIP_MODELS`.
        device: where the modules go.
        dtype: floating-point type of weights and tokens.
        folder: searched for the files before the hub cache and the network; see weights.py.

    Raises:
        BackboneError: weights that are missing or cannot be read.
    """
    clip_path, vfm_path = fetch(model.title, model.files, folder)
    clip, vfm = _clip_from(model.clip, clip_path), _vfm_from(model.vfm, vfm_path)
    return _backbone(model, clip, vfm, device, dtype)


def moved(
    model: ClipModel, backbone: ClipBackbone, device: torch.device, dtype: torch.dtype
) -> ClipBackbone:
    """A backbone of `load_clip` with its modules in another place or type; they leave the old."""
    text: Any = backbone._encode_text
    assert backbone.vfm is not None
    same = replace(model, title=backbone.title)
    return _backbone(same, text.model, backbone.vfm.model, device, dtype)


def untrained_clip(
    model: ClipModel,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> ClipBackbone:
    """The same with random weights, always those, and no file: for tests, and for timing.

    Its title says so.
    """
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        clip, vfm = _clip_from(model.clip, None), _vfm_from(model.vfm, None)
    untrained = replace(model, title=model.title + UNTRAINED)
    return _backbone(untrained, clip, vfm, torch.device(device), dtype)
