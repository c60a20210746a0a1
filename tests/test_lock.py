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


#: Chosen by the platform and by sdk_version; a pin of theirs is lost or in the way.
UNPINNED = {"gradio", "gradio-client", "huggingface-hub", "spaces"}
#: What ZeroGPU has; another torch ends in its CONFIG_ERROR.
ZERO_GPU = ("2.8.0", "2.9.1", "2.10.0", "2.11.0", "2.12.1", "2.13.0")


def test_the_lock_is_exact_and_fits_the_ranges() -> None:
    locked = {}
    for entry in requirements("pre-requirements.txt"):
        assert re.fullmatch(r"==[\w.]+", str(entry.specifier)), entry
        locked[canonicalize_name(entry.name)] = str(entry.specifier).removeprefix("==")
    assert not UNPINNED & set(locked)
    assert locked["torch"] in ZERO_GPU
    for entry in requirements("requirements.txt"):
        name = canonicalize_name(entry.name)
        assert name in UNPINNED or entry.specifier.contains(locked[name]), entry


def test_ci_asks_whether_a_spaces_versions_resolve() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "python .ci/space_versions.py" in script.splitlines()
    assert "--requirement pre-requirements.txt" in script


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
