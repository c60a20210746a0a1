"""A set's scores on the page are those of its report; other files get a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glaclip.cli.main import main
from glaclip.photo import PhotoError
from glaclip.ui.viewers.truth_scores import scores_html
from tests.evaluation.sets import clip, colors

HOSTILE = "<img src=x onerror=alert(1)>"


def test_scores_of_a_set_are_shown_and_escaped(tmp_path: Path) -> None:
    root = colors(tmp_path / "set")
    (root / "classes.txt").write_text(f"red\nblue\n{HOSTILE}\n")
    assert main(["evaluate", str(root), "--out", str(tmp_path / "out"), "--quiet"], clip) == 0
    path = tmp_path / "out" / "scores.json"
    shown = scores_html(path)
    miou = json.loads(path.read_text())["methods"][1]["miou"]
    assert f"<td>{100 * miou:.1f}</td>" in shown
    assert "Classes of set" in shown
    assert HOSTILE not in shown


@pytest.mark.parametrize(
    "text",
    ["no json", "[]", '{"form": "glaclip evaluation 1"}',
     '{"form": "glaclip evaluation 1", "runs": [3], "rows": []}'],
)  # fmt: skip
def test_another_file_gets_a_sentence_without_a_path(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scores.json"
    path.write_text(text)
    with pytest.raises(PhotoError, match=r"holds no scores; choose a scores\.json") as caught:
        scores_html(path)
    assert str(tmp_path) not in str(caught.value)
