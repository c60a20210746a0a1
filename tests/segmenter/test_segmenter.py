"""The segmenter on a backbone whose answers are known: colors."""

from __future__ import annotations

import dataclasses
import functools
import threading
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from glaclip.backbones.base import Grid, Tokens
from glaclip.segmenter import Segmenter
from glaclip.segmenter.labels import class_probabilities, resized_strips
from glaclip.segmenter.results import PROBABLY_ABSENT
from glaclip.settings import PRECISIONS, AttentionSettings, SettingsError, WindowSettings
from glaclip.support.interruptible import Interruptible
from glaclip.vocabulary import LOGIT_SCALE, parse_vocabulary
from tests.clip_towers import tiny_backbone
from tests.toy import ColorBackbone

WORDS = parse_vocabulary("red; crimson, green, blue")


def halves(width: int = 400, height: int = 300) -> np.ndarray:
    """Left red, right blue."""
    photo = np.zeros((height, width, 3), np.uint8)
    photo[:, : width // 2, 0] = 230
    photo[:, width // 2 :, 2] = 230
    return photo


@pytest.fixture
def segmenter() -> Segmenter:
    return Segmenter(ColorBackbone())


@pytest.mark.parametrize(
    ("width", "height"),
    [(100, 100), (224, 224), (336, 336), (448, 336), (900, 200), (200, 900), (64, 32), (1600, 100)],
)
@pytest.mark.parametrize("rung", range(4))
def test_labels_at_the_photos_size(
    segmenter: Segmenter, width: int, height: int, rung: int
) -> None:
    encoded = segmenter.encode(halves(width, height))
    result = segmenter.segment(encoded, WORDS, AttentionSettings.ladder()[rung])
    assert result.labels.shape == (height, width)
    assert result.classes == ("red", "green", "blue")
    assert result.areas.sum() == pytest.approx(1)
    assert (result.labels[:, : width // 4] == 0).all()
    assert (result.labels[:, -width // 4 :] == 2).all()
    assert 1 not in result.labels


def test_presence_tells_words_that_are_there_from_those_that_are_not(
    segmenter: Segmenter,
) -> None:
    photo = halves()
    photo[140:150, 300:340] = (0, 255, 0)  # less than a hundredth of it
    result = segmenter.segment(segmenter.encode(photo), WORDS)
    red, green, blue = result.presence
    assert result.presence.dtype == np.float32
    assert min(red, blue) > 0.9
    assert green < PROBABLY_ABSENT


def test_a_word_that_fills_the_photo_is_doubted_where_another_fits_better(
    segmenter: Segmenter,
) -> None:
    """Every pixel gets one of the words; candidates that nobody has named know better."""
    sky = np.full((96, 192, 3), (153, 204, 255), np.uint8)
    result = segmenter.segment(segmenter.encode(sky), parse_vocabulary("red, blue"))
    assert result.areas[1] == 1
    assert result.presence[1] < PROBABLY_ABSENT
    named = segmenter.segment(segmenter.encode(sky), parse_vocabulary("red, sky"))
    assert named.presence[1] > 0.9  # a candidate that is named is no rival of itself


def test_encode_once_ask_many_times(segmenter: Segmenter) -> None:
    backbone = segmenter.backbone
    assert isinstance(backbone, ColorBackbone)
    steps: list[tuple[str, int, int]] = []
    encoded = segmenter.encode(halves(), progress=lambda *step: steps.append(step))
    assert steps[0] == ("encode", 0, 6)
    assert steps[-1] == ("encode", 6, 6)
    assert encoded.grid == (2, 3)
    segmenter.segment(encoded, WORDS)
    windows, texts = backbone.encoded_windows, len(backbone.encoded_texts)
    again, cached = segmenter.encode_with_origin(Image.fromarray(halves()))
    assert cached
    assert again is encoded
    toggled = segmenter.segment(encoded, WORDS, AttentionSettings().off())
    assert toggled.cached == {"words"}
    assert (backbone.encoded_windows, len(backbone.encoded_texts)) == (windows, texts)
    other = segmenter.segment(encoded, parse_vocabulary("green, blue, violet"))
    assert other.cached == {"attention"}
    assert backbone.encoded_texts[texts:] == ["violet"]
    assert segmenter.segment(encoded, WORDS).cached == {"words", "attention", "labels"}


def test_another_photo_or_window_is_another_key(segmenter: Segmenter) -> None:
    encoded = segmenter.encode(halves())
    changed = halves()
    changed[0, 0, 0] += 1
    assert segmenter.encode(changed).key != encoded.key
    assert segmenter.encode(halves(), WindowSettings(stride=224)).key != encoded.key


def test_encoded_is_immutable(segmenter: Segmenter) -> None:
    encoded = segmenter.encode(halves())
    with pytest.raises(dataclasses.FrozenInstanceError):
        encoded.key = "other"  # type: ignore[misc]
    before = encoded.tokens.keys.clone(), encoded.tokens.values.clone()
    for rung in AttentionSettings.ladder():
        segmenter.segment(encoded, WORDS, rung)
        segmenter.attention(encoded, (10, 10), rung)
    assert torch.equal(before[0], encoded.tokens.keys)
    assert torch.equal(before[1], encoded.tokens.values)


def test_probabilities_follow_the_method(segmenter: Segmenter) -> None:
    encoded = segmenter.encode(halves())
    result = segmenter.segment(encoded, WORDS)
    probabilities = result.probabilities()
    assert probabilities.shape == (3, 300, 400)
    canvas = F.interpolate(result.canvas()[None], (300, 400), mode="bilinear")[0]
    softmax = (canvas * 40).softmax(dim=0)
    expected = torch.stack([softmax[:2].amax(dim=0), softmax[2], softmax[3]])
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    assert (probabilities.argmax(axis=0) == result.labels).all()
    # A class is as probable as its best prompt, so the sum may stay below one.
    assert (probabilities.sum(axis=0) <= 1 + 1e-6).all()


def test_probabilities_at_a_point_agree_with_the_map(segmenter: Segmenter) -> None:
    result = segmenter.segment(segmenter.encode(halves(448, 336)), WORDS)
    full = result.probabilities()
    for x, y in [(0, 0), (447, 335), (120, 200), (224, 112), (333, 90)]:
        np.testing.assert_allclose(result.probabilities_at((x, y)), full[:, y, x], atol=1e-5)


def test_background_takes_unsure_pixels(segmenter: Segmenter) -> None:
    # A red patch is torn between red and crimson: its best probability is about 0.65.
    words = parse_vocabulary("red, crimson, blue", background="x", background_threshold=0.5)
    encoded = segmenter.encode(halves())
    sure = segmenter.segment(encoded, words)
    assert (sure.labels[:, :100] == 0).all()
    strict = segmenter.segment(encoded, dataclasses.replace(words, background_threshold=0.9))
    assert (strict.labels[:, :100] == words.background).all()
    assert (strict.labels[:, -100:] == 2).all()


def test_templates_are_averaged_as_unit_vectors() -> None:
    backbone = ColorBackbone()
    backbone.templates = ("{}", "crimson")
    segmenter = Segmenter(backbone)
    result = segmenter.segment(segmenter.encode(halves()), parse_vocabulary("green, blue"))
    crimson = F.normalize(torch.tensor([0.9, 0.1, 0.1]), dim=0)
    word = F.normalize(torch.tensor([0.0, 1.0, 0.0]) + crimson, dim=0)
    pixel = result.window_scores[0, 0, 0, 0]
    assert pixel == pytest.approx(float(word[0]), abs=1e-3)  # a red patch
    assert set(backbone.encoded_texts) == {"green", "blue", "crimson"}


def test_key_sources_are_summed_and_baselines_are_per_window(segmenter: Segmenter) -> None:
    encoded = segmenter.encode(halves())
    once = segmenter.segment(encoded, WORDS)
    twice = segmenter.segment(encoded, WORDS, key_source="twice")
    torch.testing.assert_close(once.window_scores, twice.window_scores)
    plain = segmenter.segment(encoded, WORDS, baseline="identity")
    assert plain.method.settings is None
    assert plain.labels.shape == (300, 400)
    with pytest.raises(SettingsError, match="baseline must be one of identity; received 'clip'"):
        segmenter.segment(encoded, WORDS, baseline="clip")
    with pytest.raises(SettingsError, match="key_source must be one of colors, twice"):
        segmenter.segment(encoded, WORDS, key_source="dino")


def test_crop_must_fit_the_backbone(segmenter: Segmenter) -> None:
    with pytest.raises(SettingsError, match="crop must be a multiple of 16 for Colors"):
        segmenter.encode(halves(), WindowSettings(crop=230, stride=110))


def test_window_labels_are_what_one_window_says(segmenter: Segmenter) -> None:
    result = segmenter.segment(segmenter.encode(halves(448, 336)), WORDS)
    assert (result.window_labels(0)[:, :200] == 0).all()
    assert (result.window_labels(2)[:, 30:] == 2).all()
    assert result.window_labels(0).shape == (224, 224)


def test_attention_of_a_point(segmenter: Segmenter) -> None:
    encoded = segmenter.encode(halves(448, 336))
    maps = segmenter.attention(encoded, (440, 300))
    assert maps.window == 5
    assert maps.key_grid == (14, 14)
    assert [rung.own_share for rung in maps.rungs] == [1, *[pytest.approx(1 / 6)] * 3]
    for rung in maps.rungs:
        assert rung.weights.shape == (6, 196)
        assert float(rung.weights.sum()) == pytest.approx(1, abs=1e-5)
    # The blue half attends to blue tokens: none of them lies in the left window's left half.
    left = maps.rungs[3].weights[0].view(14, 14)[:, :10]
    assert float(left.sum()) < 1e-6
    with pytest.raises(ValueError, match=r"inside the photo.* received \(448, 3\)"):
        segmenter.attention(encoded, (448, 3))


def test_progress_may_stop_the_work(segmenter: Segmenter) -> None:
    class StopError(Exception):
        pass

    def stop(step: str, done: int, total: int) -> None:
        if done >= 2:
            raise StopError

    with pytest.raises(StopError):
        segmenter.encode(halves(), progress=stop)
    encoded, cached = segmenter.encode_with_origin(halves())
    assert not cached
    assert len(encoded.boxes) == 6


def test_two_visitors_at_once_get_their_own_results(segmenter: Segmenter) -> None:
    photos = [halves(400 + 20 * i, 300) for i in range(4)]
    expected = [
        Segmenter(ColorBackbone()).segment(segmenter.encode(photo), WORDS).labels
        for photo in photos
    ]
    failures: list[int] = []

    def visit(index: int) -> None:
        for _ in range(3):
            result = segmenter.segment(segmenter.encode(photos[index]), WORDS)
            if not np.array_equal(result.labels, expected[index]):
                failures.append(index)

    threads = [threading.Thread(target=visit, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


@pytest.mark.parametrize("size", [(336, 448), (1000, 1500), (100, 50), (17, 2000)])
def test_strips_equal_torchs_bilinear(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glaclip.segmenter.labels._STRIP_SCORES", 50_000)
    canvas = torch.rand(3, 40, 60)
    expected = F.interpolate(canvas[None], size, mode="bilinear", align_corners=False)[0]
    strips = torch.cat([strip for _, strip in resized_strips(canvas, size)], dim=1)
    torch.testing.assert_close(strips, expected, rtol=0, atol=1e-5)


def test_class_probability_is_its_best_synonyms() -> None:
    scores = torch.tensor([0.1, 0.3, 0.2, 0.0])
    softmax = (scores * LOGIT_SCALE).softmax(dim=0)
    torch.testing.assert_close(
        class_probabilities(scores, WORDS), torch.stack([softmax[1], softmax[2], softmax[3]])
    )


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("dynamic", [True, False])
def test_a_click_after_a_run_compares_no_more_than_one_row(
    segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch, dynamic: bool, precision: str
) -> None:
    settings = AttentionSettings(dynamic_normalization=dynamic, precision=precision)
    photo, point = halves(448, 336), (440.0, 300.0)
    fresh = segmenter.attention(segmenter.encode(photo), point, settings)
    other = Segmenter(ColorBackbone())
    encoded = other.encode(photo)
    other.segment(encoded, WORDS, settings)

    def refuse(*_: object) -> None:
        raise AssertionError("the mean over all queries came with the run")

    monkeypatch.setattr("glaclip.segmenter.attending.mean_query", refuse)
    maps = other.attention(encoded, point, settings)
    for rung, expected in zip(maps.rungs, fresh.rungs, strict=True):
        assert torch.equal(rung.weights, expected.weights), "the same click, whatever came before"


def test_tokens_of_another_backbone_are_refused() -> None:
    class Others(ColorBackbone):
        fingerprint = "other weights"

    encoded = Segmenter(Others()).encode(halves(336, 224))
    segmenter = Segmenter(ColorBackbone())
    with pytest.raises(ValueError, match="encoded by another backbone"):
        segmenter.segment(encoded, WORDS)
    with pytest.raises(ValueError, match="encoded by another backbone"):
        segmenter.attention(encoded, (5, 5))
    with pytest.raises(ValueError, match="encoded by another backbone"):
        segmenter.features(encoded, segmenter.method())


class SlowBackbone(ColorBackbone):
    """One of its calls takes a thousand small operations."""

    def __init__(self) -> None:
        super().__init__()
        self.slow = ""

    def _work(self, name: str) -> None:
        for _ in range(1000 if self.slow == name else 0):
            torch.ones(1).add(1)

    def encode_windows(self, pixels: Tensor) -> Tokens:
        self._work("encode")
        return super().encode_windows(pixels)

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        self._work("words")
        return super().encode_text(prompts)

    def keys(self, tokens: Tokens, source: str) -> tuple[tuple[Tensor, Grid], ...]:
        self._work("keys")
        return super().keys(tokens, source)

    def project(self, values: Tensor) -> Tensor:
        self._work("project")
        return super().project(values)

    def baseline(self, name: str, tokens: Tokens) -> tuple[Tensor, Grid]:
        self._work("baseline")
        return super().baseline(name, tokens)


@pytest.mark.parametrize(
    ("call", "step"),
    [
        ("encode", "encode"),
        ("words", "words"),
        ("keys", "attention"),
        ("project", "attention"),
        ("baseline", "attention"),
        ("click", "attention"),
    ],
)
def test_a_call_of_the_backbone_ends_in_its_middle(
    monkeypatch: pytest.MonkeyPatch, call: str, step: str
) -> None:
    monkeypatch.setattr("glaclip.support.interruptible.LOOK", 0)
    backbone, looks = SlowBackbone(), []
    segmenter = Segmenter(backbone)
    encoded = segmenter.encode(halves())
    backbone.slow = "keys" if call == "click" else call

    class LeftError(Exception):
        pass

    def leave(name: str, done: int, total: int) -> None:
        looks.append(name)
        if looks.count(step) == 500:
            raise LeftError

    baseline = "identity" if call == "baseline" else None
    ask: dict[str, Callable[[], object]] = {
        "encode": lambda: segmenter.encode(halves(640, 480), progress=leave),
        "click": lambda: segmenter.attention(encoded, (5, 5), progress=leave),
    }
    other = functools.partial(segmenter.segment, baseline=baseline, progress=leave)
    with pytest.raises(LeftError):
        ask.get(call, lambda: other(encoded, WORDS))()
    backbone.slow = ""
    result = segmenter.segment(encoded, WORDS)
    assert result.labels.shape == (300, 400), "nothing half done is kept"


def test_looking_around_changes_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glaclip.support.interruptible.LOOK", 0)
    backbone = tiny_backbone()
    pixels, looks = torch.rand(2, 3, 64, 64), []
    plain = backbone.encode_windows(pixels)
    with Interruptible(lambda: looks.append(1)):
        within = backbone.encode_windows(pixels)
    assert len(looks) > 50
    assert torch.equal(plain.keys, within.keys)
    assert torch.equal(plain.values, within.values)


def test_a_window_that_sees_itself_alone_knows_nothing_of_the_others() -> None:
    """Its own answer and a click's first rung stay when the photo goes on differently."""
    settings = WindowSettings(short_side=64, crop=64, stride=32)
    found = []
    for beyond in ("blue", "lime"):
        photo = Image.new("RGB", (128, 64), "red")
        photo.paste("blue", (40, 0, 64, 64))
        photo.paste(beyond, (64, 0, 128, 64))  # the first window ends here
        segmenter = Segmenter(ColorBackbone())
        encoded = segmenter.encode(photo, settings)
        method = segmenter.method(AttentionSettings().off())
        maps = segmenter.attention(encoded, (5, 30))
        assert maps.window == 0
        features = segmenter.features(encoded, method)[0][0][0]
        found.append((features, maps.rungs[0].weights[0], maps.views[0].row.weights[0]))
    for one, another in zip(*found, strict=True):
        torch.testing.assert_close(one, another)
