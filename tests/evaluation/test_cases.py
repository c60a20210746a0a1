"""Sets, lists and photos as people's tools write them, and what is right for each.

All are made from one scene of 240 x 160 pixels: sky 0, grass 1, building 2.
"""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from glaclip.cli.main import main
from glaclip.evaluation.data.class_lists import read_class_list
from glaclip.evaluation.data.datasets import Dataset, open_dataset
from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.data.label_maps import Meaning, outside_sentence, read_label_map
from glaclip.evaluation.data.pairs import listed
from glaclip.photo import load_photo
from tests.png import packed_png
from tests.toy import ColorBackbone

SCENE = Path(__file__).parents[1] / "data" / "set"
JPEG = (SCENE / "images" / "a.jpg").read_bytes()
LABELS = np.asarray(Image.open(SCENE / "masks" / "a.png"))
NAMES = ("sky", "grass", "building")
COLORS = np.array([[0, 0, 0], [128, 0, 0], [0, 128, 0]], np.uint8)


def png(values: np.ndarray, mode: str | None = None) -> bytes:
    image = Image.fromarray(values)
    if mode == "P":
        image.putpalette([7] * 768)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


MASK = png(LABELS)


def made(root: Path, files: dict[str, bytes | str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def plain(root: Path, classes: str | bytes = "sky\ngrass\nbuilding\n", mask: bytes = MASK) -> Path:
    return made(root, {"images/a.jpg": JPEG, "masks/a.png": mask, "classes.txt": classes})


def truth_of(dataset: Dataset) -> np.ndarray:
    (sample,) = dataset.samples
    return dataset.label_map(sample, (160, 240)).labels


# --- class lists ------------------------------------------------------------------------------

AS_PLAIN = {
    "bom_crlf": "\ufeff0\tsky\r\n1\tgrass\r\n2\tbuilding\r\n",
    "utf16": "sky\r\ngrass\r\nbuilding\r\n".encode("utf-16"),
    "quotes_commas": '"sky",\n"grass",\n"building",\n',
    "tail": "sky 0\ngrass 1\nbuilding 2\n",
    "json": '["sky", "grass", "building"]',
    "transformers": '{"id2label": {"0": "sky", "1": "grass", "2": "building"}}',
    "json_dict": '{"0": "sky", "1": "grass", "2": "building"}',
    "json_names": '{"sky": 0, "grass": 1, "building": 2}',
    "coco_categories": '{"categories": [{"id": 0, "name": "sky"}, {"id": 1, "name": "grass"}, '
    '{"id": 2, "name": "building"}]}',
    "yaml": "names:\n  0: sky\n  1: grass\n  2: building\n",
    "yaml_list": "- sky\n- grass\n- building\n",
    "yaml_of_yolo": "nc: 3\nnames: ['sky', 'grass', 'building']\n",
    "csv_header": "Pixel Value, Class\n0, sky\n1, grass\n2, building\n",
    "csv_colors": "name,r,g,b\nsky,0,0,0\ngrass,128,0,0\nbuilding,0,128,0\n",
    "cvat": "# label:color_rgb:parts:actions\nsky:0,0,0::\ngrass:128,0,0::\nbuilding:0,128,0::\n",
    "camvid": "0 0 0\tsky\n128 0 0\tgrass\n0 128 0\tbuilding\n",
    "hex": "sky #000000\ngrass #800000\nbuilding #008000\n",
    "colon": "0: sky\n1: grass\n2: building\n",
    "one_line": "sky, grass, building",
    "ignore_takes_no_number": "__ignore__\nsky\ngrass\nbuilding\n",
    "tabs": "\ufeffsky\t\r\n grass \r\nbuilding,\r\n\r\n",
}


@pytest.mark.parametrize("form", AS_PLAIN)
def test_class_lists_are_read_as_what_they_mean(tmp_path: Path, form: str) -> None:
    dataset = open_dataset(plain(tmp_path, AS_PLAIN[form]))
    assert dataset.vocabulary.names == NAMES
    np.testing.assert_array_equal(truth_of(dataset), LABELS)


def test_colors_of_cvats_json_are_read(tmp_path: Path) -> None:
    names = json.dumps(
        [
            {"name": name, "color": "#" + bytes(color.tolist()).hex()}
            for name, color in zip(NAMES, COLORS, strict=True)
        ]
    )
    dataset = open_dataset(plain(tmp_path, names, png(COLORS[LABELS])))
    np.testing.assert_array_equal(truth_of(dataset), LABELS)


def test_synonyms_by_comma_or_semicolon_follow_one_rule(tmp_path: Path) -> None:
    path = tmp_path / "cls.txt"
    path.write_text("sky, clouds\ngrass; lawn, meadow\nbuilding, house\n")
    expected = [("sky", "clouds"), ("grass", "lawn", "meadow"), ("building", "house")]
    for dataset in (
        open_dataset(plain(tmp_path / "own", path.read_text())),
        open_dataset(plain(tmp_path / "from"), classes_from=str(path)),
    ):
        assert [entry.prompts for entry in dataset.vocabulary.classes] == expected


def test_labelmes_background_is_the_background(tmp_path: Path) -> None:
    names = "__ignore__\n_background_\nsky\ngrass\nbuilding\n"
    dataset = open_dataset(plain(tmp_path, names, png(LABELS + 1)))
    assert dataset.vocabulary.names == ("background", *NAMES)
    assert dataset.vocabulary.background == 0
    np.testing.assert_array_equal(truth_of(dataset), LABELS + 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sky\n2 wheeler\nbuilding", "line 1 of classes.txt must be an index and a name"),
        ("sky\nbed\nBed", "line 3 of classes.txt names “Bed” again"),
        ("sky; heaven\ngrass; Heaven", "line 2 of classes.txt names “Heaven” again"),
        ("sky:0,0,0::\ngrass:0,0,0::", "gives “grass” the color of “sky”"),
        ("sky\n{grass}", "line 2 of classes.txt has brackets"),
        ('["sky", 3]', "must hold names"),
        ('{"sky":', "line 1 of classes.txt is neither JSON nor YAML"),
        ("names:\n  - [sky", "of classes.txt is no YAML"),
        ("Pixel Value, Class\nnone, sky", "line 2 of classes.txt must have a number"),
        ("sky\n" + "x" * 90, "line 2 of classes.txt has a name of more than 80"),
        ("# nothing\n", "classes.txt names no class"),
        ("building", "must name at least two classes that are measured; it names building"),
        ("Bäume\nGras".encode("latin-1"), "not text in UTF-8 or in UTF-16"),
        ("sky\n" * 5000, "5000 lines"),
    ],
)
def test_lists_that_mean_nothing_are_refused_in_a_sentence(
    tmp_path: Path, text: str | bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(plain(tmp_path, text))], lambda *_: ColorBackbone()) == 2
    assert said in capsys.readouterr().err


