"""The tab that takes the photo apart: windows, top patches, attention over the whole photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from glaclip.settings import LADDER_NAMES
from glaclip.ui.handlers import Page


@dataclass
class WindowsTab:
    """Widgets that the page connects."""

    refresh: Any
    rung: Any
    exclude_own: Any
    films: Any
    patches: Any
    compute: Any
    by_distance: Any
    set_sizes: Any
    note: Any


def build_windows_tab() -> WindowsTab:
    """Builds the tab's content."""
    gr.Markdown(
        "Each window by itself: its part of the photo, what it says alone, what it says with the "
        "switches as set but before windows are averaged, and the attention it receives.",
        elem_classes="hint",
    )
    refresh = gr.Button("Show the windows", size="sm", elem_id="show-windows")
    films = gr.HTML("", elem_id="films")
    gr.Markdown("## Patches that receive most attention", elem_classes="group-title")
    with gr.Row():
        rung = gr.Radio(list(LADDER_NAMES), value=LADDER_NAMES[-1], label="Step", elem_id="rung")
        exclude_own = gr.Checkbox(False, label="Leave the own window out", elem_id="exclude-own")
    patches = gr.HTML("", elem_id="patches")
    gr.Markdown("## Attention over the whole photo", elem_classes="group-title")
    compute = gr.Button("Average over every patch", size="sm", elem_id="compute-charts")
    note = gr.HTML("", elem_id="charts-note")
    with gr.Row(elem_id="charts"):
        by_distance = gr.Image(
            label="Attention by distance from the own window",
            format="png",
            interactive=False,
            elem_id="by-distance",
            buttons=["download"],
        )
        set_sizes = gr.Image(
            label="How many patches are alike",
            format="png",
            interactive=False,
            elem_id="set-sizes",
            buttons=["download"],
        )
    return WindowsTab(
        refresh, rung, exclude_own, films, patches, compute, by_distance, set_sizes, note
    )


def wire_windows_tab(
    tab: WindowsTab, page: Page, selected: Any, photo: Any, point: Any, inputs: list[Any]
) -> None:
    """Connects the tab; `selected` is the event of its being opened."""
    private: dict[str, Any] = {"api_visibility": "private", "concurrency_limit": 4}
    gr.on(
        [selected, tab.refresh.click, tab.rung.input, tab.exclude_own.input],
        page.windows,
        [photo, point, tab.rung, tab.exclude_own, *inputs],
        [tab.films, tab.patches],
        trigger_mode="always_last",
        **private,
    )
    tab.compute.click(
        page.charts, [photo, *inputs], [tab.by_distance, tab.set_sizes, tab.note], **private
    )
