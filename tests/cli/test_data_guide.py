"""The commands of docs/data.md and methods.md run as they stand, from the repository's root."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from glaclip.cli.main import build_parser, main
from tests.toy import ColorBackbone

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
METHODS = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    python -m glaclip (.+)$", GUIDE + METHODS, re.MULTILINE)


def test_the_guide_names_every_format() -> None:
    from glaclip.cli.arguments import FORMAT_NAMES

    assert tuple(re.findall(r"^\| ([a-z-]+) \|", GUIDE, re.MULTILINE)) == FORMAT_NAMES


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    arguments = shlex.split(command)
    if arguments[0] == "label-studio":  # which would serve for ever
        assert build_parser().parse_args(arguments).port == 9090
        return
    places = [arguments.index(name) + 1 for name in ("--out", "--features") if name in arguments]
    for place in places:
        arguments[place] = str(tmp_path / arguments[place])
    assert main(arguments, lambda *_: ColorBackbone()) == 0
    for place in places:
        written = Path(arguments[place])
        assert written.is_file() or any(written.iterdir())
