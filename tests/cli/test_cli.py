"""The command line on the toy backbone; two runs as a real process."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glaclip.backbones.base import Backbone, BackboneError
from glaclip.cli.main import build_parser, main
from glaclip.pictures.palette import class_colors
from glaclip.vocabulary import ASSETS
from tests.segmenter.test_segmenter import halves
from tests.toy import load_toy, side_by_side

WORDS = "red; crimson, green, blue"


@pytest.fixture
def photo(tmp_path: Path) -> str:
    path = tmp_path / "my holiday.png"
    Image.fromarray(halves(448, 336)).save(path)
    return str(path)


def segment(photo: str, out: Path, *more: str) -> int:
    return main(["segment", photo, "--vocabulary", WORDS, "--out", str(out), *more], load_toy)


def test_segment_writes_everything(
    photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a" / "b"
    assert segment(photo, out, "--point", "20,30") == 0
    said = capsys.readouterr()
    assert sorted(path.name for path in out.iterdir()) == [
        "CITATION.txt", "README.txt", "attention.png", "comparison.png", "labels_baseline.png",
        "labels_glaclip.png", "legend.json", "overlay_baseline.png", "overlay_glaclip.png",
        "settings.json",
    ]  # fmt: skip
    with Image.open(out / "labels_glaclip.png") as labels:
        assert labels.mode == "P"
        assert labels.size == (448, 336)
        assert labels.getpalette()[:9] == class_colors(("red", "green", "blue")).ravel().tolist()
        assert set(np.unique(np.asarray(labels))) == {0, 2}
    legend = json.loads((out / "legend.json").read_text())
    assert [entry["name"] for entry in legend] == ["red", "green", "blue"]
    assert legend[0]["area"]["glaclip"] == pytest.approx(0.5, abs=0.03)
    assert "Backbone: Colors (toy, cpu, float32)" in said.err
    assert "Encoding windows: 6 of 6" in said.err
    assert said.out.splitlines()[0].split() == ["class", "Each", "window", "alone", "GLA-CLIP"]
    assert "holiday" not in "".join(p.read_text() for p in out.glob("*.json"))


def test_json_is_alone_on_stdout_and_quiet_is_quiet(
    photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert segment(photo, tmp_path, "--json", "--quiet", "--no-anchors", "--rho", "0.7") == 0
    said = capsys.readouterr()
    assert said.err == ""
    document = json.loads(said.out)
    right = document["methods"]["glaclip"]
    assert right["title"] == "With context and normalization"
    assert right["attention"]["threshold"] == 0.7
    assert not right["attention"]["proxy_anchors"]
    assert document["methods"]["baseline"]["title"] == "Each window alone"
    assert document["backbone"] == {"name": "toy", "title": "Colors"}
    assert document["windows"]["rows"] * document["windows"]["columns"] == 6
    assert "labels_glaclip.png" in document["files"]


def test_baselines_backgrounds_and_windows(
    photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--baseline", "identity", "--stride", "224", "--short-side", "400", "--json")
    assert segment(photo, tmp_path, "--background", "gray", "--threshold", "0.9", *more) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["methods"]["baseline"]["baseline"] == "identity"
    assert document["windows"]["stride"] == 224
    assert document["classes"][-1]["name"] == "background"
    assert document["classes"][-1]["background"]
    assert document["background_threshold"] == 0.9


def test_the_baselines_row_is_a_panel_of_the_points_picture(photo: str, tmp_path: Path) -> None:
    def width(baseline: str) -> int:
        out = tmp_path / baseline
        assert segment(photo, out, "--point", "60,60", "--baseline", baseline) == 0
        with Image.open(out / "attention.png") as picture:
            return picture.width

    assert width("off") < width("identity")


def test_words_with_a_small_share_are_given_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = side_by_side((448, 224))
    photo.paste("green", (200, 80, 248, 128))  # 2 % of the photo
    photo.save(tmp_path / "photo.png")
    usual = ["segment", str(tmp_path / "photo.png"), "--vocabulary", "red, blue, green", "--json"]
    usual += ["--out", str(tmp_path / "out"), "--background", "gray", "--background-threshold", "0"]

    def greens(*more: str) -> float:
        assert main([*usual, *more], load_toy) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["area_threshold"] == (float(more[1]) if more else 0)
        return float(document["classes"][2]["area"]["baseline"])

    assert 0.01 < greens() < 0.05
    assert greens("--area-threshold", "0.005") == greens()
    assert greens("--area-threshold", "0.1") == 0


def test_scores_and_cutouts_are_written_when_asked_for(photo: str, tmp_path: Path) -> None:
    assert segment(photo, tmp_path / "out", "--scores", "--cutouts") == 0
    files = {str(path.relative_to(tmp_path / "out")) for path in tmp_path.glob("out/*/*")}
    assert files == {
        *(f"scores_{side}/{word}.png" for side in ("baseline", "glaclip")
          for word in ("000_red", "001_green", "002_blue")),
        "cutouts/000_red.png", "cutouts/002_blue.png",
    }  # fmt: skip
    assert segment(photo, tmp_path / "npz", "--scores", "npz") == 0
    assert (tmp_path / "npz" / "scores_glaclip.npz").exists()


def test_vocabulary_from_a_file_and_a_preset(
    photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = tmp_path / "words.txt"
    words.write_text("\ufeff# colors\nred; crimson\nblue\n", encoding="utf-8")
    out = ["--out", str(tmp_path / "out"), "--json"]
    assert main(["segment", photo, "--vocabulary-file", str(words), *out], load_toy) == 0
    assert [c["name"] for c in json.loads(capsys.readouterr().out)["classes"]] == ["red", "blue"]
    assert main(["segment", photo, "--preset", "voc21", *out], load_toy) == 0
    assert len(json.loads(capsys.readouterr().out)["classes"]) == 21


@pytest.mark.parametrize("more", [[], ["--suggest"]])
def test_without_words_the_photo_suggests_them(
    photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    assert main(["segment", photo, "--out", str(tmp_path), *more], load_toy) == 0
    words = [entry["name"] for entry in json.loads((tmp_path / "legend.json").read_text())]
    assert len(words) > 1
    assert f"Suggested words: {', '.join(words)}" in capsys.readouterr().err


BASE = ["segment", "{photo}", "--vocabulary", "a,b", "--out", "{out}"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the following arguments are required"),
        (["segmnt"], "invalid choice"),
        (["segment", "{photo}", "--suggest", "--preset", "x", "--out", "o"], "not allowed with"),
        (["segment", "{photo}", "--threshold", "1", "--out", "{out}"], "needs --background"),
        (["segment", "nowhere.png", "--vocabulary", "a,b", "--out", "{out}"], "no such file"),
        (["segment", "{text}", "--vocabulary", "a,b", "--out", "{out}"], "not a picture"),
        (["segment", "{photo}", "--vocabulary", "a", "--out", "{out}"], "at least two classes"),
        (["segment", "{photo}", "--preset", "x", "--out", "{out}"], "There is no vocabulary"),
        (["segment", "{photo}", "--vocabulary-file", "x", "--out", "{out}"], "No such file"),
        (["segment", "{photo}", "--vocabulary", "a,b", "--out", "{text}"], "cannot be made"),
        ([*BASE, "--rho", "7"], "--rho must be a number from -1 to 1; received 7"),
        ([*BASE, "--point", "9999,1"], "--point must lie inside the photo, x from 0 to 447"),
        ([*BASE, "--point", "nan,1"], "--point must lie inside the photo"),
        ([*BASE, "--point", "9"], "must be two numbers X,Y"),
        ([*BASE, "--threshold", "0.3"], "--background-threshold needs --background"),
        ([*BASE, "--area-threshold", "0.1"], "--area-threshold needs --background"),
        ([*BASE, "--opacity", "2"], "--opacity must be a number from 0 to 1"),
        ([*BASE, "--baseline", "sclip"], "the baselines of Colors (identity)"),
        ([*BASE, "--crop", "230"], "--crop must be a multiple of 16"),
        ([*BASE, "--key-source", "dino"], "--key-source must be one of colors, twice"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence_and_exit_code_2(
    arguments: list[str],
    sentence: str,
    photo: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("not a picture")
    places = {"photo": photo, "out": str(tmp_path / "out"), "text": str(text)}
    assert main([a.format(**places) for a in arguments], load_toy) == 2
    said = capsys.readouterr()
    last = said.err.splitlines()[-1]
    assert last.startswith("glaclip: ")
    assert sentence in last
    assert said.out == ""


def test_a_backbone_that_cannot_start_is_exit_code_3(
    photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str, device: str, dtype: str, weights: str | None) -> Backbone:
        assert (name, device, dtype, weights) == ("clip-b16", "cpu", "float16", "w")
        raise BackboneError("The weights of CLIP are missing; download them.")

    more = ["--backbone", "clip-b16", "--device", "cpu", "--dtype", "float16", "--weights", "w"]
    arguments = ["segment", photo, "--vocabulary", WORDS, "--out", str(tmp_path), *more]
    assert main(arguments, missing) == 3
    assert capsys.readouterr().err == ("glaclip: The weights of CLIP are missing; download them.\n")


def test_interrupted_is_exit_code_130(photo: str, tmp_path: Path) -> None:
    def stop(name: str, device: str, dtype: str, weights: str | None) -> Backbone:
        raise KeyboardInterrupt

    assert main(["segment", photo, "--vocabulary", WORDS, "--out", str(tmp_path)], stop) == 130


def test_the_embedded_backbone_on_a_real_photo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = str(ASSETS / "photos" / "china.jpg")
    words = ["--vocabulary", "sky, building, tree, water", "--out", str(tmp_path)]
    assert main(["segment", photo, *words, "--backbone", "lite", "--json"]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["backbone"]["name"] == "lite"
    labels = np.asarray(Image.open(tmp_path / "labels_glaclip.png"))
    assert labels.shape == (427, 640)
    assert (labels[:20] == 0).mean() > 0.9  # the sky is on top
    assert (labels[200:300, 150:250] == 1).mean() > 0.9  # and the pavilion in the middle
    for measure in ("seam_rate", "disagreement"):
        assert document[measure]["glaclip"] < document[measure]["baseline"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "glaclip", *arguments],
        capture_output=True, text=True, check=False,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip


def test_as_a_process() -> None:
    helped = run("segment", "--help")
    assert helped.returncode == 0
    assert "--vocabulary" in helped.stdout
    assert "(default: auto)" in helped.stdout
    broken = run("segment", "nowhere.jpg", "--vocabulary", "a, b", "--out", "unused")
    assert broken.returncode == 2
    assert broken.stderr == "glaclip: There is no such file.\n"


def test_help_and_usage_errors_do_not_wait_for_pytorch() -> None:
    script = (
        "import sys; from glaclip.cli.main import main\n"
        "assert main(['segmnt']) == 2\n"
        "try: main(['segment', '--help'])\n"
        "except SystemExit: pass\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_an_output_folder_that_cannot_be_written_gets_a_sentence(
    photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert segment(photo, tmp_path / "file" / "out") == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == "glaclip: the folder for results cannot be made: Not a directory"


def test_what_was_typed_is_frozen_before_a_command_sees_it() -> None:
    from glaclip.cli.commands import COMMANDS

    needed = {
        "segment": ["p.png", "--vocabulary", "a,b", "--out", "o"],
        "compare": ["p.png", "--vocabulary", "a,b", "--out", "o.png"],
        "evaluate": ["set"],
    }
    for name, (read, _) in COMMANDS.items():
        options = read(build_parser().parse_args([name, *needed.get(name, [])]))
        with pytest.raises(dataclasses.FrozenInstanceError):
            options.weights = "elsewhere"
