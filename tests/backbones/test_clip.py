"""CLIP backbone: golden numbers, independent formulas, open_clip's own forward, sizes, text."""

from __future__ import annotations

import copy
import itertools
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from glaclip.attention import attend
from glaclip.backbones.base import Backbone, BackboneError, Tokens
from glaclip.backbones.clip.backbone import ClipBackbone
from glaclip.backbones.clip.baselines import BASELINES, baseline
from glaclip.backbones.clip.mixing import HeadMixing
from glaclip.backbones.clip.positions import resized_positions
from glaclip.backbones.clip.text import OpenClipText
from glaclip.segmenter import Segmenter
from glaclip.settings import AttentionSettings, SettingsError, WindowSettings
from glaclip.vocabulary import imagenet_templates, parse_vocabulary
from glaclip.windows import stitch
from tests import clip_towers
from tests.clip_towers import (
    GOLDEN,
    fixed_text,
    golden_backbone,
    random_photo,
    random_pixels,
    text_tower,
    tiny_backbone,
    vfm_tower,
    visual_tower,
)

METHODS: dict[str, tuple[tuple[bool, bool, bool] | None, str | None]] = {
    "proxyclip/none": ((), None),
    "proxyclip/cross": (("context",), None),
    "proxyclip/cross+proxy+norm": (("context", "anchors", "normalization"), None),
    "maskclip": (None, "maskclip"),
    "clearclip": (None, "clearclip"),
}


# --- golden numbers ---------------------------------------------------------------------------


def golden_file() -> Mapping[str, NDArray[np.float32]]:
    """The shipped part, or the full file that GLACLIP_GOLDEN_PIPELINE names."""
    with np.load(os.environ.get("GLACLIP_GOLDEN_PIPELINE", GOLDEN)) as file:
        return dict(file)


@pytest.fixture(scope="module")
def golden() -> tuple[Mapping[str, NDArray[np.float32]], Segmenter]:
    data = golden_file()
    return data, Segmenter(golden_backbone(data))


