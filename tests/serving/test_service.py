from __future__ import annotations

import dataclasses
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from glaclip.backbones.base import BackboneError
from glaclip.segmenter import HashedPhoto, Segmenter
from glaclip.serving import job
from glaclip.serving import service as service_module
from glaclip.serving.estimate import (
    CHEAP_SCORES,
    CHEAP_SECONDS,
    CHEAP_SIMILARITIES,
    CHEAP_TEXTS,
    CHEAP_WINDOWS,
    Estimate,
    ExpensiveError,
    Part,
)
from glaclip.serving.job import Request
from glaclip.serving.runs import Runs, StoppedError
from glaclip.serving.service import Service, best_classes
from glaclip.settings import AttentionSettings, WindowSettings
from glaclip.ui.answers import status
from glaclip.vocabulary import parse_vocabulary
from glaclip.windows import boxes, working_size
from tests.toy import ColorBackbone, side_by_side

WINDOWS = WindowSettings(short_side=96, crop=64, stride=32)
#: Of a photo of 128 x 96.
WINDOW_COUNT = len(boxes(working_size(96, 128, WINDOWS), WINDOWS))


def photo(left: str = "red", right: str = "blue") -> Image.Image:
    return side_by_side((128, 96), left, right)


def request(words: str = "red, blue", **options: object) -> Request:
    return Request(parse_vocabulary(words), AttentionSettings(), WINDOWS, **options)  # type: ignore[arg-type]


@pytest.fixture
def backbone() -> ColorBackbone:
    return ColorBackbone()


@pytest.fixture
def service(backbone: ColorBackbone) -> Service:
    return Service(lambda name: backbone)


def test_compare_is_what_the_segmenter_says(service: Service) -> None:
    result = service.answer(photo(), request())
    alone = Segmenter(ColorBackbone())
    encoded = alone.encode(photo(), WINDOWS)
    vocabulary = parse_vocabulary("red, blue")
    right = alone.segment(encoded, vocabulary, AttentionSettings())
    left = alone.segment(encoded, vocabulary, AttentionSettings().off())
    assert np.array_equal(result.right.labels, right.labels)
    assert np.array_equal(result.left.labels, left.labels)
    assert result.left.method.settings == AttentionSettings().off()


def test_compare_with_a_baseline(service: Service) -> None:
    result = service.answer(photo(), request(baseline="identity", key_source="twice"))
    assert result.left.method.baseline == "identity"
    assert result.left.method.settings is None
    assert result.right.method.key_source == "twice"


def test_second_compare_encodes_nothing(service: Service, backbone: ColorBackbone) -> None:
    assert not service.answer(photo(), request()).encoded_cached
    windows, texts = backbone.encoded_windows, len(backbone.encoded_texts)
    assert windows == WINDOW_COUNT
    again = service.answer(photo(), request("red, blue, green"))
    assert again.encoded_cached
    assert backbone.encoded_windows == windows
    assert backbone.encoded_texts[texts:] == ["green"]


def test_two_visitors_do_not_mix(service: Service) -> None:
    def visit(colors: tuple[str, str]) -> list[list[str]]:
        seen = []
        for _ in range(6):
            result = service.answer(photo(*colors), request(", ".join(colors)))
            names = result.right.classes
            seen.append([names[result.right.labels[48, x]] for x in (10, 118)])
        return seen

    pairs = [("red", "blue"), ("blue", "green"), ("green", "red"), ("blue", "red")]
    with ThreadPoolExecutor(4) as pool:
        for pair, seen in zip(pairs, pool.map(visit, pairs), strict=True):
            assert seen == [list(pair)] * 6


def test_a_stopped_run_leaves_nothing_behind(service: Service, backbone: ColorBackbone) -> None:
    def stop(name: str, done: int, total: int) -> None:
        if done:
            raise StoppedError

    with pytest.raises(StoppedError):
        service.answer(photo("green"), request(), progress=stop)
    half = backbone.encoded_windows
    assert 0 < half < WINDOW_COUNT
    # The model is free again, and the half-encoded photo is not taken for a whole one.
    assert not service.answer(photo("green"), request()).encoded_cached


