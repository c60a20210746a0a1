from __future__ import annotations

import dataclasses
import json
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from glaclip.backbones.base import BackboneError
from glaclip.segmenter import Computed
from glaclip.serving.lending import Lender, NotLentError, Order
from glaclip.serving.limits import Limits
from glaclip.serving.runs import StoppedError
from glaclip.serving.service import Service
from glaclip.ui import answers
from glaclip.ui import demo as demo_module
from glaclip.ui.actions import run
from glaclip.ui.actions.download import download
from glaclip.ui.actions.look import look
from glaclip.ui.actions.photo import uploaded
from glaclip.ui.actions.proposals import adopt, segment, suggest
from glaclip.ui.actions.run import compare
from glaclip.ui.actions.show import restore, show
from glaclip.ui.actions.words import changed, split
from glaclip.ui.board import Board, Changes, Event
from glaclip.ui.demo import Demo
from glaclip.ui.form import Form
from glaclip.ui.gradio.quick import gr
from glaclip.ui.tabs.order import TABS
from glaclip.ui.tabs.windows import charts, windows
from tests.toy import ColorBackbone, side_by_side


@pytest.fixture
def demo() -> Demo:
    return Demo(Service(lambda name: ColorBackbone()), Form())


def visit(folder: Path, form: Form, **values: Any) -> Event:
    """An event on a page with a red and blue photo."""
    side_by_side((200, 150)).save(folder / "photo.png")
    given = {"photo": str(folder / "photo.png"), "point": None, "example": "", **form.values}
    extra = {"rung": "+ Normalization", "exclude_own": False, "link": "", "formats": None}
    extra |= {"unproposed": None}
    return Event("a page", given | extra | values, {}, {}, lambda *args, **kwargs: None)


def keeping(event: Event) -> tuple[Event, dict[str, Any]]:
    """The event, and the states that its handler keeps."""
    kept: dict[str, Any] = {}
    return dataclasses.replace(event, keep=kept.__setitem__), kept


class Lent(ColorBackbone):
    fingerprint = "lent"


class Refusing(Lender):
    """Lends no GPU."""

    def compute(self, order: Order) -> Computed:
        raise NotLentError("The GPU was not lent: no quota is left.")


def without_gpu(names: tuple[str, ...] = ("clip-b16", "lite"), *, broken: bool = False) -> Demo:
    """A page of a real CLIP that gets no GPU, and of the embedded model."""
    lender = Refusing()
    lender.add(Lent())

    def load(name: str) -> ColorBackbone:
        if name == "lite" and broken:
            raise BackboneError("The weights of lite are damaged.")
        return ColorBackbone() if name == "lite" else Lent()

    return Demo(Service(load, lender=lender), Form(), names)


def test_the_embedded_model_answers_where_no_gpu_is_lent(tmp_path: Path) -> None:
    form = Form(words=("red", "blue"), backbone="clip-b16", baseline="identity")
    event = visit(tmp_path, form.changed({"crop": 64, "stride": 32, "cross_window": False}))
    changes = compare(without_gpu(), event)
    assert [side["title"] for side in changes["viewer"]["sides"]]
    assert "no quota is left" in changes["status"]
    assert "Lite has answered" in changes["status"]
    assert changes["backbone"] == "lite"
    assert changes["crop"] == ColorBackbone().default_windows.crop
    assert "cross_window" not in changes, "the visitor's switches stay"


@pytest.mark.parametrize(
    "demo", [without_gpu(("clip-b16",)), without_gpu(broken=True)], ids=["not offered", "broken"]
)
@pytest.mark.parametrize("handler", [compare, suggest])
def test_without_gpu_and_embedded_model_there_is_a_sentence(
    handler: Callable[[Demo, Event], Changes], demo: Demo, tmp_path: Path
) -> None:
    changes = handler(demo, visit(tmp_path, Form(words=("red", "blue"), backbone="clip-b16")))
    assert set(changes) == {"status"}
    assert "no quota is left" in changes["status"]


def test_the_embedded_model_proposes_words_where_no_gpu_is_lent(tmp_path: Path) -> None:
    """For the button and for an upload, and it answers with them as in any run."""
    event = visit(tmp_path, Form(words=("a", "b"), backbone="clip-b16", baseline="identity"))
    for changes in (suggest(without_gpu(), event), uploaded(without_gpu(), keeping(event)[0])):
        proposal = json.loads(changes["proposal"])
        assert proposal["former"] == ["a", "b"]
        shown = [entry["name"] for entry in changes["viewer"]["classes"]]
        assert shown == proposal["words"] != ["a", "b"]
        assert changes["backbone"] == "lite"
        assert "no quota is left" in changes["status"]