@pytest.mark.parametrize("method", METHODS)
def test_whole_run_equals_golden_logits(
    golden: tuple[Mapping[str, NDArray[np.float32]], Segmenter], method: str
) -> None:
    data, segmenter = golden
    switches, name = METHODS[method]
    settings = AttentionSettings(threshold=float(data["threshold"]))
    if switches is not None:
        settings = settings.with_stages(switches)
    words = torch.from_numpy(data["text_features"])
    for image in sorted({key.split("/")[0] for key in data if key.startswith("image")}):
        rgb = data[f"{image}/rgb"]
        encoded = segmenter.encode(rgb, WindowSettings(short_side=min(rgb.shape[:2])))
        assert encoded.size == rgb.shape[:2]
        chosen = segmenter.method(settings, name)
        (features, grid), _ = segmenter.features(encoded, chosen)
        scores = (features @ words.T).transpose(1, 2).unflatten(2, grid)
        canvas = stitch(scores, encoded.boxes, encoded.size)
        expected = torch.from_numpy(data[f"{image}/logits:{method}"])
        step = -(-canvas.shape[1] // expected.shape[1])  # every 4th pixel, or 16th when shipped
        actual = canvas[:, ::step, ::step]
        torch.testing.assert_close(actual, expected, atol=1e-4, rtol=0)
        assert torch.equal(actual.argmax(dim=0), expected.argmax(dim=0))


# --- independent formulas ---------------------------------------------------------------------


def heads_apart(tower: nn.Module, entering: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Per-head q and k of an image of tokens [T, D], and v, written out with plain products."""
    block = tower.transformer.resblocks[-1]
    mean = entering.mean(dim=-1, keepdim=True)
    variance = ((entering - mean) ** 2).mean(dim=-1, keepdim=True)
    x = (entering - mean) / (variance + block.ln_1.eps).sqrt()
    x = x * block.ln_1.weight + block.ln_1.bias
    width = x.shape[-1]
    q, k, v = (
        x @ block.attn.in_proj_weight[i * width : (i + 1) * width].T
        + block.attn.in_proj_bias[i * width : (i + 1) * width]
        for i in range(3)
    )
    size = width // block.attn.num_heads
    return list(q.split(size, dim=1)), list(k.split(size, dim=1)), v


def neighborhood(side: int, sigma: float = 5.0) -> Tensor:
    """NACLIP's W of a square grid, a pair of patches at a time; CLS is near to nothing."""
    added = torch.zeros(1 + side * side, 1 + side * side)
    for i, j in itertools.product(range(side * side), repeat=2):
        (y, x), (v, u) = divmod(i, side), divmod(j, side)
        added[1 + i, 1 + j] = math.exp(-((y - v) ** 2 + (x - u) ** 2) / (2 * sigma**2))
    return added


def mixed_heads(tower: nn.Module, entering: Tensor, name: str) -> Tensor:
    """Values [T, D] that each head mixes by its own weights, side by side."""
    queries, keys, v = heads_apart(tower, entering)
    size = v.shape[1] // len(queries)
    mixed = []
    for q, k, value in zip(queries, keys, v.split(size, dim=1), strict=True):
        by_q, by_k, by_both = (
            torch.softmax(a @ b.T * size**-0.5, dim=1) for a, b in ((q, q), (k, k), (q, k))
        )
        near = torch.softmax(k @ k.T * size**-0.5 + neighborhood(4), dim=1)
        ways = {"maskclip": torch.eye(len(q)), "clearclip": by_q, "sclip": by_q + by_k}
        ways["naclip"] = near
        mixed.append(ways.get(name, by_both) @ value)
    return torch.cat(mixed, dim=1)


def joint_space(tower: nn.Module, mixed: Tensor) -> Tensor:
    block = tower.transformer.resblocks[-1]
    out = mixed @ block.attn.out_proj.weight.T + block.attn.out_proj.bias
    out = F.layer_norm(out, out.shape[-1:], tower.ln_post.weight, tower.ln_post.bias)
    out = out @ tower.proj
    return out / out.norm(dim=-1, keepdim=True)


@pytest.mark.parametrize("name", ["sclip", "clearclip", "naclip", "maskclip"])
def test_baseline_equals_plain_formula(name: str) -> None:
    backbone = tiny_backbone()
    tokens = backbone.encode_windows(random_pixels())
    actual, grid = backbone.baseline(name, tokens)
    assert grid == (4, 4)
    for window, entering in enumerate(tokens.extras["last_block"]):
        expected = joint_space(backbone.visual, mixed_heads(backbone.visual, entering, name))[1:]
        torch.testing.assert_close(actual[window], expected, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_clip_baseline_equals_open_clip_forward() -> None:
    backbone = tiny_backbone()
    pixels = random_pixels()
    ours, _ = backbone.baseline("clip", backbone.encode_windows(pixels))

    tower = copy.deepcopy(backbone.visual)
    tower.output_tokens = True
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None, None]
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None, None]
    _, patches = tower((pixels - mean) / std)  # after ln_post, before proj
    expected = F.normalize(patches @ tower.proj, dim=-1)
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)


