"""Scores as Markdown, LaTeX, CSV and an HTML page; pictures of the worst photos."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glaclip.cli.main import main
from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.report.document import read_document
from glaclip.evaluation.report.tables import Table, document_html, html, latex, markdown
from glaclip.evaluation.report.worst import error_picture
from tests.evaluation.sets import clip, colors

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four photos, one broken, a class of a hostile name, two worst photos drawn."""
    root = colors(tmp_path_factory.mktemp("report") / "set", 4)
    (root / "classes.txt").write_text(f"red\nblue\n{HOSTILE}\n")
    (root / "images" / "p3.png").write_bytes(b"broken")
    folder = root.parent / "out"
    arguments = ["evaluate", str(root), "--out", str(folder), "--worst", "2", "--quiet"]
    assert main(arguments, clip) == 0
    return folder


def test_every_form_is_written(out: Path) -> None:
    assert {path.name for path in out.iterdir()} == {
        "photos.jsonl", "scores.json", "scores.csv", "classes.csv", "scores.md", "scores.tex",
        "report.html", "types.json",
    }  # fmt: skip


def test_csv_has_what_it_takes_to_run_it_again(out: Path) -> None:
    lines = list(csv.DictReader((out / "scores.csv").open()))
    assert [line["method"] for line in lines] == ["off", "on"]
    line = lines[1]
    assert (line["photos"], line["photos_in_set"], line["skipped"]) == ("3", "4", "1")
    assert (line["short_side"], line["crop"], line["stride"]) == ("336", "224", "112")
    assert '"threshold": 0.6' in line["attention"]
    assert line["fingerprint"] == "toy-1"
    assert "torch=" in line["versions"]
    assert float(line["seconds_run"]) >= 0
    assert float(line["gigabytes"]) > 0
    classes = list(csv.DictReader((out / "classes.csv").open()))
    assert {entry["class"] for entry in classes} == {"red", "blue", HOSTILE}


def test_the_page_is_whole_in_itself_and_shows_words_as_words(out: Path) -> None:
    page = (out / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=['"](?!data:)""", page)
    assert "http" not in re.sub(r"data:[^']+", "", page)
    assert HOSTILE not in page
    assert "&lt;img" in page
    assert page.count("<figure>") == 2 * 4
    assert "p3" in page  # left out, and said
    first, second = re.findall(r"<h3>(p\d): mIoU off [\d.]+, on ([\d.]+)</h3>", page)
    assert float(first[1]) <= float(second[1])


def test_other_forms_of_a_table() -> None:
    table = Table("A & B", ("row", "mIoU"), (("a_b | c", "50.0 %"),), ("100 % ≠ x.",))
    assert markdown(table).splitlines()[2:5] == [
        "| row | mIoU |", "|---|---:|", "| a_b \\| c | 50.0 % |",
    ]  # fmt: skip
    rows = latex(table).splitlines()
    assert rows[:3] == ["% A & B", "% 100 % ≠ x.", r"\begin{tabular}{lr}"]
    assert r"a\_b $\mid$ c & 50.0 \% \\" in rows
    assert "<caption>A &amp; B</caption>" in html(table)


def test_a_document_is_read_back_for_the_page(out: Path, tmp_path: Path) -> None:
    shown = document_html(read_document(out / "scores.json"))
    assert "GLA-CLIP (on)" in shown
    earlier = read_document(out / "scores.json")
    assert [method.pop("disagreement") for method in earlier["methods"]] == [0, 0]
    assert shown.count("<td>0.00</td>") - document_html(earlier).count("<td>0.00</td>") == 2
    assert "&lt;img" in shown
    assert HOSTILE not in shown
    for text in ("not json", "[]", '{"form": "other"}'):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(DatasetError, match=r"choose a scores\.json"):
            read_document(tmp_path / "x.json")


def test_errors_are_red_and_unjudged_pixels_dark() -> None:
    photo = Image.new("RGB", (3, 1), (120, 120, 120))
    right, wrong, unjudged = np.asarray(
        error_picture(photo, np.array([[0, 1, -1]]), np.array([[0, 0, 0]]))
    )[0].astype(int)
    assert right[0] == right[1] == right[2] > 120
    assert wrong[0] > wrong[1] + 80
    assert unjudged.max() < 80


def test_per_class_table_is_printed_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = colors(tmp_path / "set")
    assert main(["evaluate", str(root), "--per-class"], clip) == 0
    assert "Classes of set" in capsys.readouterr().out
