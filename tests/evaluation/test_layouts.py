"""Conversions of the benchmarks on tiny trees with their raw layouts; missing and broken photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glaclip.cli.main import main
from glaclip.evaluation.data.datasets import open_dataset
from glaclip.evaluation.data.errors import DatasetError
from tests.evaluation.sets import clip, colors, first_row, photo, truth, voc

COCO = "images/val2017/1.jpg"


@pytest.mark.parametrize(
    ("picture", "label_map", "preset", "stored", "read"),
    [
        ("images/validation/x.jpg", "annotations/validation/x.png", "ade20k",
         [0, 1, 150, 151], [-1, 0, 149, -1]),
        ("leftImg8bit/val/ulm/1_leftImg8bit.png", "gtFine/val/ulm/1_gtFine_labelTrainIds.png",
         "cityscapes", [0, 11, 255, 254], [0, 11, -1, -1]),
        ("leftImg8bit/val/ulm/1_leftImg8bit.png", "gtFine/val/ulm/1_gtFine_labelIds.png",
         "cityscapes", [7, 11, 255, 254], [0, 2, -1, -1]),
        (COCO, "stuffthingmaps/val2017/1.png", "coco_stuff",
         [0, 89, 91, 181, 11, 255], [0, 79, 80, 170, -1, -1]),
        # The field's conversion: whatever is no object is background, unlabeled pixels too.
        (COCO, "stuffthingmaps/val2017/1.png", "coco_object",
         [0, 89, 91, 181, 11, 255], [1, 80, 0, 0, 0, 0]),
        # Files that were converted before.
        (COCO, "annotations/val2017/1_labelTrainIds.png", "coco_stuff",
         [0, 79, 80, 170, 255], [0, 79, 80, 170, -1]),
        (COCO, "annotations/val2017/1_labelTrainIds.png", "coco_object",
         [0, 79, 80, 170, 255], [1, 80, 0, 0, 0]),
        (COCO, "annotations/val2017/1_instanceTrainIds.png", "coco_object", [0, 1, 80], [0, 1, 80]),
    ],
)  # fmt: skip
def test_stored_values_are_read_as_classes(
    tmp_path: Path, picture: str, label_map: str, preset: str, stored: list[int], read: list[int]
) -> None:
    photo(tmp_path / picture)
    truth(tmp_path / label_map, stored)
    dataset = open_dataset(tmp_path, classes_from=preset)
    assert dataset.samples[0].stem in ("x", "1")
    assert first_row(dataset) == read
    if preset == "coco_object":
        assert dataset.vocabulary.names[80] == "toothbrush"
    else:  # what a layout is read as when nobody says
        default = open_dataset(tmp_path)
        assert (default.name, first_row(default)) == (preset, read)


def test_context_with_and_without_background(tmp_path: Path) -> None:
    photo(tmp_path / "JPEGImages" / "a.jpg")
    truth(tmp_path / "SegmentationClassContext" / "a.png", [0, 1, 59, 255], "P")
    lists = tmp_path / "ImageSets" / "SegmentationContext"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("a\n")
    whole = open_dataset(tmp_path)
    assert (whole.name, first_row(whole)) == ("context60", [0, 1, 59, -1])
    assert whole.vocabulary.background == 0
    objects = open_dataset(tmp_path, classes_from="context59")
    assert first_row(objects) == [-1, 0, 58, -1]
    assert objects.vocabulary.background is None


def test_photos_and_truths_that_are_not_there_are_named(tmp_path: Path) -> None:
    place = voc(tmp_path)
    (place / "ImageSets/Segmentation/val.txt").write_text("one\nnever\ntwo\nbare\n")
    photo(place / "JPEGImages" / "bare.jpg")
    dataset = open_dataset(tmp_path)
    assert [sample.stem for sample in dataset.samples] == ["one", "two"]
    assert [(skip.stem, skip.reason) for skip in dataset.missing] == [
        ("never", "the photo is not there"),
        ("bare", "its ground truth is not there"),
    ]


BROKEN = "This file is not a picture that can be read, or it is damaged."


def test_broken_photos_are_listed_skipped_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = colors(tmp_path / "set", 4)
    (root / "images" / "p1.png").write_bytes(b"not a picture")
    (root / "masks" / "p2.png").write_bytes((root / "masks" / "p2.png").read_bytes()[:40])
    photo(root / "images" / "bare.png")
    arguments = ["evaluate", str(root), "--out", str(tmp_path / "out")]
    assert main(arguments, clip) == 0
    said = capsys.readouterr()
    assert "1 photo is left out (--strict stops instead):\n  bare: its ground truth" in said.err
    assert "2 photos are left out" in said.err
    assert f"  p1: {BROKEN}" in said.err
    assert "  p2: the ground truth p2.png cannot be read" in said.err
    assert "mIoU over 2 photos together" in said.out
    assert "3 of 5 photos are not in these numbers; the first left out is bare" in said.out
    # Mended photos are taken up by the next run.
    photo(root / "images" / "p1.png", (0, 0, 230), 240)
    assert main(arguments, clip) == 0
    assert "mIoU over 3 photos together" in capsys.readouterr().out


def test_strict_stops_at_what_is_missing_or_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = colors(tmp_path / "set", 2)
    (root / "images" / "p1.png").write_bytes(b"not a picture")
    assert main(["evaluate", str(root), "--strict"], clip) == 2
    assert f"the photo p1 cannot be used: {BROKEN}" in capsys.readouterr().err
    (root / "images" / "p1.png").unlink()
    (root / "masks" / "p1.png").unlink()
    photo(root / "images" / "bare.png")
    assert main(["evaluate", str(root), "--strict"], clip) == 2
    assert "--strict: of set 1 photo cannot be used" in capsys.readouterr().err


# --- words ------------------------------------------------------------------------------------


def test_words_from_a_file_of_the_authors_form(tmp_path: Path) -> None:
    voc(tmp_path)
    names = [f"thing{i}" for i in range(1, 20)]
    with_background = tmp_path / "cls_voc21.txt"
    lines = ["sky, wall; tree", *names, "person, person in shirt, person in jeans"]
    with_background.write_text("\n".join(lines))
    dataset = open_dataset(tmp_path, classes_from=str(with_background))
    vocabulary = dataset.vocabulary
    assert dataset.name == "voc21"  # 21 lines
    assert (vocabulary.background, vocabulary.background_threshold) == (0, 0.1)
    assert vocabulary.names[:2] == ("background", "thing1")
    assert vocabulary.classes[0].prompts == ("sky", "wall", "tree")
    assert vocabulary.classes[20].prompts == ("person", "person in shirt", "person in jeans")
    assert first_row(dataset) == [0, 1, 20, -1]
    without = tmp_path / "cls_voc20.txt"
    without.write_text("\n".join(lines[1:]))
    objects = open_dataset(tmp_path, classes_from=str(without))
    assert (objects.name, objects.vocabulary.background) == ("voc20", None)
    assert first_row(objects) == [-1, 0, 19, -1]
    assert objects.words == "cls_voc20.txt"


def test_words_of_another_number_or_no_file(tmp_path: Path) -> None:
    voc(tmp_path)
    few = tmp_path / "few.txt"
    few.write_text("sky\ntree\n")
    with pytest.raises(DatasetError, match=r"21 \(voc21\) or 20 \(voc20\) lines; few.txt has 2"):
        open_dataset(tmp_path, classes_from=str(few))
    few.write_text("sky\n,;\n")
    with pytest.raises(DatasetError, match=r"line 2 of few\.txt names no class"):
        open_dataset(tmp_path, classes_from=str(few))
    with pytest.raises(DatasetError, match=r"must be a preset \(ade20k, .*field/voc21.* a text"):
        open_dataset(tmp_path, classes_from="nowhere.txt")


def test_words_for_a_plain_folder_keep_its_background(tmp_path: Path) -> None:
    root = colors(tmp_path / "set")
    (root / "classes.txt").write_text("0 background\n1 b\n2 c\n")
    words = tmp_path / "cls.txt"
    words.write_text("sky, wall\nblue\ngreen, lime\n")
    vocabulary = open_dataset(root, classes_from=str(words)).vocabulary
    assert vocabulary.names == ("background", "blue", "green")
    assert vocabulary.background == 0
    assert vocabulary.classes[0].prompts == ("sky", "wall")


@pytest.mark.parametrize("synonyms", [True, False])
def test_the_fields_lists_fit_the_presets(tmp_path: Path, synonyms: bool) -> None:
    voc(tmp_path)
    dataset = open_dataset(tmp_path, classes_from=f"field/voc21{'' if synonyms else '_names'}")
    vocabulary = dataset.vocabulary
    assert vocabulary.names[0] == "background"
    assert vocabulary.classes[0].prompts[:2] == ("sky", "wall")
    person = vocabulary.classes[15].prompts
    assert person[0] == "person"
    assert (len(person) > 1) == synonyms
    assert np.array_equal(first_row(dataset), [0, 1, 20, -1])
