from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from glaclip.segmenter import WAITING
from glaclip.serving.estimate import Bar, Part
from glaclip.serving.job import Request
from glaclip.serving.service import Service
from glaclip.settings import AttentionSettings, WindowSettings
from glaclip.ui.board import Event
from glaclip.ui.demo import STEPS, follow
from glaclip.vocabulary import parse_vocabulary
from tests.toy import ColorBackbone


def test_each_step_is_as_wide_as_its_estimate() -> None:
    steps = [("encode", 2.0), ("words", 0.0), ("attention", 6.0), ("labels", 2.0)]
    bar = Bar([Part(*step) for step in steps])
    assert bar.share("encode", 0, 4, 0) == 0
    assert bar.share("encode", 2, 4, 1) == pytest.approx(0.1)
    assert bar.share("words", 0, 1, 2) == pytest.approx(0.2)
    assert bar.share("attention", 3, 6, 5) == pytest.approx(0.5)
    assert bar.share("labels", 0, 1, 8) == pytest.approx(0.8)
    # Labels do not count their work: time stands for it, short of the end.
    assert bar.share("labels", 0, 1, 9) == pytest.approx(0.9)
    assert bar.share("labels", 0, 1, 60) == pytest.approx(0.99)


def test_the_bar_never_goes_back_and_a_step_comes_once_for_each_side() -> None:
    steps = ("attention", "labels", "attention", "labels")
    bar = Bar([Part(step, 1.0) for step in steps])
    calls = [("attention", 2, 2), ("labels", 0, 1), ("attention", 0, 2), ("attention", 1, 2)]
    shares = [bar.share(*call, seconds) for seconds, call in enumerate(calls)]
    assert shares == pytest.approx([0.25, 0.25, 0.5, 0.625])
    assert bar.share("attention", 0, 2, 4) == pytest.approx(0.625), "a second key set starts anew"
    assert bar.share(WAITING, 0, 1, 4) == pytest.approx(0.625)


def test_pieces_of_one_step_follow_each_other() -> None:
    bar = Bar([Part("attention", 1.0), Part("attention", 3.0)])
    calls = [("attention", 0, 2), ("attention", 2, 2), ("attention", 0, 2), ("attention", 1, 2)]
    assert [bar.share(*call, 0) for call in calls] == pytest.approx([0, 0.25, 0.25, 0.625])


def test_a_step_of_which_nothing_is_known_is_as_wide_as_it_turns_out() -> None:
    bar = Bar([Part("encode", None), Part("attention", 6.0)])
    assert bar.share("encode", 0, 8, 0) == 0
    assert bar.share("encode", 2, 8, 0.5) == pytest.approx(0.5 / 8)
    assert bar.share("attention", 0, 6, 2) == pytest.approx(0.25)


def followed(
    pause: float = 0,
) -> tuple[list[tuple[Any, str, str]], Callable[[str, int, int], None]]:
    """What the page's bar shows: (how far, name of the step, unit), and what a run calls."""
    seen: list[tuple[Any, str, str]] = []

    def show(value: Any, desc: str, unit: str = "") -> None:
        seen.append((value, desc, unit))

    return seen, follow(Event("page", {}, {}, {}, show), lambda: None, pause)


def test_a_run_of_the_page_fills_one_bar() -> None:
    service = Service(lambda name: ColorBackbone())
    windows = WindowSettings(short_side=96, crop=64, stride=16)
    words = parse_vocabulary(", ".join(f"word {i}" for i in range(30)))
    request = Request(words, AttentionSettings(), windows)
    photo = Image.new("RGB", (128, 96), "red")
    seen, step = followed()
    service.answer(photo, request, (9, 9), step)
    shares = [value for value, _, _ in seen]
    assert shares == sorted(shares)
    assert shares[0] == 0
    # The last report comes before the last piece; how wide that is hangs on this machine's pace.
    assert 0.5 < shares[-1] <= 1
    names = {name for _, name, _ in seen}
    assert {STEPS[name] for name in ("encode", "words", "attention", "labels")} <= names
    seen, step = followed()
    service.summaries(photo, request, step)
    assert [value for value, _, _ in seen[:1]] == [0]
    assert len({value for value, _, _ in seen}) > 4, "each rung of the ladder moves the bar on"
    # A second run, whose tokens are known, fills the whole bar with what is left.
    seen, step = followed()
    other = dataclasses.replace(request, attention=AttentionSettings(threshold=0.5))
    service.answer(photo, other, None, step)
    assert "Encoding windows" not in {name for _, name, _ in seen}
    assert seen[-1][0] > 0.5


def test_the_browser_is_told_at_times_and_of_each_long_wait_at_once() -> None:
    seen, step = followed(pause=3600)
    for done in range(8):
        step("encode", done, 8)
    step("labels", 0, 1)
    step("load", 0, 1)
    step("load", 0, 1)
    assert [name for _, name, _ in seen] == ["Encoding windows", "Loading the model"]


def test_a_short_run_without_windows_to_encode_tells_the_browser_nothing() -> None:
    seen, step = followed(pause=3600)
    for name in ("words", "attention", "labels"):
        step(name, 0, 1)
    assert seen == []


def test_a_download_counts_its_megabytes_on_a_bar_of_its_own() -> None:
    seen, step = followed()
    step("download", 90, 90)
    step("encode", 100, 1000)
    assert seen == [((90, 90), "Downloading weights", "MB"), (0.1, "Encoding windows", "")]
