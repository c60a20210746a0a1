"""Linear layers by oneDNN: the same numbers, where the processor gains and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from glaclip.attention import attend
from glaclip.backbones.clip.backbone import ClipBackbone
from glaclip.backbones.registry import quickened
from glaclip.settings import AttentionSettings
from glaclip.support import onednn
from tests.clip_towers import random_pixels, text_tower, tiny_backbone, visual_tower

needed = pytest.mark.skipif(
    not hasattr(torch.ops.mkldnn, "_linear_pointwise"), reason="this PyTorch has no oneDNN"
)


@pytest.fixture
def layers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Shapes of the weights that oneDNN multiplies by."""
    seen: list[tuple[int, ...]] = []
    own = onednn.linear

    def noted(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        seen.append(tuple(weight.shape))
        return own(x, weight, bias)

    monkeypatch.setattr(onednn, "linear", noted)
    return seen


def on(kind: str, monkeypatch: pytest.MonkeyPatch, **options: Any) -> ClipBackbone:
    monkeypatch.setenv("GLACLIP_PROCESSOR", kind)
    backbone = quickened(tiny_backbone(encode_text=text_tower(), **options))
    assert isinstance(backbone, ClipBackbone)
    return backbone


@needed
def test_tokens_and_words_are_the_same_to_1e5(
    monkeypatch: pytest.MonkeyPatch, layers: list[tuple[int, ...]]
) -> None:
    quick, plain = (on(kind, monkeypatch) for kind in ("avx512_bf16", "vnni"))
    assert quick.fingerprint == plain.fingerprint
    pixels, prompts = random_pixels(), ("a cat", "a photo of two dogs")
    with torch.inference_mode():
        ours, text = quick.encode_windows(pixels), quick.encode_text(prompts)
        # Four a block: one of CLIP's image tower, whose last ends at the values, two of the VFM
        # and one of the text tower.
        assert len(layers) == (4 + 1) + 2 * 4 + 4
        layers.clear()
        theirs, words = plain.encode_windows(pixels), plain.encode_text(prompts)
        assert not layers
    for name in ("keys", "values"):
        torch.testing.assert_close(getattr(ours, name), getattr(theirs, name), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(text, words, atol=1e-5, rtol=1e-5)


@needed
def test_other_types_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, layers: list[tuple[int, ...]]
) -> None:
    visual, vfm = visual_tower().bfloat16(), tiny_backbone().vfm
    assert vfm is not None
    half = on("avx512_bf16", monkeypatch, visual=visual, vfm=vfm.model.bfloat16())
    with torch.inference_mode():
        half.encode_windows(random_pixels())
    assert not layers


@needed
@pytest.mark.parametrize("weights_too", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("cross", [False, True])
def test_attention_is_what_the_module_gives(weights_too: bool, masked: bool, cross: bool) -> None:
    torch.manual_seed(0)
    module = nn.MultiheadAttention(24, 3, batch_first=True).eval()
    x = torch.randn(2, 7, 24)
    other = torch.randn(2, 7, 24) if cross else x
    mask = torch.triu(torch.full((7, 7), -torch.inf), diagonal=1) if masked else None

    def called() -> tuple[Tensor, Tensor | None]:
        output: tuple[Tensor, Tensor | None] = module(
            x, other, other, need_weights=weights_too, attn_mask=mask
        )
        return output

    with torch.inference_mode():
        expected, weights = called()
        with onednn.linear_layers(True):
            found, ours = called()
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert (ours is None) == (weights is None)


def test_without_the_operation_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLACLIP_PROCESSOR", "avx512_bf16")
    cpu = torch.device("cpu")
    assert onednn.gains(cpu, torch.float32) == hasattr(torch.ops.mkldnn, "_linear_pointwise")
    with monkeypatch.context() as changed:  # taken with other inputs
        changed.setattr(onednn, "_LINEAR", "_convolution_pointwise")
        assert not onednn.gains(cpu, torch.float32)
    assert not onednn.gains(cpu, torch.bfloat16)
    assert not onednn.gains(torch.device("cuda"), torch.float32)
    monkeypatch.setattr(onednn, "_LINEAR", "an operation of another PyTorch")
    assert not onednn.gains(cpu, torch.float32)
    monkeypatch.setenv("GLACLIP_PROCESSOR", "amx")
    assert not onednn.gains(cpu, torch.float32)


@needed
def test_products_are_the_same_whoever_multiplies(
    monkeypatch: pytest.MonkeyPatch, layers: list[tuple[int, ...]]
) -> None:
    torch.manual_seed(0)
    a, b, out = torch.randn(7, 5), torch.randn(9, 5), torch.empty(7, 9)
    monkeypatch.setenv("GLACLIP_PROCESSOR", "vnni")
    plain = onednn.product(a, b, out)
    assert plain.data_ptr() == out.data_ptr()
    assert not layers
    monkeypatch.setenv("GLACLIP_PROCESSOR", "avx512_bf16")
    torch.testing.assert_close(onednn.product(a, b), plain, atol=1e-6, rtol=1e-6)
    across = onednn.product(a, torch.randn(5, 9).T)  # as values are asked: no copy is made of them
    assert across.shape == (7, 9)
    assert layers == [(9, 5), (9, 5)]


@needed
@pytest.mark.parametrize("rung", AttentionSettings.ladder(AttentionSettings(precision="fast")))
def test_fast_attention_is_the_same_whoever_multiplies(
    monkeypatch: pytest.MonkeyPatch, layers: list[tuple[int, ...]], rung: AttentionSettings
) -> None:
    torch.manual_seed(0)
    keys, values = torch.randn(3, 40, 16), torch.randn(3, 40, 12)
    found = []
    for kind in ("vnni", "avx512_bf16"):
        monkeypatch.setenv("GLACLIP_PROCESSOR", kind)
        found.append(attend(keys, values, rung))
        assert bool(layers) == (kind == "avx512_bf16")
    torch.testing.assert_close(*found, atol=1e-5, rtol=1e-5)
