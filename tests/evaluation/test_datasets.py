"""Layouts of evaluation sets, made small on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from glaclip.evaluation.data.class_lists import read_class_list
from glaclip.evaluation.data.datasets import open_dataset
from glaclip.evaluation.data.errors import DatasetError
from tests.evaluation.sets import first_row, photo, truth, voc

CLASSES = "0 void\n1 red; crimson\n3 blue\n255 unknown color\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for stem in ("a", "b", "c", "no truth"):
        photo(tmp_path / "images" / f"{stem}.jpg")
    for stem in ("a", "b", "c"):
        truth(tmp_path / "masks" / f"{stem}.png", [0, 1, 3, 255])
    (tmp_path / "classes.txt").write_text(CLASSES)
    return tmp_path


def test_plain_folder(folder: Path) -> None:
    dataset = open_dataset(folder)
    assert [sample.stem for sample in dataset.samples] == ["a", "b", "c"]
    assert dataset.vocabulary.names == ("red", "blue")
    assert dataset.vocabulary.classes[0].prompts == ("red", "crimson")
    assert first_row(dataset) == [-1, 0, 1, -1]
    assert dataset.benchmark == ""


def test_ignore_list_and_limit(folder: Path) -> None:
    (folder / "classes.txt").write_text(CLASSES + "4 green\n5 sky\n")
    dataset = open_dataset(folder, ignore=["Green", "3"], stems=["c", "a"])
    assert dataset.vocabulary.names == ("red", "sky")
    assert [sample.stem for sample in dataset.samples] == ["a", "c"]
    drawn = [s.stem for s in open_dataset(folder, limit=2).samples]
    assert len(drawn) == 2
    assert drawn == [s.stem for s in open_dataset(folder, limit=2).samples]


def test_palette_truth_keeps_indices_and_rgb_is_refused(folder: Path) -> None:
    truth(folder / "masks" / "a.png", [0, 1, 3, 255], "P")
    truth(folder / "masks" / "b.png", [0, 1, 3, 255], "RGB")
    dataset = open_dataset(folder)
    assert first_row(dataset) == [-1, 0, 1, -1]
    with pytest.raises(DatasetError, match=r"b\.png must be a gray or palette picture"):
        dataset.truth(dataset.samples[1])


def test_background_class_takes_unsure_pixels(folder: Path) -> None:
    (folder / "classes.txt").write_text("0 background\n1 cat\n3 sky\n")
    vocabulary = open_dataset(folder).vocabulary
    assert vocabulary.background == 0
    assert vocabulary.background_threshold == 0.1
    assert "wall" in vocabulary.classes[0].prompts
    assert "sky" not in vocabulary.classes[0].prompts


def test_classes_from_a_preset(folder: Path) -> None:
    names = [f"{i} thing{i}" for i in range(1, 21)]
    (folder / "classes.txt").write_text("\n".join(["0 background", *names, "255 void"]))
    whole = open_dataset(folder, classes_from="voc21")
    assert whole.vocabulary.names[1] == "aeroplane"
    assert first_row(whole) == [0, 1, 3, -1]
    objects = open_dataset(folder, classes_from="voc20")
    assert first_row(objects) == [-1, 0, 2, -1]
    with pytest.raises(DatasetError, match=r"21 classes and the words of ade20k are for 150"):
        open_dataset(folder, classes_from="ade20k")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 red\nblue", r"line 2 of classes\.txt must be an index and a name"),
        ("1 red\n1 blue", "index 1 twice"),
        ("1 red\n3 ;", r"line 2 of classes\.txt .* such as 3 sky; received '3 ;'"),
        (";", r"line 1 of classes\.txt"),
        ("70000 red", "an index up to 65535"),
    ],
)
def test_broken_classes(text: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read_class_list(text)


def test_lines_without_an_index_are_counted_from_0() -> None:
    classes = read_class_list("# names\nvoid\n\nsky\ntree; bush\nroom 7\n").classes
    assert {index: entry.name for index, entry in classes.items()} == {
        1: "sky",
        2: "tree",
        3: "room 7",
    }
    assert classes[2].prompts == ("tree", "bush")


def test_only_whole_names_mean_no_class() -> None:
    text = "0 various\n1 various plants\n2 unknown\n3 voids\n4 Unlabeled\n5 ignored\n6 sky"
    assert list(read_class_list(text).classes) == [1, 3, 6]


def test_what_is_not_there(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(DatasetError, match="there is no such folder"):
        open_dataset(tmp_path / "x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="none of the known layouts"):
        open_dataset(tmp_path / "empty")
    with pytest.raises(DatasetError, match="1 of 2 listed photos are not in the set"):
        open_dataset(folder, stems=["a", "z"])
    with pytest.raises(DatasetError, match="at least 1"):
        open_dataset(folder, limit=0)


def test_pascal_voc(tmp_path: Path) -> None:
    (voc(tmp_path) / "ImageSets" / "Segmentation" / "val.txt").write_text("two\n")
    dataset = open_dataset(tmp_path)
    assert [sample.stem for sample in dataset.samples] == ["two"]
    assert dataset.vocabulary.background == 0
    assert first_row(dataset) == [0, 1, 20, -1]
    objects = open_dataset(tmp_path, classes_from="voc20")
    assert first_row(objects) == [-1, 0, 19, -1]
    with pytest.raises(DatasetError, match="goes with the presets voc21, voc20"):
        open_dataset(tmp_path, classes_from="ade20k")
