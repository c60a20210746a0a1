"""`--vfm-view whole` at every command: used, said to be not the paper's, or refused."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from glaclip.backbones.base import Backbone
from glaclip.cli.main import main
from glaclip.evaluation.data.datasets import open_dataset
from glaclip.evaluation.paper.comparison import compare
from glaclip.evaluation.run.setting import Run
from glaclip.segmenter.method import parse_method
from glaclip.settings import WindowSettings
from tests.cli.test_compare import texts
from tests.clip_towers import random_photo, tiny_backbone
from tests.evaluation.sets import colors
from tests.toy import ColorBackbone

UNLIKE = "vision model on the whole photo (not the paper's)"
WINDOWS = ("--short-side", "96", "--crop", "64", "--stride", "32")
WHOLE = (*WINDOWS, "--vfm-view", "whole")


def tiny(name: str, device: str, dtype: str, weights: str | None) -> Backbone:
    return tiny_backbone()


@pytest.fixture
def photo(tmp_path: Path) -> str:
    path = tmp_path / "photo.png"
    Image.fromarray(random_photo(96, 128)).save(path)
    return str(path)


def test_segment_and_compare_use_it_and_say_so(
    photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = (
        "segment",
        photo,
        "--vocabulary",
        "sky, tree, sea",
        "--features",
        str(tmp_path / "f.npz"),
    )
    features = []
    for name, windows in (("paper", WINDOWS), ("whole", WHOLE)):
        assert main([*given, "--out", str(tmp_path / name), *windows], tiny) == 0
        said = capsys.readouterr().err
        assert (f"Keys: {UNLIKE}" in said) == (name == "whole")
        document = json.loads((tmp_path / name / "settings.json").read_text())
        assert document["windows"]["vfm_view"] == {"paper": "windows", "whole": "whole"}[name]
        features.append(np.load(tmp_path / "f.npz")["features"])
    assert not np.allclose(*features, atol=1e-3)
    figure = tmp_path / "figure.svg"
    given = ("compare", photo, "--vocabulary", "sky, tree, sea", "--out", str(figure))
    assert main([*given, *WHOLE], tiny) == 0
    assert UNLIKE in texts(figure)


def test_evaluate_keeps_it_apart_and_compares_it_with_no_figure_of_the_paper(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = colors(tmp_path / "set"), tmp_path / "out"
    for windows in (WINDOWS, WHOLE):  # into one folder: counts of one are not the other's
        assert main(["evaluate", str(data), "--out", str(out), *windows], tiny) == 0
    said = capsys.readouterr().out
    assert said.count("3 photos took") == 2
    assert UNLIKE in said
    assert UNLIKE in (out / "scores.md").read_text()
    assert {line["vfm_view"] for line in csv.DictReader((out / "scores.csv").open())} == {
        "windows",
        "whole",
    }


def test_no_score_of_it_stands_beside_the_papers(tmp_path: Path) -> None:
    backbone = tiny_backbone(name="clip-b16")
    dataset = open_dataset(colors(tmp_path / "set"))
    method = parse_method("on", backbone)
    reasons = []
    for view in ("windows", "whole"):
        run = Run.of(dataset, backbone, WindowSettings(vfm_view=view))
        scored: Any = SimpleNamespace(run=replace(run, benchmark="voc20"), whole=True)
        reasons.append(compare(scored, method))
    assert reasons[0][0] is not None
    assert reasons[1] == (None, UNLIKE)


@pytest.mark.parametrize("command", ["segment", "compare", "evaluate"])
def test_it_is_refused_before_any_work_where_there_is_no_vfm(
    photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    backbone = ColorBackbone()
    words = ("--vocabulary", "red, blue")
    given = {
        "segment": (photo, *words, "--out", str(tmp_path / "o")),
        "compare": (photo, *words, "--out", str(tmp_path / "o.svg")),
        "evaluate": (str(colors(tmp_path / "set")), "--out", str(tmp_path / "o")),
    }[command]
    assert main([command, *given, "--vfm-view", "whole"], lambda *_: backbone) == 2
    said = capsys.readouterr().err
    assert "--vfm-view must be windows for Colors, which has no vision model" in said
    assert not backbone.encoded_windows
