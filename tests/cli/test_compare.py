"""`compare` on the toy backbone: what is drawn, what stands beside it, what is refused."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glaclip.cli.main import main
from glaclip.pictures.columns import jumps
from glaclip.segmenter.seams import Edges
from tests.evaluation.sets import clip
from tests.segmenter.test_segmenter import halves
from tests.toy import load_toy

WORDS = "red; crimson, green, blue"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Two photos, a half red and a half blue, and the truth of one of them."""
    for folder in ("photos", "truth", "other"):
        (tmp_path / folder).mkdir()
    for name, width in (("wide", 448), ("square", 336)):
        Image.fromarray(halves(width, 336)).save(tmp_path / "photos" / f"{name}.png")
    truth = np.zeros((336, 448), np.uint8)
    truth[:, 224:] = 2
    truth[:10] = 255
    Image.fromarray(truth).save(tmp_path / "truth" / "wide.png")
    Image.fromarray(np.full((336, 448), 2, np.uint8)).save(tmp_path / "other" / "wide.png")
    return tmp_path


def compare(place: Path, *more: str, photo: str = "photos/wide.png", out: str = "fig.svg") -> int:
    arguments = ["compare", str(place / photo), "--vocabulary", WORDS, "--out", str(place / out)]
    return main([*arguments, *more], load_toy)


def texts(svg: Path) -> list[str]:
    """What is written in a figure, in its order."""
    return [
        re.sub(r"<[^>]+>", "", t) for t in re.findall(r"<text.*?</text>", svg.read_text(), re.S)
    ]


def test_columns_truth_scores_and_label_maps(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, other = str(place / "truth" / "wide.png"), str(place / "other" / "wide.png")
    code = compare(
        place,
        "--methods",
        "identity,off,gla",
        "--truth",
        truth,
        "--file",
        f"SAM 3={other}",
        "--json",
    )
    assert code == 0
    said = texts(place / "fig.svg")
    for title in ("Input", "Ground truth", "Each window alone", "GLA-CLIP", "SAM 3", "red", "blue"):
        assert title in said
    assert "green" not in said  # no pixel of it in any column
    rows = json.loads(capsys.readouterr().out)
    assert [row["method"] for row in rows] == ["identity", "off", "on", "SAM 3"]
    assert all(row["miou"] > 0.9 and row["disagreement"] < 0.1 for row in rows[:3])
    # All blue: half of the measured pixels, none of the red ones.
    assert rows[3]["miou"] == pytest.approx(0.25)
    assert rows[3]["ber"] == 0
    assert rows[3]["disagreement"] is None
    assert "mIoU 25.0 · BER 0 %" in said
    assert (
        list(csv.DictReader(io.StringIO((place / "fig.csv").read_text())))[3]["photo"] == "wide.png"
    )
    with Image.open(place / "fig_labels" / "on" / "wide.png") as labels:
        assert labels.size == (448, 336)
        assert set(np.unique(np.asarray(labels))) == {0, 2}
    assert (place / "fig_labels" / "classes.txt").read_text() == "0 red\n1 green\n2 blue\n"


def test_the_same_command_gives_the_same_bytes(place: Path) -> None:
    for kind, start in (("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")):
        found = []
        for _ in range(2):
            assert compare(place, "--dpi", "100", "--seams", out=f"a.{kind}") == 0
            found.append((place / f"a.{kind}").read_bytes())
        assert found[0] == found[1]
        assert found[0].startswith(start)


def test_a_folder_gives_a_page_a_photo_and_a_table(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(place, "--truth", str(place / "truth"), photo="photos", out="f.png") == 0
    assert not (place / "f.png").exists()
    assert sorted(path.name for path in place.glob("f-*.png")) == ["f-square.png", "f-wide.png"]
    printed = capsys.readouterr().out
    assert printed.count("wide.png") == 2
    lines = {tuple(line.split()[:2]): line.split()[2:] for line in printed.splitlines()}
    assert lines["square.png", "off"][0] == "-"
    assert lines["wide.png", "off"][0] != "-"
    other = f"SAM={place / 'other'}"
    assert compare(place, "--file", other, photo="photos", out="g.svg") == 0
    assert "no label map" in texts(place / "g-square.svg")
    assert "no label map" not in texts(place / "g-wide.svg")
    (place / "photos" / "broken.png").write_bytes(b"no picture")
    assert compare(place, photo="photos", out="f.pdf") == 0
    assert "broken.png is left out" in capsys.readouterr().err
    assert (place / "f.pdf").read_bytes().count(b"/Type /Page ") == 2


def test_named_photos_are_rows_of_one_figure(place: Path) -> None:
    photos = [str(place / "photos" / f"{name}.png") for name in ("wide", "square")]
    out = str(place / "rows.png")
    usual = ["--vocabulary", WORDS, "--out", out, "--dpi", "100"]
    assert main(["compare", *photos, *usual], load_toy) == 0
    with Image.open(out) as both:
        wide = both.size
    assert main(["compare", photos[0], *usual], load_toy) == 0
    with Image.open(out) as one:
        assert one.width == wide[0]
        assert wide[1] > 1.8 * one.height
    assert main(["compare", photos[0], *usual, "--columns", "2"], load_toy) == 0
    with Image.open(out) as wrapped:
        assert wrapped.width < 0.75 * wide[0]


def test_baselines_are_columns_by_their_names(place: Path) -> None:
    arguments = ["compare", str(place / "photos" / "wide.png"), "--preset", "everyday"]
    arguments += ["--methods", "clip,clearclip,naclip,proxyclip,gla@sclip"]
    assert main([*arguments, "--out", str(place / "b.svg")], clip) == 0
    said = texts(place / "b.svg")
    titles = ["Plain CLIP", "ClearCLIP", "NACLIP", "ProxyCLIP", "GLA-CLIP"]
    assert [text for text in said if text in titles] == titles


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--out", "a.gif"], "--out must be a file that ends in .png, .pdf, .svg; received a.gif"),
        (["--dpi", "2000"], "--dpi must be 100 to 600; received 2000"),
        (["--columns", "-1"], "--columns must be at least 1; received -1"),
        (["--opacity", "3"], "--opacity must be a number from 0 to 1; received 3"),
        (["--file", "labels.png"], "--file must be NAME=FILE, such as SAM=labels.png"),
        (["--file", "X=none.png"], "there is no label map none.png"),
        (["--file", "on=none.png", "--methods", "on"], "a name of its own; 'on' stands twice"),
        (["--methods", "dinoclip"], "a method must be off, on (or gla)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_sentence(
    place: Path, more: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(place, *more) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
    assert not list(place.glob("fig*"))  # nothing half made is left


def test_truth_of_other_classes_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(np.full((336, 448), 77, np.uint8)).save(place / "truth" / "far.png")
    assert compare(place, "--truth", str(place / "truth" / "far.png")) == 2
    assert "has no pixel of any of the classes (red, green, blue)" in capsys.readouterr().err


def test_jumps_are_runs_along_lines() -> None:
    labels = np.zeros((4, 6), dtype=np.int16)
    labels[2:, 1:3] = 1
    labels[:, 4:] = 2
    found = {tuple(map(tuple, segment)) for segment in jumps(labels, Edges((2,), (4,)))}
    assert found == {((1, 2), (3, 2)), ((4, 0), (4, 4))}
