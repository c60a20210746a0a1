"""The lessons: texts, shipped numbers, views, and what builds them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from glaclip.ui.lessons.parts import anchors, context, normalization, windows
from glaclip.ui.lessons.parts.lab import Lab, pack
from glaclip.ui.lessons.texts import LESSONS

from glaclip import Segmenter, load_backbone
from glaclip.backbones.base import BackboneError
from glaclip.pictures.palette import class_colors, hex_of
from glaclip.ui.examples import PRECOMPUTED, find
from glaclip.ui.form import CONTROLS, Form
from glaclip.ui.lessons import build as lessons_build
from glaclip.ui.lessons.build import BUILDERS, book_value, build_lessons, load_document, views
from glaclip.ui.lessons.lesson import Part, View, fill, percent, placeholders
from tests.toy import ColorBackbone


@pytest.fixture(scope="module")
def document() -> dict:
    document = load_document()
    assert document is not None, "assets/precomputed/lessons.json is missing or out of date"
    return document


@pytest.fixture(scope="module")
def lab() -> Lab:
    try:
        return Lab(Segmenter(load_backbone("lite")))
    except BackboneError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (0.043, "4.3 %"), (0.58, "58 %"), (-0.02, "−2.0 %"), (0.0996, "10 %")],
)
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text


def test_a_change_says_what_the_numbers_do() -> None:
    def say(before: float, after: float) -> str:
        return fill("{a->b:p}", {"a": before, "b": after}).replace("\u202f", " ")

    assert say(0.5, 0.25) == "falls from 50 % to 25 %"
    assert say(0.25, 0.5) == "rises from 25 % to 50 %"
    assert say(0.251, 0.252) == "stays at 25 %"
    assert placeholders("{a->b:p} {c:.0f} {{d}}") == {"a", "b", "c"}


def test_five_to_seven_lessons_of_readable_length(document: dict) -> None:
    assert 5 <= len(LESSONS) <= 7
    assert len({lesson.slug for lesson in LESSONS}) == len(LESSONS)
    assert {lesson.slug for lesson in LESSONS} == set(BUILDERS)
    for lesson in LESSONS:
        part = document["lessons"][lesson.slug]
        text = " ".join(fill(p, {**part["facts"], **part["names"]}) for p in lesson.text)
        assert 90 <= len(text.split()) <= 160, (lesson.slug, len(text.split()))


def test_every_placeholder_has_a_number(document: dict) -> None:
    for lesson in LESSONS:
        part = document["lessons"][lesson.slug]
        values = {**part["facts"], **part["names"]}
        assert all(np.isfinite(fact) for fact in part["facts"].values())
        for template in lesson.templates:
            assert placeholders(template) <= set(values), lesson.slug
            assert "{" not in fill(template, values).replace("_{", "").replace("^{", "")


def test_views_open_what_exists(document: dict) -> None:
    opened = views(document)
    assert set(opened) == {lesson.slug for lesson in LESSONS}
    for slug, view in opened.items():
        example = find(view.example)
        assert example is not None, slug
        photo = example.photo()
        assert 0 <= view.point[0] < photo.width
        assert 0 <= view.point[1] < photo.height
        assert view.tab in ("compare", "attention", "windows")
        assert set(view.changes) <= set(CONTROLS)
        form = Form(words=("sky", "tree")).changed(view.changes)
        form.request()


def test_the_value_embeds_every_picture_once(document: dict) -> None:
    value = book_value()
    assert value is not None
    text = json.dumps(value)
    assert "file:" not in text
    assert set(value["pictures"]) == {p.name for p in (PRECOMPUTED / "lessons").iterdir()}
    assert all(uri.startswith("data:image/") for uri in value["pictures"].values())
    assert len(text) < 1_500_000


def test_without_shipped_numbers_there_is_no_value(tmp_path) -> None:
    assert book_value(tmp_path) is None
    (tmp_path / "lessons.json").write_text('{"lessons": {}}', encoding="utf-8")
    assert book_value(tmp_path) is None


def test_numbers_of_older_texts_are_not_shown(tmp_path, document: dict) -> None:
    older = json.loads(json.dumps(document))
    older["lessons"]["seams"]["facts"].pop("off")
    (tmp_path / "lessons.json").write_text(json.dumps(older), encoding="utf-8")
    assert load_document(tmp_path) is None


def test_build_writes_what_the_page_reads(tmp_path, monkeypatch) -> None:
    def part(slug: str) -> Part:
        lesson = next(entry for entry in LESSONS if entry.slug == slug)
        names = {name for template in lesson.templates for name in placeholders(template)}
        view = View("china", {"words": ("sky", "sea")}, (1, 2), "compare")
        return Part(
            dict.fromkeys(names, 0.123456789), {"photo": "file:a.png"}, view, {}, {"a.png": b"x"}
        )

    monkeypatch.setattr(
        lessons_build, "compute_parts", lambda _: {slug: part(slug) for slug in BUILDERS}
    )
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / "old.png").write_bytes(b"")
    build_lessons(Segmenter(ColorBackbone()), tmp_path)
    assert [file.name for file in (tmp_path / "lessons").iterdir()] == ["a.png"]
    value = book_value(tmp_path)
    assert value is not None
    assert value["lessons"][0]["figure"]["photo"] == "a.png"
    assert list(value["pictures"]) == ["a.png"]
    document = load_document(tmp_path)
    assert document is not None
    assert views(document)["seams"].changes == {"words": ("sky", "sea")}
    assert document["lessons"]["seams"]["facts"]["off"] == 0.123457


def test_mean_shift_is_the_methods() -> None:
    torch.manual_seed(0)
    keys = F.normalize(torch.randn(40, 6), dim=1)
    queries, sets = anchors.mean_shift(keys, 3, 0.4, 2)
    first = keys @ keys[3] > 0.4
    assert torch.equal(sets[1], first)
    torch.testing.assert_close(queries[1], F.normalize(keys[first].mean(0), dim=0))
    assert torch.equal(sets[2], keys @ queries[1] > 0.4)
    alone = anchors.mean_shift(keys, 3, 1.0, 2)[1]
    assert alone.sum(dim=1).tolist() == [1, 1, 1]


def test_half_count() -> None:
    assert normalization.half_count(np.array([0.1, 0.6, 0.3])) == 1
    assert normalization.half_count(np.array([0.25, 0.25, 0.25, 0.25])) == 2


def test_packed_numbers_come_back() -> None:
    import base64

    values = np.array([-1.0, 0.0, 0.7, 1.0])
    packed = pack(values, -1.0, 1.0)
    steps = np.frombuffer(base64.b64decode(str(packed["data"])), "<u2").astype(float)
    assert np.allclose(-1 + steps * 2 / 65535, values, atol=2e-5)


def test_colors_are_the_pages(document: dict) -> None:
    figure = document["lessons"]["seams"]["figure"]
    assert figure["colors"] == list(hex_of(class_colors(figure["classes"])))


@pytest.mark.parametrize(
    ("slug", "build"),
    [
        ("windows", windows.build),
        ("context", context.build),
        ("anchors", anchors.build),
        ("normalization", normalization.build),
    ],
)
def test_shipped_numbers_are_the_models(document: dict, lab: Lab, slug: str, build) -> None:
    if document["fingerprint"] != lab.segmenter.backbone.fingerprint:
        pytest.fail("the lessons were built with other weights: rebuild the shipped results")
    part = build(lab)
    shipped = document["lessons"][slug]
    for name, fact in part.facts.items():
        # Sets are counted at a threshold, where rounding may move a token or two.
        assert shipped["facts"][name] == pytest.approx(fact, rel=0.03, abs=2e-3), name
    assert shipped["names"] == dict(part.names)
    assert View.of(shipped["view"]) == part.view
