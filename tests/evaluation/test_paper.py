"""The paper's tables by one command, on a toy that has the paper's keys and baselines."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from glaclip.backbones.base import Backbone, BackboneError
from glaclip.cli.main import main
from glaclip.evaluation.data.classes import class_words, field_names
from glaclip.evaluation.data.layouts import layout_of
from glaclip.evaluation.paper.names import SETTINGS
from glaclip.evaluation.paper.plan import find_sets, plan_table, together
from glaclip.evaluation.paper.table import ABLATION, BENCHMARKS, TABLE1, TABLES, Scales
from glaclip.settings import AttentionSettings, WindowSettings
from glaclip.vocabulary import load_preset
from tests.evaluation.sets import Clip, clip, photo, truth, voc
from tests.toy import ColorBackbone


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """VOC and ADE20K, two photos and one."""
    root = tmp_path / "data"
    voc(root)
    ade = root / "ADEChallengeData2016"
    photo(ade / "images" / "validation" / "x.jpg", (0, 200, 0))
    truth(ade / "annotations" / "validation" / "x.png", [0, 1, 150, 3])
    return root


def test_a_second_call_keeps_the_sets_of_the_first(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    given = ["evaluate", "--paper", "TABLE1", "--data", str(data), "--out", str(out)]
    for sets in ("voc21", "ade20k"):
        assert main([*given, "--rows", "gla", "--sets", sets], clip) == 0
    document = json.loads((out / "scores.json").read_text())
    assert [set(row["cells"]) for row in document["rows"]] == [{"voc21", "ade20k"}]
    assert len(document["runs"]) == 2
    assert "| VOC21 | ADE |" in (out / "scores.md").read_text()
    assert main([*given, "--rows", "sclip", "--sets", "voc21"], clip) == 0
    rows = json.loads((out / "scores.json").read_text())["rows"]
    assert {row["row"]: len(row["cells"]) for row in rows} == {"sclip": 1, "gla": 2}


def test_facts_fit_together() -> None:
    for rows in TABLES.values():
        assert len({row.name for row in rows}) == len(rows)
        for row in rows:
            for preset in BENCHMARKS:
                words = class_words(row.words(preset))
                assert words.preset == preset
                assert len(words.classes) == len(load_preset(preset).vocabulary.classes)
                for settings in SETTINGS:
                    row.window_settings(settings, preset)  # valid
                assert layout_of(preset)
    used = {row.words(preset) for row in TABLE1 for preset in BENCHMARKS}
    assert used == set(field_names())
    for row in TABLE1:
        # SCLIP + GLA's printed average, 39.8, is not the mean of its eight.
        printed = 39.69 if row.name == "sclip+gla" else row.average
        assert sum(row.values.values()) / 8 == pytest.approx(printed, abs=0.06)


def test_rows_in_both_named_settings() -> None:
    rows = {row.name: row for row in TABLE1}
    proxy = rows["proxyclip"]
    assert proxy.window_settings("paper", "voc21") == WindowSettings(448, 336, 112)
    for preset, cut in (
        ("coco_stuff", (336, 336, 112)),
        ("cityscapes", (448, 224, 112)),
        ("ade20k", (448, 336, 112)),
    ):
        released = proxy.window_settings("released", preset)
        assert released == WindowSettings(*cut, resampling="plain")
    assert rows["gla"].window_settings("paper", "cityscapes") == WindowSettings(560, 224, 112)
    assert rows["gla"].attention("paper") == AttentionSettings()
    assert rows["gla"].attention("released") == AttentionSettings(threshold=0.55)
    assert rows["clearclip"].attention("paper") is None
    plain = ABLATION[0].attention("paper")
    assert plain is not None
    assert (plain.stages, plain.beta, plain.gamma) == ((), 0.0, 1.0)


def test_rows_with_the_same_words_and_windows_share_their_photos(data: Path) -> None:
    places = find_sets(data)
    assert set(places) == {"voc21", "voc20", "ade20k"}
    assert places["voc21"].folder == data / "VOCdevkit" / "VOC2012"
    assert not places["voc21"].whole
    plan = plan_table(TABLE1, [places["voc21"]], Clip())
    assert [[row.name for row in job.rows] for job in plan.jobs] == [
        ["clearclip", "clearclip+gla", "dinoiser+gla"],
        ["proxyclip", "proxyclip+gla"],
        ["sclip", "sclip+gla", "gla"],
    ]
    assert plan.impossible == ()
    project = plan_table(TABLE1, [places["ade20k"]], Clip(), words="project")
    assert {job.words for job in project.jobs} == {"ade20k"}
    toy = plan_table(TABLE1, [places["voc21"]], ColorBackbone())
    assert "ClearCLIP: Colors has no baseline clearclip" in toy.impossible
    assert "SCLIP + GLA: Colors has no keys sclip" in toy.impossible
    # Its own keys stand for the VFM's.
    assert [row.name for job in toy.jobs for row in job.rows] == [
        "proxyclip", "proxyclip+gla", "dinoiser+gla", "gla",
    ]  # fmt: skip


def test_scales_and_words_are_those_of_each_program() -> None:
    rows = {row.name: row for row in TABLE1}
    released = {
        "clearclip": {"voc21": (50, 0.5), "context60": (50, 0.15), "coco_object": (50, 0.4)},
        "proxyclip": {"voc21": (40, 0.1), "context60": (40, 0.05), "coco_object": (40, 0.1)},
        "sclip": {"voc21": (65, 0.1), "context60": (50, 0.1), "coco_object": (50, 0.1)},
        "gla": {"voc21": (40, 0.1), "context60": (40, 0.1), "coco_object": (40, 0.1)},
    }
    for name, by_set in released.items():
        for preset, (scale, threshold) in by_set.items():
            found = rows[name].scales_for("released", preset)
            assert (found.logit_scale, found.background_threshold) == (scale, threshold)
            area = 0.1 if (name, preset) == ("sclip", "voc21") else 0
            assert found.area_threshold == area
            assert rows[name].scales_for("paper", preset) == Scales()
    for preset in ("voc21", "coco_object"):
        background = class_words(rows["clearclip"].words(preset)).classes[0]
        assert background.prompts == ("background",)
        ours, theirs = (class_words(rows[n].words(preset)) for n in ("clearclip", "proxyclip"))
        assert ours.classes[1:] == theirs.classes[1:]
        assert len(theirs.classes[0].prompts) > 10
    assert rows["clearclip"].words("voc20") == rows["proxyclip"].words("voc20")


def test_sets_with_the_same_photos_are_done_together(data: Path) -> None:
    places = find_sets(data)
    plan = plan_table(TABLE1, list(places.values()), Clip(), settings="released")
    groups = together(plan.jobs)
    assert [job for group in groups for job in group] != []
    of_voc = [{job.place.preset for job in group} for group in groups[:3]]
    assert of_voc == [{"voc21", "voc20"}] * 3
    assert all(len({job.windows for job in group}) == 1 for group in groups)
    # SCLIP's scales are not those of the row that shares its words and windows.
    of_21 = [job for job in groups[2] if job.place.preset == "voc21"]
    scales = {row.name: job.scales for job in of_21 for row in job.rows}
    assert scales["sclip"] == Scales(65, 0.1, 0.1)
    assert scales["gla"] == Scales()
    assert len({job.name for job in plan.jobs}) == len(plan.jobs)
    vocabulary = next(j for j in groups[2] if j.scales.area_threshold).open().vocabulary
    assert (vocabulary.logit_scale, vocabulary.area_threshold) == (65, 0.1)


def test_the_folder_with_all_photos_is_taken(tmp_path: Path) -> None:
    other = voc(tmp_path / "a", ["one"])
    (tmp_path / "VOC2010").mkdir()
    other.rename(tmp_path / "VOC2010" / "VOC2010")
    many = voc(tmp_path, [f"{index:04d}" for index in range(2)])
    lists = many / "ImageSets" / "Segmentation" / "val.txt"
    assert find_sets(tmp_path)["voc21"].folder == many  # VOC2012 by its name, as none is whole
    stems = [f"{index:04d}" for index in range(1449)]
    for stem in stems[2:]:
        for folder, ending in (("JPEGImages", "jpg"), ("SegmentationClass", "png")):
            (many / folder / f"{stem}.{ending}").touch()
    lists.write_text("\n".join(stems))
    found = find_sets(tmp_path)["voc21"]
    assert (found.folder, found.whole) == (many, True)


def test_table_1_by_one_command(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["evaluate", "--paper", "TABLE1", "--data", str(data), "--out", str(out)]
    arguments += ["--sets", "voc21,ade20k,cityscapes,coco_stuff,coco_object"]
    assert main([*arguments, "--worst", "1"], clip) == 0
    said = capsys.readouterr()
    # What is missing comes first, with its size and where it is from.
    missing, _, rest = said.err.partition("Backbone: ")
    assert "VOC21: 1 of" not in missing
    assert "VOC21: 2 of 1449 photos are in" in missing
    assert (
        "weights of clip-b16: timm/vit_base_patch8_224.dino model.safetensors (343 MB)" in missing
    )
    assert "City: leftImg8bit_trainvaltest.zip, 11 GB" in missing
    assert "C-Obj, C-Stf: val2017.zip" in missing
    assert "ADE: ADEChallengeData2016" not in missing
    assert "ADE, 1 photo, windows 448/448/224" in rest
    table = said.out.split("\n\n")[1].splitlines()
    assert table[0].split() == ["TABLE1", "VOC21", "ADE", "average"]
    assert [line[:9].strip() for line in table[2:]] == [row.title[:9] for row in TABLE1]
    assert "| 66.3" in table[-1]
    assert "(a)" in table[-1]  # two photos are not the set
    assert "(a) not the whole validation set" in said.out
    assert "are resized with antialiasing here" in said.out
    document = json.loads((out / "scores.json").read_text())
    assert len(document["runs"]) == 6  # two sets, three kinds of windows
    assert document["rows"][-1]["cells"]["voc21"]["paper_miou"] == 66.3
    assert document["rows"][-1]["paper_average"] is None  # ours is not whole
    assert "Best (the paper: 66.7" in document["standing_difference"]
    lines = list(csv.DictReader((out / "scores.csv").open()))
    assert len(lines) == 2 * len(TABLE1)
    assert {line["words"] for line in lines} >= {"field/voc21", "field/voc21_names"}
    # Resumed and merged, the numbers stay.
    seen = Clip()
    assert main([*arguments, "--quiet"], lambda *_: seen) == 0
    assert seen.encoded_windows == 0
    assert json.loads((out / "scores.json").read_text())["rows"] == document["rows"]
    assert main(["evaluate", "--merge", str(out), "--out", str(tmp_path / "m")], clip) == 0
    merged = json.loads((tmp_path / "m" / "scores.json").read_text())
    assert merged["rows"] == document["rows"]


def test_a_whole_set_in_the_texts_settings_has_no_letter(
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from glaclip.evaluation.data import layouts

    monkeypatch.setattr(
        layouts, "LAYOUTS",
        {name: layouts.Layout(e.markers, e.find, e.presets, 1) for name, e in
         layouts.LAYOUTS.items()},
    )  # fmt: skip
    for module in ("data.datasets", "paper.plan"):
        monkeypatch.setattr(f"glaclip.evaluation.{module}.LAYOUTS", layouts.LAYOUTS)
    base = ["evaluate", "--paper", "TABLE1", "--data", str(data), "--sets", "ade20k", "--rows"]
    assert main([*base, "gla,proxyclip"], clip) == 0
    table = capsys.readouterr().out.split("\n\n")[1]
    assert "(a)" not in table
    assert "| 20.0" in table
    assert main([*base, "gla", "--settings", "released"], clip) == 0
    assert "(a) rho 0.55; the paper says 0.6." in capsys.readouterr().out
    assert main([*base, "gla", "--words", "project"], clip) == 0
    assert "(a) words of ade20k; the released lists" in capsys.readouterr().out


def test_the_ablation(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", "--paper", "ABLATION", "--data", str(data), "--sets", "voc20"]
    assert main(arguments, clip) == 0
    table = capsys.readouterr().out.split("\n\n")[1].splitlines()
    assert len(table) == 2 + len(ABLATION)
    assert "– | 30.8" in table[2]  # the paper gives averages alone
    assert all("(a)" in line for line in table[2:6])  # two photos are not the set
    assert not any("(a)" in line for line in table[6:])  # steps that the paper does not have
    assert "– | 44.0" in table[5]


def test_the_plan_needs_no_weights(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def load(*_: object) -> Backbone:
        raise AssertionError("nothing is loaded")

    arguments = ["evaluate", "--paper", "TABLE1", "--data", str(data), "--plan"]
    assert main(arguments, load) == 0
    said = capsys.readouterr()
    assert "VOC21, 2 photos, windows 336/224/112, words of field/voc21: SCLIP" in said.err
    assert said.out == ""


def test_a_backbone_without_weights_is_left_out_of_several(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(name: str, *_: object) -> Backbone:
        if name == "clip-l14":
            raise BackboneError("The weights of L/14 are missing.")
        return Clip()

    base = ["evaluate", "--paper", "TABLE1", "--data", str(data), "--sets", "ade20k", "--rows",
            "gla", "--backbone"]  # fmt: skip
    assert main([*base, "clip-l14,clip-b16"], load) == 0
    said = capsys.readouterr()
    assert "The weights of L/14 are missing." in said.err
    assert "| 20.0" in said.out
    assert main([*base, "clip-l14"], load) == 3


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--data", "nowhere"], "there is no folder nowhere"),
        ([], "--paper needs --data ROOT"),
        (["--data", "{data}", "--sets", "voc"], "--sets must be among voc21, context60"),
        (["--data", "{data}", "--rows", "x"], "--rows must be among clearclip, clearclip+gla"),
        (
            ["--data", "{data}", "--rho", "0.5", "--ladder"],
            "--paper sets --rho, --ladder by itself",
        ),
        (["--data", "{data}", "--sets", "cityscapes"], "holds none of the sets"),
        (["--data", "{data}", "--backbone", "clip"], "must be all, or names among lite, clip-b16"),
        (["somewhere", "--data", "{data}"], "--paper takes no DATASET"),
        (["--data", "{data}", "--limit", "0"], "the limit must be at least 1"),
    ],
)
def test_what_does_not_go_is_one_sentence(
    data: Path, more: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [part.format(data=data) for part in more]
    assert main(["evaluate", "--paper", "TABLE1", *arguments], clip) == 2
    assert sentence in capsys.readouterr().err.splitlines()[-1]