def test_a_run_can_be_stopped_in_the_middle_of_attention(service: Service) -> None:
    seen = []

    def stop(name: str, done: int, total: int) -> None:
        if name == "attention":
            seen.append(done)
            if done > seen[0]:
                raise StoppedError

    with pytest.raises(StoppedError):
        service.answer(photo("green"), request(), progress=stop)
    assert seen[-1] > seen[0]
    again = service.answer(photo("green"), request())
    assert again.encoded_cached
    assert "attention" not in again.right.cached, "a stopped attention is not kept"


def test_cost_is_what_is_left_to_compute(service: Service) -> None:
    many = dataclasses.replace(request(), windows=WindowSettings(96, 64, 16))
    first = service.estimate(photo(), many)
    assert (first.windows, first.to_encode, first.words, first.amount("words")) == (15, 15, 2, 2)
    # 15 windows of 16 tokens: the right side sees all, twice more for its anchors.
    both = (15 * 16) ** 2 * 3 + 15 * 16 * 16
    assert first.amount("attention") == both
    assert first.amount("labels") == 2 * 2 * (96 * 128 + 96 * 128), (
        "words at canvas and photo, both sides"
    )
    assert first.cheap
    assert not first.certain
    assert "15 windows take a while" in first.sentence
    service.answer(photo(), many)
    done = service.estimate(photo(), many)
    assert (done.to_encode, done.seconds, *(part.amount for part in done.parts)) == (0,) * 8
    # Without context each token sees the 16 of its window; the sides differ in anchors.
    alone = dataclasses.replace(many, attention=AttentionSettings(cross_window=False))
    assert service.estimate(photo(), alone).amount("attention") == 15 * 16 * 16 * 3
    wide = dataclasses.replace(many, attention=AttentionSettings(threshold=0.5))
    left = service.estimate(photo(), wide)
    assert left.amount("attention") == both
    assert left.seconds > 0
    assert left.certain


def test_the_estimate_counts_words_and_labels() -> None:
    service = Service(lambda name: ColorBackbone())
    few = service.estimate(photo(), request())
    many = service.estimate(photo(), request(", ".join(f"word {i}" for i in range(400))))
    assert many.amount("words") == 400
    assert many.seconds > few.seconds + 1
    service.answer(photo(), request())
    again = service.estimate(photo(), request("red, blue, green"))
    assert (again.to_encode, again.amount("attention"), again.amount("words")) == (0, 0, 1)
    assert again.amount("labels") > 0
    assert "Reading and placing 3 words takes about" in again.sentence


def test_a_run_is_cheap_up_to_its_limits() -> None:
    def of(step: str, amount: float, seconds: float | None, windows: int = 0) -> Estimate:
        return Estimate(500, windows, 2, 9, (Part(step, seconds, amount),))

    assert of("encode", 1, 30, CHEAP_WINDOWS).cheap
    assert not of("encode", 1, None, CHEAP_WINDOWS + 1).cheap
    assert not of("encode", 1, CHEAP_SECONDS + 1, CHEAP_WINDOWS + 1).cheap
    assert of("encode", 1, CHEAP_SECONDS, CHEAP_WINDOWS + 1).cheap
    assert of("attention", CHEAP_SIMILARITIES, 30).cheap
    assert not of("words", CHEAP_TEXTS + 1, 30).cheap
    assert not of("labels", CHEAP_SCORES * 2, 30).cheap
    expensive = of("attention", CHEAP_SIMILARITIES + 1, 41.7)
    with pytest.raises(ExpensiveError) as refused:
        expensive.check_cheap()
    assert str(refused.value) == (
        "Attention over all windows takes about 42 s here: press Segment to start."
    )
    unsure = Estimate(108, 108, 2, 9, (Part("encode", None, 1), Part("attention", 133, 1e10)))
    assert unsure.sentence == "108 windows take about 2 min or more here: press Segment to start."


