"""The tab that takes the photo apart: windows, top patches, attention over the whole photo."""

from __future__ import annotations

from typing import Any

import numpy as np

from glaclip.pictures.charts import mass_by_distance_chart, set_size_histogram
from glaclip.pictures.numbers import percent
from glaclip.serving.estimate import Estimate, ExpensiveError
from glaclip.settings import CAPTIONS
from glaclip.ui.board import Board, Changes, Event
from glaclip.ui.demo import ASKED, Demo, asked, follow, point_in
from glaclip.ui.gradio.quick import gr
from glaclip.ui.refusals import refusals_as_toasts
from glaclip.ui.tabs.tab import Tab, due
from glaclip.ui.viewers.figures import chart_html
from glaclip.ui.viewers.filmstrip import filmstrip, top_patches
from glaclip.ui.viewers.key_strip import key_strip

CHARTS = ("by_distance", "set_sizes", "charts_note")


def _build(board: Board, first: Changes) -> None:
    gr.Markdown(
        "Each window by itself: its part of the photo, what it says alone, what it says with the "
        "switches as set but before windows are averaged, and the attention it receives.",
        elem_classes="hint",
    )
    films = gr.HTML("", elem_id="films")
    gr.Markdown("## Keys as colors", elem_classes="group-title")
    gr.Markdown(
        "The first three principal components of all windows' keys as red, green and blue: what "
        "has one color attends to each other.",
        elem_classes="hint",
    )
    keys = gr.HTML("", elem_id="keys")
    gr.Markdown("## Patches that receive most attention", elem_classes="group-title")
    rung = gr.Radio(list(CAPTIONS), value=CAPTIONS[-1], label="Step", elem_id="rung")
    exclude_own = gr.Checkbox(False, label="Leave the own window out", elem_id="exclude-own")
    patches = gr.HTML("", elem_id="patches")
    gr.Markdown("## Attention over the whole photo", elem_classes="group-title")
    compute = gr.Button("Average over every patch", size="sm", elem_id="compute-charts")
    note = gr.HTML("", elem_id="charts-note")
    with gr.Row(elem_id="charts"):
        charts = [gr.HTML("", elem_id=name) for name in ("by-distance", "set-sizes")]
    board.add(rung=rung, exclude_own=exclude_own, films=films, patches=patches, compute=compute)
    board.add(keys=keys)
    board.add(**dict(zip(CHARTS, (*charts, note), strict=True)))


@refusals_as_toasts()
def windows(demo: Demo, event: Event) -> Changes:
    """Every window by itself, and the patches that receive most attention."""
    photo, _, request = asked(demo, event)
    step = follow(event, demo.runs.start(event.page, "windows"))
    point = point_in(event, photo.image)
    try:
        result = demo.service.answer(photo, request, point, step, unless=Estimate.check_cheap)
    except ExpensiveError as error:
        # Opening a tab is no wish for minutes of work.
        return {"films": f"<p>{error}</p>", "patches": "", "keys": ""}
    maps, rung, alone = result.maps, CAPTIONS.index(event["rung"]), event["exclude_own"]
    patches = "<p>Choose a point in Compare first.</p>"
    if maps:
        patches = top_patches(photo.image, result, maps, exclude_own=alone, rung=rung)
    keys = key_strip(demo.service.key_colors(photo, request, step), result.encoded.photo_size)
    return {"films": filmstrip(photo.image, result, maps), "patches": patches, "keys": keys}


@refusals_as_toasts()
def charts(demo: Demo, event: Event) -> Changes:
    """Attention over the whole photo: mass by distance, histogram of |P|."""
    photo, _, request = asked(demo, event)
    step = follow(event, demo.runs.start(event.page, "charts"))
    summaries = demo.service.summaries(photo, request, step)
    distances, masses = summaries[0].distances, [s.mass_by_distance for s in summaries]
    sizes = np.asarray(summaries[-1].set_sizes)
    own = ", ".join(
        f"{name} {percent(summary.own_mass)}"
        for name, summary in zip(CAPTIONS, summaries, strict=True)
    )
    return {
        "by_distance": chart_html(
            lambda theme: mass_by_distance_chart(distances, masses, theme=theme),
            "Attention by distance from the own window",
            f"Share of attention inside the own window: {own}.",
            "attention-by-distance",
        ),
        "set_sizes": chart_html(
            lambda theme: set_size_histogram(sizes, theme=theme),
            "How many patches are alike",
            f"Histogram of |P| over all patches; median {np.median(sizes):.0f}.",
            "similar-patches",
        ),
        "charts_note": f"<p>Average attention inside the own window: {own}. With context on, the "
        f"own window has {percent(summaries[-1].own_share)} of the visible tokens.</p>",
    }


def _connect(demo: Demo, board: Board) -> None:
    """The tab follows every new result while it is open."""

    def show(event: Event) -> Changes:
        return windows(demo, event) if event["tab"] == TAB.id else {}

    # In the page's own bar: one over each of these widgets would cover their headings.
    progress: dict[str, Any] = {
        "show_progress": "minimal",
        "show_progress_on": [board["run_state"]],
    }
    for events in (due(board, TAB), [board["rung"].input, board["exclude_own"].input]):
        board.on(
            events,
            show,
            ("tab", "rung", "exclude_own", *ASKED),
            ("films", "patches", "keys"),
            trigger_mode="always_last",
            **progress,
            concurrency_limit=4,
        )
    board.on(
        board["compute"].click,
        lambda event: charts(demo, event),
        ASKED,
        CHARTS,
        **progress,
        concurrency_limit=4,
    )
    # Averages of what was shown before would look like those of the new result.
    board.in_browser(board["viewer"].shown, "() => ['', '', '']", (), CHARTS)


TAB = Tab("windows", "Windows", _build, _connect, waits=True)
