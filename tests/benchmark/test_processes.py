"""What a person waits for: rows of the page and of the start, their ratios, and the plot."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from glaclip.benchmark import processes as waiting
from glaclip.benchmark.processes import WaitingError, page_ratios, page_rows, start_rows
from glaclip.benchmark.ratios import Row
from glaclip.cli.main import main
from glaclip.pictures.charts import png_of, ratio_chart
from tests.toy import ColorBackbone

ROWS = [
    Row("page", name, (seconds,))
    for name, seconds in (
        ("model's own", 1.0),
        ("press to pixels", 1.2),
        ("a switch", 0.3),
        ("first click", 0.06),
        ("a new word", 0.12),
    )
]


def test_ratios_are_of_the_medians() -> None:
    ratios = {name: (by, ratio) for name, by, ratio, _ in page_ratios(ROWS)}
    assert ratios["press to pixels"] == ("model's own", pytest.approx(1.2))
    assert ratios["a switch"] == ("press to pixels", pytest.approx(0.25))


def test_what_is_missing_is_said_in_the_program_s_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "noise\nMeasuring the page needs Playwright.\n")
    monkeypatch.setattr(waiting.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(WaitingError, match=r"^Measuring the page needs Playwright\.$"):
        page_rows("lite", "cpu", None, 1)


def test_a_bar_is_as_long_as_its_ratio() -> None:
    figure = ratio_chart([("Alone", 1.0), ("+ Context", 4.0)])
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == [1.0, 4.0]  # type: ignore[attr-defined]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Alone", "+ Context"]
    assert Image.open(io.BytesIO(png_of(figure))).width == 780


def test_command_prints_the_page_and_plots_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glaclip.cli.benchmark.page_rows", lambda *_: ROWS)
    photo, plot = tmp_path / "p.png", tmp_path / "b.png"
    Image.new("RGB", (90, 60)).save(photo)
    arguments = ["benchmark", "--photo", str(photo), "--vocabulary", "red, blue", "--repeats", "1"]
    more = ["--no-memory", "--short-side", "224", "--page", "--plot", str(plot)]
    assert main([*arguments, *more], lambda *_: ColorBackbone()) == 0
    said = capsys.readouterr().out
    assert "press to pixels / model's own" in said
    assert "1.20" in said
    assert Image.open(plot).width == 780


def test_a_start_that_fails_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(WaitingError) as failed:
        start_rows("no such backbone", "cpu", str(tmp_path), 1)
    assert str(failed.value).endswith(".")
    assert "Error" not in str(failed.value)
