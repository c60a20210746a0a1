"""Scores of a set whose numbers are known, on the toy backbone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glaclip.cli.main import main
from glaclip.evaluation.datasets import Dataset, open_dataset
from glaclip.evaluation.evaluate import evaluate
from glaclip.evaluation.paper import paper_row
from glaclip.evaluation.store import Store, StoreError, run_key
from glaclip.methods import parse_method
from glaclip.segmenter import Segmenter
from glaclip.settings import RUNG_NAMES, AttentionSettings, SettingsError, WindowSettings
from tests.clip_towers import tiny_backbone
from tests.toy import ColorBackbone


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One photo all red whose truth is half blue, and a smaller mask; one all blue."""
    root = tmp_path / "set"
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    for stem, color, left, right in (("half", (230, 0, 0), 0, 1), ("whole", (0, 0, 230), 1, 1)):
        Image.new("RGB", (240, 240), color).save(root / "images" / f"{stem}.png")
        truth = np.full((120, 120), left, np.uint8)
        truth[:, 60:] = right
        Image.fromarray(truth).save(root / "masks" / f"{stem}.png")
    (root / "classes.txt").write_text("0 red\n1 blue\n2 green\n255 void\n")
    return root


def test_measures_are_over_the_whole_set(folder: Path) -> None:
    scores = evaluate(
        Segmenter(ColorBackbone()),
        open_dataset(folder),
        [parse_method(name, ColorBackbone()) for name in (*RUNG_NAMES, "identity")],
        WindowSettings(),
    )
    assert set(scores) == {*RUNG_NAMES, "identity"}
    for score in scores.values():
        assert score.photos == 2
        # Red: half of photo 1 of all of it; blue: photo 2 of photo 2 and half of photo 1.
        assert score.ious[:2] == pytest.approx([1 / 2, 2 / 3])
        assert np.isnan(score.ious[2])
        assert score.miou == pytest.approx(7 / 12)
        assert score.accuracy == pytest.approx(3 / 4)
        assert score.ber == 0
        assert score.seam_rate == 0


def test_ignored_pixels_do_not_count(folder: Path) -> None:
    truth = np.asarray(Image.open(folder / "masks" / "half.png")).copy()
    truth[:, 60:] = 255
    Image.fromarray(truth).save(folder / "masks" / "half.png")
    score = evaluate(
        Segmenter(ColorBackbone()),
        open_dataset(folder),
        [parse_method("on", ColorBackbone())],
        WindowSettings(),
    )["on"]
    assert score.miou == score.accuracy == 1