@pytest.mark.parametrize("handler", [windows, charts, download])
def test_what_the_model_refuses_is_said_beside_every_tab(
    handler: Callable[[Demo, Event], Changes], demo: Demo, tmp_path: Path
) -> None:
    """A window side that no form can refuse: it depends on the model."""
    form = Form(words=("red", "blue")).changed({"crop": 100, "stride": 100})
    with pytest.raises(gr.Error, match=r"multiple of 16 .*received 100") as refused:
        handler(demo, visit(tmp_path, form))
    assert str(tmp_path) not in str(refused.value.message)


def test_the_download_holds_the_formats_that_were_chosen(demo: Demo, tmp_path: Path) -> None:
    event = visit(tmp_path, Form(words=("red", "blue")).changed({"crop": 64, "stride": 32}))
    event.values["formats"] = ["coco", "labelme", "no format"]
    with zipfile.ZipFile(download(demo, event)["file"]) as archive:
        found = [name for name in archive.namelist() if name.startswith("formats/")]
        assert found == ["formats/coco.json", "formats/photo.json"]
        shapes = json.loads(archive.read("formats/photo.json"))["shapes"]
    assert {shape["label"] for shape in shapes} == {"red", "blue"}


@pytest.mark.parametrize("comes", ["an upload", "a shipped photo", "a broken upload", "nothing"])
def test_a_photo_that_comes_while_a_link_opens_stays(
    comes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link's backbone is still being loaded when a person brings a photo."""
    loading, go_on = threading.Event(), threading.Event()

    def load(name: str) -> ColorBackbone:
        loading.set()
        assert go_on.wait(20)
        return ColorBackbone()

    monkeypatch.setattr("glaclip.ui.actions.show.gr.Warning", lambda note: None)
    demo = Demo(Service(load), Form())
    event = visit(tmp_path, Form(words=("red", "blue")))
    link = dataclasses.replace(event, query={"photo": "cows", "words": "cow, grass"})
    with ThreadPoolExecutor(1) as pool:
        opened = pool.submit(restore, demo, link)
        assert loading.wait(20)
        try:
            if comes == "an upload":
                assert uploaded(demo, event)["photo"].endswith(".png")
            elif comes == "a shipped photo":
                assert show(demo, event.page, "china")["example"] == "china"
            elif comes == "a broken upload":
                (tmp_path / "photo.png").write_bytes(b"no photo")
                with pytest.raises(gr.Error):
                    uploaded(demo, event)
        finally:
            go_on.set()
        changes = opened.result()
    if comes in ("an upload", "a shipped photo"):
        assert changes == {}
    else:
        assert changes["example"] == "cows"


def test_an_upload_is_taken_shown_and_run_in_one_event(demo: Demo, tmp_path: Path) -> None:
    before = visit(tmp_path, Form(words=("red", "blue")), point=(1, 1), example="cows")
    event, kept = keeping(before)
    changes = uploaded(demo, event)
    assert kept == {"accepted": changes["photo"], "point": None, "example": ""}
    assert changes["photo"] != event["photo"]
    assert (changes["attention"], changes["readout"]) == (None, "")
    assert changes["viewer"]["photo"].startswith("data:image/jpeg")
    assert "windows" in changes["status"]
    assert "photo=own" in changes["link"]


def test_one_word_switches_the_background_on_and_says_so(demo: Demo, tmp_path: Path) -> None:
    changes = compare(demo, visit(tmp_path, Form(words=("red",))))
    assert changes["background"] is True
    assert "Background is on" in changes["status"]
    assert len(changes["viewer"]["classes"]) == 2
    assert "background" not in compare(demo, visit(tmp_path, Form(words=("red", "blue"))))


def test_a_list_that_is_cleared_is_not_refused(demo: Demo, tmp_path: Path) -> None:
    cleared, kept = keeping(visit(tmp_path, Form(), known_words=["red", "blue"]))
    assert (changed(demo, cleared), kept) == ({}, {"known_words": []})
    assert "Type at least two classes" in compare(demo, cleared)["status"]


@pytest.mark.parametrize(
    ("words", "given", "group"),
    [
        ((), {}, "words-group"),
        (("red", "blue"), {"crop": 96, "short_side": 64}, "advanced-group"),
        (("red", "blue"), {"photo": None}, "photo-group"),
        (("red", "blue"), {"photo": "/nowhere/photo.png"}, "lost-photo"),
    ],
)
def test_a_refusal_says_which_controls_it_is_about(
    words: tuple[str, ...], given: dict[str, Any], group: str, demo: Demo, tmp_path: Path
) -> None:
    status = compare(demo, visit(tmp_path, Form(words=words), **given))["status"]
    assert f"data-about='{group}'" in status
    assert "/nowhere" not in status


def test_a_link_of_an_own_photo_asks_for_it(demo: Demo) -> None:
    link = {"photo": "own", "words": "cup, plate"}
    opened = restore(demo, Event("a page", {}, link, {}, lambda *args, **kwargs: None))
    assert "does not travel" in opened["viewer"]["empty"]
    assert (opened["photo"], opened["example"], opened["opened"]) == (None, "", False)
    assert opened["known_words"] == ["cup", "plate"]
    assert "photo=own" in opened["link"]


def test_an_upload_starts_with_proposed_words(demo: Demo, tmp_path: Path) -> None:
    event = visit(tmp_path, Form(words=("road", "sign")), example="cows")
    changes = uploaded(demo, event)
    proposal = json.loads(changes["proposal"])
    assert proposal["former"] == ["road", "sign"]
    assert len(proposal["next"]) == 10
    # The first result is by the proposed words, and the words box gets them.
    assert [entry["name"] for entry in changes["viewer"]["classes"]] == proposal["words"]
    waiting = dataclasses.replace(event, values={**event.values, "proposal": changes["proposal"]})
    adopted = adopt(waiting)
    assert adopted["known_words"] == proposal["words"]
    assert adopted["words"]["value"] == proposal["words"]
    assert adopted["chips"]["former"] == ["road", "sign"]
    # A person who typed meanwhile keeps what was typed.
    typed = dataclasses.replace(waiting, values={**waiting.values, "words": ["my word", "sign"]})
    assert adopt(typed) == {}


def test_suggest_words_proposes_for_the_photo_that_is_there(demo: Demo, tmp_path: Path) -> None:
    changes = suggest(demo, visit(tmp_path, Form(words=("road", "sign"))))
    words = json.loads(changes["proposal"])["words"]
    assert [entry["name"] for entry in changes["viewer"]["classes"]] == words


def test_an_upload_that_takes_long_is_shown_and_waits_for_segment(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glaclip.serving.estimate.CHEAP_WINDOWS", 0)
    changes = uploaded(demo, visit(tmp_path, Form(words=("red", "blue")), example="cows"))
    assert "press Segment to start" in changes["status"]
    assert (changes["example"], changes["attention"]) == ("", None)
    assert "viewer" not in changes


def test_an_upload_that_takes_long_gets_its_words_once_segment_is_pressed(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glaclip.serving.estimate.CHEAP_WINDOWS", 0)
    event, kept = keeping(visit(tmp_path, Form(words=("road", "sign"))))
    photo = uploaded(demo, event)["photo"]
    waiting = {**event.values, "photo": photo, "unproposed": kept["unproposed"]}
    pressed = segment(demo, dataclasses.replace(event, values=waiting))
    words = json.loads(pressed["proposal"])["words"]
    assert [entry["name"] for entry in pressed["viewer"]["classes"]] == words
    # Words that were typed meanwhile are the person's own.
    typed = dataclasses.replace(event, values={**waiting, "words": ["my word", "sign"]})
    pressed = segment(demo, typed)
    assert "proposal" not in pressed
    assert [entry["name"] for entry in pressed["viewer"]["classes"]] == ["my word", "sign"]


def test_an_upload_that_is_stopped_while_it_looks_for_words_runs_no_more(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that closes says no time at which it did."""
    event, kept = keeping(visit(tmp_path, Form(words=("road", "sign"))))

    def closed(*given: Any, **options: Any) -> Any:
        demo.stop(event.page)
        raise StoppedError

    monkeypatch.setattr(demo.service, "suggest", closed)
    changes = uploaded(demo, event)
    assert "viewer" not in changes
    assert kept["unproposed"] == [changes["photo"], ["road", "sign"]]


def test_a_photo_that_is_sent_again_keeps_its_words(demo: Demo, tmp_path: Path) -> None:
    event = visit(tmp_path, Form(words=("road", "sign")))
    (tmp_path / "photo.png").rename(tmp_path / "sent-again")
    values = {**event.values, "photo": str(tmp_path / "sent-again")}
    changes = uploaded(demo, dataclasses.replace(event, values=values))
    assert "proposal" not in changes
    assert [entry["name"] for entry in changes["viewer"]["classes"]] == ["road", "sign"]


@pytest.mark.parametrize("later", ["an upload", "a shipped photo"])
def test_a_later_photo_is_not_undone_by_an_upload_whose_run_is_under_way(
    later: str, demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, compute = visit(tmp_path, Form(words=("red", "blue"))), demo.service.answer
    came: list[Changes] = []

    def overtaken(*given: Any, **options: Any) -> Any:
        if not came:
            came.append({})
            again = dataclasses.replace(event, at=2.0)
            came.append(uploaded(demo, again) if later == "an upload" else show(demo, "a page", ""))
        return compute(*given, **options)

    monkeypatch.setattr(demo.service, "answer", overtaken)
    assert uploaded(demo, dataclasses.replace(event, at=1.0)) == {}
    assert "photo" in came[1]
    assert "viewer" in came[1]


def test_what_was_asked_for_before_stop_or_another_photo_does_not_start(
    demo: Demo, tmp_path: Path
) -> None:
    earlier = dataclasses.replace(visit(tmp_path, Form(words=("red", "blue"))), at=1.0)
    demo.stop(earlier.page, 2.0)
    assert compare(demo, earlier) == look(demo, earlier, (3, 4)) == {}
    show(demo, "another", "cows", at=2.0)
    assert compare(demo, dataclasses.replace(earlier, page="another")) == {}


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
    read, compute = run.asked, demo.service.answer

    def held(demo: Demo, event: Event) -> Any:
        found = read(demo, event)
        if event is older:
            reached.set()
            assert go_on.wait(30)
        return found

    def overtaken(*given: Any, **options: Any) -> Any:
        if threading.current_thread() is threading.main_thread():
            go_on.set()
            assert first.result(30) == {}
        return compute(*given, **options)

    monkeypatch.setattr(run, "asked", held)
    monkeypatch.setattr(demo.service, "answer", overtaken)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: compare(demo, older))
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
        refused = visit(tmp_path, Form(words=("red", "blue")), stride=300)
        newer.append(compare(demo, refused))
        return build(*arguments)

    monkeypatch.setattr(answers, "compare_value", slow)
    assert compare(demo, asked) == {}
    assert "Stride must be" in newer[0]["status"]


def test_an_answer_holds_the_photo_once(demo: Demo, tmp_path: Path) -> None:
    changes = compare(demo, visit(tmp_path, Form(words=("red", "blue")), point=(20, 30)))
    assert str(changes).count("data:image/jpeg") == 1
    assert changes["attention"]["photo"] == changes["viewer"]["photo_name"]
    looked = look(demo, visit(tmp_path, Form(words=("red", "blue"))), (120, 30))
    assert "data:image/jpeg" not in str(looked)
    assert looked["attention"]["photo"] == changes["viewer"]["photo_name"]


def test_a_photo_that_the_page_has_is_not_sent_again(demo: Demo, tmp_path: Path) -> None:
    first = compare(demo, visit(tmp_path, Form(words=("red", "blue"))))["viewer"]
    again = visit(tmp_path, Form(words=("blue", "red")))
    again = dataclasses.replace(again, held=first["photo_name"])
    assert compare(demo, again)["viewer"]["photo"] == ""
    other = dataclasses.replace(again, held="of an earlier photo")
    assert compare(demo, other)["viewer"]["photo"] == first["photo"]


def test_a_look_keeps_the_point_inside_the_photo(demo: Demo, tmp_path: Path) -> None:
    form = Form(words=("red", "blue"))
    changes = look(demo, visit(tmp_path, form), (9999, -5))
    assert (changes["x"], changes["y"]) == (199, 0)
    assert "Point 199, 0" in changes["readout"]
    assert "point=199%2C0" in changes["link"]


def test_a_point_is_known_before_it_is_computed(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run asked for in the middle of a click shows the clicked point."""
    event, kept = keeping(visit(tmp_path, Form(words=("red", "blue")), point=(1, 1)))
    compute = demo.service.answer

    def known(*given: Any, **options: Any) -> Any:
        assert kept == {"point": (3, 4)}
        return compute(*given, **options)

    monkeypatch.setattr(demo.service, "answer", known)
    assert look(demo, event, (3, 4))["viewer"]["answer"]["point"] == [3, 4]


def test_a_newer_click_ends_the_older_one(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, compute = visit(tmp_path, Form(words=("red", "blue"))), demo.service.answer
    newer: list[Changes] = []

    def overtaken(*given: Any, **options: Any) -> Any:
        if not newer:
            newer.append({})
            newer.append(look(demo, event, (7, 8)))
        return compute(*given, **options)

    monkeypatch.setattr(demo.service, "answer", overtaken)
    assert look(demo, event, (3, 4)) == {}
    assert newer[1]["viewer"]["answer"]["point"] == [7, 8]


def test_what_was_asked_for_earlier_does_not_undo_what_came_later(
    demo: Demo, tmp_path: Path
) -> None:
    """Threads of events that are computed side by side start in any order."""
    event = visit(tmp_path, Form(), words=["red", "blue"], known_words=["red"])
    later, earlier = (dataclasses.replace(event, at=at) for at in (2.0, 1.0))
    assert "viewer" in changed(demo, later)
    assert changed(demo, earlier) == compare(demo, earlier) == {}
    assert "viewer" in look(demo, later, (3, 4))
    assert look(demo, earlier, (5, 6)) == {}
    assert "viewer" in compare(demo, later), "the same moment is not earlier"
    demo.stop(event.page)
    assert "viewer" in compare(demo, earlier)


def test_a_click_in_the_middle_of_a_run_is_not_undone_by_it(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = visit(tmp_path, Form(words=("red", "blue")), point=(1, 1))
    build, clicked = answers.compare_value, []

    def slow(*given: Any) -> Any:
        clicked.append(look(demo, event, (3, 4)))
        return build(*given)

    monkeypatch.setattr(answers, "compare_value", slow)
    assert set(compare(demo, event)) == {"viewer", "status"}
    assert "attention" in clicked[0]


def test_a_run_that_starts_after_a_later_click_leaves_it_alone(demo: Demo, tmp_path: Path) -> None:
    event = visit(tmp_path, Form(words=("red", "blue")))
    run_, click = (dataclasses.replace(event, at=at) for at in (1.0, 2.0))
    clicked = look(demo, click, (3, 4))
    assert "attention" in clicked
    assert set(compare(demo, run_)) == {"viewer", "status"}


def test_words_are_known_before_they_are_computed(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taking a word away again in the middle of its run is an edit."""
    event, kept = keeping(visit(tmp_path, Form(), words=["red", "blue"], known_words=["red"]))
    compute = demo.service.answer

    def known(*given: Any, **options: Any) -> Any:
        assert kept == {"known_words": ["red", "blue"]}
        return compute(*given, **options)

    monkeypatch.setattr(demo.service, "answer", known)
    assert "viewer" in changed(demo, event)


def test_words_that_the_page_has_put_there_run_nothing(demo: Demo, tmp_path: Path) -> None:
    event = visit(tmp_path, Form(), words=["red", "blue"], known_words=["red", "blue"])
    assert changed(demo, event) == {}


def test_a_pasted_list_is_split_and_runs_once_it_is(demo: Demo, tmp_path: Path) -> None:
    event = visit(tmp_path, Form(), words=["red, blue"], known_words=[])
    assert split(event)["words"]["value"] == ["red", "blue"]
    assert changed(demo, event) == {}
    event = visit(tmp_path, Form(), words=["red", "blue"], known_words=[])
    assert split(event) == {}
    assert "viewer" in changed(demo, event)


def test_a_kept_state_is_found_by_the_next_event_and_by_no_other_visitor() -> None:
    with gr.Blocks() as page:
        board = Board(page)
        board.add(seen=gr.State("start"), go=gr.Button(), at=gr.Number(), held=gr.Textbox())
        board.on(board["go"].click, lambda visit: visit.keep("seen", visit.at), (), in_order=True)
    (event,) = page.fns.values()
    event.fn(gr.Request(session_hash="one", query_params={}), None, 1.5, "")
    state = board["seen"]._id
    assert page.state_holder["one"][state] == 1.5
    assert page.state_holder["another"][state] == "start"


def test_a_photo_is_decoded_and_packed_once_until_its_file_changes(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = visit(tmp_path, Form())["photo"]
    first, packed = demo.photo(path), demo.picture(path)
    with monkeypatch.context() as held:
        for name in ("read", "shown_photo"):
            held.setattr(demo_module, name, lambda *given: pytest.fail("it was made again"))
        assert demo.photo(path) is first
        assert demo.picture(path) is packed
    Image.new("RGB", (64, 48), "green").save(path)
    assert demo.photo(path).image.size == (64, 48)
    assert demo.picture(path).size == (48, 64)
    assert demo.picture(path).name != packed.name
    Path(path).unlink()
    with pytest.raises(gr.Error, match="no longer on the server"):
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
