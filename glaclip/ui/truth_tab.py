"""The tab that measures both sides against a label map."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from glaclip.ui.examples import find
from glaclip.ui.handlers import Page
from glaclip.ui.wiring import Wiring
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


@dataclass
class TruthTab:
    """Widgets that the page connects."""

    shipped: Any
    label_map: Any
    classes: Any
    ignore: Any
    measure: Any
    shown: Any
    table: Any


def build_truth_tab() -> TruthTab:
    """Builds the tab's content."""
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
    measure = gr.Button("Measure both sides", variant="primary", elem_id="measure")
    with gr.Row(elem_id="truth-result"):
        with gr.Column(min_width=300):
            table = gr.HTML("", elem_id="truth-table")
        with gr.Column(min_width=300):
            shown = gr.HTML("", elem_id="truth-shown")
    return TruthTab(shipped, label_map, classes, ignore, measure, shown, table)


def wire_truth_tab(tab: TruthTab, page: Page, wiring: Wiring) -> None:
    """Connects the tab to the page's photo and controls."""
    private: dict[str, Any] = {"api_visibility": "private"}
    controls, outputs = wiring.controls, wiring.outputs
    everything = outputs.everything(controls)
    run: dict[str, Any] = {
        "fn": page.truth,
        "inputs": [controls.photo, tab.label_map, tab.classes, tab.ignore, *controls.inputs],
        "outputs": [tab.shown, tab.table],
        "concurrency_limit": 4,
        **private,
    }

    def choose(name: str | None, request: gr.Request) -> tuple[Any, ...]:
        # The whole page turns to the photo, as if its thumbnail had been pressed.
        truth = shipped_truths().get(name or "")
        if name is None or truth is None:
            return (gr.skip(),) * (len(everything) + 3)
        shown = page.show_example(name, request)
        return *shown, str(truth.label_map), truth.classes, truth.ignore

    tab.measure.click(**run)
    chosen = tab.shipped.input(
        choose,
        tab.shipped,
        [*everything, tab.label_map, tab.classes, tab.ignore],
        show_progress="hidden",
        **private,
    )
    wiring.show_link(chosen)
    chosen.success(**run)
    # Another photo: what was measured is no longer about what is shown.
    gr.on(
        [controls.photo.upload, controls.strip.select],
        lambda: (None, None, "", ""),
        None,
        [tab.shipped, tab.label_map, tab.table, tab.shown],
        show_progress="hidden",
        **private,
    )