def test_a_press_is_one_hash_one_plan_one_estimate_and_one_turn(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both sides, the point's attention, and the photo alone beside a baseline."""
    large, seen = Image.new("RGB", (320, 240), "red"), Counter[str]()

    def counted(owner: Any, name: str) -> None:
        call = getattr(owner, name)

        def count(*given: Any, **named: Any) -> Any:
            seen[name] += name != "tobytes" or given[0].size == large.size
            return call(*given, **named)

        monkeypatch.setattr(owner, name, count)

    parts = ((Image.Image, "tobytes"), (job, "Plan"), (service_module, "Estimate"))
    for owner, name in (*parts, (service.turns, "run")):
        counted(owner, name)
    answer = service.answer(large, request(baseline="identity"), (9, 9))
    assert answer.maps is not None
    assert answer.alone is not None
    assert seen == {"tobytes": 1, "Plan": 1, "Estimate": 1, "run": 1}
    known = HashedPhoto.of(large)
    service.answer(known, request(), (9, 9))
    assert seen == {"tobytes": 2, "Plan": 2, "Estimate": 2, "run": 2}


def test_the_photo_alone_beside_a_baseline_is_part_of_the_run(service: Service) -> None:
    """Its estimate, its limits, its turn and its Stop."""
    asked, turns = request(baseline="identity"), []
    plain, whole = (service.estimate(photo(), asked, point) for point in (None, (3, 3)))
    pairs = WINDOW_COUNT * 16 * 16
    assert whole.amount("attention") - plain.amount("attention") == pairs
    assert whole.megabytes > plain.megabytes
    service.answer(photo(), asked)
    service.attention(photo(), (3, 3), asked)
    assert service.estimate(photo(), asked, (3, 3)).amount("attention") == pairs, "it alone is left"

    def stop(name: str, done: int, total: int) -> None:
        if name == "attention":
            raise StoppedError

    def note(name: str, done: int, total: int) -> None:
        if name == "attention":
            turns.append(service.turns.computing)

    with pytest.raises(StoppedError):
        service.answer(photo(), asked, (3, 3), stop)
    assert service.turns.runs == []
    answer = service.answer(photo(), asked, (3, 3), note)
    assert turns
    assert None not in turns
    assert answer.left.method.baseline == "identity"
    assert answer.alone is not None
    assert answer.alone.method.settings == AttentionSettings().off()
    assert service.estimate(photo(), asked, (3, 3)).seconds == 0


def test_without_a_point_nothing_is_computed_for_one(service: Service) -> None:
    answer = service.answer(photo(), request(baseline="identity"))
    assert answer.maps is answer.alone is None
    with_point = service.answer(photo(), request(), (3, 3))
    assert with_point.alone is with_point.left


def test_a_point_costs_what_no_run_has_left_behind(service: Service) -> None:
    def extra(asked: Request) -> float:
        whole, plain = (service.estimate(photo(), asked, p) for p in ((3, 3), None))
        return whole.amount("attention") - plain.amount("attention")

    alone = dataclasses.replace(request(), attention=AttentionSettings(cross_window=False))
    mean = 2 * (WINDOW_COUNT * 16) ** 2
    assert extra(request()) == 0, "the run before it leaves the mean query behind"
    assert extra(alone) == mean
    service.answer(photo(), alone)
    assert extra(alone) == mean
    service.answer(photo(), alone, (3, 3))
    assert extra(alone) == 0


def test_what_is_not_to_start_computes_nothing(service: Service, backbone: ColorBackbone) -> None:
    def refuse(estimate: Estimate) -> None:
        assert estimate.to_encode == WINDOW_COUNT
        raise ExpensiveError("not now")

    with pytest.raises(ExpensiveError, match="not now"):
        service.answer(photo(), request(), (3, 3), unless=refuse)
    assert (backbone.encoded_windows, backbone.encoded_texts) == (0, [])
    assert service.turns.runs == []


def test_a_run_that_waits_for_the_model_can_be_stopped(service: Service) -> None:
    inside, release = threading.Event(), threading.Event()

    def hold(name: str, done: int, total: int) -> None:
        inside.set()
        assert release.wait(30)

    def give_up(name: str, done: int, total: int) -> None:
        assert name == "waiting"
        raise StoppedError

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(service.answer, photo("green"), request(), None, hold)
        assert inside.wait(30)
        with pytest.raises(StoppedError):
            service.answer(photo("blue"), request(), progress=give_up)
        release.set()
        assert first.result(30).right.labels.shape == (96, 128)


def test_a_backbone_is_loaded_once_and_a_failure_is_tried_again() -> None:
    calls: list[str] = []

    def load(name: str) -> ColorBackbone:
        calls.append(name)
        if len(calls) == 1:
            raise BackboneError("no weights")
        return ColorBackbone()

    service = Service(load)
    with pytest.raises(BackboneError, match="no weights"):
        service.segmenter("auto")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(service.segmenter, ["auto"] * 8))
    assert len({id(segmenter) for segmenter in found}) == 1
    assert calls == ["auto", "auto"]


