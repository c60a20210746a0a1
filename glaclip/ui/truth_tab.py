"""The tab that measures both sides against a label map."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from glaclip.pictures.labels import overlay
from glaclip.ui.actions.address import show_link
from glaclip.ui.actions.show import VIEW, show
from glaclip.ui.board import Board, Changes, Visit
from glaclip.ui.charts import picture_html
from glaclip.ui.demo import ASKED, Demo, asked, follow
from glaclip.ui.examples import find
from glaclip.ui.refusals import refusals_as_toasts
from glaclip.ui.tab import Tab
from glaclip.ui.truth import measure, report, truth_colors
from glaclip.ui.truth_scores import build_scores, connect_scores
from glaclip.vocabulary import ASSETS

_FOLDER = ASSETS / "ground_truth"
INTRODUCTION = """A label map gives the true class of every pixel. Drop one for the chosen photo:
an indexed or grey PNG whose pixel values count the classes from 0, in the order of the list.
BER, the boundary error rate, is the share of pixel pairs facing each other across a window edge
whose truth is the same but whose labels differ: seams, counted where there is no border."""


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
    with gr.Row(equal_height=True):
        label_map = gr.File(
            label="Label map (PNG)",
            file_types=[".png", ".gif", ".bmp", ".tif", ".tiff"],
            type="filepath",
            elem_id="label-map",
        )
        with gr.Column():
            classes = gr.Textbox(
                label="Classes in the order of their numbers",
                placeholder="sky, building, tree, water",
                max_length=20000,
                lines=2,
                elem_id="truth-classes",
            )
            ignore = gr.Number(
                255, label="Value that means no class", precision=0, elem_id="truth-ignore"
            )
    button = gr.Button("Measure both sides", variant="primary", elem_id="measure")
    with gr.Row(elem_id="truth-result"):
        with gr.Column(min_width=300):
            table = gr.HTML("", elem_id="truth-table")
        with gr.Column(min_width=300):
            shown = gr.HTML("", elem_id="truth-shown")
    board.add(shipped=shipped, label_map=label_map, classes=classes, ignore=ignore)
    board.add(measure=button, truth_shown=shown, truth_table=table)
    build_scores(board)


@refusals_as_toasts()
def truth(demo: Demo, visit: Visit) -> Changes:
    """Both sides against a label map: its overlay and a table of measures."""
    photo, form, _ = asked(demo, visit)
    step = follow(visit, demo.runs.start(visit.page, "truth"))
    given = (visit["label_map"], visit["classes"], visit["ignore"])
    result, scores, labels = measure(demo.service, photo, form, *given, step)
    classes = result.right.classes
    shown = overlay(photo, labels, truth_colors(classes), 0.62)
    text = f"The photo with the true classes: {', '.join(classes)}."
    return {
        "truth_shown": picture_html(shown, "Ground truth", text),
        "truth_table": report(result, *scores),
    }


def _connect(demo: Demo, board: Board) -> None:
    """The tab measures the page's photo with the page's controls."""
    given, results = ("label_map", "classes", "ignore"), ("truth_shown", "truth_table")

    def choose(visit: Visit) -> Changes:
        # The whole page turns to the photo, as if its thumbnail had been pressed.
        name = visit["shipped"] or ""
        found = shipped_truths().get(name)
        if found is None:
            return {}
        chosen = (str(found.label_map), found.classes, found.ignore)
        return show(demo, visit.page, name) | dict(zip(given, chosen, strict=True))

    def measure_on(event: Any) -> None:
        board.on(
            event,
            lambda visit: truth(demo, visit),
            (*given, *ASKED),
            results,
            show_progress="full",
            concurrency_limit=4,
        )

    measure_on(board["measure"].click)
    chosen = board.on(board["shipped"].input, choose, ["shipped"], [*VIEW, *given])
    show_link(board, chosen)
    measure_on(chosen.success)
    # Another photo: what was measured is no longer about what is shown.
    stale = {"shipped": None, "label_map": None, "truth_table": "", "truth_shown": ""}
    others = [board["photo"].upload, board["strip"].select]
    board.on(others, lambda visit: stale, (), list(stale))
    connect_scores(board)


TAB = Tab("truth", "Ground truth", _build, _connect)
