"""Score maps and cut-outs as files."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from glaclip.pictures.scores import cutout, cutouts, file_name, score_files
from glaclip.segmenter import Segmentation, Segmenter
from glaclip.vocabulary import parse_vocabulary
from tests.segmenter.test_segmenter import halves
from tests.toy import ColorBackbone


@pytest.fixture(scope="module")
def result() -> Segmentation:
    segmenter = Segmenter(ColorBackbone())
    encoded = segmenter.encode(halves())
    return segmenter.segment(encoded, parse_vocabulary("red; crimson, green, blue"))


def test_scores_are_the_probabilities_at_the_working_size(result: Segmentation) -> None:
    expected = result.probabilities(result.encoded.size)
    np.testing.assert_allclose(np.stack(list(result.scores())), expected, atol=1e-5)
    np.testing.assert_allclose(result.score(2), expected[2], atol=1e-5)


def test_a_score_map_is_a_16_bit_picture_a_word(result: Segmentation) -> None:
    files = score_files(result, "glaclip")
    assert list(files) == [
        "scores_glaclip/000_red.png",
        "scores_glaclip/001_green.png",
        "scores_glaclip/002_blue.png",
    ]
    with Image.open(io.BytesIO(files["scores_glaclip/002_blue.png"])) as picture:
        assert picture.mode == "I;16"
        assert picture.size == result.encoded.size[::-1]
        stored = np.asarray(picture) / 65535
    np.testing.assert_allclose(stored, result.score(2), atol=1e-4)


def test_scores_as_arrays_name_their_words(result: Segmentation) -> None:
    files = score_files(result, "baseline", "npz")
    arrays = np.load(io.BytesIO(files["scores_baseline.npz"]))
    assert arrays["classes"].tolist() == ["red", "green", "blue"]
    np.testing.assert_allclose(arrays["probabilities"][2], result.score(2), atol=1e-3)


def test_a_cutout_is_the_photo_where_the_word_is(result: Segmentation) -> None:
    photo = Image.fromarray(halves())
    files = dict(cutouts(photo, result))
    assert list(files) == ["cutouts/000_red.png", "cutouts/002_blue.png"]  # green is nowhere
    with Image.open(io.BytesIO(files["cutouts/002_blue.png"])) as picture:
        assert picture.mode == "RGBA"
        assert picture.height == photo.height
        assert picture.width < photo.width
        assert picture.getpixel((picture.width - 1, 5)) == (
            *photo.getpixel((photo.width - 1, 5)),
            255,
        )  # type: ignore[misc]
    labels = np.zeros((4, 6), dtype=np.int16)
    labels[1, 2] = labels[3, 4] = 1
    cut = cutout(Image.new("RGB", (6, 4), "red"), labels, 1)
    assert cut.size == (3, 3)
    assert [cut.getpixel(at)[3] for at in ((0, 0), (1, 1), (2, 2))] == [255, 0, 255]  # type: ignore[index]


def test_names_of_files_are_plain() -> None:
    assert file_name(7, 'a/b: "c" \\ tree') == "007_a_b_c_tree"
    assert file_name(0, "///") == "000"