def test_a_quoted_name_may_start_with_a_number() -> None:
    assert read_class_list('"2 wheeler"\nsky').classes[0].name == "2 wheeler"


def test_own_lists_beat_a_benchmarks_words(tmp_path: Path) -> None:
    voc = {"JPEGImages/a.jpg": JPEG, "SegmentationClass/a.png": png(LABELS, "P")}
    for name, text in (
        ("class_names.txt", "sky\ngrass\nbuilding\n"),
        ("labelmap.txt", AS_PLAIN["cvat"]),
    ):
        dataset = open_dataset(made(tmp_path / name, {**voc, name: text}))
        assert (dataset.vocabulary.names, dataset.words) == (NAMES, name)
        np.testing.assert_array_equal(truth_of(dataset), LABELS)
    assert open_dataset(made(tmp_path / "voc", voc)).name == "voc21"


# --- label maps -------------------------------------------------------------------------------

MASKS = {
    "2 bits": packed_png(LABELS, 2),
    "4 bits": packed_png(LABELS, 4),
    "palette": png(LABELS, "P"),
    "16 bits": png(LABELS.astype(np.uint16)),
    "three equal channels": png(np.repeat(LABELS[..., None], 3, axis=2)),
    "16 bits, three equal channels": packed_png(np.repeat(LABELS[..., None], 3, axis=2), 16),
    "with alpha": png(np.dstack([LABELS, LABELS, LABELS, np.full_like(LABELS, 255)])),
}


