"""The notebook of first steps does what it says; that of Table 1 is run in test_rehearsal.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from glaclip.segmenter import Segmentation
from tests.notebooks import run


def test_first_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names, shown = run("first_steps.ipynb")
    result = next(value for value in shown if isinstance(value, Segmentation))
    assert result.classes[result.labels[20, 300]] == "sky"
    assert [each.method.title for each in names["results"]][::3] == [
        "Each window alone",
        "GLA-CLIP",
    ]
    assert any(isinstance(value, Image.Image) for value in shown)
    with Image.open(tmp_path / "ladder.png") as picture:
        assert picture.width > 1000
