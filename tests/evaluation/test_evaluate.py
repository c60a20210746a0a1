"""Scores of a set whose numbers are known, on the toy backbone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glaclip.cli.main import main
from glaclip.evaluation.data.datasets import open_dataset
from glaclip.evaluation.paper.comparison import Comparison, compare
from glaclip.evaluation.run.content import Content
from glaclip.evaluation.run.evaluate import Evaluation, evaluate
from glaclip.evaluation.run.setting import Entry, Run, RunCost
from glaclip.evaluation.run.store import Store
from glaclip.evaluation.score.counts import Score
from glaclip.segmenter import Progress, Segmenter
from glaclip.segmenter.method import parse_method
from glaclip.segmenter.seams import Pairs
from glaclip.settings import RUNG_NAMES, AttentionSettings, SettingsError, WindowSettings
from tests.clip_towers import tiny_backbone
from tests.evaluation.sets import Clip
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
        [Entry.of(parse_method(name, ColorBackbone())) for name in (*RUNG_NAMES, "identity")],
        WindowSettings(),
    ).scores
    assert set(scores) == {*RUNG_NAMES, "identity"}
    for score in scores.values():
        assert score.photos == 2
        # Red: half of photo 1 of all of it; blue: photo 2 of photo 2 and half of photo 1.
        assert score.ious[:2] == pytest.approx([1 / 2, 2 / 3])
        assert np.isnan(score.ious[2])
        assert score.miou == pytest.approx(7 / 12)
        assert score.accuracy == pytest.approx(3 / 4)
        assert score.ber == 0
        assert score.seam_rate == score.disagreement == 0


def test_ignored_pixels_do_not_count(folder: Path) -> None:
    truth = np.asarray(Image.open(folder / "masks" / "half.png")).copy()
    truth[:, 60:] = 255
    Image.fromarray(truth).save(folder / "masks" / "half.png")
    score = evaluate(
        Segmenter(ColorBackbone()),
        open_dataset(folder),
        [Entry.of(parse_method("on", ColorBackbone()))],
        WindowSettings(),
    ).scores["on"]
    assert score.miou == score.accuracy == 1


def test_a_stopped_run_goes_on(folder: Path, tmp_path: Path) -> None:
    backbone, dataset = ColorBackbone(), open_dataset(folder)
    method = Entry.of(parse_method("on", backbone))

    def scored(progress: Progress | None = None) -> Evaluation:
        store = Store(tmp_path, Run.of(dataset, backbone, WindowSettings()))
        return evaluate(
            Segmenter(backbone), dataset, [method], WindowSettings(), store=store, progress=progress
        )

    def stop(step: str, done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scored(stop)
    with (tmp_path / "photos.jsonl").open("a") as file:
        file.write('{"photo": "who')  # killed in the middle of a line
    seen = backbone.encoded_windows
    assert scored().scores["on"].miou == pytest.approx(7 / 12)
    assert backbone.encoded_windows == seen + 4  # only the second photo's windows
    assert scored().scores["on"].miou == pytest.approx(7 / 12)
    assert backbone.encoded_windows == seen + 4
    other = Store(tmp_path, Run.of(dataset, backbone, WindowSettings(stride=224)))
    assert not other.has(dataset.samples[0], [method.key]), "windows of another run"


def test_windows_that_contradict_each_other_count_in_the_set(folder: Path, tmp_path: Path) -> None:
    """They are kept with the rest; counts of a version that did not measure them stay usable."""
    backbone, dataset, method = ColorBackbone(), open_dataset(folder), "on"
    store = Store(tmp_path, Run.of(dataset, backbone, WindowSettings()))
    whole = np.eye(3, dtype=np.int64)
    samples = {sample.stem: sample for sample in dataset.samples}
    for stem, score in {
        "half": Score(whole, windows=Pairs(1, 10), photos=1),
        "whole": Score(whole, Pairs(2, 4), windows=Pairs(5, 10), photos=1),
    }.items():
        store.put(stem, method, score, Content.of(samples[stem]))

    def total() -> Score:
        again = Store(tmp_path, Run.of(dataset, backbone, WindowSettings()))
        one, other = (again.get(stem, method) for stem in ("half", "whole"))
        assert one is not None
        assert other is not None
        return one + other

    assert (total().disagreement, total().ber) == (0.3, 0.5)
    counts = tmp_path / "photos.jsonl"
    counts.write_text(counts.read_text().replace(", [1, 10]]", "]").replace(", [5, 10]]", "]"))
    assert total().ber == 0.5
    assert np.isnan(total().disagreement)


def test_counts_of_other_templates_are_not_taken_up(folder: Path, tmp_path: Path) -> None:
    dataset, windows = open_dataset(folder), WindowSettings(64, 64, 32)

    def store(template: str) -> Store:
        return Store(tmp_path, Run.of(dataset, tiny_backbone(templates=(template,)), windows))

    plain = tiny_backbone(templates=("{}",))
    method = Entry.of(parse_method("off", plain))
    evaluate(Segmenter(plain), dataset, [method], windows, store=store("{}"))
    assert store("a photo of a {}.").get("whole", method.key) is None
    assert store("{}").get("whole", method.key) is not None


DEFAULT, PROXY = WindowSettings(), WindowSettings(short_side=448, crop=336)
CLEAR = WindowSettings(short_side=448, crop=448, stride=224)


def beside(
    name: str, windows: WindowSettings, preset: str = "voc21", **more: object
) -> tuple[Comparison | None, str]:
    """What the paper says beside a method on a whole set with the words of its last row."""
    backbone = more.pop("backbone", Clip())
    method = parse_method(name, backbone, more.pop("base", None))  # type: ignore[arg-type]
    run = Run(
        key="", dataset=preset, benchmark=preset, photos=("one",), missing=(), classes=("a", "b"),
        words=f"field/{preset}", background_threshold=0.1, backbone=backbone.name,
        backbone_title="", fingerprint="", default_keys=backbone.key_sources[0], windows=windows,
    )  # fmt: skip
    run = dataclasses.replace(run, **more)  # type: ignore[arg-type]
    score = Score(np.ones((2, 2), np.int64), photos=1)
    evaluation = Evaluation(run, (Entry.of(method),), {method.name: score}, {}, (), RunCost())
    return compare(evaluation, method)


def test_the_papers_numbers_beside_the_same_experiment() -> None:
    for name, windows, miou in (
        ("on", DEFAULT, 66.3),
        ("on", PROXY, 63.2),
        ("off", PROXY, 61.3),
        ("proxyclip", PROXY, 61.3),
        ("clearclip", CLEAR, 51.8),
        ("on@clearclip", CLEAR, 55.6),
        ("on@sclip", DEFAULT, 59.8),
    ):
        found, reason = beside(name, windows)
        assert found is not None
        assert (found.miou, reason) == (miou, "")
    road, _ = beside("on", WindowSettings(short_side=560), "cityscapes")
    assert road == Comparison("ProxyCLIP + GLA", 40.8, ())


def test_what_is_another_experiment_has_no_number_beside_it() -> None:
    for name, windows, more, reason in (
        ("off", DEFAULT, {}, "the paper's windows are 448/336/112 or 336/336/112"),
        ("context", DEFAULT, {}, "the paper's table has no such method"),
        ("on", DEFAULT, {"benchmark": ""}, "not the whole validation set"),
        ("on", DEFAULT, {"photos": ("one", "two")}, "not the whole validation set"),
        ("on", DEFAULT, {"backbone": ColorBackbone()}, "the paper's backbone is clip-b16"),
        ("on", DEFAULT, {"base": AttentionSettings(scale=5)}, "has no such method"),
    ):
        found, said = beside(name, windows, **more)  # type: ignore[arg-type]
        assert found is None
        assert reason in said


def test_what_differs_is_said_beside_the_number() -> None:
    def differences(name: str, windows: WindowSettings, **more: object) -> str:
        found, _ = beside(name, windows, **more)  # type: ignore[arg-type]
        assert found is not None
        return "; ".join(found.differences)

    assert differences("on", DEFAULT) == ""
    rho = AttentionSettings(threshold=0.55)
    assert differences("on", DEFAULT, base=rho) == "rho 0.55; the paper says 0.6"
    assert differences("on", DEFAULT, words="voc21") == (
        "words of voc21; the released lists for this row are field/voc21"
    )
    released = WindowSettings(short_side=336, crop=336)
    assert differences("off", released, words="field/voc21_names") == (
        "windows 336/336/112 of the released program; the paper's text says 448/336/112"
    )


def test_method_names() -> None:
    backbone = ColorBackbone()
    method = parse_method("anchors+context@twice", backbone)
    assert method.settings == AttentionSettings(dynamic_normalization=False)
    assert method.key_source == "twice"
    assert parse_method("identity", backbone).settings is None
    for wrong in ("clip", "on@dino", "context+", "ON"):
        with pytest.raises(
            SettingsError, match=r"a method must be off, on \(or gla\), switches joined by"
        ):
            parse_method(wrong, backbone)


def test_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", str(folder), "--ladder", "--json", str(tmp_path / "scores.json")]
    more = ["--out", str(tmp_path / "run"), "--per-class", "--stride", "224"]
    assert main([*arguments, *more], lambda *_: ColorBackbone()) == 0
    said = capsys.readouterr()
    assert "58.3" in said.out
    assert "not comparable" in said.out
    assert "mIoU over 2 photos together" in said.out
    assert "green" in said.out
    assert "Photos: 2 of 2" in said.err
    document = json.loads((tmp_path / "scores.json").read_text())
    assert [method["name"] for method in document["methods"]] == list(RUNG_NAMES)
    assert document["methods"][0]["iou"]["green"] is None
    assert document["methods"][3]["miou"] == pytest.approx(7 / 12, abs=1e-6)
    # Another stride is another run: the folder's files hold both.
    assert main([*arguments, "--out", str(tmp_path / "run")], lambda *_: ColorBackbone()) == 0
    runs = json.loads((tmp_path / "run" / "scores.json").read_text())["runs"]
    assert [run["windows"]["stride"] for run in runs] == [224, 112]
    assert main(["evaluate", str(tmp_path / "nowhere")]) == 2
    assert main(["evaluate", str(folder), "--methods", "magic"], lambda *_: ColorBackbone()) == 2
    assert "received 'magic'" in capsys.readouterr().err
