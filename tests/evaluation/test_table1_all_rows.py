"""Table 1 as a whole: all rows on trees of all eight sets, random towers, in both settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from glaclip.backbones.base import Backbone
from glaclip.backbones.clip.backbone import ClipBackbone
from glaclip.cli.main import main
from glaclip.evaluation.data.classes import field_prompts
from glaclip.evaluation.data.datasets import open_dataset
from glaclip.evaluation.paper.table import BENCHMARKS, TABLE1
from glaclip.evaluation.score.metrics import mean_iou, mean_iou_with_predicted
from glaclip.segmenter.word_store import WordStore
from tests.clip_towers import tiny_backbone, vfm_tower
from tests.evaluation.sets import clip, photo, truth, voc


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of every set, as its owners pack it."""
    root = tmp_path_factory.mktemp("eight")
    voc(root, ["one"])
    context = root / "VOCdevkit" / "VOC2010"
    photo(context / "JPEGImages" / "a.jpg", (10, 120, 30))
    truth(context / "SegmentationClassContext" / "a.png", [0, 1, 59, 255], "P")
    lists = context / "ImageSets" / "SegmentationContext"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("a\n")
    coco, city, ade = root / "coco", root / "cityscapes", root / "ADEChallengeData2016"
    photo(coco / "images" / "val2017" / "1.jpg", (90, 90, 10))
    truth(coco / "stuffthingmaps" / "val2017" / "1.png", [0, 89, 91, 181, 255])
    photo(city / "leftImg8bit" / "val" / "ulm" / "1_leftImg8bit.png", (70, 70, 70), 200)
    truth(city / "gtFine" / "val" / "ulm" / "1_gtFine_labelTrainIds.png", [0, 11, 255])
    photo(ade / "images" / "validation" / "x.jpg", (0, 200, 0))
    truth(ade / "annotations" / "validation" / "x.png", [0, 1, 150, 3])
    return root


class Towers:
    """Loads tiny random towers under the name of the paper's and counts what they encode."""

    def __init__(self) -> None:
        self.windows = 0
        self.texts = 0

    def __call__(self, name: str, device: str, dtype: str, weights: str | None) -> Backbone:
        towers = self

        class Counting(ClipBackbone):
            def encode_windows(self, pixels: torch.Tensor) -> Any:
                towers.windows += len(pixels)
                return super().encode_windows(pixels)

            def encode_text(self, prompts: Any) -> torch.Tensor:
                towers.texts += len(prompts)
                return super().encode_text(prompts)

            def with_positions(self, positions: str) -> ClipBackbone:
                plain = Counting(
                    self.visual, self._encode_text, self.vfm.model if self.vfm else None,
                    name=self.name, templates=self.templates, positions=positions,
                )  # fmt: skip
                return plain

        base = tiny_backbone(templates=("{}",), vfm=vfm_tower(patch=16))  # few tokens
        assert base.vfm is not None
        return Counting(
            base.visual, base._encode_text, base.vfm.model, name=name, templates=base.templates
        )


#: In the paper's settings two of them: words of hundreds at 448 pixels take their time.
SETS = {"released": tuple(BENCHMARKS), "paper": ("voc21", "cityscapes")}


@pytest.mark.parametrize("settings", SETS)
def test_all_rows_on_all_sets(data: Path, tmp_path: Path, settings: str) -> None:
    towers, out = Towers(), tmp_path / "out"
    arguments = ["evaluate", "--paper", "TABLE1", "--data", str(data), "--out", str(out), "--quiet"]
    chosen = ["--settings", settings, "--sets", ",".join(SETS[settings])]
    assert main([*arguments, *chosen], towers) == 0
    document = json.loads((out / "scores.json").read_text())
    assert [row["row"] for row in document["rows"]] == [row.name for row in TABLE1]
    for row in document["rows"]:
        assert set(row["cells"]) == set(SETS[settings])
        assert all(0 <= cell["miou"] <= 1 for cell in row["cells"].values())
        assert row["average"] is None  # a photo is not a set
        assert row["paper_average"] is None
    runs = {(run["preset"], run["windows"]["crop"], run["words"], run["logit_scale"],
             run["background_threshold"]): run for run in document["runs"]}  # fmt: skip
    ways = {run["windows"]["resampling"] for run in document["runs"]}
    positions = {run["positions"] for run in document["runs"]}
    same = document["rows"][-1]["cells"]["voc21"]["differences"][:1]
    assert same == ["not the whole validation set of one of the paper's benchmarks"]
    clear = document["rows"][0]["cells"]["voc21"]["differences"]
    if settings == "released":
        assert ways == positions == {"plain"}
        assert ("voc21", 448, "field/voc21_clearclip", 50, 0.5) in runs
        assert ("context60", 336, "field/context60", 40, 0.05) in runs
        assert ("voc21", 224, "field/voc21", 65, 0.1) in runs
        assert clear == same
    else:
        assert ways == positions == {"antialiased"}
        assert clear[1:] == [
            "logit scale 40, background threshold 0.1; the released program's: logit scale 50, "
            "background threshold 0.5"
        ]


