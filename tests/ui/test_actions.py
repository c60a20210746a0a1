from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from glaclip.limits import Limits
from glaclip.ui import answers
from glaclip.ui.actions import run
from glaclip.ui.actions.download import download
from glaclip.ui.actions.look import look
from glaclip.ui.actions.run import compare
from glaclip.ui.board import Board, Changes, Visit
from glaclip.ui.demo import Demo
from glaclip.ui.form import Form
from glaclip.ui.service import Service
from glaclip.ui.tabs import TABS
from glaclip.ui.windows_tab import charts, windows
from tests.toy import ColorBackbone


@pytest.fixture
def demo() -> Demo:
    return Demo(Service(lambda name: ColorBackbone()), Form())


def visit(folder: Path, form: Form, **values: Any) -> Visit:
    """An event on a page with a red and blue photo."""
    photo = Image.new("RGB", (200, 150), "red")
    photo.paste("blue", (100, 0, 200, 150))
    photo.save(folder / "photo.png")
    given = {"photo": str(folder / "photo.png"), "point": None, "example": "", **form.values}
    extra = {"rung": "+ Normalization", "exclude_own": False}
    return Visit("a page", given | extra | values, {}, {}, lambda *args, **kwargs: None)


@pytest.mark.parametrize("handler", [windows, charts, download])
def test_what_the_model_refuses_is_said_beside_every_tab(
    handler: Callable[[Demo, Visit], Changes], demo: Demo, tmp_path: Path
) -> None:
    """A window side that no form can refuse: it depends on the model."""
    form = Form(words=("red", "blue")).changed({"crop": 100, "stride": 100})
    with pytest.raises(gr.Error, match=r"multiple of 16 .*received 100") as refused:
        handler(demo, visit(tmp_path, form))
    assert str(tmp_path) not in str(refused.value.message)


def test_a_refused_run_changes_the_status_alone(demo: Demo, tmp_path: Path) -> None:
    changes = compare(demo, visit(tmp_path, Form(words=("red", "blue")), stride=300))
    assert set(changes) == {"status"}
    assert "Stride must be" in changes["status"]


def test_a_run_that_was_overtaken_takes_nothing_from_the_newer_one(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older run goes on, after the newer one's look began, from before its own."""
    older = visit(tmp_path, Form(words=("red", "blue")))
    newer = visit(tmp_path, Form(words=("red", "green")))
    reached, go_on = threading.Event(), threading.Event()
    read, compute = run.asked, demo.service.compare

    def held(demo: Demo, event: Visit) -> Any:
        found = read(demo, event)
        if event is older:
            reached.set()
            assert go_on.wait(30)
        return found

    def overtaken(*given: Any) -> Any:
        if threading.current_thread() is threading.main_thread():
            go_on.set()
            assert first.result(30) == {}
        return compute(*given)

    monkeypatch.setattr(run, "asked", held)
    monkeypatch.setattr(demo.service, "compare", overtaken)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(compare, demo, older)
        assert reached.wait(30)
        changes = compare(demo, newer)
    assert set(changes) >= {"viewer", "status", "attention", "link"}


def test_segment_is_not_offered_for_a_run_beyond_the_limits(tmp_path: Path) -> None:
    limits = Limits(windows=20)
    demo = Demo(Service(lambda name: ColorBackbone(), limits=limits), Form())
    form = Form(words=("red", "blue")).changed({"crop": 32, "stride": 32})
    status = compare(demo, visit(tmp_path, form), only_if_cheap=True)["status"]
    assert "at most 20 are accepted" in status
    assert "press Segment" not in status


def test_a_run_that_was_overtaken_while_its_pictures_were_encoded_says_nothing(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, build = visit(tmp_path, Form(words=("red", "blue"))), answers.compare_value
    newer: list[Changes] = []

    def slow(*arguments: Any) -> Any:
        newer.append(compare(demo, visit(tmp_path, Form(words=("red", "blue")), stride=300)))
        return build(*arguments)

    monkeypatch.setattr(answers, "compare_value", slow)
    assert compare(demo, asked) == {}
    assert "Stride must be" in newer[0]["status"]


def test_a_look_keeps_the_point_inside_the_photo(demo: Demo, tmp_path: Path) -> None:
    form = Form(words=("red", "blue"))
    changes = look(demo, visit(tmp_path, form, point=(9999, -5)))
    assert (changes["x"], changes["y"]) == (199, 0)
    assert "Point 199, 0" in changes["readout"]
    assert "point=199%2C0" in changes["link"]


def test_widgets_have_names_of_their_own() -> None:
    with gr.Blocks() as page:
        board = Board(page)
        board.add(words=gr.Textbox())
        with pytest.raises(ValueError, match="words"):
            board.add(words=gr.Textbox())
    assert len({tab.id for tab in TABS}) == len(TABS)
