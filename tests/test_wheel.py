"""The library installs: its wheel works where only that is, without what the page needs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILT_FROM = ("setup.py", "pyproject.toml", "requirements.txt", "LICENSE", "glaclip", "assets")
#: The libraries of this environment, but for the page's.
BORROWED = "import sys; sys.modules.update(gradio=None, brotli=None)\n{}\n"
SEGMENT = """
import glaclip
from glaclip import Segmenter, load_backbone, parse_vocabulary
from glaclip.vocabulary import ASSETS

segmenter = Segmenter(load_backbone("lite"))
encoded = segmenter.encode(str(ASSETS / "photos" / "china.jpg"))
result = segmenter.segment(encoded, parse_vocabulary("sky, temple, tree, water"))
print(glaclip.__file__, result.classes[result.labels[20, 300]])
"""


def run(folder: Path, *command: str | Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands' folder of an environment that has the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in BUILT_FROM:  # a copy: building leaves files behind
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    pip = (sys.executable, "-m", "pip")
    run(source, *pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ".")
    venv.create(folder / "fresh")
    commands = folder / "fresh" / "bin"
    (wheel,) = folder.glob("*.whl")
    run(folder, *pip, "--python", commands / "python", "install", "-q", "--no-deps", wheel)
    (site,) = (folder / "fresh").glob("lib/*/site-packages")
    (site / "borrowed.pth").write_text(BORROWED.format(sysconfig.get_path("purelib")))
    return commands


def test_a_photo_is_segmented_by_the_wheel_alone(installed: Path, tmp_path: Path) -> None:
    home, word = run(tmp_path, installed / "python", "-c", SEGMENT).split()
    assert Path(home).is_relative_to(installed.parent.parent)
    assert word == "sky"


def test_the_installed_command_evaluates(installed: Path, tmp_path: Path) -> None:
    from tests.evaluation.sets import colors

    colors(tmp_path / "set", count=1)
    command = (installed / "glaclip", "evaluate", tmp_path / "set", "--backbone", "lite")
    run(tmp_path, *command, "--methods", "off,on", "--json", "scores.json", "--quiet")
    answer = json.loads((tmp_path / "scores.json").read_text())
    assert [row["name"] for row in answer["methods"]] == ["off", "on"]


def test_the_page_says_what_it_needs(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [installed / "glaclip-demo"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "glaclip-demo[demo]" in done.stderr
