from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from glaclip.limits import Limits
from glaclip.ui import answers
from glaclip.ui import demo as demo_module
from glaclip.ui.actions import run
from glaclip.ui.actions.download import download
from glaclip.ui.actions.look import look
from glaclip.ui.actions.run import compare
from glaclip.ui.actions.words import changed
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


def whole(parts: Iterator[Changes]) -> Changes:
    """What a page shows once all parts have come."""
    return {name: value for part in parts for name, value in part.items()}


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
    changes = whole(compare(demo, visit(tmp_path, Form(words=("red", "blue")), stride=300)))
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
        first = pool.submit(lambda: whole(compare(demo, older)))
        assert reached.wait(30)
        changes = whole(compare(demo, newer))
    assert set(changes) >= {"viewer", "status", "attention", "link"}


def test_segment_is_not_offered_for_a_run_beyond_the_limits(tmp_path: Path) -> None:
    limits = Limits(windows=20)
    demo = Demo(Service(lambda name: ColorBackbone(), limits=limits), Form())
    form = Form(words=("red", "blue")).changed({"crop": 32, "stride": 32})
    status = whole(compare(demo, visit(tmp_path, form), only_if_cheap=True))["status"]
    assert "at most 20 are accepted" in status
    assert "press Segment" not in status


def test_a_run_that_was_overtaken_while_its_pictures_were_encoded_says_nothing(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, build = visit(tmp_path, Form(words=("red", "blue"))), answers.compare_value
    newer: list[Changes] = []

    def slow(*arguments: Any) -> Any:
        refused = visit(tmp_path, Form(words=("red", "blue")), stride=300)
        newer.append(whole(compare(demo, refused)))
        return build(*arguments)

    monkeypatch.setattr(answers, "compare_value", slow)
    assert whole(compare(demo, asked)) == {}
    assert "Stride must be" in newer[0]["status"]


def test_a_look_keeps_the_point_inside_the_photo(demo: Demo, tmp_path: Path) -> None:
    form = Form(words=("red", "blue"))
    changes = whole(look(demo, visit(tmp_path, form), (9999, -5)))
    assert (changes["x"], changes["y"]) == (199, 0)
    assert "Point 199, 0" in changes["readout"]
    assert "point=199%2C0" in changes["link"]


def test_pictures_do_not_wait_for_what_the_point_shows(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = compare(demo, visit(tmp_path, Form(words=("red", "blue")), point=(3, 4)))
    with monkeypatch.context() as held:
        held.setattr(answers, "look", lambda *given: pytest.fail("the point came first"))
        assert set(next(parts)) == {"viewer", "status"}
    assert set(whole(parts)) == {"attention", "readout", "link"}


def test_a_point_is_known_before_it_is_computed(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run asked for in the middle of a click shows the clicked point."""
    parts = look(demo, visit(tmp_path, Form(words=("red", "blue")), point=(1, 1)), (3, 4))
    with monkeypatch.context() as held:
        held.setattr(demo.service, "compare", lambda *given: pytest.fail("it was computed first"))
        assert next(parts) == {"point": (3, 4)}
    assert whole(parts)["viewer"]["answer"]["point"] == [3, 4]


def test_a_newer_click_ends_the_older_one(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, compute = visit(tmp_path, Form(words=("red", "blue"))), demo.service.compare
    newer: list[Changes] = []

    def overtaken(*given: Any) -> Any:
        if not newer:
            newer.append({})
            newer.append(whole(look(demo, event, (7, 8))))
        return compute(*given)

    monkeypatch.setattr(demo.service, "compare", overtaken)
    assert whole(look(demo, event, (3, 4))) == {"point": (3, 4)}
    assert newer[1]["viewer"]["answer"]["point"] == [7, 8]


def test_what_was_asked_for_earlier_does_not_undo_what_came_later(
    demo: Demo, tmp_path: Path
) -> None:
    """Threads of events that are computed side by side start in any order."""
    event = visit(tmp_path, Form(), words=["red", "blue"], known_words=["red"])
    later, earlier = (dataclasses.replace(event, at=at) for at in (2.0, 1.0))
    assert "viewer" in whole(changed(demo, later))
    assert whole(changed(demo, earlier)) == whole(compare(demo, earlier)) == {}
    assert "viewer" in whole(look(demo, later, (3, 4)))
    assert whole(look(demo, earlier, (5, 6))) == {}
    assert "viewer" in whole(compare(demo, later)), "the same moment is not earlier"
    demo.stop(event.page)
    assert "viewer" in whole(compare(demo, earlier))


def test_a_click_in_the_middle_of_a_run_is_not_undone_by_it(demo: Demo, tmp_path: Path) -> None:
    event = visit(tmp_path, Form(words=("red", "blue")), point=(1, 1))
    running = compare(demo, event)
    next(running)
    assert "attention" in whole(look(demo, event, (3, 4)))
    assert whole(running) == {}


def test_words_are_known_before_they_are_computed(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taking a word away again in the middle of its run is an edit."""
    event = visit(tmp_path, Form(), words=["red", "blue"], known_words=["red"])
    parts = changed(demo, event)
    with monkeypatch.context() as held:
        held.setattr(demo.service, "compare", lambda *given: pytest.fail("it was computed first"))
        assert next(parts) == {"known_words": ["red", "blue"]}
    assert "viewer" in whole(parts)
    back = {"words": ["red", "green"], "known_words": ["red", "blue"]}
    again = dataclasses.replace(event, values={**event.values, **back})
    assert "viewer" in whole(changed(demo, again))


def test_words_that_the_page_has_put_there_run_nothing(demo: Demo, tmp_path: Path) -> None:
    event = visit(tmp_path, Form(), words=["red", "blue"], known_words=["red", "blue"])
    assert whole(changed(demo, event)) == {}


def test_a_pasted_list_is_split_before_anything_runs(demo: Demo, tmp_path: Path) -> None:
    event = visit(tmp_path, Form(), words=["red, blue"], known_words=[])
    assert whole(changed(demo, event))["words"]["value"] == ["red", "blue"]


def test_parts_come_one_by_one_and_the_last_one_once() -> None:
    """Gradio sends what a generator gave last a second time."""
    with gr.Blocks() as page:
        board = Board(page)
        board.add(a=gr.Textbox(), b=gr.Textbox(), go=gr.Button(), at=gr.Number())
        board.on_in_parts(
            board["go"].click,
            lambda visit: iter([{"a": str(visit.at)}, {"b": visit["a"]}]),
            ["a"],
            ("a", "b"),
        )
    (event,) = page.fns.values()
    request = gr.Request(session_hash="a page", query_params={})
    skipped, first, second = gr.skip(), gr.update(value="1.5"), gr.update(value="x")
    found = list(event.fn(request, None, "x", 1.5))
    assert found == [(first, skipped), (skipped, second), (skipped, skipped)]


def test_a_photo_is_decoded_once_until_its_file_changes(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = visit(tmp_path, Form())["photo"]
    first = demo.photo(path)
    with monkeypatch.context() as held:
        held.setattr(demo_module, "read", lambda *given: pytest.fail("it was decoded again"))
        assert demo.photo(path) is first
    Image.new("RGB", (64, 48), "green").save(path)
    assert demo.photo(path).size == (64, 48)
    Path(path).unlink()
    with pytest.raises(gr.Error, match="no such file"):
        demo.photo(path)
    with pytest.raises(gr.Error, match="Choose a photo"):
        demo.photo(None)


def test_widgets_have_names_of_their_own() -> None:
    with gr.Blocks() as page:
        board = Board(page)
        board.add(words=gr.Textbox())
        with pytest.raises(ValueError, match="words"):
            board.add(words=gr.Textbox())
    assert len({tab.id for tab in TABS}) == len(TABS)
