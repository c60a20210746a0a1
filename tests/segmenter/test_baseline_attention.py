"""A baseline's attention row: what it weighs is what enters out_proj, head by head."""

from __future__ import annotations

import pytest
import torch

from glaclip.backbones.clip.mixing import HeadMixing
from glaclip.segmenter import Segmenter
from glaclip.settings import AttentionSettings, SettingsError, WindowSettings
from tests.clip_towers import random_photo, tiny_backbone
from tests.segmenter.test_segmenter import halves
from tests.toy import ColorBackbone

WINDOWS = WindowSettings(short_side=96, crop=64, stride=32)
POINT = (70.0, 40.0)


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(tiny_backbone())


@pytest.mark.parametrize("name", ["clip", "maskclip", "sclip", "clearclip", "naclip"])
def test_rows_times_values_are_what_enters_out_proj(segmenter: Segmenter, name: str) -> None:
    encoded = segmenter.encode(random_photo(96, 160), WINDOWS)
    maps = segmenter.attention(encoded, POINT, baseline=name, per_head=True)
    assert maps.per_head is not None
    assert maps.weights.shape == (len(encoded.boxes), 16)
    token = maps.token[0] * maps.key_grid[1] + maps.token[1]
    backbone = segmenter.backbone
    _, _, v = backbone.last_block.qkv(encoded.tokens.extras["last_block"])  # type: ignore[attr-defined]
    values = v[maps.window].detach().unflatten(1, (2, 16))  # [1 + S, H, D / H]
    rows = maps.per_head.expand(2, -1)  # one row stands for all heads
    mixed = torch.einsum("ht,thd->hd", rows, values).flatten() * (2 if name == "sclip" else 1)
    mixing = backbone.mixing(name, encoded.tokens)
    with torch.no_grad():
        whole = mixing.mixed() if isinstance(mixing, HeadMixing) else v
    torch.testing.assert_close(mixed, whole[maps.window, 1 + token], atol=1e-5, rtol=1e-5)
    # The rest of the way is the baseline's own, but for what "clip" keeps of the block.
    if name != "clip":
        features, _ = backbone.baseline(name, encoded.tokens)
        joint = backbone.project(mixed)
        torch.testing.assert_close(joint, features[maps.window, token], atol=1e-5, rtol=1e-4)


def test_every_baseline_has_a_row_that_is_together_one(segmenter: Segmenter) -> None:
    encoded = segmenter.encode(random_photo(96, 160), WINDOWS)
    for name in segmenter.backbone.baselines:
        maps = segmenter.attention(encoded, POINT, baseline=name)
        assert float(maps.weights.sum()) + maps.cls == pytest.approx(1, abs=1e-6)
        assert maps.per_head is None
        others = [window for window in range(len(encoded.boxes)) if window != maps.window]
        assert not maps.weights[others].any()
        heads = segmenter.attention(encoded, POINT, baseline=name, per_head=True).per_head
        assert heads is not None
        torch.testing.assert_close(heads.mean(0)[1:], maps.weights[maps.window])
    looking = segmenter.attention(encoded, POINT, baseline="clip")
    assert 0 < looking.cls < 1


def test_proxyclips_row_is_the_first_rung(segmenter: Segmenter) -> None:
    encoded = segmenter.encode(random_photo(96, 160), WINDOWS)
    ladder = segmenter.attention(encoded, POINT, AttentionSettings())
    maps = segmenter.attention(encoded, POINT, baseline="proxyclip")
    torch.testing.assert_close(maps.weights, ladder.rung("off").weights)
    assert (maps.window, maps.token, maps.key_grid, maps.cls) == (
        ladder.window, ladder.token, ladder.key_grid, 0.0,
    )  # fmt: skip


def test_a_patch_without_attention_looks_at_itself() -> None:
    segmenter = Segmenter(ColorBackbone())
    encoded = segmenter.encode(halves(120, 90))
    maps = segmenter.attention(encoded, (60, 45), baseline="identity")
    row, column = maps.token
    assert maps.weights[maps.window].view(maps.key_grid)[row, column] == 1
    assert maps.weights.sum() == 1


def test_an_unknown_baseline_or_place_is_a_sentence() -> None:
    segmenter = Segmenter(ColorBackbone())
    encoded = segmenter.encode(halves(120, 90))
    with pytest.raises(SettingsError, match="baseline must be one of identity; received 'clip'"):
        segmenter.attention(encoded, (9, 9), baseline="clip")
    with pytest.raises(SettingsError, match="The point must lie inside the photo"):
        segmenter.attention(encoded, (500, 9), baseline="identity")
    method = segmenter.method(baseline="identity")
    with pytest.raises(SettingsError, match="named by baseline=; received identity"):
        segmenter.attention(encoded, (9, 9), method)
