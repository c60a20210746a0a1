from __future__ import annotations

import builtins
import importlib
import io
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gradio")

from glaclip.ui.lessons.book import LessonBook
from glaclip.ui.viewers import comparison as module
from glaclip.ui.viewers.attention import AttentionViewer
from glaclip.ui.viewers.drawn import Drawn
from tests.fresh import fresh

UI = Path(module.__file__).parent


@pytest.mark.parametrize("name", ["comparison.html", "comparison.css"])
@pytest.mark.parametrize("special", ["`", "${", "{{", "\\"])
def test_templates_hold_nothing_that_gradio_would_evaluate(name: str, special: str) -> None:
    # gradio runs both through Handlebars and then as a JavaScript template literal.
    assert special not in (UI / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("script", sorted(UI.glob("*.js")), ids=lambda script: script.name)
def test_scripts_place_text_only(script: Path) -> None:
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "http"):
        assert forbidden not in script.read_text(encoding="utf-8")


def test_props() -> None:
    viewer = module.LinkedViewer(None, empty="Later", render=False)
    assert viewer.api_info() == {"type": "object"}
    assert viewer.get_config()["props"]["empty"] == "Later"


@pytest.mark.parametrize("kind", [module.LinkedViewer, AttentionViewer, LessonBook])
def test_listens_to_what_its_script_triggers_and_to_nothing_else(kind: type[Drawn]) -> None:
    viewer = kind(None, render=False)
    script = viewer.js_on_load
    assert set(re.findall(r"trigger\(['\"](\w+)['\"]", script)) == set(viewer.triggers)
    assert all(callable(getattr(viewer, name)) for name in viewer.triggers)
    # A script may name it in quotes too, as a property that it watches.
    assert not hasattr(viewer, "answer")


def make_a_viewer(folder: Path) -> None:
    """In a process where no interface file can be written."""
    real = builtins.open

    def refuse(path: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if str(path).endswith(".pyi") and mode != "r":
            raise PermissionError(path)
        return real(path, mode, *rest, **more)

    builtins.open = io.open = refuse  # type: ignore[assignment]
    sys.path.insert(0, str(folder))
    importlib.import_module("comparison").LinkedViewer(None)


def test_works_where_its_folder_cannot_be_written(tmp_path: Path) -> None:
    # gradio writes a comparison.pyi beside the module of every subclass.
    copy = tmp_path / "viewer_copy"
    copy.mkdir()
    for file in (UI / "comparison.py", *UI.glob("*.html"), *UI.glob("*.css"), *UI.glob("*.js")):
        shutil.copy(file, copy / file.name)
    process = fresh().Process(target=make_a_viewer, args=(copy,))
    process.start()
    process.join(120)
    assert process.exitcode == 0
    assert not (copy / "comparison.pyi").exists()