@pytest.mark.parametrize("kind", MASKS)
def test_depths_and_modes_of_label_maps(tmp_path: Path, kind: str) -> None:
    np.testing.assert_array_equal(truth_of(open_dataset(plain(tmp_path, mask=MASKS[kind]))), LABELS)


def test_one_bit_is_0_and_1(tmp_path: Path) -> None:
    mask = png(LABELS == 2)
    dataset = open_dataset(plain(tmp_path, "background\nbuilding\n", mask))
    np.testing.assert_array_equal(truth_of(dataset), LABELS == 2)


def test_colors_by_the_lists_table(tmp_path: Path) -> None:
    color = png(COLORS[LABELS])
    dataset = open_dataset(plain(tmp_path / "listed", AS_PLAIN["cvat"], color))
    np.testing.assert_array_equal(truth_of(dataset), LABELS)
    without = open_dataset(plain(tmp_path / "bare", mask=color))
    with pytest.raises(DatasetError, match=r"must be a gray or palette picture .* in color \(RGB"):
        truth_of(without)


def test_what_belongs_to_no_class_is_counted(tmp_path: Path) -> None:
    listed_ = read_class_list("0 void\n1 sky\n2 grass\n")
    path = tmp_path / "m.png"
    path.write_bytes(png(np.array([[0, 1, 2, 7]], np.uint8).repeat(25, 0)))
    found = read_label_map(path, Meaning.of({1: 0, 2: 1}, listed_))
    assert found.labels[0].tolist() == [-1, 0, 1, -1]
    assert found.outside == {"0 (void)": 25, "7": 25}
    assert outside_sentence(found.outside, 100) == (
        "50.0 % of the ground truth's pixels belong to no class and are left out: "
        "0 (void) (25.0 %), 7 (25.0 %)."
    )
    clear = np.dstack([LABELS, LABELS, LABELS, np.where(LABELS == 2, 0, 255)]).astype(np.uint8)
    path.write_bytes(png(clear))
    assert read_label_map(path, Meaning.of({0: 0, 1: 1, 2: 2})).outside == {"transparent": 4000}


@pytest.mark.parametrize(
    ("mask", "values", "absent"),
    [
        (png(np.where(LABELS == 2, 255, 0).astype(np.uint8)), ["255 (10.4 %)"], "grass, building"),
        (png((LABELS * 37.7).astype(np.uint8)), ["55.2 %", "37 (44.8 %)"], "grass, building"),
        (png(LABELS + 1), ["3 (10.4 %)"], "sky"),
    ],
)  # fmt: skip
def test_values_of_no_class_are_never_quiet(
    tmp_path: Path, mask: bytes, values: list[str], absent: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = plain(tmp_path / "set", mask=mask)
    arguments = ["evaluate", str(root), "--switches", "off", "--out", str(tmp_path / "out")]
    assert main(arguments, lambda *_: ColorBackbone()) == 0
    said = capsys.readouterr().out
    assert all(value in said for value in values)
    assert f"belongs to {absent}: not counted" in said
    truth = json.loads((tmp_path / "out" / "scores.json").read_text())["ground_truth"]
    assert ", ".join(truth["absent"]) == absent
    assert truth["pixels"] == LABELS.size


@pytest.mark.parametrize(
    "mask", [png(COLORS[LABELS]), png(LABELS[:, :160]), JPEG], ids=["color", "shape", "jpeg"]
)
def test_nothing_measured_is_no_success(
    tmp_path: Path, mask: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(plain(tmp_path, mask=mask))], lambda *_: ColorBackbone()) == 2
    said = capsys.readouterr().err
    assert "1 photo is left out" in said
    assert "nothing was measured" in said


