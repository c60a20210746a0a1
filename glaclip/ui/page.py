"""The page: widgets and what happens when they are used."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from glaclip.backbones.base import Backbone, BackboneError
from glaclip.serving.service import Service
from glaclip.ui.actions import (
    address,
    download,
    look,
    method,
    photo,
    proposals,
    run,
    score,
    show,
    words,
)
from glaclip.ui.api import DEFAULTS, build_api
from glaclip.ui.board import Board
from glaclip.ui.controls import Choices, build_controls, build_method_bar
from glaclip.ui.demo import Demo
from glaclip.ui.examples import example_form, examples, first_values
from glaclip.ui.form import Form, to_link
from glaclip.ui.gradio.queue import queued
from glaclip.ui.gradio.quick import gr
from glaclip.ui.gradio.reasons import give_reasons
from glaclip.ui.gradio.short_calls import take_short_calls
from glaclip.ui.tabs.order import TABS

_LOG = logging.getLogger(__name__)
_HERE = Path(__file__).parent
ACTIONS = (run, method, words, proposals, photo, show, look, score, address, download)
CSS = (_HERE / "browser/style.css").read_text(encoding="utf-8")
#: Runs before Gradio's own scripts.
FRAMES = (_HERE / "gradio/frames.js").read_text(encoding="utf-8")
#: Functions of the browser that start with the page.
_SCRIPTS = [
    (_HERE / name).read_text(encoding="utf-8")
    for name in ("gradio/stream.js", "browser/page.js", "browser/photo.js", "browser/link.js")
]
#: For the scripts: titles of the tabs by id.
_TITLES = json.dumps({tab.id: tab.title for tab in TABS})
JS = f"() => {{ const TITLES = {_TITLES};" + "".join(f"({each})();" for each in _SCRIPTS) + "}"
TITLE = "GLA-CLIP demo"
MASTHEAD = """<a class="skip" href="#tabs">Skip to the pictures</a>
<button type="button" id="to-lesson" hidden></button>
<header id="masthead"><h1>GLA-CLIP: segment a photo with your own words</h1>
<p>Every patch looks across all of CLIP's windows
(<a href="https://arxiv.org/abs/2603.23030" target="_blank" rel="noopener">Lee et al., CVPR
2026</a>).</p></header>"""
SMALL_PRINT = """Everything on this page is computed on the server that runs it; it deletes uploaded
photos after about a day. Words decide the result: every pixel gets one of them, right or wrong,
unless the background is switched on. Attention shows where a weight goes, not why a label was
chosen."""


def build_page(service: Service, backbones: Choices | None = None) -> gr.Blocks:
    """Builds the demo.

    Args:
        service: the backbones that all visitors share.
        backbones: (label, registry name) of the choices; "auto" alone when left out.
    """
    give_reasons()
    backbone = _starting(service)
    start = Form().with_defaults(backbone) if backbone else Form()
    choices = backbones or [("Automatic", "auto")]
    demo = Demo(service, start, tuple(name for _, name in choices))
    with gr.Blocks(
        title=TITLE, analytics_enabled=False, delete_cache=(3600, 86400), fill_width=True
    ) as page:
        board = Board(page)
        _build(board, start, choices, backbone)
        for action in ACTIONS:
            action.connect(demo, board)
        for tab in TABS:
            tab.connect(demo, board)
        build_api(demo)
    return queued(take_short_calls(page, DEFAULTS), service.limits.queue)


def _starting(service: Service) -> Backbone | None:
    """What the page starts with; it must come up and say what is missing when it is used."""
    try:
        return service.segmenter("auto").backbone
    except BackboneError:
        _LOG.exception("no backbone can start")
        return None


def _build(board: Board, start: Form, choices: Choices, backbone: Backbone | None) -> None:
    """The widgets, with a shipped photo and its result on the first screen."""
    first = examples()[0]
    form, (x, y) = example_form(start, first), first.point
    shown = {**first_values(first), "x": x, "y": y}
    gr.HTML(MASTHEAD)
    board.add(
        quiet=gr.HTML("", visible="hidden"),
        at=gr.Number(visible="hidden"),
        held=gr.Textbox("", visible="hidden"),
        point=gr.State(first.point),
        example=gr.State(first.name),
        known_words=gr.State(list(form.words)),
        proposal=gr.Textbox("", visible="hidden"),
        unproposed=gr.State(None),  # an upload that waits for Segment, with the words of then
        pasted=gr.Textbox("", visible="hidden"),
        linked=gr.Textbox("", visible="hidden"),
        copied=gr.Textbox("", visible="hidden"),
        accepted=gr.State(None),  # the file of the last upload that could be used
        opened=gr.State(False),  # true once a link was opened
        link=gr.Textbox(to_link(form, start, first.name), visible="hidden", elem_id="link"),
        tab=gr.Textbox(TABS[0].id, visible="hidden", elem_id="tab"),
        **{tab.signal: gr.Textbox("", visible="hidden") for tab in TABS if tab.waits},
    )
    with gr.Row(elem_id="layout"):
        with gr.Column(elem_id="controls"):
            build_controls(board, form, choices, backbone)
        with gr.Column(elem_id="results"):
            with gr.Tabs(elem_id="tabs") as tabs:
                for tab in TABS:
                    with gr.Tab(tab.title, id=tab.id, elem_id=f"tab-{tab.id}") as shell:
                        tab.build(board, shown)
                    board.in_browser(shell.select, f"() => '{tab.id}'", (), ["tab"])
            build_method_bar(board, form)
            board.add(tabs=tabs, status=gr.HTML(shown["status"], elem_id="status"))
            with gr.Row(elem_id="actions"):
                board.add(
                    copy=gr.Button("Copy link to this view", size="sm", elem_id="copy-link"),
                    download=gr.Button("Download everything", size="sm", elem_id="download"),
                    file=gr.DownloadButton(elem_id="result-file", visible="hidden"),
                )
            gr.Markdown(SMALL_PRINT, elem_classes="small-print")
