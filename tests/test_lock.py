"""The exact versions that a Space installs fit the ranges, and weights are never run."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]


def requirements(name: str) -> list[Requirement]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line.strip() and line[0] not in "#-"]


def test_the_lock_is_exact_and_fits_the_ranges() -> None:
    locked = {}
    for entry in requirements("pre-requirements.txt"):
        assert re.fullmatch(r"==[\w.]+", str(entry.specifier)), entry
        locked[canonicalize_name(entry.name)] = str(entry.specifier).removeprefix("==")
    for entry in requirements("requirements.txt"):
        assert entry.specifier.contains(locked[canonicalize_name(entry.name)]), entry


def test_the_space_runs_the_gradio_of_the_lock() -> None:
    front = (ROOT / "README.md").read_text(encoding="utf-8").split("---")[1]
    version = re.search(r"^sdk_version: (.+)$", front, re.MULTILINE)
    assert version
    locked = {entry.name: str(entry.specifier) for entry in requirements("pre-requirements.txt")}
    assert locked["gradio"] == f"=={version[1]}"


def test_no_weights_are_loaded_that_could_hold_a_program() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("glaclip", "training")
        for path in (ROOT / folder).rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (re.search(r"torch\.load\(|load_checkpoint\(", line) and "weights_only=True" not in line)
        or re.search(r"\bpickle\.load|allow_pickle=True|joblib\.load", line)
    ]
    assert not wrong