@pytest.mark.parametrize(
    ("name", "options"), [("a.tif", {"compression": "jpeg"}), ("a.webp", {"quality": 80})]
)
def test_compression_with_loss_is_told_from_one_without(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    meaning, path = Meaning.of({0: 0, 1: 1, 2: 2}), tmp_path / name
    lossless: dict[str, Any] = (
        {"compression": "tiff_lzw"} if name == "a.tif" else {"lossless": True}
    )
    gray = Image.fromarray(LABELS).convert("RGB")
    gray.save(path, **lossless)
    np.testing.assert_array_equal(read_label_map(path, meaning).labels, LABELS)
    gray.save(path, **options)
    with pytest.raises(DatasetError, match="compressed with loss"):
        read_label_map(path, meaning)


def turned_jpeg(orientation: int) -> bytes:
    """The scene as a camera that was held otherwise stores it."""
    with Image.open(io.BytesIO(JPEG)) as image:
        undo = {2: Image.Transpose.FLIP_LEFT_RIGHT,
                3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90,
                8: Image.Transpose.ROTATE_270, 5: Image.Transpose.TRANSPOSE}  # fmt: skip
        exif = Image.Exif()
        exif[0x0112] = orientation
        stream = io.BytesIO()
        image.transpose(undo[orientation]).save(stream, "JPEG", exif=exif)
    return stream.getvalue()


@pytest.mark.parametrize("orientation", [5, 6, 8])
def test_a_mask_of_stored_pixels_is_turned_with_its_photo(tmp_path: Path, orientation: int) -> None:
    stored = {5: LABELS.T, 6: np.rot90(LABELS), 8: np.rot90(LABELS, -1)}[orientation]
    for name, mask in (("stored", stored), ("upright", LABELS)):
        root = plain(tmp_path / name, mask=png(np.ascontiguousarray(mask)))
        (root / "images" / "a.jpg").write_bytes(turned_jpeg(orientation))
        np.testing.assert_array_equal(truth_of(open_dataset(root)), LABELS)


@pytest.mark.parametrize("orientation", [2, 3])
def test_colors_tell_where_a_mask_fits_both_ways(tmp_path: Path, orientation: int) -> None:
    stored = {2: LABELS[:, ::-1], 3: LABELS[::-1, ::-1]}[orientation]
    for told, mask in (("stored pixels", stored), ("upright", LABELS)):
        root = plain(tmp_path / told, mask=png(np.ascontiguousarray(mask)))
        (root / "images" / "a.jpg").write_bytes(turned_jpeg(orientation))
        dataset = open_dataset(root)
        found = dataset.label_map(dataset.samples[0], LABELS.shape)
        np.testing.assert_array_equal(found.labels, LABELS)
        assert told in found.guess


def test_a_mask_of_another_size_stays(tmp_path: Path) -> None:
    half = np.ascontiguousarray(LABELS[::2, ::2])
    np.testing.assert_array_equal(truth_of(open_dataset(plain(tmp_path, mask=png(half)))), half)


# --- pairs ------------------------------------------------------------------------------------

CAFE = "café"
LAYOUTS = {
    "nested": {"images/street1/a.jpg": JPEG, "masks/street1/a.png": MASK, "classes.txt": "C"},
    "suffixes": {"images/x_leftImg8bit.jpg": JPEG, "masks/x_gtFine_labelTrainIds.png": MASK,
                 "masks/x_gtFine_labelIds.png": MASK, "classes.txt": "C"},
    "composed": {f"images/{CAFE}.jpg": JPEG, "classes.txt": "C",
                 f"masks/{unicodedata.normalize('NFD', CAFE)}.png": MASK},
    "case": {"images/A.JPEG": JPEG, "masks/a.PNG": MASK, "classes.txt": "C"},
    "photo's ending kept": {"images/a.jpg": JPEG, "masks/a.jpg.png": MASK, "classes.txt": "C"},
    "mmsegmentation": {"img_dir/val/a.jpg": JPEG, "ann_dir/val/a.png": MASK, "classes.txt": "C",
                       "img_dir/train/b.jpg": JPEG, "ann_dir/train/b.png": MASK},
    "roboflow": {"valid/a_jpg.rf.0123.jpg": JPEG, "valid/a_jpg.rf.0123_mask.png": MASK,
                 "valid/_classes.csv": AS_PLAIN["csv_header"], "train/b.jpg": JPEG},
    "one folder": {"a.jpg": JPEG, "a_mask.png": MASK, "classes.txt": "C"},
    "splits above": {"val/images/a.jpg": JPEG, "val/masks/a.png": MASK, "classes.txt": "C"},
    "macOS": {"images/a.jpg": JPEG, "images/._a.jpg": b"x", "masks/a.png": MASK,
              "masks/._a.png": b"x", "classes.txt": "C"},
    "cvat": {"JPEGImages/a.jpg": JPEG, "SegmentationClass/a.png": png(COLORS[LABELS]),
             "ImageSets/Segmentation/default.txt": "a\n", "labelmap.txt": AS_PLAIN["cvat"]},
    "old labelme2voc": {"JPEGImages/a.jpg": JPEG, "SegmentationClassPNG/a.png": MASK,
                        "SegmentationClass/a.npy": b"x", "class_names.txt": "C"},
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_tools(tmp_path: Path, layout: str) -> None:
    files = {name: "sky\ngrass\nbuilding\n" if content == "C" else content
             for name, content in LAYOUTS[layout].items()}  # fmt: skip
    dataset = open_dataset(made(tmp_path, files))
    assert dataset.vocabulary.names == NAMES
    assert not dataset.missing
    np.testing.assert_array_equal(truth_of(dataset), LABELS)


def test_every_ending_that_is_read_is_paired(tmp_path: Path) -> None:
    root = plain(tmp_path)
    photo = Image.open(io.BytesIO(JPEG))
    names = ["b.jfif", "c.TIFF", "d.gif", "e.WebP", "f.bmp", "g.avif", "h.mpo", "i.jpe"]
    for name in names:
        kind = {"jfif": "JPEG", "jpe": "JPEG"}.get(name[2:])
        photo.save(root / "images" / name, kind)
        (root / "masks" / f"{name[0]}.png").write_bytes(MASK)
    (root / "images" / "z.psd").write_bytes(b"8BPS")
    dataset = open_dataset(root)
    assert [s.stem for s in dataset.samples] == ["a", *(name[0] for name in names)]
    assert [(skip.stem, "not read" in skip.reason) for skip in dataset.missing] == [("z.psd", True)]


def test_label_maps_of_other_endings_and_partners_that_are_missing(tmp_path: Path) -> None:
    root = plain(tmp_path)
    for stem, ending in (("b", "tif"), ("c", "bmp"), ("d", "PNG"), ("e", "gif")):
        (root / "images" / f"{stem}.jpg").write_bytes(JPEG)
        Image.fromarray(LABELS).save(root / "masks" / f"{stem}.{ending}")
    (root / "images" / "alone.jpg").write_bytes(JPEG)
    (root / "masks" / "orphan.png").write_bytes(MASK)
    dataset = open_dataset(root)
    assert [s.stem for s in dataset.samples] == list("abcde")
    for sample in dataset.samples:
        np.testing.assert_array_equal(dataset.truth(sample), LABELS)
    assert [(skip.stem, skip.reason) for skip in dataset.missing] == [
        ("alone", "its ground truth is not there"),
        ("orphan", "its photo is not there"),
    ]


@pytest.mark.parametrize("double", ["images/a.png", "images/A.jpg", "masks/a.tif"])
def test_two_of_one_name_are_refused(tmp_path: Path, double: str) -> None:
    root = made(plain(tmp_path), {double: MASK})
    with pytest.raises(DatasetError, match=r"have one name: .* cannot be told"):
        open_dataset(root)


@pytest.mark.parametrize(
    "text", ["a", "\ufeffa\r", "a.jpg", "/JPEGImages/a.jpg /SegmentationClass/a.png", "a  1"]
)
def test_lists_of_photos(tmp_path: Path, text: str) -> None:
    assert listed([text], ["a", "b c"]) == ["a"]
    path = tmp_path / "ImageSets/Segmentation/val.txt"
    root = made(tmp_path, {"JPEGImages/a.jpg": JPEG, "SegmentationClass/a.png": MASK})
    for coding in ("utf-8", "utf-16"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.strip("\ufeff") + "\n", encoding=coding)
        assert [s.stem for s in open_dataset(root).samples] == ["a"]
    assert listed(["b c.png", "x/y.jpg"], ["a", "b c"]) == ["b c", "y"]


def test_a_folder_that_cannot_be_opened_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = made(plain(tmp_path), {"images/locked/b.jpg": JPEG})
    listing = Path.iterdir

    def guarded(folder: Path) -> object:
        if folder.name == "locked":
            raise PermissionError(13, "Permission denied")
        return listing(folder)

    monkeypatch.setattr(Path, "iterdir", guarded)
    missing = [(skip.stem, skip.reason) for skip in open_dataset(root).missing]
    assert missing == [("locked", "the folder cannot be opened")]


def test_voc2012_is_preferred_to_voc2010(tmp_path: Path) -> None:
    for year in ("VOC2010", "VOC2012"):
        made(tmp_path / "VOCdevkit" / year, {f"JPEGImages/{year}.jpg": JPEG,
                                             f"SegmentationClass/{year}.png": MASK})  # fmt: skip
    assert [s.stem for s in open_dataset(tmp_path).samples] == ["VOC2012"]


# --- scores that continue ---------------------------------------------------------------------


@pytest.fixture
def scored(tmp_path: Path) -> Callable[..., dict[str, object]]:
    """Evaluates the plain set with --out and returns scores.json."""

    def run(*arguments: str, root: Path = tmp_path / "set") -> dict[str, object]:
        given = ["evaluate", str(root), "--out", str(tmp_path / "out"), *arguments]
        assert main(given, lambda *_: ColorBackbone()) == 0
        found: dict[str, object] = json.loads((tmp_path / "out" / "scores.json").read_text())
        return found

    plain(tmp_path / "set")
    return run


@pytest.mark.parametrize("changed", ["images/a.jpg", "masks/a.png"])
def test_a_mended_photo_or_mask_is_measured_again(
    tmp_path: Path, scored: Callable[..., dict], changed: str
) -> None:
    path = tmp_path / "set" / changed
    right = path.read_bytes()
    path.write_bytes(png(LABELS[::-1]) if "mask" in changed else turned_jpeg(3))
    wrong = scored("--switches", "on")["methods"][0]["miou"]
    path.write_bytes(right)
    mended = scored("--switches", "on")
    assert mended["methods"][0]["miou"] != wrong
    assert mended["cost"]["photos"] == 2
    path.touch()  # another time and the same content: nothing to do
    assert scored("--switches", "on")["cost"]["photos"] == 2
    other = tmp_path / "other"
    given = ["evaluate", str(tmp_path / "set"), "--out", str(other), "--switches", "on"]
    assert main(given, lambda *_: ColorBackbone()) == 0
    fresh = json.loads((other / "scores.json").read_text())["methods"][0]
    assert mended["methods"][0]["miou"] == fresh["miou"]


def test_rows_of_other_settings_and_sets_stay_in_the_folder(
    tmp_path: Path, scored: Callable[..., dict], capsys: pytest.CaptureFixture[str]
) -> None:
    first = scored("--switches", "on")["methods"][0]
    both = scored("--switches", "on", "--rho", "0.9")["methods"]
    assert [row["name"] for row in both] == ["on", "on (threshold 0.9)"]
    assert both[0] == first
    two = made(tmp_path / "two", {"images/b.jpg": turned_jpeg(3), "masks/b.png": MASK,
                                  "classes.txt": "sky\ngrass\nbuilding\n"})  # fmt: skip
    runs = scored("--switches", "off", root=two)["runs"]
    assert [(run["dataset"], len(run["methods"])) for run in runs] == [("set", 2), ("two", 1)]
    capsys.readouterr()
    assert main(["evaluate", "--merge", str(tmp_path / "out")]) == 0
    merged = json.loads((tmp_path / "out" / "scores.json").read_text())["runs"]
    by_set = {run["dataset"]: run["methods"] for run in merged}
    assert [row["name"] for row in by_set["set"]] == ["on", "on (threshold 0.9)"]
    for row, before in zip(by_set["set"], both, strict=True):
        assert (row["miou"], row["ber"]) == (before["miou"], before["ber"])


def test_deep_photos_say_how_they_were_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = plain(tmp_path)
    gray = np.asarray(load_photo(JPEG).convert("L")).astype(np.uint16) * 16
    (root / "images" / "a.jpg").unlink()
    Image.fromarray(gray).save(root / "images" / "a.tif")
    assert main(["evaluate", str(root)], lambda *_: ColorBackbone()) == 0
    assert "a: Its 16-bit samples go up to" in capsys.readouterr().err
