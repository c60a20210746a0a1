from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from glaclip.backbones.registry import load
from glaclip.serving.service import Service
from glaclip.settings import CAPTIONS
from glaclip.ui.examples import (
    PRECOMPUTED,
    Example,
    all_examples,
    example_form,
    examples,
    find,
    precomputed,
    thumbnail,
)
from glaclip.ui.form import Form
from glaclip.ui.precompute import BACKBONE, example_document
from glaclip.vocabulary import parse_vocabulary

REBUILD = "shipped results are stale; rebuild them with `python -m glaclip.ui.precompute`"
NAMES = [example.name for example in all_examples()]


@pytest.fixture(scope="module")
def service() -> Service:
    return Service(lambda name: load(name, dtype=torch.float32))


def labels_of(side: dict[str, Any]) -> np.ndarray:
    content = base64.b64decode(side["labels"].partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.mark.parametrize("example", all_examples(), ids=NAMES)
def test_an_example_is_complete(example: Example) -> None:
    assert example.path.is_file()
    photo = example.photo()
    assert 0 <= example.point[0] < photo.width
    assert 0 <= example.point[1] < photo.height
    assert len(example.alt) > 10
    assert example.look.endswith(".")
    vocabulary = parse_vocabulary(example.vocabulary)
    assert not vocabulary.notes
    form = example_form(Form(), example)
    assert form.request().vocabulary.names == vocabulary.names
    assert find(example.name) is example
    content = base64.b64decode(thumbnail(example.name).partition(",")[2])
    assert Image.open(io.BytesIO(content)).size == (168, 112)


def test_names_are_unique_and_unknown_ones_find_nothing() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for name in ("", "../china", "china.jpg", "CHINA"):
        assert find(name) is None


def test_a_photo_that_is_not_listed_is_found_by_its_name() -> None:
    hidden = [example for example in all_examples() if not example.listed]
    assert hidden
    for example in hidden:
        assert example not in examples()
        assert find(example.name) is example


def test_most_photos_to_choose_from_show_contradictions_that_attention_resolves() -> None:
    shares = {}
    for example in examples():
        shown = precomputed(example.name)
        assert shown is not None, REBUILD
        left, right = (side["disagreement"] for side in shown["compare"]["sides"])
        assert right < left, example.name
        shares[example.name] = left
        if left > 0.1:
            assert right < left / 3, example.name
    assert sum(share > 0.1 for share in shares.values()) >= 9, shares


def test_every_example_has_a_shipped_result_of_the_current_weights(service: Service) -> None:
    fingerprint = service.segmenter(BACKBONE).backbone.fingerprint
    stale = [
        example.name
        for example in all_examples()
        if (shown := precomputed(example.name)) is None or shown["backbone"] != fingerprint
    ]
    assert not stale, f"{REBUILD}: {', '.join(stale)}"
    extra = {path.stem for path in PRECOMPUTED.glob("*.json")} - {*NAMES, "lessons"}
    assert not extra, f"results without an example: {extra}"


@pytest.mark.parametrize("example", all_examples(), ids=NAMES)
def test_a_shipped_result_fits_its_example(example: Example) -> None:
    shown = precomputed(example.name)
    assert shown is not None, REBUILD
    photo, compare = example.photo(), shown["compare"]
    assert compare["photo_size"] == [photo.height, photo.width], REBUILD
    assert compare["point"] == list(example.point), REBUILD
    names = [entry["name"] for entry in compare["classes"]]
    assert names == list(parse_vocabulary(example.vocabulary).names), REBUILD
    for side in compare["sides"]:
        assert list(labels_of(side).shape) == compare["size"]
        assert sum(side["areas"]) == pytest.approx(1, abs=1e-4)
    attention = shown["attention"]
    assert attention["point"] == list(example.point), REBUILD
    assert len(attention["panels"]) == len(CAPTIONS)
    assert compare["photo"].startswith("data:image/jpeg")
    assert attention["photo"] == compare["photo_name"]
    assert f"Point {example.point[0]}, {example.point[1]}" in shown["readout"]


@pytest.mark.parametrize("name", ["china", "coffee"])
def test_a_shipped_result_is_what_the_model_computes(service: Service, name: str) -> None:
    example = find(name)
    assert example
    shown = precomputed(name)
    assert shown
    fresh = example_document(service, example)
    assert fresh["status"] == shown["status"]
    assert fresh["compare"]["classes"] == shown["compare"]["classes"]
    for old, new in zip(shown["compare"]["sides"], fresh["compare"]["sides"], strict=True):
        same = np.mean(labels_of(old) == labels_of(new))
        assert same >= 0.999, f"{REBUILD} ({name}: {same:.4%} of pixels are equal)"
        assert new["areas"] == pytest.approx(old["areas"], abs=1e-3)
        assert new["title"] == old["title"]
    for old, new in zip(shown["attention"]["panels"], fresh["attention"]["panels"], strict=True):
        assert new["own_mass"] == pytest.approx(old["own_mass"], abs=1e-3), REBUILD