def test_clip_baseline_of_plain_formula() -> None:
    backbone = tiny_backbone()
    tokens = backbone.encode_windows(random_pixels(1))
    block = backbone.visual.transformer.resblocks[-1]
    entering = tokens.extras["last_block"][0]
    mixed = mixed_heads(backbone.visual, entering, "clip")
    x = entering + mixed @ block.attn.out_proj.weight.T + block.attn.out_proj.bias
    hidden = block.mlp.c_fc(block.ln_2(x))
    x = x + block.mlp.c_proj(hidden * torch.sigmoid(1.702 * hidden))  # QuickGELU
    expected = F.normalize(backbone.visual.ln_post(x[1:]) @ backbone.visual.proj, dim=-1)
    ours, _ = backbone.baseline("clip", tokens)
    torch.testing.assert_close(ours[0], expected, atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_vfm_keys_are_timm_patch_tokens() -> None:
    backbone = tiny_backbone()
    pixels = random_pixels()
    tokens = backbone.encode_windows(pixels)
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    expected = vfm_tower().forward_features((pixels - mean) / std)[:, 1:]  # CLS dropped
    torch.testing.assert_close(tokens.keys, expected)
    assert tokens.key_grid == (8, 8)
    assert tokens.value_grid == (4, 4)


def test_proxyclip_is_attention_with_all_switches_off() -> None:
    backbone = tiny_backbone()
    tokens = backbone.encode_windows(random_pixels())
    ours, grid = backbone.baseline("proxyclip", tokens)
    mixed = attend(tokens.keys, tokens.values, AttentionSettings().off())
    torch.testing.assert_close(ours, backbone.project(mixed))
    assert grid == tokens.key_grid


def test_registers_are_dropped_from_the_keys() -> None:
    vfm = vfm_tower()
    vfm.reg_token = nn.Parameter(torch.randn(1, 4, 30))
    vfm.num_prefix_tokens, vfm.no_embed_class = 5, True
    vfm.pos_embed = nn.Parameter(vfm.pos_embed[:, 1:].detach())
    assert tiny_backbone(vfm=vfm).encode_windows(random_pixels(1)).keys.shape == (1, 64, 30)


# --- plug-ins and the registry of baselines ---------------------------------------------------


@torch.no_grad()
def test_plug_in_keys_are_the_last_queries_and_keys() -> None:
    backbone = tiny_backbone()
    tokens = backbone.encode_windows(random_pixels(2))
    q, k, _ = backbone.last_block.qkv(tokens.extras["last_block"])
    ((clearclip, grid),) = backbone.keys(tokens, "clearclip")
    torch.testing.assert_close(clearclip, q[:, 1:])
    sclip = [keys for keys, _ in backbone.keys(tokens, "sclip")]
    torch.testing.assert_close(sclip, [q[:, 1:], k[:, 1:]])
    assert grid == tokens.value_grid
    assert backbone.keys(tokens, "vfm")[0][0] is tokens.keys


def test_sclip_keys_sum_two_attentions_before_the_projection() -> None:
    segmenter = Segmenter(tiny_backbone())
    windows = WindowSettings(short_side=96, crop=64, stride=32)
    encoded = segmenter.encode(random_photo(96, 96), windows)
    backbone, values = segmenter.backbone, encoded.tokens.values
    method = segmenter.method(AttentionSettings(), key_source="sclip")
    (features, grid), _ = segmenter.features(encoded, method)
    by_q, by_k = (
        attend(keys, values, AttentionSettings())
        for keys, _ in backbone.keys(encoded.tokens, "sclip")
    )
    torch.testing.assert_close(features, backbone.project(by_q + by_k))
    assert grid == (4, 4)


@pytest.mark.parametrize("source", ["vfm", "clearclip", "sclip"])
def test_every_key_source_and_baseline_segments(source: str) -> None:
    segmenter = Segmenter(tiny_backbone())
    windows = WindowSettings(short_side=96, crop=64, stride=32)
    encoded = segmenter.encode(random_photo(96, 130), windows)
    words = parse_vocabulary("sky, grass, person; man")
    result = segmenter.segment(encoded, words, key_source=source)
    assert result.labels.shape == (96, 130)
    maps = segmenter.attention(encoded, (20, 30), key_source=source)
    assert len(maps.rungs) == 4
    every = ("clip", "maskclip", "sclip", "clearclip", "naclip", "proxyclip")
    assert segmenter.backbone.baselines == every
    for name in segmenter.backbone.baselines:
        assert segmenter.segment(encoded, words, baseline=name).labels.shape == (96, 130)


def test_toggling_never_encodes_again() -> None:
    backbone = tiny_backbone()
    tokens = backbone.encode_windows(random_pixels())
    backbone.visual.conv1 = None  # type: ignore[assignment]
    for name in backbone.baselines:
        backbone.baseline(name, tokens)
    for source in backbone.key_sources:
        backbone.keys(tokens, source)


def test_a_new_baseline_is_one_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glaclip.backbones.clip.baselines.BASELINES", dict(BASELINES))

    @baseline("kclip")
    def kclip(last, tokens):  # type: ignore[no-untyped-def]
        return HeadMixing(last, tokens, lambda q, k: ((k, q),))

    from glaclip.backbones.clip import baselines

    monkeypatch.setattr("glaclip.backbones.clip.backbone.BASELINES", baselines.BASELINES)
    backbone = tiny_backbone()
    features, _ = backbone.baseline("kclip", backbone.encode_windows(random_pixels(1)))
    torch.testing.assert_close(features.norm(dim=-1), torch.ones(1, 16))
    tokens = backbone.encode_windows(random_pixels(1))
    assert backbone.mixing("kclip", tokens).row(0, 5).shape == (2, 17)  # heads, CLS and patches


def test_without_a_vfm_the_keys_are_the_queries() -> None:
    backbone = tiny_backbone(vfm=None)
    tokens = backbone.encode_windows(random_pixels(2))
    assert backbone.key_sources == ("clearclip", "sclip")
    assert backbone.baselines == ("clip", "maskclip", "sclip", "clearclip", "naclip")
    torch.testing.assert_close(tokens.keys, backbone.keys(tokens, "clearclip")[0][0])
    assert tokens.key_grid == tokens.value_grid
    assert backbone.pixel_multiple == 16
    with pytest.raises(SettingsError, match="'vfm'"):
        backbone.keys(tokens, "vfm")
    with pytest.raises(SettingsError, match="proxyclip"):
        backbone.baseline("proxyclip", tokens)


# --- sizes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patch", "vfm_patch", "side", "multiple"),
    [(16, 8, 96, 16), (14, 8, 112, 56), (16, 14, 112, 112), (32, 16, 96, 32), (14, 14, 70, 14)],
)
def test_patch_and_window_sizes(patch: int, vfm_patch: int, side: int, multiple: int) -> None:
    backbone = tiny_backbone(
        visual=visual_tower(patch=patch, image=4 * patch),
        vfm=vfm_tower(patch=vfm_patch, image=4 * vfm_patch),
    )
    assert backbone.pixel_multiple == multiple
    tokens = backbone.encode_windows(random_pixels(2, side))
    assert tokens.value_grid == (side // patch,) * 2
    assert tokens.key_grid == (side // vfm_patch,) * 2
    assert tokens.values.shape == (2, (side // patch) ** 2, 32)
    assert tokens.keys.shape == (2, (side // vfm_patch) ** 2, 30)
    assert tokens.extras["last_block"].shape == (2, 1 + (side // patch) ** 2, 32)
    features, grid = backbone.baseline("proxyclip", tokens)
    assert features.shape == (2, grid[0] * grid[1], 24)


def test_resized_positions_equal_open_clip_loading_for_that_size() -> None:
    small, large = visual_tower(image=64), visual_tower(image=96)
    state = {f"visual.{name}": value for name, value in small.state_dict().items()}

    class Model:
        visual = large

    clip_towers.open_clip.model.resize_pos_embed(state, Model())
    torch.testing.assert_close(
        resized_positions(small.positional_embedding, (4, 4), (6, 6)),
        state["visual.positional_embedding"],
    )
    own = small.positional_embedding
    assert resized_positions(own, (4, 4), (4, 4)) is own


def test_windows_need_not_be_square() -> None:
    tokens = tiny_backbone().encode_windows(torch.rand(1, 3, 32, 64))
    assert (tokens.value_grid, tokens.key_grid) == ((2, 4), (4, 8))


@pytest.mark.parametrize("side", [63, 72, 100])
def test_sizes_that_do_not_divide_are_refused_in_a_sentence(side: int) -> None:
    backbone = tiny_backbone()
    with pytest.raises(SettingsError, match=f"multiples of 16 pixels.*{side} x {side}"):
        backbone.encode_windows(random_pixels(1, side))
    with pytest.raises(SettingsError, match="crop must be a multiple of 16"):
        Segmenter(backbone).encode(
            random_photo(), WindowSettings(short_side=224, crop=side, stride=32)
        )


def test_a_vfm_of_fixed_size_says_what_to_do() -> None:
    backbone = tiny_backbone(vfm=vfm_tower(dynamic=False))
    backbone.encode_windows(random_pixels(1, 64))
    with pytest.raises(BackboneError, match="dynamic_img_size=True"):
        backbone.encode_windows(random_pixels(1, 96))


# --- the contract -----------------------------------------------------------------------------


def test_it_is_a_backbone_with_the_papers_settings() -> None:
    backbone = tiny_backbone()
    assert isinstance(backbone, Backbone)
    assert backbone.default_attention == AttentionSettings()
    assert backbone.default_windows == WindowSettings()
    assert backbone.key_sources == ("vfm", "clearclip", "sclip")
    assert backbone.templates == imagenet_templates()
    assert len(backbone.templates) == 80


def test_a_forward_pass_leaves_the_modules_as_they_were() -> None:
    backbone = tiny_backbone()
    modules = [backbone.visual, backbone.vfm.model]

    def state() -> list[object]:
        hooks = [
            (len(m._forward_hooks), len(m._forward_pre_hooks), type(m), sorted(vars(m)))
            for module in modules
            for m in module.modules()
        ]
        return [hooks, [t.sum().item() for m in modules for t in m.state_dict().values()]]

    before = state()
    tokens = backbone.encode_windows(random_pixels(1, 96))
    for name in backbone.baselines:
        backbone.baseline(name, tokens)
    assert state() == before


def test_batches_do_not_change_the_tokens() -> None:
    backbone = tiny_backbone()
    pixels = random_pixels(4)
    whole = backbone.encode_windows(pixels)
    parts = Tokens.gathered(map(backbone.encode_windows, pixels.split(3)), len(pixels))
    torch.testing.assert_close(parts.keys, whole.keys)
    torch.testing.assert_close(parts.values, whole.values)
    torch.testing.assert_close(parts.extras["last_block"], whole.extras["last_block"])


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_stays_close(kind: torch.dtype) -> None:
    exact, pixels = tiny_backbone(), random_pixels(2)
    half = tiny_backbone(visual=visual_tower().to(kind), vfm=vfm_tower().to(kind))
    tokens = half.encode_windows(pixels)
    assert tokens.values.dtype == tokens.keys.dtype == kind
    for name in half.baselines:
        features, _ = half.baseline(name, tokens)
        expected, _ = exact.baseline(name, exact.encode_windows(pixels))
        assert features.dtype == torch.float32
        assert (features * expected).sum(dim=-1).mean() > 0.99
    assert half.fingerprint != exact.fingerprint


def test_fingerprint_follows_weights_and_options() -> None:
    first = tiny_backbone().fingerprint
    assert tiny_backbone().fingerprint == first
    other = visual_tower()
    with torch.no_grad():
        other.ln_post.bias[0] += 1e-3
    different = [
        tiny_backbone(visual=other),
        tiny_backbone(visual=visual_tower(heads=4)),
        tiny_backbone(visual=visual_tower(activation=nn.GELU)),
        tiny_backbone(vfm=None),
        tiny_backbone(vfm=vfm_tower(patch=16)),
        tiny_backbone(encode_text=text_tower()),
        tiny_backbone(encode_text=lambda prompts: torch.ones(len(prompts), 24)),
        tiny_backbone(clip_normalization=((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))),
        tiny_backbone(vfm_normalization=((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))),
    ]
    fingerprints = {first, *(backbone.fingerprint for backbone in different)}
    assert len(fingerprints) == 1 + len(different)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (None, "open_clip VisionTransformer.*Linear"),
        ({"attentional_pool": True}, "no attention pooling"),
        ({"block_type": "custom"}, "MultiheadAttention"),
    ],
    ids=["other module", "pooling", "custom attention"],
)
def test_other_towers_are_refused_in_a_sentence(
    options: dict[str, Any] | None, sentence: str
) -> None:
    kind = clip_towers.open_clip.transformer.VisionTransformer
    visual = nn.Linear(2, 2) if options is None else kind(32, 16, 32, 1, 2, 1.0, **options)
    with pytest.raises(BackboneError, match=sentence):
        ClipBackbone(visual, fixed_text())  # type: ignore[arg-type]


def test_another_vfm_is_refused_in_a_sentence() -> None:
    with pytest.raises(BackboneError, match="timm VisionTransformer; Linear has no patch_embed"):
        tiny_backbone(vfm=nn.Linear(2, 2))


# --- words ------------------------------------------------------------------------------------


def test_text_feature_is_the_normalized_mean_over_normalized_templates() -> None:
    templates = ("a photo of a {}.", "a drawing of the {}.", "{}")
    backbone = tiny_backbone(encode_text=text_tower(), templates=templates)
    words = parse_vocabulary("cat; kitten, sofa")
    encoder = text_tower()
    rows = []
    with torch.inference_mode():
        for prompt in ("cat", "kitten", "sofa"):
            each = [
                encoder.model.encode_text(encoder.tokenizer([t.replace("{}", prompt)]))[0]
                for t in templates
            ]
            mean = torch.stack([vector / vector.norm() for vector in each]).mean(dim=0)
            rows.append(mean / mean.norm())
    expected = torch.stack(rows)

    segmenter = Segmenter(backbone)
    windows = WindowSettings(short_side=64, crop=64, stride=32)
    encoded = segmenter.encode(random_photo(64, 64), windows)
    result = segmenter.segment(encoded, words, baseline="maskclip")
    features, grid = backbone.baseline("maskclip", encoded.tokens)
    scores = (features @ expected.T).transpose(1, 2).unflatten(2, grid)
    torch.testing.assert_close(result.window_scores, scores, atol=1e-5, rtol=1e-4)

    # A class takes the maximum of its synonyms, after the softmax over all prompts.
    logits = F.interpolate(scores, (64, 64), mode="bilinear", align_corners=False)[0] * 40
    probabilities = logits.softmax(dim=0)
    of_class = torch.stack([probabilities[:2].amax(dim=0), probabilities[2]])
    np.testing.assert_allclose(result.probabilities(), of_class.numpy(), atol=1e-4)
    assert (result.labels == of_class.argmax(dim=0).numpy()).mean() > 0.999


def test_text_of_any_length_of_list_and_unit_length() -> None:
    encoder = tiny_backbone(encode_text=text_tower()).encode_text
    assert encoder(["one"]).shape == (1, 24)
    features = encoder(["one", "two", "x" * 500])  # longer than the context: cut, not refused
    torch.testing.assert_close(features.norm(dim=1), torch.ones(3))
    assert features.dtype == torch.float32


@torch.no_grad()
@pytest.mark.parametrize("prompts", [["a"], ["cat", "a long prompt about a cat " * 3, "x" * 500]])
def test_text_without_padding_equals_open_clip(prompts: list[str]) -> None:
    encoder = text_tower()
    expected = encoder.model.encode_text(clip_towers.open_clip.tokenize(prompts))
    torch.testing.assert_close(encoder(prompts), expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_text_of_another_model_is_used_as_it_is() -> None:
    class Other(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def encode_text(self, tokens: Tensor) -> Tensor:
            return tokens[:, :24].float() * self.weight

    features = OpenClipText(Other(), clip_towers.open_clip.tokenize)(["cat"])
    torch.testing.assert_close(features, clip_towers.open_clip.tokenize(["cat"])[:, :24].float())


def test_shipped_golden_file_is_small() -> None:
    assert Path(GOLDEN).stat().st_size < 4 * 2**20
