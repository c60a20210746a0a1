"""The house: who may import whom. A file imports only from floors below its own."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: From the ground up. A room is a module or a whole wing; rooms of one floor do not import each
#: other, but for what stands in one wing.
FLOORS = (
    ("settings", "vocabulary", "photo", "support"),
    ("windows",),
    ("attention",),
    ("backbones",),
    ("segmenter",),
    ("serving",),
    ("pictures",),
    ("evaluation",),
    ("ui",),
    ("benchmark",),
    ("cli",),
    ("__init__", "__main__"),  # the face hands on names of all rooms: none asks it for one
)
#: The real backbones know nothing of the segmenter or of photos.
BACKBONES_IMPORT = {"settings", "vocabulary", "support", "attention", "backbones"}


def module_names() -> list[str]:
    """Every module of the package, from its file."""
    files = sorted((ROOT / "glaclip").rglob("*.py"))
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    return [name.removesuffix(".__init__") for name in names]


def imports_of(path: Path) -> set[str]:
    """Names of the package's modules that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("glaclip"):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if is_module(whole) else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("glaclip")}
    return found


def path_of(name: str) -> Path:
    """The file of a module, which need not be there."""
    path = ROOT / Path(*name.split("."))
    return path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"


def is_module(name: str) -> bool:
    return path_of(name).exists()


def room_of(name: str) -> str:
    """The room of FLOORS that a module belongs to."""
    inner = name.removeprefix("glaclip").removeprefix(".") or "__init__"
    rooms = [room for floor in FLOORS for room in floor]
    found = [room for room in rooms if inner == room or inner.startswith(f"{room}.")]
    assert len(found) == 1, f"{name} is in no room of FLOORS"
    return found[0]


def arrows() -> list[tuple[str, str]]:
    """(module, module it imports), inside functions and for type checkers too."""
    return [(name, other) for name in module_names() for other in sorted(imports_of(path_of(name)))]


def test_nothing_imports_upward() -> None:
    floor = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
    upward = []
    for name, other in arrows():
        here, there = room_of(name), room_of(other)
        if here != there and floor[there] >= floor[here]:
            upward.append(f"{name} -> {other}")
    assert not upward


def test_backbones_know_nothing_of_photos_and_windows() -> None:
    wrong = [
        f"{name} -> {other}"
        for name, other in arrows()
        if name.startswith(("glaclip.backbones.clip", "glaclip.backbones.lite"))
        and room_of(other) not in BACKBONES_IMPORT
    ]
    assert not wrong


def test_the_page_alone_imports_gradio_and_from_one_place() -> None:
    for name in module_names():
        if name != "glaclip.ui.gradio.quick":
            source = path_of(name).read_text()
            assert not re.search(r"^\s*(import|from) gradio", source, re.MULTILINE), name


def test_modules_do_not_wait_for_each_other() -> None:
    """No circle: modules that import each other at their top would have to be found here."""
    graph: dict[str, set[str]] = {}
    for name, other in arrows():
        graph.setdefault(name, set()).add(other)
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name in done:
            return
        for other in graph.get(name, ()):
            visit(other, (*path, name))
        done.add(name)

    for name in list(graph):
        visit(name, ())


FIRST = ("backbones.zero_gpu", "backbones.registry", "attention.point", "segmenter.method")
#: Gradio reads no source of a component, neither of its own nor of ours; see quick_gradio.
NO_STUBS = """
import ast
parse = ast.parse
def watched(*arguments, **options):
    asking = sys._getframe(1).f_globals["__name__"]
    assert asking != "gradio.component_meta"
    return parse(*arguments, **options)
ast.parse = watched
import glaclip.ui.launch
"""
#: What each does, and packages that are not imported for it.
WITHOUT = {
    "available backbones": (
        "import glaclip, glaclip.backbones.registry as registry; registry.available()",
        ("timm", "open_clip", "transformers", "gradio"),
    ),
    "the page": (NO_STUBS, ("timm", "open_clip", "transformers")),
    "a viewer's value": ("import glaclip.ui.viewers.comparison_value", ("gradio",)),
    "sentences": (
        "from glaclip.backbones.lite.sentences import TextTower\n"
        "TextTower(torch.device('cpu'))(['lamp'])",
        ("transformers",),
    ),
}
#: Each in a process of its own that has nothing of glaclip; what all of them take the time for,
#: torch, is there already.
IN_PROCESSES = """
import json, os, sys, traceback
import torch
for name, code, packages in json.loads(sys.argv[1]):
    if not os.fork():
        try:
            exec(code)
            assert [package for package in packages if package in sys.modules] == []
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.wait()[1]), name)
"""


@pytest.fixture(scope="module")
def imported() -> tuple[dict[str, str], str]:
    """Exit codes by what was done, and what was said."""
    orders = [(name, f"import glaclip.{name}", ()) for name in FIRST]
    orders += [(name, code, packages) for name, (code, packages) in WITHOUT.items()]
    result = subprocess.run(
        [sys.executable, "-c", IN_PROCESSES, json.dumps(orders)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # a process with more threads cannot be forked
        capture_output=True,
        text=True,
        timeout=120,
    )
    lines = (line.split(maxsplit=1) for line in result.stdout.splitlines())
    return {name: code for code, name in lines}, result.stderr


@pytest.mark.parametrize("name", [*FIRST, *WITHOUT])
def test_what_is_imported_first_brings_what_it_needs_alone(
    imported: tuple[dict[str, str], str], name: str
) -> None:
    codes, said = imported
    assert codes[name] == "0", said


def test_no_tensor_becomes_double_on_its_device() -> None:
    """Apple's MPS has no float64: a tensor goes to the CPU first."""
    wrong = [
        f"{path.name}:{number}"
        for path in (ROOT / "glaclip").rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"\.double\(\)|\.to\(torch\.float64\)", line) and ".cpu()" not in line
    ]
    assert not wrong


def test_few_modules_stand_outside_the_rooms() -> None:
    assert len(list((ROOT / "glaclip").glob("*.py"))) <= 8


def test_the_paper_is_on_one_page() -> None:
    page = ROOT / "glaclip" / "attention" / "method.py"
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 120


def test_no_clock_decides_a_number() -> None:
    """Rooms that compute know no time, but for what looks around while a long call is under way."""
    clock = re.compile(r"^\s*(import|from) (time|timeit|datetime)\b", re.MULTILINE)
    ground = {room for floor in FLOORS[: FLOORS.index(("segmenter",))] for room in floor}
    reads = [
        name
        for name in module_names()
        if room_of(name) in ground and clock.search(path_of(name).read_text(encoding="utf-8"))
    ]
    assert reads == ["glaclip.support.interruptible"]