def test_a_stopped_run_goes_on(folder: Path, tmp_path: Path) -> None:
    backbone, dataset = ColorBackbone(), open_dataset(folder)
    method = parse_method("on", backbone)
    path = tmp_path / "photos.jsonl"
    key = run_key(dataset, backbone, WindowSettings())

    def stop(step: str, done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(
            Segmenter(backbone), dataset, [method], WindowSettings(),
            store=Store(path, key, 3), progress=stop,
        )  # fmt: skip
    with path.open("a") as file:
        file.write('{"photo": "who')  # killed in the middle of a line
    seen = backbone.encoded_windows
    store = Store(path, key, 3)
    scores = evaluate(Segmenter(backbone), dataset, [method], WindowSettings(), store=store)
    assert backbone.encoded_windows == seen + 4  # only the second photo's windows
    assert scores["on"].miou == pytest.approx(7 / 12)
    again = evaluate(
        Segmenter(backbone), dataset, [method], WindowSettings(), store=Store(path, key, 3)
    )
    assert backbone.encoded_windows == seen + 4
    assert again["on"].miou == pytest.approx(7 / 12)
    other = run_key(dataset, backbone, WindowSettings(stride=224))
    with pytest.raises(StoreError, match="another set, backbone, windows or words"):
        Store(path, other, 3)


def test_counts_of_other_templates_are_not_taken_up(folder: Path, tmp_path: Path) -> None:
    dataset, windows = open_dataset(folder), WindowSettings(64, 64, 32)
    path = tmp_path / "photos.jsonl"
    plain = tiny_backbone(templates=("{}",))
    evaluate(
        Segmenter(plain), dataset, [parse_method("off", plain)], windows,
        store=Store(path, run_key(dataset, plain, windows), 3),
    )  # fmt: skip
    other = tiny_backbone(templates=("a photo of a {}.",))
    with pytest.raises(StoreError, match="another set, backbone, windows or words"):
        Store(path, run_key(dataset, other, windows), 3)
    Store(path, run_key(dataset, tiny_backbone(templates=("{}",)), windows), 3)


def test_the_papers_numbers_only_beside_the_same_experiment(folder: Path) -> None:
    class Clip(ColorBackbone):
        name = "clip-b16"
        key_sources = ("vfm", "clearclip", "sclip")
        baselines = ("clearclip", "proxyclip")

    dataset = open_dataset(folder)
    whole = dataclasses.replace(dataset, benchmark="voc21")

    def value(data: Dataset, name: str, windows: WindowSettings) -> float | str:
        backbone = Clip()
        row, reason = paper_row(data, backbone, parse_method(name, backbone), windows)
        return row.values[data.benchmark] if row else reason

    default, proxy = WindowSettings(), WindowSettings(short_side=448, crop=336)
    clear = WindowSettings(short_side=448, crop=448, stride=224)
    assert value(whole, "on", default) == 66.3
    assert value(whole, "on", proxy) == 63.2
    assert value(whole, "off", proxy) == value(whole, "proxyclip", proxy) == 61.3
    assert value(whole, "clearclip", clear) == 51.8
    assert value(whole, "on@clearclip", clear) == 55.6
    assert "448/336/112" in str(value(whole, "off", default))
    assert "no such method" in str(value(whole, "context", default))
    assert "not the whole validation set" in str(value(dataset, "on", default))
    road = dataclasses.replace(dataset, benchmark="cityscapes")
    assert value(road, "on", WindowSettings(short_side=560)) == 40.8
    other = parse_method("on", Clip(), AttentionSettings(threshold=0.55))
    assert paper_row(whole, Clip(), other, default)[0] is None
    toy = ColorBackbone()
    assert paper_row(whole, toy, parse_method("on", toy), default)[1].endswith("clip-b16")


def test_method_names() -> None:
    backbone = ColorBackbone()
    method = parse_method("anchors+context@twice", backbone)
    assert method.settings == AttentionSettings(dynamic_normalization=False)
    assert method.key_source == "twice"
    assert parse_method("identity", backbone).settings is None
    for wrong in ("clip", "on@dino", "context+", "ON"):
        with pytest.raises(SettingsError, match="a method must be off, on, switches joined by"):
            parse_method(wrong, backbone)


def test_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", str(folder), "--ladder", "--json", str(tmp_path / "scores.json")]
    more = ["--out", str(tmp_path / "run"), "--per-class", "--stride", "224"]
    assert main([*arguments, *more], lambda *_: ColorBackbone()) == 0
    said = capsys.readouterr()
    assert "58.3" in said.out
    assert "not comparable" in said.out
    assert "whole set of 2 photos" in said.out
    assert "green" in said.out
    assert "Photos: 2 of 2" in said.err
    document = json.loads((tmp_path / "scores.json").read_text())
    assert [method["name"] for method in document["methods"]] == list(RUNG_NAMES)
    assert document["methods"][0]["iou"]["green"] is None
    assert document["methods"][3]["miou"] == pytest.approx(7 / 12, abs=1e-6)
    # Another stride is another run: the folder is refused, and nothing is lost.
    assert main([*arguments, "--out", str(tmp_path / "run")], lambda *_: ColorBackbone()) == 2
    assert "photos.jsonl in the folder is of another set" in capsys.readouterr().err
    assert main(["evaluate", str(tmp_path / "nowhere")]) == 2
    assert main(["evaluate", str(folder), "--methods", "magic"], lambda *_: ColorBackbone()) == 2
    assert "received 'magic'" in capsys.readouterr().err
