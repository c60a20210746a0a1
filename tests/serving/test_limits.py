"""Limits: read from the environment, refuse in a sentence with the estimate and the limit."""

from __future__ import annotations

import math

import pytest

from glaclip.serving.limits import LimitError, Limits, duration, is_hosted


def test_without_variables_the_defaults_hold() -> None:
    assert Limits.from_environment({}) == Limits()
    assert Limits().downloads


def test_the_environment_sets_each_limit() -> None:
    limits = Limits.from_environment(
        {
            "GLACLIP_MAX_WINDOWS": "50",
            "GLACLIP_MAX_MEGAPIXELS": "2.5",
            "GLACLIP_MAX_WORDS": "9",
            "GLACLIP_MAX_SECONDS": "7.5",
            "GLACLIP_MAX_MEMORY_MB": "300",
            "GLACLIP_CACHE_MB": "0",
            "GLACLIP_MAX_MODELS": "1",
            "GLACLIP_BACKBONES": "lite, clip-b16",
            "GLACLIP_DOWNLOADS": "no",
            "GLACLIP_QUEUE": "3",
        }
    )
    assert limits == Limits(50, 2.5, 9, 7.5, 300, 0, 1, ("lite", "clip-b16"), False, 3)
    assert limits.max_pixels == 2_500_000


@pytest.mark.parametrize(
    ("variable", "text", "sentence"),
    [
        ("MAX_WINDOWS", "many", "GLACLIP_MAX_WINDOWS must be a whole number; received 'many'"),
        ("MAX_WINDOWS", "0", "GLACLIP_MAX_WINDOWS must be from 1 to"),
        ("MAX_MEGAPIXELS", "41", "from 0.001 to 40; received 41"),
        ("MAX_SECONDS", "nan", "must be a number"),
        ("MAX_SECONDS", "inf", "GLACLIP_MAX_SECONDS must be from"),
        ("DOWNLOADS", "perhaps", "GLACLIP_DOWNLOADS must be 1 or 0"),
    ],
)
def test_what_cannot_be_read_is_named(variable: str, text: str, sentence: str) -> None:
    with pytest.raises(LimitError, match=sentence):
        Limits.from_environment({f"GLACLIP_{variable}": text})


@pytest.mark.parametrize(
    ("environment", "hosted"),
    [
        ({}, False),
        ({"SPACE_ID": "someone/gla-clip"}, True),
        ({"GLACLIP_HOSTED": "1"}, True),
        ({"SPACE_ID": "someone/gla-clip", "GLACLIP_HOSTED": "0"}, False),
    ],
)
def test_downloads_from_the_page_are_off_where_strangers_reach_it(
    environment: dict[str, str], hosted: bool
) -> None:
    assert is_hosted(environment) is hosted
    assert Limits.from_environment(environment).downloads is not hosted
    asked = {**environment, "GLACLIP_DOWNLOADS": "1"}
    assert Limits.from_environment(asked).downloads


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        ((13_225, 5, 1, 1), "would take 13,225 windows; at most 600 are accepted"),
        ((1, 2000, 1, 1), "would read 2,000 words with all synonyms; at most 1,024"),
        ((1, 5, 1, 8000), "would need about 8,000 MB of memory; at most 1,000 MB"),
        ((1, 5, 3756, 1), "would take about 63 min here; at most 5 min are given"),
        ((1, 5, 1e4, 1), "would take about 3 h here; at most 5 min are given"),
    ],
)
def test_a_refusal_names_estimate_and_limit(
    run: tuple[int, int, float, float], sentence: str
) -> None:
    with pytest.raises(LimitError, match=sentence):
        Limits().check_run(*run)


def test_a_run_up_to_its_limits_is_allowed() -> None:
    limits = Limits()
    limits.check_run(limits.windows, limits.words, limits.seconds, limits.memory)
    limits.check_run(1, 2, math.nan, 1)


def test_visitors_choose_among_the_backbones_named() -> None:
    assert Limits().allows("clip-h14")
    few = Limits(backbones=("lite",))
    assert few.allows("auto")
    assert few.allows("lite")
    with pytest.raises(LimitError, match="backbone must be one of auto, lite on this server"):
        few.check_backbone("clip-h14")


def test_every_limit_is_shown_with_its_variable() -> None:
    rows = {variable: value for _, value, variable in Limits(backbones=("lite",)).rows()}
    assert rows["GLACLIP_MAX_WINDOWS"] == "600"
    assert rows["GLACLIP_DOWNLOADS"] == "yes"
    assert rows["GLACLIP_BACKBONES"] == "lite"
    assert len(rows) == 10


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (89.4, "89 s"), (90.6, "2 min"), (900, "15 min"), (11517, "3 h")],
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text