def test_warm_up_survives_a_missing_backbone() -> None:
    def load(name: str) -> ColorBackbone:
        raise BackboneError("no weights")

    Service(load).warm_up("auto")


def test_attention_has_the_four_steps(service: Service) -> None:
    maps = service.attention(photo(), (10, 10), request())
    assert len(maps.rungs) == 4
    assert maps.rungs[0].own_mass == pytest.approx(1)
    assert maps.rungs[1].own_mass < 1
    assert len(service.summaries(photo(), request())) == 4


def test_best_classes() -> None:
    probabilities = np.array([0.1, 0.4, 0.1, 0.4], np.float32)
    ranked = best_classes(probabilities, ("a", "b", "c", "d"), 3)
    assert [name for name, _ in ranked] == ["b", "d", "a"]


def test_a_newer_run_ends_older_ones_of_its_page_only() -> None:
    runs = Runs()
    mine, other = runs.start("mine"), runs.start("other")
    newer = runs.start("mine")
    with pytest.raises(StoppedError):
        mine()
    newer()
    other()
    runs.stop("mine")
    with pytest.raises(StoppedError):
        newer()
    other()
    runs.start("mine")()


def test_what_was_asked_for_before_stop_does_not_start_after_it() -> None:
    """Threads of events may start in another order than a person acts."""
    runs = Runs()
    running = runs.start("page", at=1.0)
    runs.stop("page", at=3.0)
    for kind in ("run", "charts"):
        with pytest.raises(StoppedError):
            runs.start("page", kind, at=2.0)
    with pytest.raises(StoppedError):
        running()
    runs.start("other", at=2.0)()
    runs.start("page", at=4.0)()
    with pytest.raises(StoppedError):
        runs.start("page", "charts", at=2.0)
    runs.stop("page")  # closed
    runs.start("page", at=2.0)()


def test_many_pages_are_forgotten_longest_idle_first() -> None:
    runs = Runs(pages=2)
    first, second = runs.start("1"), runs.start("2")
    first_again = runs.start("1")
    third = runs.start("3")
    with pytest.raises(StoppedError):
        second()
    with pytest.raises(StoppedError):
        first()
    first_again()
    third()


def test_the_first_text_of_a_process_is_no_part_of_a_run(
    service: Service, backbone: ColorBackbone
) -> None:
    service.warm_up("auto")
    assert backbone.encoded_texts[:2] == ["anything", "else"]
    known = len(backbone.encoded_texts)
    service.answer(photo(), request("anything, else"))
    service.suggest(photo(), request("anything, else"))
    assert len(backbone.encoded_texts) == known


def test_the_status_says_the_type_and_why() -> None:
    backbone = ColorBackbone()
    result = Service(lambda name: backbone).answer(photo(), request())
    assert "<span>float32</span>" in status(result, backbone)
    backbone.dtype, backbone.dtype_why = torch.bfloat16, "quicker here, and 99.80% of labels stay"
    line = "<span title='quicker here, and 99.80% of labels stay'>bfloat16</span>"
    assert line in status(result, backbone)
