from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pytest
from PIL import Image

from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.score.counts import score_of
from glaclip.photo import PhotoError
from glaclip.segmenter import Segmentation
from glaclip.serving.job import Request
from glaclip.serving.service import Answer, Service
from glaclip.settings import AttentionSettings, WindowSettings
from glaclip.ui.examples import find
from glaclip.ui.form import Form, to_link
from glaclip.ui.tabs import truth as truth_tab
from glaclip.ui.tabs.truth import shipped_truths
from glaclip.ui.viewers.truth import (
    FROM_0,
    FROM_1,
    class_list,
    measure,
    report,
    sides,
    truth_colors,
)
from glaclip.vocabulary import ASSETS, parse_vocabulary
from tests.toy import ColorBackbone, side_by_side

WINDOWS = WindowSettings(short_side=96, crop=64, stride=32)
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def result() -> Answer:
    asked = Request(parse_vocabulary(f"red, blue, {HOSTILE}"), AttentionSettings(), WINDOWS)
    return Service(lambda name: ColorBackbone()).answer(side_by_side(), asked)


@pytest.fixture
def right(result: Answer) -> Segmentation:
    return result.right


def saved(folder: Path, values: np.ndarray, mode: str | None = None, name: str = "m.png") -> Path:
    picture = Image.fromarray(values)
    if mode == "P":
        picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    picture.save(folder / name)
    return folder / name


def test_a_perfect_truth_scores_one(right: Segmentation) -> None:
    measured = score_of(right, right.labels.astype(np.int64))
    assert measured.miou == 1
    assert measured.accuracy == 1
    assert measured.ber == 0
    assert measured.ious[:2].tolist() == [1, 1]
    assert np.isnan(measured.ious[2])


@pytest.mark.parametrize(("value", "ignore"), [(255, None), (77, None), (1, 1)])
def test_ignored_and_unknown_values_are_left_out_and_named(
    tmp_path: Path, right: Segmentation, value: int, ignore: int | None
) -> None:
    truth = right.labels.astype(np.uint8)
    truth[:48] = value
    picture = Image.new("RGB", (192, 96), "red")
    picture.paste("blue", (96, 0, 192, 96))
    form = Form(words=("any", "thing"), windows=WINDOWS)
    service = Service(lambda name: ColorBackbone())
    found = measure(service, picture, form, str(saved(tmp_path, truth)), "red, blue", ignore)
    assert (found.truth[:48] == -1).all()
    assert found.scores[1].accuracy == 1
    share = 75 if value == 1 else 50
    assert f"{value} ({share}.0 %)" in found.notes[0]
    assert ("belongs to blue" in found.notes[-1]) == (value == 1)
    with pytest.raises(DatasetError, match="proportions"):
        measure(service, picture, form, str(saved(tmp_path, truth[:60])), "red, blue", ignore)


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


def test_words_that_are_not_in_the_truth_stand_in_the_legend(result: Answer) -> None:
    truth = np.zeros_like(result.right.labels, dtype=np.int64)  # red alone
    scores = score_of(result.left, truth), score_of(result.right, truth)
    legend = sides(Image.new("RGB", (192, 96), "red"), result, scores, truth).split("<ul")[1]
    assert "</i>red</li>" in legend
    assert "</i>blue (not in the truth)</li>" in legend


def test_numbers_that_start_at_1_are_noticed_and_offered(tmp_path: Path) -> None:
    photo = Image.new("RGB", (448, 224), "red")
    photo.paste("blue", (224, 0, 448, 224))
    values = np.ones((224, 448), np.uint8)
    values[:, 224:], values[:10] = 2, 0
    service, label_map = Service(lambda name: ColorBackbone()), str(saved(tmp_path, values))
    given = (service, photo, Form(), label_map, "red, blue", 255)
    with pytest.raises(PhotoError, match=r"seem to start at 1: the largest is 2"):
        measure(*given)
    found = measure(*given, FROM_1)
    assert found.scores[1].miou == 1
    assert (found.truth[:10] == -1).all()
    assert measure(*given, FROM_0).scores[1].miou < 0.1


def test_a_classes_file_becomes_the_list(tmp_path: Path) -> None:
    path = tmp_path / "classes.txt"

    def listed(text: str, coding: str = "utf-8") -> str:
        path.write_text(text, encoding=coding)
        return class_list(path)

    assert listed("0 sky\n1 man; person\n2 car\n") == "sky, man; person, car"
    assert listed('["sky", "car"]', "utf-16") == "sky, car"
    for text in ("0 sky\n2 car", "0 void\n1 sky"):
        with pytest.raises(DatasetError, match="from 0 without a gap"):
            listed(text)
    with pytest.raises(DatasetError, match=r"classes\.txt names no class"):
        listed("")
    with pytest.raises(DatasetError, match="not text in UTF-8"):
        listed("Bäume\nGras", "latin-1")


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
