"""A method is one value: its names follow from what it does, and it is asked for whole."""

from __future__ import annotations

import itertools

import pytest

from glaclip.segmenter import Method, Segmenter
from glaclip.segmenter.method import parse_method
from glaclip.settings import RUNGS, STAGE_NAMES, AttentionSettings, SettingsError
from glaclip.vocabulary import parse_vocabulary
from tests.segmenter.test_segmenter import halves
from tests.toy import ColorBackbone

WORDS = parse_vocabulary("red, blue")
CONSTANTS = AttentionSettings(threshold=0.4)
METHODS = [
    Method(CONSTANTS.with_stages(stages), source)
    for count in range(len(STAGE_NAMES) + 1)
    for stages in itertools.combinations(STAGE_NAMES, count)
    for source in ("", "twice")
] + [Method(None, baseline="identity")]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_method_is_read_from_its_name(method: Method) -> None:
    assert parse_method(method.name, ColorBackbone(), CONSTANTS) == method
    assert sum(other.name == method.name for other in METHODS) == 1


def test_names_and_titles() -> None:
    found = [Method(AttentionSettings().with_stages(rung.stages)) for rung in RUNGS]
    assert [method.name for method in found] == [rung.name for rung in RUNGS]
    assert [method.title for method in found] == [
        "Each window alone", "With context", "With context and anchors", "GLA-CLIP",
    ]  # fmt: skip
    assert Method(AttentionSettings(), "q").name == "on@q"
    assert Method(None, baseline="clip").title == "Plain CLIP"
    assert Method(None, baseline="mine").title == Method(None, baseline="mine").name == "mine"


def test_keys_are_filled_in_where_none_are_named() -> None:
    on, named, baseline = METHODS[-3], METHODS[-2], METHODS[-1]
    assert on.with_keys("twice") == named
    assert on.with_keys(None) == on
    assert named.with_keys("colors") == named
    assert baseline.with_keys("twice") == baseline


def test_a_method_is_segmented_as_what_it_is_made_of() -> None:
    segmenter = Segmenter(ColorBackbone())
    encoded = segmenter.encode(halves(120, 90))
    off = AttentionSettings().off()
    for method, apart in (
        (Method(off, "twice"), {"settings": off, "key_source": "twice"}),
        (Method(None, baseline="identity"), {"baseline": "identity"}),
        (Method(off), {"settings": off}),
    ):
        result = segmenter.segment(encoded, WORDS, method)
        assert segmenter.segment(encoded, WORDS, **apart).labels is result.labels  # type: ignore[arg-type]
        assert result.method == segmenter.method(method)
        assert segmenter.features(encoded, method)[1]
    by_keys = segmenter.attention(encoded, (9, 9), Method(off, "twice"))
    assert segmenter.attention(encoded, (9, 9), off, key_source="twice") is by_keys


def test_a_method_stands_alone_and_is_the_backbones() -> None:
    segmenter = Segmenter(ColorBackbone())
    encoded = segmenter.encode(halves(120, 90))
    with pytest.raises(SettingsError, match="key_source must be one of colors, twice"):
        segmenter.segment(encoded, WORDS, Method(AttentionSettings(), "dino"))
    with pytest.raises(SettingsError, match=r"must be given alone.* received 'twice'"):
        segmenter.segment(encoded, WORDS, Method(AttentionSettings()), key_source="twice")
    with pytest.raises(SettingsError, match="must be attention; received identity"):
        segmenter.attention(encoded, (9, 9), Method(None, baseline="identity"))
