"""Features for others: with the words they give the same scores, on any of both layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from glaclip.cli.main import main
from glaclip.segmenter import Segmenter
from glaclip.segmenter.dense import dense_features, text_arrays
from glaclip.segmenter.method import parse_method
from glaclip.settings import WindowSettings
from glaclip.vocabulary import parse_vocabulary
from tests.clip_towers import random_photo, tiny_backbone
from tests.segmenter.test_segmenter import halves
from tests.toy import ColorBackbone

WORDS = parse_vocabulary("sky, grass, person; man")


def test_features_times_words_are_the_scores() -> None:
    segmenter = Segmenter(tiny_backbone())
    encoded = segmenter.encode(
        random_photo(96, 128), WindowSettings(short_side=96, crop=64, stride=32)
    )
    result = segmenter.segment(encoded, WORDS)
    arrays, words = dense_features(segmenter, encoded, result.method), text_arrays(segmenter, WORDS)
    assert arrays["features"].shape == (6, 64, 24)
    assert arrays["boxes"].tolist() == [list(box) for box in encoded.boxes]
    assert words["prompt_class"].tolist() == [0, 1, 2, 2]
    assert words["classes"].tolist() == ["sky", "grass", "person"]
    scores = (arrays["features"] @ words["text"].T).swapaxes(1, 2).reshape(6, 4, *arrays["grid"])
    np.testing.assert_allclose(scores, result.window_scores.numpy(), atol=1e-5)


def test_stitched_features_give_the_fused_scores_at_their_places() -> None:
    segmenter = Segmenter(tiny_backbone())
    encoded = segmenter.encode(
        random_photo(96, 128), WindowSettings(short_side=96, crop=64, stride=32)
    )
    result = segmenter.segment(encoded, WORDS)
    arrays = dense_features(segmenter, encoded, result.method, "stitched")
    assert arrays["features"].shape == (24, 12, 16)
    assert arrays["grid"].tolist() == [12, 16]
    text = torch.from_numpy(text_arrays(segmenter, WORDS)["text"])
    scores = torch.einsum("qe,ehw->qhw", text, torch.from_numpy(arrays["features"]))
    # The canvas at the middles of the places.
    fused = F.interpolate(result.canvas()[None], (12, 16), mode="bilinear", align_corners=False)[0]
    torch.testing.assert_close(scores, fused, atol=2e-2, rtol=0)
    joined = dense_features(
        segmenter, encoded, parse_method("off/splice", segmenter.backbone), "stitched"
    )
    np.testing.assert_allclose(np.linalg.norm(joined["features"], axis=0), 1, atol=1e-5)


def test_another_layout_is_refused() -> None:
    segmenter = Segmenter(ColorBackbone())
    encoded = segmenter.encode(halves(120, 90))
    with pytest.raises(ValueError, match="one of windows, stitched; received 'pixels'"):
        dense_features(segmenter, encoded, layout="pixels")


def test_the_command_writes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(halves(448, 336)).save(photo)
    usual = ["segment", str(photo), "--vocabulary", "red, blue", "--out", str(tmp_path / "out")]

    def run(*more: str) -> int:
        return main([*usual, *more], lambda *_: ColorBackbone())

    out = tmp_path / "features" / "photo.npz"
    assert run("--features", str(out), "--features-as", "stitched", "--no-normalization") == 0
    with np.load(out) as arrays:
        assert str(arrays["method"]) == "context+anchors@colors"
        best = np.einsum("qe,ehw->qhw", arrays["text"], arrays["features"]).argmax(axis=0)
        assert (best[:, :10] == 0).all()
        assert (best[:, -10:] == 1).all()
    assert run("--features", str(tmp_path / "photo.txt")) == 2
    assert (
        "--features must end in .npz for one photo; received photo.txt" in capsys.readouterr().err
    )
