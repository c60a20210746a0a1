"""Tiny random CLIP, VFM and text towers: milliseconds, the real libraries' classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glaclip.backbones.clip.backbone import ClipBackbone
from glaclip.backbones.clip.text import OpenClipText
from tests.lazy import Lazy

if TYPE_CHECKING:
    from open_clip.transformer import VisionTransformer

open_clip, timm = Lazy("open_clip"), Lazy("timm")
GOLDEN = Path(__file__).parent / "data" / "golden_pipeline.npz"
PHOTO_SIZE = (336, 480)  # (height, width)


def visual_tower(
    *,
    patch: int = 16,
    image: int = 64,
    width: int = 32,
    heads: int = 2,
    embed: int = 24,
    activation: type[nn.Module] | None = None,
) -> VisionTransformer:
    torch.manual_seed(0)
    transformer = open_clip.transformer
    tower: VisionTransformer = transformer.VisionTransformer(
        image_size=image,
        patch_size=patch,
        width=width,
        layers=2,
        heads=heads,
        mlp_ratio=2.0,
        output_dim=embed,
        act_layer=activation or transformer.QuickGELU,
    )
    for parameter in tower.parameters():  # biases and norms too: zeros would hide mistakes
        nn.init.normal_(parameter, std=0.2)
    return tower.eval()


def vfm_tower(*, patch: int = 8, image: int = 64, dynamic: bool = True) -> nn.Module:
    torch.manual_seed(1)
    tower = timm.create_model(
        "vit_tiny_patch16_224",
        img_size=image,
        patch_size=patch,
        embed_dim=30,
        depth=2,
        num_heads=3,
        num_classes=0,
        dynamic_img_size=dynamic,
    )
    return tower.eval()


def text_tower(embed: int = 24) -> OpenClipText:
    torch.manual_seed(2)
    picture = {"layers": 1, "width": 32, "head_width": 16, "image_size": 32, "patch_size": 16}
    model = open_clip.CLIP(
        embed_dim=embed,
        vision_cfg=open_clip.model.CLIPVisionCfg(**picture),
        text_cfg=open_clip.model.CLIPTextCfg(width=16, heads=2, layers=1),
    )
    return OpenClipText(model.eval(), open_clip.tokenize)


def fixed_text(embed: int = 24) -> object:
    """Each prompt to a vector that depends on its characters alone."""

    def encode(prompts: Sequence[str]) -> Tensor:
        rows = [torch.Generator().manual_seed(sum(map(ord, prompt))) for prompt in prompts]
        return torch.stack([torch.randn(embed, generator=row) for row in rows])

    return encode


def tiny_backbone(**options: object) -> ClipBackbone:
    options = {"visual": visual_tower(), "encode_text": fixed_text(), "vfm": vfm_tower()} | options
    return ClipBackbone(**options)  # type: ignore[arg-type]


def random_pixels(windows: int = 3, side: int = 64) -> Tensor:
    return torch.rand(windows, 3, side, side, generator=torch.Generator().manual_seed(3))


def random_photo(height: int = PHOTO_SIZE[0], width: int = PHOTO_SIZE[1]) -> NDArray[np.uint8]:
    """Smooth random colors: neighboring pixels are alike, as in a photo."""
    small = torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(4))
    large = torch.nn.functional.interpolate(small, (height, width), mode="bicubic").clamp(0, 1)
    photo: NDArray[np.uint8] = (large[0].permute(1, 2, 0) * 255).byte().numpy()
    return photo


def golden_backbone(data: Mapping[str, NDArray[np.float32]]) -> ClipBackbone:
    """The two random towers of the golden pipeline numbers."""

    def weights(prefix: str) -> dict[str, Tensor]:
        return {
            name.removeprefix(prefix): torch.from_numpy(data[name])
            for name in data
            if name.startswith(prefix)
        }

    transformer = open_clip.transformer
    visual = transformer.VisionTransformer(
        image_size=224,
        patch_size=16,
        width=128,
        layers=3,
        heads=2,
        mlp_ratio=4.0,
        output_dim=48,
        act_layer=transformer.QuickGELU,
    )
    missing, unexpected = visual.load_state_dict(weights("clip_visual/"), strict=False)
    # The last block's feed-forward takes part in none of the golden methods.
    assert all(
        name.startswith(("transformer.resblocks.2.ln_2", "transformer.resblocks.2.mlp"))
        for name in missing
    )
    assert not unexpected
    vfm = timm.create_model(
        "vit_tiny_patch16_224", patch_size=8, embed_dim=96, depth=2, num_heads=3, num_classes=0
    )
    vfm.load_state_dict(weights("vfm/"))
    return ClipBackbone(visual.eval(), fixed_text(48), vfm.eval(), templates=("{}",))  # type: ignore[arg-type]
