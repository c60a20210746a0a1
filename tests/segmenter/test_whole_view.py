"""The VFM once on the whole photo: keys at their places, and what stays as it was."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from glaclip.segmenter import Segmenter
from glaclip.segmenter.method import parse_method
from glaclip.segmenter.results import Encoded
from glaclip.settings import PRECISIONS, SettingsError, WindowSettings
from glaclip.vocabulary import parse_vocabulary
from glaclip.windows import resize_photo
from tests.clip_towers import random_photo, tiny_backbone, vfm_tower
from tests.toy import ColorBackbone

WINDOWS = WindowSettings(96, 64, 32)
WHOLE = replace(WINDOWS, vfm_view="whole")
WORDS = parse_vocabulary("one, two, three")


def both(photo: Any, windows: WindowSettings = WINDOWS, **options: Any) -> tuple[Encoded, Encoded]:
    """A photo in the paper's way, and with one look of the VFM."""
    segmenter = Segmenter(tiny_backbone(**options))
    return segmenter.encode(photo, windows), segmenter.encode(
        photo, replace(windows, vfm_view="whole")
    )


def read(photo: Any, encoded: Encoded, y: Tensor, x: Tensor) -> Tensor:
    """[P, Dk]: what one look of the tiny VFM gives at points of the resized photo."""
    pixels = resize_photo(Image.fromarray(photo), encoded.size)[None]
    height, width = (round(side / 8) * 8 for side in encoded.size)
    pixels = F.interpolate(pixels, (height, width), mode="bilinear", antialias=True)
    keys, grid = tiny_backbone().photo_keys(pixels)
    at = torch.stack([2 * x / encoded.size[1] - 1, 2 * y / encoded.size[0] - 1], dim=-1)
    square = keys[0].T.reshape(1, -1, *grid)
    found = F.grid_sample(square, at[None, None], padding_mode="border", align_corners=False)
    return found[0, :, 0].T


def test_a_photo_of_one_window_has_the_papers_tokens_to_the_last_bit() -> None:
    paper, whole = both(random_photo(64, 64), WindowSettings(64, 64, 32))
    assert len(whole.boxes) == 1
    assert torch.equal(whole.tokens.keys, paper.tokens.keys)
    assert whole.tokens.key_grid == paper.tokens.key_grid
    assert torch.equal(whole.tokens.values, paper.tokens.values)
    assert whole.key != paper.key  # and yet nobody takes one for the other


@pytest.mark.parametrize(
    "size", [(96, 128), (128, 96), (70, 300), (300, 64), (97, 131), (40, 200), (20, 24), (16, 250)]
)
def test_each_key_is_that_of_its_patchs_place(size: tuple[int, int]) -> None:
    """Tall, wide, smaller than a window, and of sides that no patch divides."""
    photo = random_photo(*size)
    paper, whole = both(photo)
    assert whole.boxes == paper.boxes
    assert whole.tokens.key_grid == (8, 8)
    assert whole.tokens.keys.shape == paper.tokens.keys.shape
    assert torch.equal(whole.tokens.values, paper.tokens.values)  # CLIP sees windows as ever
    centers = torch.cartesian_prod(8.0 * torch.arange(8) + 4, 8.0 * torch.arange(8) + 4)
    for box, keys in zip(whole.boxes, whole.tokens.keys, strict=True):
        expected = read(photo, whole, box.top + centers[:, 0], box.left + centers[:, 1])
        torch.testing.assert_close(keys, expected, atol=1e-4, rtol=1e-4)


def test_a_place_in_two_windows_has_one_key() -> None:
    paper, whole = both(random_photo(96, 128))

    def overlap(encoded: Encoded, window: int) -> Tensor:
        keys = encoded.tokens.keys[window].unflatten(0, (8, 8))
        return keys[:, 4:] if window == 0 else keys[:, :4]

    assert whole.boxes[1].left == 32
    assert torch.equal(overlap(whole, 0), overlap(whole, 1))
    assert not torch.allclose(overlap(paper, 0), overlap(paper, 1), atol=1e-2)


def test_the_vfm_looks_once_and_what_is_known_is_not_encoded_again() -> None:
    vfm, seen = vfm_tower(), []
    vfm.register_forward_pre_hook(lambda module, given: seen.append(tuple(given[0].shape)))
    looked = vfm.forward_features
    vfm.forward_features = lambda x: (seen.append(tuple(x.shape)), looked(x))[1]  # type: ignore[assignment,func-returns-value]
    segmenter, steps = Segmenter(tiny_backbone(vfm=vfm)), []
    photo = random_photo(96, 128)
    segmenter.encode(photo, WHOLE, lambda *step: steps.append(step))
    assert seen == [(1, 3, 96, 128)]
    assert steps[0] == ("encode", 0, 12)
    assert steps[-1] == ("encode", 12, 12)
    assert [done for _, done, _ in steps] == sorted(done for _, done, _ in steps)
    assert segmenter.encode_with_origin(photo, WHOLE)[1]
    assert not segmenter.encode_with_origin(photo, WINDOWS)[1]
    assert segmenter.encode_with_origin(photo, WINDOWS)[1]


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        *itertools.product(("off", "context", "context+anchors", "on"), PRECISIONS),
        ("on@clearclip", "exact"), ("on@sclip", "exact"), ("on/gauss", "exact"),
        ("off/splice", "exact"), ("off/whole", "exact"), ("proxyclip", "exact"),
        ("clip", "exact"),
    ],
)  # fmt: skip
def test_every_method_segments_with_it(name: str, precision: str) -> None:
    segmenter = Segmenter(tiny_backbone())
    constants = replace(segmenter.backbone.default_attention, precision=precision)
    method = parse_method(name, segmenter.backbone, constants)
    photo = random_photo(101, 143)
    labels, features = [], []
    for windows in (WINDOWS, WHOLE):
        encoded = segmenter.encode(photo, windows)
        result = segmenter.segment(encoded, WORDS, method)
        assert result.labels.shape == (101, 143)
        labels.append(result.labels)
        features.append(segmenter.features(encoded, segmenter.method(method))[0][0])
    assert torch.isfinite(features[1]).all()
    alike = "@" in name or name in ("clip", "off/whole")  # their keys are not a window's of a VFM
    assert torch.equal(*features) == alike


def test_half_precision_keeps_its_type() -> None:
    backbone = tiny_backbone()
    backbone.visual.bfloat16()
    assert backbone.vfm is not None
    half = tiny_backbone(visual=backbone.visual, vfm=backbone.vfm.model.bfloat16())
    encoded = Segmenter(half).encode(random_photo(97, 131), WHOLE)
    assert encoded.tokens.keys.dtype == torch.bfloat16


@pytest.mark.parametrize("patch", [14, 16])
def test_a_vfm_with_other_patches_than_dinos(patch: int) -> None:
    vfm = vfm_tower(patch=patch, image=patch * 8)
    paper, whole = both(random_photo(112, 168), WindowSettings(112, 112, 56), vfm=vfm)
    assert whole.tokens.keys.shape == paper.tokens.keys.shape
    assert whole.tokens.key_grid == (112 // patch, 112 // patch)


@pytest.mark.parametrize("backbone", [ColorBackbone(), tiny_backbone(vfm=None)])
def test_without_a_vfm_it_is_refused_in_a_sentence(backbone: Any) -> None:
    with pytest.raises(SettingsError, match=r"vfm_view must be windows for .+, which has no"):
        Segmenter(backbone).encode(np.zeros((96, 96, 3), np.uint8), WHOLE)
    with pytest.raises(SettingsError, match="vfm_view must be one of windows, whole"):
        WindowSettings(vfm_view="half")
