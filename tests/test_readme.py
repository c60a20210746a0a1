"""The README says what is so: commands, versions, the Space's configuration, files it names."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from PIL import Image

from glaclip.backbones.clip.models import CLIP_MODELS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FRONT = README.split("---")[1]


def front(key: str) -> str:
    found = re.search(rf"^{key}: *\"?(.+?)\"?$", FRONT, re.MULTILINE)
    assert found, key
    return found[1]


def requirements() -> dict[str, Requirement]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    parsed = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {requirement.name: requirement for requirement in parsed}


def test_every_requirement_has_both_bounds() -> None:
    for requirement in requirements().values():
        operators = {specifier.operator for specifier in requirement.specifier}
        assert operators in ({">=", "<"}, {"=="}), requirement


def test_the_spaces_versions_fit() -> None:
    assert requirements()["gradio"].specifier.contains(front("sdk_version"))
    assert front("sdk") == "gradio"
    assert front("python_version") == "3.12"  # ZeroGPU has it; of others it takes its default
    assert (ROOT / front("app_file")).is_file()
    assert len(front("short_description")) <= 60


def test_the_space_fetches_the_papers_weights() -> None:
    block = re.search(r"^preload_from_hub:\n((?:  - .+\n)+)", FRONT, re.MULTILINE)
    assert block
    entries = {tuple(line.removeprefix("  - ").split(" ")) for line in block[1].splitlines()}
    needed = {(file.repo, file.names[0]) for file in CLIP_MODELS["clip-b16"].files}
    assert entries == needed


def test_the_guide_downloads_what_the_pair_for_processors_needs() -> None:
    text = (ROOT / "docs/real-clip.md").read_text(encoding="utf-8")
    lines = re.findall(r"hf download (\S+) (\S+) --local-dir DIR/(\S+)", text)
    files = CLIP_MODELS["clip-b16-s8"].files
    assert lines == [(file.repo, file.names[0], file.repo) for file in files]
    for model in CLIP_MODELS.values():
        assert f"| `{model.name}`" in text


def test_the_picture_for_social_networks_is_here() -> None:
    named = re.search(r"/resolve/main/(\S+)'", (ROOT / "docs/host.md").read_text(encoding="utf-8"))
    assert named
    with Image.open(ROOT / named[1]) as picture:
        assert picture.size == (1200, 630)


def test_the_container_has_all_that_the_page_needs() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = [
        word
        for line in re.findall(r"^COPY --chown=user (.+) \S+$", text, re.M)
        for word in line.split()
    ]
    assert {"app.py", "glaclip", "assets", "requirements.txt"} < set(copied)
    assert [word for word in copied if not (ROOT / word).exists()] == []
    assert f"python:{front('python_version')}-" in text


def test_ci_runs_the_readmes_test_command() -> None:
    command = re.search(
        r"^    apt-get install .+ && (pip install .+) && (python .+)$", README, re.M
    )
    assert command
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert command[2] in script.splitlines()
    assert "requirements-dev.txt" in command[1]
    assert "requirements-dev.txt" in script


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_linked_files_exist(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    inside = [target for target in targets if not target.startswith("https://")]
    assert [target for target in inside if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_modules_that_commands_name_exist(page: Path) -> None:
    named = set(
        re.findall(r"python -m ((?:glaclip|training|tests)[\w.]*)", page.read_text("utf-8"))
    )
    found = {name for name in named if importlib.util.find_spec(name)}
    assert named == found


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 130
