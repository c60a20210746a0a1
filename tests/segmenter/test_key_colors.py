"""Keys as colors, against principal components by numpy's SVD."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from glaclip.pictures.key_pictures import key_files, stitched_picture, windows_mosaic
from glaclip.segmenter import Segmenter
from glaclip.segmenter.key_colors import colors_alone, key_colors, token_kinds
from glaclip.settings import WindowSettings
from tests.clip_towers import random_photo, tiny_backbone
from tests.segmenter.test_segmenter import halves
from tests.toy import ColorBackbone


def test_colors_are_the_first_three_components_of_all_windows() -> None:
    segmenter = Segmenter(tiny_backbone())
    windows = WindowSettings(short_side=96, crop=64, stride=32)
    encoded = segmenter.encode(random_photo(96, 128), windows)
    found = key_colors(segmenter.backbone, encoded)
    assert found.name == "vfm"
    assert found.windows.shape == (6, 8, 8, 3)
    assert found.stitched.shape == (12, 16, 3)
    keys = encoded.tokens.keys.double().numpy().reshape(-1, 30)
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    keys -= keys.mean(axis=0)
    left, values, right = np.linalg.svd(keys, full_matrices=False)
    components = left[:, :3] * values[:3]
    components *= np.sign([row[np.abs(row).argmax()] for row in right[:3]])
    low, high = np.quantile(components, (0.01, 0.99), axis=0)
    expected = 255 * np.clip((components - low) / (high - low), 0, 1)
    np.testing.assert_allclose(found.windows.reshape(-1, 3), expected, atol=1)
    assert found.explained == pytest.approx((values[:3] ** 2).sum() / (values**2).sum())


def test_alone_each_window_has_components_of_its_own() -> None:
    segmenter = Segmenter(tiny_backbone())
    windows = WindowSettings(short_side=96, crop=64, stride=32)
    encoded = segmenter.encode(random_photo(96, 128), windows)
    alone = colors_alone(segmenter.backbone, encoded)
    assert alone.shape == (6, 8, 8, 3)
    for index, box in enumerate(encoded.boxes):
        tokens = dataclasses.replace(
            encoded.tokens, keys=encoded.tokens.keys[index : index + 1], extras={}
        )
        single = dataclasses.replace(encoded, boxes=(box,), tokens=tokens)
        expected = key_colors(segmenter.backbone, single).windows[0]
        np.testing.assert_allclose(alone[index].astype(int), expected, atol=1)
    assert not np.array_equal(alone, key_colors(segmenter.backbone, encoded).windows)


def test_clips_own_tokens_are_kinds_too() -> None:
    backbone = tiny_backbone()
    assert tuple(token_kinds(backbone)) == ("vfm", "q", "k", "v")
    assert tuple(token_kinds(tiny_backbone(vfm=None))) == ("q", "k", "v")
    assert tuple(token_kinds(ColorBackbone())) == ("colors", "twice 1", "twice 2", "v")
    segmenter = Segmenter(backbone)
    encoded = segmenter.encode(
        random_photo(96, 128), WindowSettings(short_side=96, crop=64, stride=32)
    )
    q, k, v = backbone.last_block.qkv(encoded.tokens.extras["last_block"])
    kinds = token_kinds(backbone)
    for name, tensor in (("q", q), ("k", k), ("v", v)):
        assert kinds[name](encoded.tokens)[0].equal(tensor[:, 1:])
    with pytest.raises(ValueError, match="one of vfm, q, k, v; received 'dino'"):
        key_colors(backbone, encoded, "dino")


def test_two_colors_of_a_photo_are_two_colors_of_its_keys() -> None:
    segmenter = Segmenter(ColorBackbone())
    encoded = segmenter.encode(halves(448, 336))
    found = key_colors(segmenter.backbone, encoded)
    left, right = found.stitched[:, 0], found.stitched[:, -1]
    assert (left == left[0]).all()
    assert (right == right[0]).all()
    assert np.abs(left[0].astype(int) - right[0]).max() == 255
    assert found.explained == pytest.approx(1)
    picture = stitched_picture(found, encoded.photo_size)
    assert picture.size == (448, 336)
    assert picture.getpixel((0, 0)) == tuple(left[0])
    mosaic = windows_mosaic(found, encoded.grid, scale=2)
    assert mosaic.size == (3 * 30 - 2, 2 * 30 - 2)
    assert mosaic.getpixel((87, 57)) == tuple(right[0])
    files = key_files([found], encoded.photo_size, encoded.grid)
    assert sorted(files) == ["keys/colors.png", "keys/colors_windows.png"]


def test_a_photo_of_one_color_has_keys_of_one_color() -> None:
    segmenter = Segmenter(ColorBackbone())
    encoded = segmenter.encode(np.full((100, 100, 3), 200, np.uint8))
    found = key_colors(segmenter.backbone, encoded)
    assert len(np.unique(found.stitched.reshape(-1, 3), axis=0)) == 1
