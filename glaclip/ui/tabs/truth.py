"""The tab that measures both sides against a label map."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from glaclip.evaluation.data.errors import DatasetError
from glaclip.serving.runs import StoppedError
from glaclip.ui.actions.address import show_link
from glaclip.ui.actions.show import VIEW, show
from glaclip.ui.answers import problem
from glaclip.ui.board import Board, Changes, Event
from glaclip.ui.demo import ASKED, Demo, asked, follow
from glaclip.ui.examples import find
from glaclip.ui.gradio.quick import gr
from glaclip.ui.refusals import REFUSALS, about, sentence
from glaclip.ui.tabs.tab import Tab, due
from glaclip.ui.viewers.truth import FROM_0, FROM_1, class_list, measure, report, sides
from glaclip.ui.viewers.truth_scores import build_scores, connect_scores
from glaclip.vocabulary import ASSETS

_FOLDER = ASSETS / "ground_truth"
INTRODUCTION = """A label map gives the true class of every pixel: an indexed or gray PNG whose
pixel values count the classes from 0, in the order of the list. BER, the boundary error rate,
counts the seams where there is no border: pixel pairs across a window edge with one true class but
two labels."""
_YES = "yes"


@dataclass(frozen=True)
class ShippedTruth:
    """A label map drawn by hand for a shipped photo."""

    title: str
    label_map: Path
    classes: str
    ignore: int


@functools.cache
def shipped_truths() -> dict[str, ShippedTruth]:
    """Shipped label maps by photo; their photos are examples, so that links can name them."""
    index = _FOLDER / "index.json"
    if not index.is_file():
        return {}
    return {
        example.name: ShippedTruth(
            title=example.title,
            label_map=_FOLDER / entry["map"],
            classes=entry["classes"],
            ignore=int(entry["ignore"]),
        )
        for entry in json.loads(index.read_text(encoding="utf-8"))
        if (example := find(Path(entry["photo"]).stem))
    }


def _build(board: Board, first: Changes) -> None:
    gr.Markdown(INTRODUCTION, elem_classes="hint")
    shipped = gr.Radio(
        [(truth.title, name) for name, truth in shipped_truths().items()],
        label="Shipped label maps, drawn by hand",
        elem_id="shipped-truth",
    )
    with gr.Row(equal_height=True, elem_id="truth-given"):
        label_map = gr.File(
            label="Label map (PNG)",
            file_types=[".png", ".gif", ".bmp", ".tif", ".tiff"],
            type="filepath",
            height=116,
            scale=3,
            min_width=220,
            elem_id="label-map",
        )
        classes = gr.Textbox(
            label="Classes in the order of their numbers",
            placeholder="sky, building, tree, water",
            max_length=20000,
            lines=2,
            scale=4,
            min_width=220,
            elem_id="truth-classes",
        )
        ignore = gr.Number(
            255,
            label="Value that means no class",
            precision=0,
            scale=1,
            min_width=200,
            elem_id="truth-ignore",
        )
    with gr.Row(elem_id="truth-buttons"):
        button = gr.Button("Measure both sides", variant="primary", size="sm", elem_id="measure")
        classes_file = gr.UploadButton(
            "Read a classes.txt",
            file_types=[".txt", ".csv", ".json", ".yaml", ".yml", ".names"],
            type="filepath",
            size="sm",
            elem_id="classes-file",
        )
        counted = gr.Radio(
            [("from 0", FROM_0), ("from 1; 0 is no class", FROM_1)],
            label="The map counts its classes",
            elem_id="truth-counted",
        )
    shown = gr.HTML("", elem_id="truth-shown")
    table = gr.HTML("", elem_id="truth-table")
    board.add(shipped=shipped, label_map=label_map, classes=classes, ignore=ignore, counted=counted)
    board.add(measure=button, truth_shown=shown, truth_table=table, classes_file=classes_file)
    # Not empty once something was measured: then the tab follows the page's results.
    board.add(measured=gr.Textbox("", visible="hidden"))
    build_scores(board)


def truth(demo: Demo, event: Event) -> Changes:
    """Both sides against a label map: pictures, errors, a table; or what is wrong, and no table."""
    try:
        photo, form, _ = asked(demo, event)
        step = follow(event, demo.runs.start(event.page, "truth"))
        given = (event["label_map"], event["classes"] or "", event["ignore"], event["counted"])
        found = measure(demo.service, photo, form, *given, step)
    except StoppedError:
        return {}
    except REFUSALS as error:
        said = problem(sentence(error), about(error))
        return {"truth_shown": said, "truth_table": "", "measured": _YES}
    return {
        "truth_shown": sides(photo.image, found.result, found.scores, found.truth),
        "truth_table": report(found.result, *found.scores, found.notes),
        "measured": _YES,
    }


def classes_read(event: Event) -> Changes:
    """The field filled from a file, or what is wrong with the file."""
    try:
        return {"classes": class_list(event["classes_file"])}
    except DatasetError as error:
        raise gr.Error(escape(sentence(error), quote=False), print_exception=False) from None


def _connect(demo: Demo, board: Board) -> None:
    """The tab measures the page's photo with the page's controls."""
    given, results = (
        ("label_map", "classes", "ignore", "counted"),
        ("truth_shown", "truth_table", "measured"),
    )

    def choose(event: Event) -> Changes:
        # The whole page turns to the photo, as if its thumbnail had been pressed.
        name = event["shipped"] or ""
        found = shipped_truths().get(name)
        if found is None:
            return {}
        chosen = (str(found.label_map), found.classes, found.ignore, FROM_0)
        return show(demo, event.page, name, at=event.at) | dict(zip(given, chosen, strict=True))

    def measure_on(event: Any, reads: tuple[str, ...] = (), **options: Any) -> None:
        def answer(event: Event) -> Changes:
            # Only what was measured once follows, and only while it is looked at.
            follows = not reads or (event["measured"] and event["tab"] == TAB.id)
            return truth(demo, event) if follows else {}

        options |= {"show_progress": "full", "concurrency_limit": 4}
        board.on(event, answer, (*reads, *given, *ASKED), results, **options)

    measure_on(board["measure"].click)
    measure_on(due(board, TAB), ("measured", "tab"), trigger_mode="always_last")
    board.on(board["classes_file"].upload, classes_read, ["classes_file"], ["classes"])
    chosen = board.on(board["shipped"].input, choose, ["shipped"], [*VIEW, *given], in_order=True)
    show_link(board, chosen)
    measure_on(chosen.success)
    # Another photo: what was measured is no longer about what is shown.
    stale = ("shipped", "label_map", "counted", "measured", "truth_table", "truth_shown")
    for event in (board["photo"].upload, board["strip"].select):
        board.in_browser(event, "() => [null, null, null, '', '', '']", (), stale)
    connect_scores(board)


TAB = Tab("truth", "Ground truth", _build, _connect, waits=True)
