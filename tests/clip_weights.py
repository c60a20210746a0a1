"""Random weights on disk under their proper names, and a tiny CLIP model for the registry."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from safetensors.torch import save_file
from torch import nn

from glaclip.backbones.clip.backbone import CLIP_NORMALIZATION
from glaclip.backbones.clip.models import ClipModel, Tower, untrained_clip
from glaclip.backbones.clip.weights import WeightFile
from tests.lazy import Lazy

open_clip, push = Lazy("open_clip"), Lazy("open_clip.push_to_hf_hub")
timm_hub = Lazy("timm.models._hub")

TINY_CONFIG = {
    "embed_dim": 24,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


def tiny_model(folder: Path) -> ClipModel:
    """Registers a tiny architecture with open_clip and names files for it."""
    config = folder / "ViT-tiny-16-quickgelu.json"
    config.write_text(json.dumps(TINY_CONFIG))
    open_clip.add_model_config(config)
    clip = WeightFile(
        repo="someone/tiny_clip.random",
        names=("open_clip_model.safetensors", "open_clip_pytorch_model.bin"),
        megabytes=3,
        license="MIT",
        probe=("visual.conv1.weight", (32, 3, 16, 16)),
        authors=("tiny_clip.pt",),
    )
    vfm = WeightFile(
        repo="timm/tiny_vfm.random",
        names=("model.safetensors", "pytorch_model.bin"),
        megabytes=22,
        license="Apache-2.0",
        probe=("patch_embed.proj.weight", (192, 3, 16, 16)),
        authors=("tiny_pretrain.pth",),
    )
    towers = Tower("ViT-tiny-16-quickgelu", clip), Tower("vit_tiny_patch16_224", vfm)
    return ClipModel("clip-tiny", "Tiny CLIP + tiny VFM", *towers, note="For tests.")


def modules_of(model: ClipModel) -> tuple[nn.Module, nn.Module]:
    """Untrained (CLIP with its text tower, VFM)."""
    backbone = untrained_clip(model)
    assert backbone.vfm is not None
    return backbone._encode_text.model, backbone.vfm.model  # type: ignore[attr-defined]


def write_random_weights(model: ClipModel, folder: Path) -> None:
    """DIR/owner/name/file for both towers, as a download would lay them out."""
    for file, module in zip(model.files, modules_of(model), strict=True):
        place = folder / file.repo / file.names[0]
        place.parent.mkdir(parents=True)
        save_file({k: v.contiguous() for k, v in module.state_dict().items()}, place)


def save_as_on_the_hub(
    model: ClipModel, folder: Path, modules: tuple[nn.Module, nn.Module] | None = None
) -> None:
    """The same by open_clip's and timm's own save functions, with their configurations.

    Args:
        model: whose files.
        folder: where.
        modules: (CLIP, VFM); untrained ones when left out.
    """
    clip, vfm = modules or modules_of(model)
    places = [folder / file.repo for file in model.files]
    tower: Any = clip.visual
    tower.image_mean, tower.image_std = CLIP_NORMALIZATION
    config = open_clip.get_model_config(model.clip.model)
    no_words = SimpleNamespace(save_pretrained=lambda directory: None)
    push.save_for_hf(clip, no_words, config, places[0], safe_serialization=True)
    timm_hub.save_for_hf(vfm, places[1], safe_serialization=True)
