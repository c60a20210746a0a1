from __future__ import annotations

import dataclasses
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glaclip.settings import CAPTIONS, STAGES, AttentionSettings, SettingsError, WindowSettings
from glaclip.ui.form import (
    CONTROLS,
    LABELS,
    LADDER,
    RANGES,
    Form,
    from_link,
    ladder_name,
    split_words,
    to_link,
)
from glaclip.vocabulary import VocabularyError

START = Form(words=("sky", "tree"))
_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
_WORD = _TEXT.map(lambda text: split_words([text])).filter(bool).map(lambda words: words[0])


def _within(name: str) -> st.SearchStrategy[float]:
    low, high, _ = RANGES[name]
    return st.floats(low, high, allow_nan=False)


@st.composite
def forms(draw: st.DrawFn) -> Form:
    crop = draw(st.integers(64, 448))
    return Form(
        words=tuple(draw(st.lists(_WORD, min_size=1, max_size=12))),
        background=draw(st.booleans()),
        background_words=draw(_TEXT),
        background_threshold=draw(_within("background_threshold")),
        backbone=draw(_TEXT),
        baseline=draw(_TEXT),
        key_source=draw(_TEXT),
        windows=WindowSettings(
            draw(st.integers(max(crop, 224), 1120)), crop, draw(st.integers(32, crop))
        ),
        attention=AttentionSettings(
            *(draw(st.booleans()) for _ in STAGES),
            threshold=draw(_within("threshold")),
            iterations=draw(st.integers(1, 10)),
            **{name: draw(_within(name)) for name in ("shift", "scale", "beta", "gamma")},
        ),
    )


def opened(link: str) -> tuple[Form, str, tuple[int, int] | None, list[str]]:
    """What a browser gives to the page."""
    return from_link(dict(parse_qsl(link, keep_blank_values=True)), START)


@settings(max_examples=150, deadline=None)
@given(forms(), _TEXT, st.none() | st.tuples(st.integers(0, 99_999), st.integers(0, 99_999)))
def test_a_link_reopens_the_view(form: Form, photo: str, point: tuple[int, int] | None) -> None:
    assert opened(to_link(form, START, photo, point)) == (form, photo, point, [])


def test_a_link_names_only_what_differs() -> None:
    assert to_link(START, START) == ""
    changed = START.changed({"cross_window": False})
    assert to_link(changed, START, "china", (3, 4)) == "photo=china&cross_window=0&point=3%2C4"


_NAMES = [*CONTROLS, "photo", "point", "lesson", ""]
_VALUES = st.text(max_size=60) | st.sampled_from(
    ["nan", "inf", "-1", "1e999", "9" * 400, "0x10", "１２", "true", "<script>", "../../etc/passwd"]
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=8), _VALUES, max_size=8))
def test_any_query_gives_a_form_that_can_be_used(query: dict[str, str]) -> None:
    form, photo, point, problems = from_link(query, START)
    assert isinstance(photo, str)
    assert point is None or all(0 <= value <= 99_999 for value in point)
    assert all(note.endswith(".") for note in problems)
    for name, (low, high, _) in RANGES.items():
        assert low <= form.values[name] <= high
    try:
        request = form.request()
    except VocabularyError:
        return  # a sentence about the words
    assert 64 <= request.windows.crop <= request.windows.short_side


@pytest.mark.parametrize(
    ("field", "value", "note"),
    [
        ("threshold", "nan", "“ρ”"),
        ("scale", "1e9", "“λ₂”"),
        ("iterations", "3.5", "“T”"),
        ("cross_window", "maybe", "“Cross-window context”"),
        ("scale", "5000", "“λ₂”"),
        ("crop", "100000", "“Window”"),
        ("crop", "448", "windows"),
        ("background_threshold", "7", "“Least probability of a word”"),
        ("background_threshold", "nan", "“Least probability of a word”"),
    ],
)
def test_unusable_values_are_left_out_and_named(field: str, value: str, note: str) -> None:
    form, _, _, problems = from_link({field: value, "beta": "2"}, START)
    assert form == START.changed({"beta": 2.0})
    assert len(problems) == 1
    assert note in problems[0]
    assert value not in problems[0]


def test_a_huge_link_is_not_used() -> None:
    form, photo, point, problems = from_link({"words": "a, " * 5000, "photo": "china"}, START)
    assert (form, photo, point) == (START, "", None)
    assert problems == ["The link is too long and was not used."]


def test_widget_values_arrive_as_floats_and_nothing() -> None:
    values = START.values | {"words": ["sky", "tree"], "crop": 224.0, "background_words": None}
    assert Form.of(values) == START
    assert type(Form.of(values).windows.crop) is int
    with pytest.raises(VocabularyError, match="at least two classes"):
        Form.of(values | {"words": None}).request()


def test_background_words_reach_the_request() -> None:
    form = dataclasses.replace(START, background=True, background_words="wall, floor")
    vocabulary = form.request().vocabulary
    assert vocabulary.names == ("sky", "tree", "background")
    assert vocabulary.classes[2].prompts == ("background", "wall", "floor")


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (["sky, tree; oak, water"], ["sky", "tree; oak", "water"]),
        (["a\nb\r\nc"], ["a", "b", "c"]),
        (["  red   panda "], ["red panda"]),
        ([",", " ", ""], []),
        (["天、地，人"], ["天", "地", "人"]),
    ],
)
def test_split_words(tags: list[str], words: list[str]) -> None:
    assert split_words(tags) == words
    assert split_words(words) == words


def test_ladder_and_switches_are_inverse() -> None:
    assert tuple(LADDER) == CAPTIONS
    assert len({tuple(switches) for switches in LADDER.values()}) == len(CAPTIONS)
    for name, switches in LADDER.items():
        assert ladder_name(Form(attention=AttentionSettings(*switches))) == name
    assert ladder_name(Form().changed({"cross_window": False})) is None


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        (
            "short_side",
            200,
            "Short side must be a whole number from 224 to 2048, and not below the side of a "
            "window; received 200",
        ),
        ("threshold", 7.0, "ρ must be a number from -1 to 1; received 7.0"),
    ],
)
def test_refusals_name_the_pages_controls(field: str, value: object, sentence: str) -> None:
    with pytest.raises(SettingsError) as refused:
        START.changed({field: value})
    assert refused.value.named(LABELS) == sentence


def test_every_control_has_a_label() -> None:
    assert set(LABELS) == set(CONTROLS)
