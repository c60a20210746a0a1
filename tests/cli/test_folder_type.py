"""`--dtype auto` in a folder of results: the type that it was begun with, in all processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from glaclip.backbones.base import Backbone, BackboneError
from glaclip.cli.folder_type import load_for_folder
from glaclip.cli.main import build_parser, main
from glaclip.cli.segment import SegmentOptions
from glaclip.evaluation.run.team import Team
from tests.evaluation.sets import Clip, colors


class Loads:
    """A loader whose "auto" is what a measurement says by now."""

    def __init__(self, auto: str) -> None:
        self.auto, self.asked = auto, list[str]()

    def __call__(self, name: str, device: str, dtype: str, weights: str | None) -> Backbone:
        self.asked.append(dtype)
        backbone = Clip()
        backbone.dtype = getattr(torch, self.auto if dtype == "auto" else dtype)
        backbone.fingerprint = f"clip-{backbone.dtype}"
        return backbone


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return colors(tmp_path / "set", 2)


@pytest.mark.parametrize("command", ["segment", "evaluate"])
def test_a_folder_keeps_the_type_that_it_was_begun_with(
    photos: Path, tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = {
        "segment": [str(photos / "images"), "--vocabulary", "red, blue"],
        "evaluate": [str(photos)],
    }
    arguments = [command, *words[command], "--out", str(out)]
    first = Loads("float32")
    assert main(arguments, first) == 0
    capsys.readouterr()
    later = Loads("bfloat16")
    assert main(arguments, later) == 0
    assert later.asked == ["float32"]
    said = capsys.readouterr().err
    assert "float32: as the folder was begun" in said
    assert "2 of 2" in said
    asked = Loads("bfloat16")
    assert main([*arguments, "--dtype", "float16"], asked) == 0
    assert asked.asked == ["float16"]
    assert main([command, *words[command], "--out", str(tmp_path / "new")], later) == 0
    assert later.asked[-1] == "auto"


class Pair(Team):
    """The second of two processes; the first said its type."""

    rank, size = 1, 2

    def __init__(self, first: str | None) -> None:
        self.first = first

    def gather(self, value: object) -> list[object]:  # type: ignore[override]
        return [self.first, value]


def options(folder: Path) -> SegmentOptions:
    typed = ["segment", "a.png", "--vocabulary", "a,b", "--out", str(folder)]
    return SegmentOptions.of(build_parser().parse_args(typed))


def test_the_first_process_decides_for_all(tmp_path: Path) -> None:
    load = Loads("bfloat16")
    second = load_for_folder(options(tmp_path), load, tmp_path, Pair("float32"))
    assert second.dtype == torch.float32
    assert load.asked == ["float32"]
    with pytest.raises(BackboneError, match="cannot start in the first process"):
        load_for_folder(options(tmp_path), load, tmp_path, Pair(None))


def test_the_others_hear_of_it_when_the_first_cannot_start(tmp_path: Path) -> None:
    told: list[object] = []

    class First(Team):
        def gather(self, value: object) -> list[object]:  # type: ignore[override]
            told.append(value)
            return [value]

    def broken(*asked: object) -> Backbone:
        raise BackboneError("no weights")

    with pytest.raises(BackboneError, match="no weights"):
        load_for_folder(options(tmp_path), broken, tmp_path, First())
    assert told == [None]


@pytest.mark.parametrize("content", ["", "[]", '{"auto": "float99"}', '{"auto": 3}'])
def test_a_damaged_note_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "types.json").write_text(content)
    load = Loads("bfloat16")
    assert load_for_folder(options(tmp_path), load, tmp_path, Team()).dtype == torch.bfloat16
    assert json.loads((tmp_path / "types.json").read_text())["auto"] == "bfloat16"
