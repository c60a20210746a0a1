"""Reading words: separators, synonyms, doubles, limits, any script, presets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glaclip.evaluation.data.class_lists import read_class_list
from glaclip.ui.form import split_words
from glaclip.vocabulary import (
    MAX_CLASSES,
    MAX_PROMPT_LENGTH,
    VocabularyError,
    imagenet_templates,
    load_preset,
    parse_vocabulary,
    preset_names,
)


def test_commas_lines_and_synonyms() -> None:
    words = parse_vocabulary("sky,  person;man ; woman\n car\r\n\n tree ,")
    assert words.names == ("sky", "person", "car", "tree")
    assert words.classes[1].prompts == ("person", "man", "woman")
    assert words.prompts == ("sky", "person", "man", "woman", "car", "tree")
    assert words.notes == ()
    assert parse_vocabulary(words.text()).classes == words.classes


SPACES = [c for c in map(chr, range(0x3100)) if c.isspace() and c not in "\r\n"]


@pytest.mark.parametrize("mark", [*SPACES, "\n", "\r", "\r\n", ",", "\uff0c", "\u3001"], ids=ascii)
def test_words_end_at_the_same_marks_in_the_library_and_on_the_page(mark: str) -> None:
    """Of what Unicode calls space or a line's end, only the newline characters end a word."""
    text = f"traffic{mark}light, # no comment, car"
    expected = ["traffic light"] if mark in SPACES else ["traffic", "light"]
    assert list(parse_vocabulary(text).names) == [*expected, "# no comment", "car"]
    assert split_words([text]) == [*expected, "# no comment", "car"]
    words = parse_vocabulary("car", background=f"traffic{mark}light").classes[1].prompts
    assert list(words) == ["background", *expected]


@pytest.mark.parametrize("mark", SPACES, ids=ascii)
def test_a_line_goes_on_to_a_newline_character(mark: str) -> None:
    assert list(read_class_list(f"0 traffic{mark}light\r1 car\r\n2 sky").classes) == [0, 1, 2]
    assert parse_vocabulary(f"# no{mark}words\ncar\r#\rsky").names == ("car", "sky")


def test_doubles_are_left_out_and_said() -> None:
    words = parse_vocabulary("Sky, tree; oak; Oak, SKY, plant; OAK, lawn; Lawn")
    assert words.names == ("Sky", "tree", "plant", "lawn")
    assert [entry.prompts for entry in words.classes][1:] == [
        ("tree", "oak"),
        ("plant",),
        ("lawn",),
    ]
    assert len(words.notes) == 4
    assert "already belongs to “tree”" in words.notes[2]


def test_any_script_and_full_width_separators() -> None:
    words = parse_vocabulary("天空，树；木、дерево, 🌳 tree, cafe\u0301, zero\u200bwidth")
    assert words.names == ("天空", "树", "дерево", "🌳 tree", "café", "zero width")
    assert words.classes[1].prompts == ("树", "木")


@pytest.mark.parametrize("text", ["", " , ;; ,\n", "sky", "sky, Sky; SKY"])
def test_too_few_classes(text: str) -> None:
    with pytest.raises(VocabularyError, match="at least two classes"):
        parse_vocabulary(text)


def test_limits() -> None:
    many = [f"word {i}" for i in range(MAX_CLASSES)]
    assert len(parse_vocabulary(", ".join(many)).classes) == MAX_CLASSES
    with pytest.raises(VocabularyError, match="At most 512 classes are accepted; received 513"):
        parse_vocabulary("\n".join([*many, "one more"]))
    assert parse_vocabulary(f"sky, {'a' * MAX_PROMPT_LENGTH}")
    with pytest.raises(VocabularyError, match="at most 80 characters"):
        parse_vocabulary(f"sky, {'a' * (MAX_PROMPT_LENGTH + 1)}")
    with pytest.raises(VocabularyError, match="At most 2048 words"):
        parse_vocabulary("x, " + ";".join(f"w{i}" for i in range(2048)))


def test_background_takes_the_words_that_are_left() -> None:
    words = parse_vocabulary("dog, Sky; heaven", background=True, background_threshold=0.3)
    assert words.names == ("dog", "Sky", "background")
    assert words.background == 2
    assert words.background_threshold == 0.3
    assert "sky" not in words.classes[2].prompts
    assert "wall" in words.classes[2].prompts
    assert words.notes == ()


def test_background_of_ones_own_and_alone_with_one_class() -> None:
    words = parse_vocabulary("cat", background="sofa; carpet, cat")
    assert words.classes[1].prompts == ("background", "sofa", "carpet")
    named = parse_vocabulary("background; wall, cat", background=True)
    assert named.background == 0
    assert named.names == ("background", "cat")


def test_background_threshold_range() -> None:
    with pytest.raises(VocabularyError, match=r"from 0 to 1; received 1\.5"):
        parse_vocabulary("cat", background=True, background_threshold=1.5)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused_in_a_sentence(text: str) -> None:
    try:
        words = parse_vocabulary(text)
    except VocabularyError as error:
        words, refusal = None, str(error)
    if words is None:
        assert refusal.endswith(".")
        return
    assert len(words.names) >= 2
    assert all(name == " ".join(name.split()) and name for name in words.names)
    folded = [prompt.casefold() for prompt in words.prompts]
    assert len(set(folded)) == len(folded)


def test_presets_have_their_canonical_counts() -> None:
    counts = {
        "voc21": 21,
        "voc20": 20,
        "context59": 59,
        "context60": 60,
        "coco_object": 81,
        "coco_stuff": 171,
        "cityscapes": 19,
        "ade20k": 150,
    }
    assert set(counts) <= set(preset_names())
    for name in preset_names():
        preset = load_preset(name)
        assert not preset.vocabulary.notes, (name, preset.vocabulary.notes)
        if name in counts:
            assert len(preset.vocabulary.classes) == counts[name], name
    for name in ("voc21", "context60", "coco_object"):
        assert load_preset(name).vocabulary.background == 0
        assert load_preset(name).vocabulary.background_threshold == 0.1


def test_unknown_preset_lists_the_known_ones() -> None:
    with pytest.raises(VocabularyError, match=r"known ones: .*voc21"):
        load_preset("../../etc/passwd")


def test_eighty_templates() -> None:
    templates = imagenet_templates()
    assert len(templates) == len(set(templates)) == 80
    assert all(template.count("{}") == 1 for template in templates)
    assert "a photo of the large {}." in templates
