"""The page: widgets and what happens when they are used."""

from __future__ import annotations

import logging
from pathlib import Path

import gradio as gr

from glaclip.backbones.base import Backbone, BackboneError
from glaclip.ui.api import build_api
from glaclip.ui.attention_viewer import AttentionViewer
from glaclip.ui.controls import build_controls
from glaclip.ui.examples import example_form, examples, precomputed
from glaclip.ui.form import Form, to_link
from glaclip.ui.handlers import Page, first_values
from glaclip.ui.lessons.book import learn_tab
from glaclip.ui.service import Service
from glaclip.ui.truth_tab import build_truth_tab, wire_truth_tab
from glaclip.ui.viewer import LinkedViewer
from glaclip.ui.windows_tab import build_windows_tab, wire_windows_tab
from glaclip.ui.wiring import Outputs, Wiring

_LOG = logging.getLogger(__name__)
CSS = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
TITLE = "GLA-CLIP demo"
MASTHEAD = """<header id="masthead"><h1>GLA-CLIP: segment a photo with your own words</h1>
<p>CLIP sees a photo through small windows; alone, they leave seams and contradictions. GLA-CLIP
lets every patch look across them all
(<a href="https://arxiv.org/abs/2603.23030" target="_blank" rel="noopener">Lee et al., CVPR
2026</a>).</p><a class="jump" href="#controls">Choose photo and words</a></header>"""
SMALL_PRINT = """Everything on this page is computed on the server that runs it; it deletes uploaded
photos after about a day. Words decide the result: every pixel gets one of them, right or wrong,
unless the background is switched on. Attention shows where a weight goes, not why a label was
chosen."""
EMPTY_ATTENTION = "Click a point of the photo in Compare to see where its attention goes."


def build_page(service: Service, backbones: list[tuple[str, str]] | None = None) -> gr.Blocks:
    """Builds the demo.

    Args:
        service: the backbones that all visitors share.
        backbones: (label, registry name) of the choices; "auto" alone when left out.
    """
    try:
        backbone: Backbone | None = service.segmenter("auto").backbone
    except BackboneError:
        # The page must come up and say what is missing when it is used.
        _LOG.exception("no backbone can start")
        backbone = None
    start = Form()
    if backbone is not None:
        start = start.with_defaults(backbone.default_attention, backbone.default_windows)
    choices = backbones or [("Automatic", "auto")]
    page = Page(service, start, tuple(name for _, name in choices))
    first = examples()[0]
    first_form = example_form(start, first)
    shown = first_values(first, precomputed(first.name))

    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(3600, 86400)) as demo:
        gr.HTML(MASTHEAD)
        point = gr.State(first.point)
        example = gr.State(first.name)
        with gr.Row(elem_id="layout"):
            with gr.Column(elem_id="controls"):
                controls = build_controls(
                    first_form,
                    choices,
                    backbone.baselines if backbone else (),
                    backbone.key_sources if backbone else ("",),
                )
            with gr.Column(elem_id="results"):
                status = gr.HTML(shown[1], elem_id="status")
                with gr.Tabs(elem_id="tabs") as tabs:
                    with gr.Tab("Compare", id="compare"):
                        viewer = LinkedViewer(shown[0], elem_id="viewer")
                        readout = gr.HTML(shown[3], elem_id="readout")
                    with gr.Tab("Attention", id="attention"):
                        attention = AttentionViewer(
                            shown[2], empty=EMPTY_ATTENTION, elem_id="attention-viewer"
                        )
                        with gr.Row(elem_id="point-fields"):
                            x = gr.Number(
                                first.point[0], label="x (pixels)", precision=0, elem_id="point-x"
                            )
                            y = gr.Number(
                                first.point[1], label="y (pixels)", precision=0, elem_id="point-y"
                            )
                    with gr.Tab("Windows", id="windows"):
                        windows_tab = build_windows_tab()
                    with gr.Tab("Learn", id="learn"):
                        lessons = learn_tab()
                    with gr.Tab("Ground truth", id="truth"):
                        truth_tab = build_truth_tab()
                with gr.Row(elem_id="actions"):
                    copy = gr.Button("Copy link to this view", size="sm", elem_id="copy-link")
                    download = gr.Button("Download everything", size="sm", elem_id="download")
                    file = gr.DownloadButton(elem_id="result-file", visible="hidden")
                gr.Markdown(SMALL_PRINT, elem_classes="small-print")
        link = gr.Textbox(to_link(first_form, start, first.name), visible="hidden", elem_id="link")
        outputs = Outputs(
            viewer=viewer,
            status=status,
            attention=attention,
            readout=readout,
            link=link,
            known_words=gr.State(list(first_form.words)),
            edited=gr.State(None),
            point=point,
            asked=gr.State(None),
            example=example,
            accepted=gr.State(None),
            x=x,
            y=y,
            opened=gr.State(False),
            copy=copy,
            download=download,
            file=file,
            tabs=tabs,
            lessons=lessons,
        )
        wiring = Wiring(page, controls, outputs)
        wiring.connect(demo)
        wire_windows_tab(windows_tab, page, wiring)
        wire_truth_tab(truth_tab, page, wiring)
        build_api(page)
    return demo.queue(max_size=64)
