"""The training program's own parts: splits, labels of patches, street scenes, the key loss."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from glaclip.backbones.lite.heads import STACKED_CHANNELS
from glaclip.backbones.lite.keys import KeyHead
from glaclip.windows import Box
from training import keys, streets
from training.crops import Pair, paste
from training.data import DENSE_CONCEPTS, HELD_OUT, IGNORE, concept, dense_photos, select

PERSON, ROAD = concept("voc2012", "person"), concept("labelmefacade", "road")


@pytest.fixture
def msrc(tmp_path: Path) -> Path:
    """A data folder with 115 tiny photos: 70 for tests, 40 to validate, 5 to train."""
    folder = tmp_path / "dense" / "msrc_v2"
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    for index in range(115):
        Image.new("RGB", (4, 4), (index, 0, 0)).save(folder / "images" / f"{index:03d}.png")
        Image.new("L", (4, 4), index % 24).save(folder / "masks" / f"{index:03d}.png")
    return tmp_path


def test_no_photo_is_in_two_parts_and_the_split_does_not_change(msrc: Path) -> None:
    photos = dense_photos(msrc, "msrc_v2")
    parts = {part: select(photos, part) for part in ("train", "validation", "test")}
    assert (len(parts["validation"]), len(parts["test"])) == HELD_OUT["msrc_v2"]
    names = [photo.image.name for part in parts.values() for photo in part]
    assert len(names) == len(set(names)) == 115
    assert dense_photos(msrc, "msrc_v2") == photos


def test_masks_are_read_as_classes_of_their_set(msrc: Path) -> None:
    for photo in dense_photos(msrc, "msrc_v2"):
        value = int(photo.mask.stem) % 24
        truth = photo.read_classes()[1]
        assert (truth == (value - 1 if value else IGNORE)).all()  # 0 is void


def test_a_patch_has_a_label_only_where_one_class_fills_it() -> None:
    labels = np.zeros((224, 224), dtype=np.uint8)
    labels[:, 116:] = 7  # the fifteenth column of patches, 112 to 120, is half and half
    found = keys.patch_labels(labels, (224, 224), (Box(0, 0, 224, 224),)).view(28, 28)
    assert (found[:, :14] == 0).all()
    assert (found[:, 14] == IGNORE).all()
    assert (found[:, 15:] == 7).all()


def test_places_of_one_patch_in_two_windows_are_equal() -> None:
    places = keys.patch_places((Box(0, 0, 224, 224), Box(0, 112, 224, 336))).view(2, 28, 28, 2)
    assert (places[0, :, 14:] == places[1, :, :14]).all()
    assert places[1, 3, 5].tolist() == [24, 152]


def test_photos_without_masks_teach_views_alone() -> None:
    torch.manual_seed(0)
    maps = torch.randn(2, STACKED_CHANNELS, 14, 14).half()
    places = keys.patch_places((Box(0, 0, 224, 224), Box(0, 112, 224, 336)))
    unlabelled = keys.WindowMaps(maps, torch.full((2 * 784,), IGNORE, dtype=torch.uint8), places)
    running: dict[str, float] = {}
    loss = keys.photo_loss(KeyHead(), unlabelled, 400, 300, 0.0, running)
    assert running["alike"] == running["unlike"] == 0
    assert float(loss.detach()) == pytest.approx(keys.VIEW_WEIGHT * running["views"], rel=1e-5)
    assert running["views"] > 0.01

    # The same surface everywhere: two views of a patch are one key.
    same = keys.WindowMaps(maps[:1, :, :1, :1].expand_as(maps), unlabelled.labels, places)
    running = {}
    keys.photo_loss(KeyHead(), same, 400, 300, 0.0, running)
    assert running["views"] == pytest.approx(0, abs=1e-3)


def ground(height: int = 240, width: int = 320) -> Pair:
    photo = np.full((height, width, 3), 120, dtype=np.uint8)
    return photo, np.full((height, width), ROAD, dtype=np.uint8)


def cut_person() -> Pair:
    """A red person whose outline leaves a margin."""
    photo = np.zeros((100, 60, 3), dtype=np.uint8)
    photo[10:, 20:40] = (250, 0, 0)
    mask = np.full((100, 60), IGNORE, dtype=np.uint8)
    mask[10:, 20:40] = PERSON
    return photo, mask


def test_a_pasted_object_is_labelled_where_it_is_seen() -> None:
    photo, labels = ground()
    paste((photo, labels), cut_person(), random.Random(1))
    person = labels == PERSON
    assert 100 < person.sum() < labels.size / 2
    assert (photo[~person] == 120).all()
    # Resizing blends the outermost row of pixels.
    red = photo[..., 0].astype(int) > photo[..., 1].astype(int) + 30
    assert (red & person).sum() > 0.8 * person.sum()


def test_street_scenes_come_again_and_speak_of_streets_alone() -> None:
    pieces = {kind: [cut_person()] for kind in streets.KINDS}
    photo, labels = streets.put_together(ground(), pieces, "train0")
    again = streets.put_together(ground(), pieces, "train0")
    assert (photo == again[0]).all()
    assert (labels == again[1]).all()
    assert photo.shape[:2] == labels.shape
    assert 300 <= min(labels.shape) <= 420
    image, truth = streets.StreetScene("train-0", (photo, labels)).read_classes()
    assert image.size == truth.shape[::-1]
    assert {streets.NAMES[i] for i in np.unique(truth)} >= {"road", "pedestrian"}
    assert (streets.put_together(ground(), pieces, "train1")[1].shape != labels.shape) or (
        streets.put_together(ground(), pieces, "train1")[1] != labels
    ).any()


def test_cars_of_all_sets_are_one_thing_and_parts_of_a_house_are_not() -> None:
    all_concepts = np.arange(len(DENSE_CONCEPTS), dtype=np.uint8)
    merged = streets.one_concept_a_name(all_concepts)
    cars = [i for i, (_, label) in enumerate(DENSE_CONCEPTS) if label in ("car", "bus")]
    assert len(cars) == 4
    assert len({int(merged[i]) for i in cars}) == 1
    rest = [i for i, (_, label) in enumerate(DENSE_CONCEPTS) if label not in (
        "car", "bus", "bicycle", "cyclist")]  # fmt: skip
    assert (merged[rest] == rest).all()
    assert streets.one_concept_a_name(np.array([IGNORE], dtype=np.uint8)).tolist() == [IGNORE]


def test_facade_classes_become_street_names() -> None:
    remap = streets.facade_remap()
    named = {i: streets.NAMES[int(index)] for i, index in enumerate(remap) if index != IGNORE}
    assert named == {
        0: "building", 1: "car", 2: "building", 3: "pavement", 4: "road", 5: "sky", 6: "tree",
        7: "building",
    }  # fmt: skip
