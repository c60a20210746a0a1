"""The tab that takes the photo apart: windows, top patches, attention over the whole photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from glaclip.settings import CAPTIONS
from glaclip.ui.handlers import Page
from glaclip.ui.wiring import Wiring


@dataclass
class WindowsTab:
    """Widgets that the page connects."""

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
    films = gr.HTML("", elem_id="films")
    gr.Markdown("## Patches that receive most attention", elem_classes="group-title")
    rung = gr.Radio(list(CAPTIONS), value=CAPTIONS[-1], label="Step", elem_id="rung")
    exclude_own = gr.Checkbox(False, label="Leave the own window out", elem_id="exclude-own")
    patches = gr.HTML("", elem_id="patches")
    gr.Markdown("## Attention over the whole photo", elem_classes="group-title")
    compute = gr.Button("Average over every patch", size="sm", elem_id="compute-charts")
    note = gr.HTML("", elem_id="charts-note")
    with gr.Row(elem_id="charts"):
        by_distance = gr.HTML("", elem_id="by-distance")
        set_sizes = gr.HTML("", elem_id="set-sizes")
    return WindowsTab(rung, exclude_own, films, patches, compute, by_distance, set_sizes, note)


def wire_windows_tab(tab: WindowsTab, page: Page, wiring: Wiring) -> None:
    """Connects the tab; it follows every new result while it is open."""
    private: dict[str, Any] = {"api_visibility": "private", "concurrency_limit": 4}
    controls, outputs = wiring.controls, wiring.outputs
    is_open = gr.State(False)
    gr.on(
        [outputs.tabs.select],
        _is_open,
        None,
        is_open,
        show_progress="hidden",
        trigger_mode="multiple",
        **private,
    )

    def show(visible: bool, *values: Any) -> tuple[Any, Any]:
        return page.windows(*values) if visible else (gr.skip(), gr.skip())

    gr.on(
        [is_open.change, tab.rung.input, tab.exclude_own.input, outputs.viewer.change],
        show,
        [is_open, controls.photo, outputs.point, tab.rung, tab.exclude_own, *controls.inputs],
        [tab.films, tab.patches],
        trigger_mode="always_last",
        **private,
    )
    charts = [tab.by_distance, tab.set_sizes, tab.note]
    tab.compute.click(page.charts, [controls.photo, *controls.inputs], charts, **private)
    # Averages of what was shown before would look like those of the new result.
    outputs.viewer.change(
        lambda: ("", "", ""), None, charts, show_progress="hidden", queue=False, **private
    )


def _is_open(event: gr.SelectData) -> bool:
    return str(event.value) == "Windows"
