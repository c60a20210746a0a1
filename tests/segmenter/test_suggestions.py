"""Words that are proposed for a photo, on a backbone whose features are colors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from glaclip.segmenter import Segmenter
from glaclip.segmenter.suggestions import Candidates, candidates, likeliest
from glaclip.settings import SettingsError
from glaclip.vocabulary import parse_vocabulary
from tests.clip_towers import tiny_backbone
from tests.segmenter.test_segmenter import halves
from tests.toy import ColorBackbone


def known(text: str, *places: str, trust: float = 1.0) -> Candidates:
    vocabulary = parse_vocabulary(text)
    count = len(vocabulary.names)
    return Candidates(vocabulary, places or ("anywhere",) * count, np.full(count, trust))


def test_words_that_cover_the_photo_come_largest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "glaclip.segmenter.segmenter.candidates", lambda: known("green, blue; sky, crimson; red")
    )
    segmenter = Segmenter(ColorBackbone())
    photo = halves()
    photo[:, :260] = (230, 0, 0)
    encoded = segmenter.encode(photo)
    assert segmenter.suggest(encoded) == ("crimson", "blue")  # of synonyms, the general word
    assert segmenter.suggest(encoded, limit=1) == ("crimson",)
    with pytest.raises(SettingsError, match="limit must be at least 1; received 0"):
        segmenter.suggest(encoded, limit=0)


def test_words_of_the_other_place_are_left_out() -> None:
    words = known("floor, grass, sky", "indoors", "outdoors", "outdoors")
    canvas = torch.tensor([0.1, 0.1, 0.9]).view(3, 1, 1).repeat(1, 10, 10)
    canvas[0, 0, :], canvas[2, 0, :] = 0.9, 0.1  # a tenth looks like a floor
    assert likeliest(canvas, words, 12)[0] == ("sky", "grass")


def test_a_word_that_is_seldom_right_needs_more_of_the_photo() -> None:
    canvas = torch.tensor([0.9, 0.1]).view(2, 1, 1).repeat(1, 10, 10)
    canvas[:, 0, :5] = torch.tensor([0.1, 0.9]).view(2, 1)
    words = known("sky, book")
    assert likeliest(canvas, words, 12)[0] == ("sky", "book")
    doubted = Candidates(words.vocabulary, words.places, np.array([1.0, 0.1]))
    assert likeliest(canvas, doubted, 12)[0] == ("sky",)


def test_one_word_at_least() -> None:
    assert len(likeliest(torch.zeros(2, 4, 4), known("sky, book", trust=0.0), 12)[0]) == 1


def test_candidates_are_read_with_one_template() -> None:
    backbone = tiny_backbone()
    asked: list[str] = []
    encode = backbone.encode_text
    backbone.encode_text = lambda texts: asked.extend(texts) or encode(texts)  # type: ignore
    segmenter = Segmenter(backbone)
    segmenter.suggest(segmenter.encode(halves()))
    assert len(asked) == len(candidates().vocabulary.prompts)


def test_the_shipped_list_gives_each_word_a_place_and_a_trust() -> None:
    shipped = candidates()
    assert len(shipped.places) == len(shipped.trust) == len(shipped.vocabulary.names)
    assert set(shipped.places) == {"indoors", "outdoors", "anywhere"}
    assert not shipped.vocabulary.notes