def test_sets_that_share_photos_encode_them_once(data: Path, tmp_path: Path) -> None:
    def windows(sets: str) -> int:
        towers = Towers()
        arguments = ["evaluate", "--paper", "TABLE1", "--data", str(data), "--quiet"]
        assert main([*arguments, "--rows", "gla,sclip", "--sets", sets], towers) == 0
        return towers.windows

    assert windows("voc21,voc20") == windows("voc21") == windows("voc20")


def test_shared_photos_count_as_they_do_alone(data: Path, tmp_path: Path) -> None:
    def cells(sets: str) -> dict[str, Any]:
        out = tmp_path / sets
        arguments = ["evaluate", "--paper", "TABLE1", "--data", str(data), "--out", str(out)]
        assert main([*arguments, "--quiet", "--rows", "sclip+gla", "--sets", sets], Towers()) == 0
        found: dict[str, Any] = json.loads((out / "scores.json").read_text())["rows"][0]["cells"]
        return found

    assert cells("coco_object,coco_stuff") == cells("coco_object") | cells("coco_stuff")


def test_the_fields_words_are_embedded_once_and_said(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("glaclip.segmenter.word_store.cache_folder", lambda: tmp_path / "cache")
    arguments = ["evaluate", "--paper", "TABLE1", "--data", str(data), "--sets", "coco_stuff"]
    arguments += ["--rows", "gla"]
    first, second = Towers(), Towers()
    assert main(arguments, first) == 0
    assert "Encoding words: 128 of 171" in capsys.readouterr().err
    assert main(arguments, second) == 0
    # The fingerprint of a tower that is given as a function embeds one text, and no other is.
    assert first.texts - second.texts == 171
    dataset = open_dataset(data / "coco", classes_from="field/coco_stuff")
    assert dataset.vocabulary.prompts in field_prompts()
    assert dataset.vocabulary.prompts not in WordStore(tmp_path).lists


def test_a_plan_says_how_long(
    data: Path, capsys: pytest.CaptureFixture[str], full_size_weights: Path
) -> None:
    """Where weights are, whatever they are: a photo of each set is timed."""
    arguments = ["evaluate", "--paper", "TABLE1", "--data", str(data), "--plan", "--rows", "gla"]
    arguments += ["--sets", "voc21,voc20,ade20k", "--weights", str(full_size_weights)]
    assert main(arguments, Towers()) == 0
    said = capsys.readouterr()
    assert "  VOC21 and VOC20, windows 336/224/112: about " in said.err
    assert "  ADE, windows 336/224/112: about " in said.err
    assert "  all: about " in said.err
    assert said.out == ""


def test_classes_that_are_only_predicted() -> None:
    counts = np.array([[6, 2, 0, 2], [0, 8, 0, 2], [0, 0, 0, 0], [0, 0, 0, 0]])
    assert mean_iou(counts) == pytest.approx((6 / 10 + 8 / 12) / 2)
    assert mean_iou_with_predicted(counts) == pytest.approx((6 / 10 + 8 / 12 + 0) / 3)
    assert np.isnan(mean_iou_with_predicted(np.zeros((2, 2), dtype=np.int64)))


def test_a_part_of_a_set_says_how_others_count(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", str(data / "coco"), "--classes-from", "coco_stuff", "--methods", "off"]
    assert main([*arguments, "--backbone", "x"], Towers()) == 0
    said = capsys.readouterr().out
    assert "that no ground truth here has were predicted; counted with an IoU of 0, as MM" in said


def test_scale_and_threshold_by_option(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(data / "VOCdevkit" / "VOC2012")
    out = tmp_path / "scores.json"
    arguments = ["evaluate", place, "--methods", "off", "--json", str(out)]
    scales = ["--background-threshold", "0.3", "--logit-scale", "65", "--area-threshold", "0.1"]
    assert main([*arguments, *scales], clip) == 0
    document = json.loads(out.read_text())
    assert (document["background_threshold"], document["logit_scale"]) == (0.3, 65)
    assert document["area_threshold"] == 0.1
    ade = str(data / "ADEChallengeData2016")
    for option in ("--background-threshold", "--area-threshold"):
        assert main(["evaluate", ade, option, "0.3"], clip) == 2
        sentence = f"{option} needs a set with a class named background"
        assert sentence in capsys.readouterr().err
    assert main(["evaluate", place, "--logit-scale", "-3"], clip) == 2
    assert "The logit scale must be a number from 0 to 1000; received -3" in capsys.readouterr().err
    paper = ["evaluate", "--paper", "TABLE1", "--data", str(data), "--logit-scale", "50"]
    assert main(paper, clip) == 2
    assert "--paper sets --logit-scale by itself" in capsys.readouterr().err
