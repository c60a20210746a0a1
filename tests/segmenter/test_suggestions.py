"""Words that are proposed for a photo, on a backbone whose features are colors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from glaclip.segmenter import Segmenter
from glaclip.segmenter.suggestions import Candidates, at_least_two, candidates, likeliest
from glaclip.settings import SettingsError
from glaclip.vocabulary import parse_vocabulary
from tests.clip_towers import tiny_backbone
from tests.segmenter.test_segmenter import halves
from tests.toy import ColorBackbone


def known(
    text: str, *places: str, odds: float | list[float] = 2.0, above: list[float] | None = None
) -> Candidates:
    vocabulary = parse_vocabulary(text)
    count = len(vocabulary.names)
    return Candidates(
        vocabulary,
        places or ("anywhere",) * count,
        np.array(above or [0] * count, dtype=np.float32),
        np.broadcast_to(np.float32(odds), count).copy(),
    )


def test_words_that_cover_the_photo_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "glaclip.segmenter.segmenter.candidates", lambda: known("green, blue; sky, crimson; red")
    )
    segmenter = Segmenter(ColorBackbone())
    photo = halves()
    photo[:, :260] = (230, 0, 0)
    encoded = segmenter.encode(photo)
    assert segmenter.suggest(encoded) == ("crimson", "blue")  # of synonyms, the general word
    assert segmenter.suggest(encoded, limit=1) == ("crimson",)
    assert segmenter.ranked(encoded, limit=2)[1] == ("green",)
    with pytest.raises(SettingsError, match="limit must be at least 1; received 0"):
        segmenter.suggest(encoded, limit=0)


def test_words_of_the_other_place_are_left_out() -> None:
    words = known("floor, grass, sky", "indoors", "outdoors", "outdoors")
    canvas = torch.tensor([0.1, 0.1, 0.9]).view(3, 1, 1).repeat(1, 10, 10)
    canvas[0, 0, :], canvas[1, 0, :], canvas[2, 0, :] = 0.9, 0.5, 0.1  # a tenth looks like a floor
    assert likeliest(canvas, words, 12)[0] == ("sky", "grass")
    assert likeliest(canvas, known("floor, grass, sky"), 12)[0] == ("sky", "floor")


def test_a_word_that_is_seldom_right_needs_more_of_the_photo() -> None:
    canvas = torch.tensor([0.9, 0.1]).view(2, 1, 1).repeat(1, 10, 10)
    canvas[:, 0, :5] = torch.tensor([0.1, 0.9]).view(2, 1)
    assert likeliest(canvas, known("sky, book"), 12)[0] == ("sky", "book")
    assert likeliest(canvas, known("sky, book", odds=[2.0, 0.0]), 12)[0] == ("sky",)


def test_what_looks_alike_is_told_apart_by_where_it_is() -> None:
    canvas = torch.full((3, 10, 10), 0.5)
    canvas[2] = 0.1
    words = known("sky, water, car", above=[1, -1, 0])
    assert set(likeliest(canvas, words, 12)[0]) == {"sky", "water"}
    assert len(likeliest(canvas, known("sky, water, car"), 12)[0]) == 1


def test_one_word_at_least_and_something_beside_it() -> None:
    words = likeliest(torch.zeros(2, 4, 4), known("sky, book", odds=-9.0), 12)[0]
    assert len(words) == 1
    assert at_least_two(words) == (*words, "something else")
    assert at_least_two(("sky", "book")) == ("sky", "book")


def test_candidates_are_read_with_one_template() -> None:
    backbone = tiny_backbone()
    asked: list[str] = []
    encode = backbone.encode_text
    backbone.encode_text = lambda texts: asked.extend(texts) or encode(texts)  # type: ignore
    segmenter = Segmenter(backbone)
    segmenter.suggest(segmenter.encode(halves()))
    assert len(asked) == len(candidates().vocabulary.prompts)


def test_the_shipped_list_gives_each_word_a_place_and_its_odds() -> None:
    shipped = candidates()
    names = shipped.vocabulary.names
    assert len(shipped.places) == len(shipped.odds) == len(shipped.above) == len(names)
    assert set(shipped.places) == {"indoors", "outdoors", "anywhere"}
    assert not shipped.vocabulary.notes
    assert shipped.above[names.index("sky")] == 1
    assert shipped.above[names.index("water")] == -1
