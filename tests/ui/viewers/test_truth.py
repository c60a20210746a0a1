from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pytest
from PIL import Image

from glaclip.evaluation.data.classes import DatasetError
from glaclip.evaluation.score.counts import score_of
from glaclip.photo import PhotoError
from glaclip.segmenter import Segmentation
from glaclip.serving.service import Answer, Request, Service
from glaclip.settings import AttentionSettings, WindowSettings
from glaclip.ui.examples import find
from glaclip.ui.form import Form, to_link
from glaclip.ui.tabs import truth as truth_tab
from glaclip.ui.tabs.truth import shipped_truths
from glaclip.ui.viewers.truth import (
    class_list,
    known_labels,
    read_label_map,
    report,
    resize_to,
    sides,
    truth_colors,
)
from glaclip.vocabulary import ASSETS, parse_vocabulary
from tests.toy import ColorBackbone

WINDOWS = WindowSettings(short_side=96, crop=64, stride=32)
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def result() -> Answer:
    picture = Image.new("RGB", (192, 96), "red")
    picture.paste("blue", (96, 0, 192, 96))
    asked = Request(parse_vocabulary(f"red, blue, {HOSTILE}"), AttentionSettings(), WINDOWS)
    return Service(lambda name: ColorBackbone()).answer(picture, asked)


@pytest.fixture
def right(result: Answer) -> Segmentation:
    return result.right


def saved(folder: Path, values: np.ndarray, mode: str | None = None, name: str = "m.png") -> Path:
    picture = Image.fromarray(values)
    if mode == "P":
        picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    picture.save(folder / name)
    return folder / name


@pytest.mark.parametrize(
    ("values", "mode"),
    [
        (np.array([[0, 1], [2, 255]], np.uint8).repeat(20, 0).repeat(20, 1), None),
        (np.array([[0, 1], [2, 1]], np.uint8).repeat(20, 0).repeat(20, 1), "P"),
        (np.array([[0, 300], [2, 65535]], np.uint16).repeat(20, 0).repeat(20, 1), None),
    ],
)
def test_label_maps_keep_their_values(tmp_path: Path, values: np.ndarray, mode: str | None) -> None:
    assert np.array_equal(read_label_map(saved(tmp_path, values, mode)), values)


def test_wrong_label_maps_get_a_sentence_without_a_path(tmp_path: Path) -> None:
    grey = np.zeros((40, 40), np.uint8)
    Image.fromarray(grey).save(tmp_path / "m.jpg")
    color = saved(tmp_path, np.zeros((40, 40, 3), np.uint8), name="color.png")
    (tmp_path / "text.png").write_text("not a picture")
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 9, (40, 40), np.uint8)).save(stream, "PNG")
    (tmp_path / "cut.png").write_bytes(stream.getvalue()[:200])
    (tmp_path / "jpeg.png").write_bytes((tmp_path / "m.jpg").read_bytes())
    for name, reason in (
        ("m.jpg", "JPEG changes the values"),
        ("jpeg.png", "JPEG changes the values"),
        (color.name, "picture in color"),
        ("text.png", "could not be read"),
        ("cut.png", "could not be read"),
        ("nowhere.png", "could not be read"),
    ):
        with pytest.raises(PhotoError, match=reason) as caught:
            read_label_map(tmp_path / name)
        assert str(tmp_path) not in str(caught.value)


def test_resizing_takes_the_nearest_label() -> None:
    labels = np.array([[0, 7], [3, 9]])
    assert np.array_equal(resize_to(labels, (4, 4)), labels.repeat(2, 0).repeat(2, 1))
    assert np.array_equal(resize_to(labels.repeat(3, 0).repeat(3, 1), (2, 2)), labels)
    assert resize_to(labels, (2, 2)) is labels
    with pytest.raises(PhotoError, match="proportions"):
        resize_to(labels, (4, 6))


def test_a_perfect_truth_scores_one(right: Segmentation) -> None:
    measured = score_of(right, right.labels.astype(np.int64))
    assert measured.miou == 1
    assert measured.accuracy == 1
    assert measured.ber == 0
    assert measured.ious[:2].tolist() == [1, 1]
    assert np.isnan(measured.ious[2])


def test_ignored_and_unknown_values_are_left_out(right: Segmentation) -> None:
    truth = right.labels.astype(np.int64)
    truth[:48] = 1 - truth[:48]  # wrong in the upper half
    assert score_of(right, truth).accuracy == pytest.approx(0.5)
    for value in (255, 77):
        left_out = truth.copy()
        left_out[:48] = value
        assert score_of(right, known_labels(left_out, 3, (255,))).accuracy == 1


def test_report_is_escaped_and_names_both_sides(result: Answer) -> None:
    truth = result.right.labels.astype(np.int64)
    truth[0, 0] = 2
    measured = score_of(result.left, truth), score_of(result.right, truth)
    table = report(result, *measured)
    assert "<img" not in table
    assert "&lt;img" in table
    assert "<th scope='col'>Each window alone</th><th scope='col'>GLA-CLIP</th>" in table
    assert table.count("<tr class='measure'>") == 3
    assert "mIoU" in table


def test_both_sides_stand_beside_truth_and_errors(result: Answer) -> None:
    truth = result.right.labels.astype(np.int64)
    truth[:, :96] = -1
    scores = score_of(result.left, truth), score_of(result.right, truth)
    picture = Image.new("RGB", (192, 96), "red")
    html = sides(picture, result, scores, truth)
    assert html.count("class='truth-side'") == 2
    assert html.count("<img ") == 6
    for title in ("Each window alone", "GLA-CLIP"):
        assert f"<h2>{title}</h2>" in html
        assert f"{title}: the photo with the wrong pixels." in html
    # Nothing is wrong on the right; on its errors' picture the right half is light, the left dark.
    encoded = html.split("<img src='data:image/jpeg;base64,")[6].partition("'")[0]
    errors = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("L"))
    assert errors[:, :90].mean() + 60 < errors[:, 100:].mean()
    assert HOSTILE not in html


def test_a_classes_file_becomes_the_list() -> None:
    assert class_list("0 sky\n1 man; person\n2 car\n") == "sky, man; person, car"
    assert class_list("sky\ncar") == "sky, car"
    for text in ("0 sky\n2 car", "0 void\n1 sky", ""):
        with pytest.raises(DatasetError, match="from 0 without a gap"):
            class_list(text)


def test_truth_colors_end_with_what_is_left_out() -> None:
    colors = truth_colors(("drum", "sky", "spoon"))
    assert colors.shape == (4, 3)
    assert colors[3].tolist() == [60, 60, 60]


def test_shipped_truths_are_examples_so_that_their_links_open() -> None:
    listed = json.loads((ASSETS / "ground_truth" / "index.json").read_text(encoding="utf-8"))
    assert len(shipped_truths()) == len(listed) >= 2
    for name, truth in shipped_truths().items():
        example = find(name)
        assert example is not None
        assert truth.title == example.title
        link = dict(parse_qsl(to_link(Form(), Form(), name)))
        assert link["photo"] == name


def test_a_truth_whose_photo_is_no_example_is_not_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {"photo": "elsewhere.jpg", "map": "x.png", "classes": "a, b", "ignore": 255}
    (tmp_path / "index.json").write_text(json.dumps([entry]))
    monkeypatch.setattr(truth_tab, "_FOLDER", tmp_path)
    assert shipped_truths.__wrapped__() == {}
