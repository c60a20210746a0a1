"""A set spread over processes and machines: the numbers are those of one process."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from glaclip.cli.main import main
from glaclip.evaluation.run.team import Shard
from tests.evaluation.sets import clip, colors
from tests.fresh import fresh

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from glaclip.cli.main import main
from tests.evaluation.sets import clip
sys.exit(main(sys.argv[1:], clip))
"""


def torchrun(arguments: list[str], said: Path) -> None:
    """As the program of this name does, what it says in two files."""
    os.chdir(ROOT)
    os.environ |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    for stream, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(said / name, os.O_WRONLY | os.O_CREAT), stream)
    importlib.import_module("torch.distributed.run").main(arguments)


def numbers(folder: Path) -> dict[str, Any]:
    """What scores.json says, but for time and memory."""
    document = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    del document["cost"], document["made"]
    for method in document["methods"]:
        del method["seconds"]
    return document


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A set of five photos, one of them broken, and its numbers by one process."""
    root = colors(tmp_path_factory.mktemp("spread") / "set", 5)
    (root / "images" / "p3.png").write_bytes(b"broken")
    out = root.parent / "alone"
    assert main(["evaluate", str(root), "--ladder", "--out", str(out), "--quiet"], clip) == 0
    return root, numbers(out)


def test_two_processes_give_the_same_numbers_and_one_report(
    alone: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    root, expected = alone
    program, out = tmp_path / "program.py", tmp_path / "out"
    program.write_text(PROGRAM)
    arguments = [str(root), "--ladder", "--out", str(out)]
    # A part is known from a run before, by one process.
    assert main(["evaluate", *arguments, "--shard", "1/3", "--quiet"], clip) == 0
    (said := tmp_path / "said").mkdir()
    two = ["--standalone", "--nproc-per-node", "2", str(program), "evaluate", *arguments]
    started = fresh().Process(target=torchrun, args=(two, said))
    started.start()
    started.join(240)
    result, progress = ((said / name).read_text() for name in ("out", "err"))
    assert started.exitcode == 0, progress
    assert numbers(out) == expected
    assert result.count("GLA-CLIP (on)") == 1
    assert progress.count("Photos: 5 of 5") == 1
    assert progress.count("1 photo is left out") == 1
    assert "in 2 processes" in result
    own = (out / "photos.process-1.jsonl").read_text().count('"confusion"')
    assert 0 < own < 4 * 4  # four methods on four photos: the first process did some


def test_shards_are_merged_to_the_same_numbers(
    alone: tuple[Path, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, expected = alone
    folders = [str(tmp_path / f"part{index}") for index in (1, 2, 3)]
    for index, folder in enumerate(folders, 1):
        arguments = ["evaluate", str(root), "--ladder", "--shard", f"{index}/3", "--out", folder]
        assert main(arguments, clip) == 0
    assert "of which part 3 of 3 here: 1" in capsys.readouterr().err
    merged = ["--out", str(tmp_path / "all")]
    assert main(["evaluate", "--merge", *folders, *merged], clip) == 0
    assert numbers(tmp_path / "all") == expected
    assert "mIoU over 4 photos together" in capsys.readouterr().out
    # What no folder holds is said, and --strict refuses it.
    assert main(["evaluate", "--merge", *folders[:2], *merged], clip) == 0
    said = capsys.readouterr()
    assert "1 of 5 photos of set are in none of the folders, the first is p2" in said.err
    assert main(["evaluate", "--merge", *folders[:2], *merged, "--strict"], clip) == 2
    # One folder for all parts does as well.
    assert main(["evaluate", "--merge", str(tmp_path), "--quiet"], clip) == 0
    assert numbers(tmp_path) == expected


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{set}", "--shard", "3/2", "--out", "{tmp}"], "--shard must be i/n with i from 1 to n"),
        (["{set}", "--shard", "1/2"], "--shard needs --out DIR"),
        (["--merge", "{tmp}"], "holds no photos*.jsonl"),
        (["--merge", "{tmp}", "--worst", "1", "--out", "{tmp}"], "--merge has neither"),
        (["{set}", "--merge", "{tmp}"], "takes no DATASET"),
        (["{set}", "--worst", "1"], "--worst needs --out"),
        (["{set}", "--worst", "-1"], "--worst must be at least 0"),
        ([], "give a DATASET, or --paper TABLE1 --data ROOT, or --merge DIRS"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"set": str(tmp_path / "set"), "tmp": str(tmp_path)}
    assert main(["evaluate", *(a.format(**places) for a in arguments)], clip) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert said.out == ""


def test_a_file_of_something_else_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos.jsonl").write_text('{"run": "of an earlier version"}\n')
    assert main(["evaluate", "--merge", str(tmp_path)], clip) == 2
    assert "photos.jsonl is no file of counts" in capsys.readouterr().err


def test_shards_share_all_photos() -> None:
    items = list(range(10))
    parts = [Shard(index, 3).of(items) for index in (1, 2, 3)]
    assert sorted(item for part in parts for item in part) == items
