"""Scale, background threshold and area threshold, against their formulas pixel by pixel."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from glaclip.segmenter.labels import class_probabilities, label_map
from glaclip.settings import SettingsError, WindowSettings
from glaclip.vocabulary import VocabularyError, parse_vocabulary
from glaclip.windows import resize_photo

WORDS = parse_vocabulary("cat, dog; puppy, sky", background="wall", background_threshold=0.45)


def canvas() -> torch.Tensor:
    return 0.2 * torch.randn(6, 40, 50, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("scale", [5.0, 40.0, 65.0])
def test_the_scale_decides_what_is_unsure(scale: float) -> None:
    words = dataclasses.replace(WORDS, logit_scale=scale)
    scores = canvas()
    by_prompt = torch.softmax(scale * scores, dim=0)
    by_class = torch.stack(
        [by_prompt[0], by_prompt[1:3].amax(0), by_prompt[3], by_prompt[4:].amax(0)]
    )
    best, label = by_class.max(dim=0)
    expected = torch.where(best < 0.45, 3, label)
    assert np.array_equal(label_map(scores, words, (40, 50)), expected.numpy())
    torch.testing.assert_close(class_probabilities(scores, words), by_class)


def test_small_classes_are_given_up() -> None:
    scores = torch.zeros(6, 10, 10)
    scores[0] = 0.5  # a cat everywhere
    scores[1, 0, :5] = 1.0  # but for five pixels of a dog
    scores[3, 5:7] = 1.0  # and twenty of sky
    scores[4, 9] = 1.0  # and ten of background
    words = dataclasses.replace(WORDS, background_threshold=0.1)
    plain = label_map(scores, words, (10, 10))
    assert [int((plain == index).sum()) for index in range(4)] == [65, 5, 20, 10]
    kept = label_map(scores, dataclasses.replace(words, area_threshold=0.1), (10, 10))
    # 5 of the 90 pixels that are not background are too few for a class. The next best of them, a
    # cat, is unlikely beside the dog that is still in the softmax: they go to the background.
    assert [int((kept == index).sum()) for index in range(4)] == [65, 0, 20, 15]
    sure = dataclasses.replace(words, area_threshold=0.1, background_threshold=0.0)
    kept = label_map(scores, sure, (10, 10))
    assert [int((kept == index).sum()) for index in range(4)] == [70, 0, 20, 10]
    alone = dataclasses.replace(words, area_threshold=0.1, background=None)
    assert np.array_equal(label_map(scores, alone, (10, 10)), plain)


def test_what_is_usual_goes_unnamed() -> None:
    """Keys of what is kept on disk are made of these texts."""
    assert "logit_scale" not in repr(WORDS)
    assert repr(dataclasses.replace(WORDS, logit_scale=50.0)) != repr(WORDS)
    assert "resampling" not in repr(WindowSettings())
    assert repr(WindowSettings(resampling="plain")) != repr(WindowSettings())


def test_numbers_out_of_range_are_sentences() -> None:
    with pytest.raises(VocabularyError, match="The logit scale must be a number from 0 to 1000"):
        dataclasses.replace(WORDS, logit_scale=-1)
    with pytest.raises(VocabularyError, match="The area threshold must be a number from 0 to 1"):
        dataclasses.replace(WORDS, area_threshold=2)
    with pytest.raises(SettingsError, match="resampling must be one of antialiased, plain"):
        WindowSettings(resampling="nearest")


def test_plain_resizing_reads_the_four_pixels_around_a_place() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    photo, size = Image.fromarray(noise), (30, 40)
    plain = resize_photo(photo, size, "plain").permute(1, 2, 0).numpy() * 255
    for y, x in ((0, 0), (7, 11), (29, 39)):
        # A third of the size: places fall on the middle pixel of three.
        assert np.array_equal(plain[y, x], noise[3 * y + 1, 3 * x + 1])
    smooth = resize_photo(photo, size)
    assert smooth.std() < 0.6 * resize_photo(photo, size, "plain").std()
    pixels = torch.from_numpy(noise).permute(2, 0, 1)[None].float()
    half = F.interpolate(pixels, (45, 60), mode="bilinear", align_corners=False)[0].round()
    torch.testing.assert_close(resize_photo(photo, (45, 60), "plain") * 255, half)
