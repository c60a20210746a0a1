"""The five promises of CONTRIBUTING: each toy touches one file and one line, and works everywhere.

The toys are added to a copy of the house, as a person would add them, and `tests/promised.py` looks
at what follows from them in a process of its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LESSON = '''"""Lesson: a toy."""

from glaclip.ui.lessons.lab import Lab
from glaclip.ui.lessons.lesson import Facts, Lesson, Part, View


def measure(lab: Lab) -> Part:
    """The number of photos."""
    return Part({"photos": len(lab.photos)}, {}, View("china", {}, (1, 2), "toys"))


def text(n: Facts) -> tuple[str, ...]:
    """A sentence."""
    return (f"Of {n.photos} photos.",)


LESSON = Lesson("toy", "Toy", "A toy", measure, text, (), (), "Try the toy", "A note.")
'''
TAB = '''"""A tab with a toy."""

from glaclip.ui.gradio.quick import gr
from glaclip.ui.tabs.tab import Tab

TAB = Tab("toys", "Toys", lambda board, first: board.add(toy=gr.Textbox("", elem_id="toy")))
'''
#: New files, by promise.
FILES = {
    "lesson": {"ui/lessons/toy.py": LESSON, "ui/lessons/toy.js": "figures.toy = async () => {};"},
    "tab": {"ui/tabs/toys.py": TAB},
}
#: What is added to files that are there: (file, before what, what).
LINES = {
    "stage": [
        ("settings.py", r"^    cross_window: bool", "    toy_switch: bool = True\n"),
        (
            "settings.py",
            r"^\)\nSTAGE_NAMES",
            '    Stage("toy", "toy_switch", "Toy switch", "+ Toy", "It does nothing."),\n',
        ),
    ],
    "baseline": [
        (
            "backbones/clip/baselines.py",
            r'^@baseline\("clip"\)',
            '@baseline("toy")\ndef _toy(last: LastBlock, tokens: Tokens) -> Mixing:\n'
            "    return HeadMixing(last, tokens, lambda q, k: ((k, q),))\n\n\n",
        )
    ],
    "backbone": [
        (
            "backbones/clip/models.py",
            r'^        ClipModel\(\n            "clip-b16",',
            '        ClipModel("toy", "Toy CLIP", _B16, _DINO_S16, "A toy."),\n',
        )
    ],
    "lesson": [("ui/lessons/build.py", r'(?<=^    "limits",\n)', '    "toy",\n')],
    "tab": [("ui/tabs/order.py", r'(?<=^    "truth",\n)', '    "toys",\n')],
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is wrong with each toy, "" where it works."""
    house = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "glaclip", house / "glaclip", ignore=shutil.ignore_patterns("*.pyc"))
    for folder in ("assets", "tests"):
        (house / folder).symlink_to(ROOT / folder)
    for files in FILES.values():
        for name, content in files.items():
            (house / "glaclip" / name).write_text(content)
    for name, before, line in (entry for lines in LINES.values() for entry in lines):
        path = house / "glaclip" / name
        text, times = re.subn(f"(?m){before}", line + r"\g<0>", path.read_text())
        assert times == 1, (name, before)
        path.write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(house), "GRADIO_ANALYTICS_ENABLED": "False"}
    said = subprocess.run(
        [sys.executable, "-m", "tests.promised"],
        cwd=house,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert said.returncode == 0, said.stderr
    return dict(json.loads(said.stdout))


@pytest.mark.parametrize("promise", LINES)
def test_one_file_and_one_line_are_enough(found: dict[str, str], promise: str) -> None:
    assert found[promise] == ""
