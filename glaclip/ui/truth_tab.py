"""The tab that measures both sides against a label map."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from glaclip.ui.examples import PHOTOS
from glaclip.ui.handlers import Page
from glaclip.vocabulary import ASSETS

_FOLDER = ASSETS / "ground_truth"
INTRODUCTION = """A label map gives the true class of every pixel. Drop one for the photo on the
left: an indexed or grey PNG whose pixel values count the classes from 0, in the order of the list.
BER, the boundary error rate, is the share of pixel pairs facing each other across a window edge
whose truth is the same but whose labels differ: seams, counted where there is no border."""


@dataclass(frozen=True)
class ShippedTruth:
    """A label map drawn by hand for a shipped photo."""

    title: str
    photo: Path
    label_map: Path
    classes: str
    ignore: int


@functools.cache
def shipped_truths() -> dict[str, ShippedTruth]:
    """Shipped label maps by the photo's name."""
    index = _FOLDER / "index.json"
    if not index.is_file():
        return {}
    return {
        Path(entry["photo"]).stem: ShippedTruth(
            title=Path(entry["photo"]).stem.capitalize(),
            photo=PHOTOS / entry["photo"],
            label_map=_FOLDER / entry["map"],
            classes=entry["classes"],
            ignore=int(entry["ignore"]),
        )
        for entry in json.loads(index.read_text(encoding="utf-8"))
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
    with gr.Row():
        label_map = gr.File(
            label="Label map (PNG)",
            file_types=[".png", ".gif", ".bmp", ".tif", ".tiff"],
            type="filepath",
            height=130,
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
    table = gr.HTML("", elem_id="truth-table")
    shown = gr.Image(
        label="Ground truth", format="jpeg", interactive=False, elem_id="truth-shown", buttons=[]
    )
    return TruthTab(shipped, label_map, classes, ignore, measure, shown, table)


def _choose(name: str | None) -> tuple[Any, ...]:
    truth = shipped_truths().get(name or "")
    if truth is None:
        return (gr.skip(),) * 5
    return (
        str(truth.photo),
        name,
        str(truth.label_map),
        truth.classes,
        truth.ignore,
    )


def wire_truth_tab(tab: TruthTab, page: Page, photo: Any, example: Any, inputs: list[Any]) -> None:
    """Connects the tab; `photo` and `example` are the page's."""
    private: dict[str, Any] = {"api_visibility": "private"}
    run: dict[str, Any] = {
        "fn": page.truth,
        "inputs": [photo, tab.label_map, tab.classes, tab.ignore, *inputs],
        "outputs": [tab.shown, tab.table],
        "concurrency_limit": 4,
        **private,
    }
    tab.measure.click(**run)
    tab.shipped.input(
        _choose,
        tab.shipped,
        [photo, example, tab.label_map, tab.classes, tab.ignore],
        show_progress="hidden",
        **private,
    ).success(**run)
