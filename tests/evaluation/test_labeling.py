"""Labels of many photos: folders, lists, going on, one bad photo, shards; labels of evaluate."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from glaclip.cli.arguments import FORMAT_NAMES
from glaclip.cli.main import main
from glaclip.pictures.formats import FORMATS
from tests.evaluation.sets import colors, photo
from tests.toy import ColorBackbone

WORDS = ["--vocabulary", "red, blue, green"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    photo(tmp_path / "photos" / "a.png", (230, 0, 0), 240)
    photo(tmp_path / "photos" / "street" / "b.jpg", (0, 0, 230), 240)
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "photos" / "c.psd").write_bytes(b"8BPS")
    return tmp_path / "photos"


def labels_in(out: Path) -> dict[str, list[int]]:
    found = {}
    for path in sorted((out / "labels").rglob("*.png")):
        with Image.open(path) as image:
            found[path.relative_to(out / "labels").as_posix()] = np.unique(image).tolist()
    return found


def test_names_of_formats_are_those_of_the_arguments() -> None:
    assert tuple(FORMATS) == FORMAT_NAMES


def test_a_folder_is_labeled_with_one_summary(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, backbone = tmp_path / "out", ColorBackbone()
    given = ["segment", str(photos), *WORDS, "--out", str(out), "--format", "coco,labelme"]
    assert main(given, lambda *_: backbone) == 0
    said = capsys.readouterr()
    assert "c.psd: .psd files are not read" in said.err
    assert "broken.jpg is left out: This file is not a picture" in said.err
    assert "Labeled 2 of 3 photos, 1 cannot be used" in said.err
    assert labels_in(out) == {"a.png": [0], "street/b.png": [1]}
    summary = json.loads((out / "summary.json").read_text())
    assert [entry["photo"] for entry in summary["photos"]] == ["a.png", "street/b.jpg"]
    assert summary["photos"][1]["areas"] == {"red": 0, "blue": 1, "green": 0}
    rows = list(csv.DictReader((out / "summary.csv").open()))
    assert [row["blue"] for row in rows] == ["0.0", "1.0", ""]
    assert rows[2]["failed"].startswith("This file is not a picture")
    coco = COCO(out / "coco.json")
    assert [image["file_name"] for image in coco.loadImgs(coco.getImgIds())] == [
        "a.png", "street/b.jpg",
    ]  # fmt: skip
    assert json.loads((out / "street" / "b.json").read_text())["shapes"][0]["label"] == "blue"

    # The same command goes on: only what is new, mended or lost is done.
    seen = backbone.encoded_windows
    photo(photos / "broken.jpg", (0, 230, 0), 240)
    assert main(given, lambda *_: backbone) == 0
    windows = backbone.encoded_windows - seen
    assert windows == seen // 2
    photo(photos / "a.png", (0, 200, 0), 240)
    (out / "labels" / "street" / "b.png").unlink()
    assert main(given, lambda *_: backbone) == 0
    assert backbone.encoded_windows == seen + 3 * windows
    assert labels_in(out) == {"a.png": [2], "broken.png": [2], "street/b.png": [1]}
    assert main([*given, "--no-anchor"], lambda *_: backbone) == 0
    assert backbone.encoded_windows == seen + 6 * windows, "another method labels anew"


def test_another_method_and_back_again_is_labeled_anew(photos: Path, tmp_path: Path) -> None:
    given = ["segment", str(photos), *WORDS, "--out", str(tmp_path / "out")]
    seen = []
    for more in ((), ("--rho", "0.9"), (), ()):
        backbone = ColorBackbone()
        assert main([*given, *more], lambda *_, b=backbone: b) == 0
        seen.append(backbone.encoded_windows)
    assert seen[0] == seen[1] == seen[2] > 0
    assert seen[3] == 0


def test_a_folders_features_are_a_file_each_and_gone_on_with(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, features = tmp_path / "out", tmp_path / "features"
    usual = ["segment", str(photos), *WORDS, "--out", str(out)]
    backbone = ColorBackbone()

    def encoded(*more: str) -> int:
        before = backbone.encoded_windows
        assert main([*usual, *more], lambda *_: backbone) == 0
        return backbone.encoded_windows - before

    whole = encoded()  # labels alone: features need the photos again
    assert encoded("--features", str(features)) == whole > 0
    assert f"and their features to {features}" in capsys.readouterr().err
    assert sorted(path.relative_to(features).as_posix() for path in features.rglob("*.npz")) == [
        "a.npz", "street/b.npz",
    ]  # fmt: skip
    for name, best in (("a", 0), ("street/b", 1)):
        with np.load(features / f"{name}.npz") as arrays:
            assert arrays["classes"].tolist() == ["red", "blue", "green"]
            scores = arrays["features"] @ arrays["text"].T  # [L, S, Q]
            assert scores.shape[:2] == (len(arrays["boxes"]), np.prod(arrays["grid"]))
            assert (scores.argmax(axis=2) == best).all()
    assert encoded("--features", str(features)) == 0
    (features / "a.npz").unlink()
    assert encoded("--features", str(features)) == whole // 2
    stitched = ("--features", str(features), "--features-as", "stitched")
    assert encoded(*stitched) == whole
    assert encoded(*stitched) == 0
    with np.load(features / "a.npz") as arrays:
        assert arrays["features"].shape[1:] == tuple(arrays["grid"])


def test_lists_and_shards_share_a_folder(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listing = tmp_path / "list.txt"
    listing.write_text("photos/a.png\nphotos/street/b.jpg\n", encoding="utf-16")
    given = ["segment", str(listing), *WORDS, "--out", str(tmp_path / "out"), "--json"]
    assert main([*given, "--shard", "1/2"], lambda *_: ColorBackbone()) == 0
    said = capsys.readouterr()
    assert "Labeled 1 of 2 photos, 1 are left for other shards" in said.err
    assert main([*given, "--shard", "2/2"], lambda *_: ColorBackbone()) == 0
    summary = json.loads(capsys.readouterr().out)
    assert [entry["photo"] for entry in summary["photos"]] == [
        "photos/a.png",
        "photos/street/b.jpg",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "red, crimson\nblue; navy\ngreen\n",
        '\ufeff"red",\r\n"blue",\r\n"green",\r\n',
        '["red", "blue", "green"]',
        "0: red\n1: blue\n2: green\n",
        "- red\n- blue\n- green\n",
        "red, blue, green",
    ],
)
@pytest.mark.parametrize("coding", ["utf-8", "utf-16"])
def test_vocabulary_files_follow_the_rule_of_class_lists(
    photos: Path, tmp_path: Path, text: str, coding: str
) -> None:
    (tmp_path / "words.txt").write_text(text, encoding=coding)
    given = ["segment", str(photos / "a.png"), "--vocabulary-file", str(tmp_path / "words.txt")]
    assert main([*given, "--out", str(tmp_path / "out")], lambda *_: ColorBackbone()) == 0
    legend = json.loads((tmp_path / "out" / "legend.json").read_text())
    assert [entry["name"] for entry in legend] == ["red", "blue", "green"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            ["photos", "--point", "3,3"],
            "--point, --baseline and --left are for a single photo",
        ),
        (["photos", "--features", "all.npz"], "--features must be a folder for several photos"),
        (["photos/broken.jpg", "photos/broken.jpg"], "no photo could be labeled"),
        (["photos/a.png", "twice/a.jpg"], "two photos have one name"),
        (["empty"], "there is no photo in what was given"),
        (["no.txt"], "the list of photos no.txt cannot be read"),
        (["photos", "--format", "png,xls"], "--format must be among png, coco"),
        (["photos", "--shard", "3/2"], "--shard must be i/n"),
    ],
)
def test_what_cannot_be_is_a_sentence(
    photos: Path,
    tmp_path: Path,
    given: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    photo(tmp_path / "twice" / "a.jpg")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["segment", *given, *WORDS, "--out", "out"], lambda *_: ColorBackbone()) == 2
    assert said in capsys.readouterr().err


def test_evaluate_keeps_what_each_method_says(tmp_path: Path) -> None:
    root, out = colors(tmp_path / "set", 2), tmp_path / "out"
    given = ["evaluate", str(root), "--out", str(out), "--save", "labels", "--format", "cvat"]
    for lost in (False, True):
        if lost:  # counts are known; the label map is made again
            (out / "on" / "labels" / "p1.png").unlink()
        assert main(given, lambda *_: ColorBackbone()) == 0
        for method in ("off", "on"):
            assert labels_in(out / method) == {"p0.png": [0], "p1.png": [1]}
            assert (out / method / "cvat.zip").is_file()
    assert (out / "on" / "labels" / "classes.txt").read_text() == "0 red\n1 blue\n2 green\n"
    assert main(["evaluate", str(root), "--save", "labels"], lambda *_: ColorBackbone()) == 2


def test_a_side_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo(tmp_path / "a.png", (230, 0, 0), 240)
    other = np.zeros((120, 120), np.uint8)
    other[:, 60:] = 7
    Image.fromarray(other).save(tmp_path / "sam.png")
    given = ["segment", str(tmp_path / "a.png"), *WORDS, "--out", str(tmp_path / "out"), "--json",
             "--left", str(tmp_path / "sam.png"), "--left-name", "SAM 3"]  # fmt: skip
    assert main(given, lambda *_: ColorBackbone()) == 2
    assert "sam.png has pixels of none of the classes" in capsys.readouterr().err
    (tmp_path / "classes.txt").write_text("0 Red\n7 green\n")
    assert main(given, lambda *_: ColorBackbone()) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["methods"]["baseline"]["title"] == "SAM 3"
    assert document["disagreement"]["baseline"] is None
    areas = {entry["name"]: entry["area"] for entry in document["classes"]}
    assert (areas["red"]["baseline"], areas["green"]["baseline"]) == (0.5, 0.5)
    assert areas["red"]["glaclip"] == 1
