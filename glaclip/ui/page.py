"""The page: widgets and what happens when they are used."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from glaclip.backbones.base import Backbone, BackboneError
from glaclip.photo import PhotoError
from glaclip.settings import LADDER_NAMES, SettingsError
from glaclip.ui import answers
from glaclip.ui.attention_value import attention_value
from glaclip.ui.attention_viewer import AttentionViewer
from glaclip.ui.controls import (
    BASELINES,
    Controls,
    baseline_choices,
    build_controls,
    key_choices,
)
from glaclip.ui.examples import Example, examples, find, precomputed
from glaclip.ui.form import (
    Form,
    from_link,
    ladder_name,
    ladder_switches,
    split_words,
    to_link,
)
from glaclip.ui.photo_input import accept, read
from glaclip.ui.service import (
    CHEAP_WINDOWS,
    Comparison,
    Request,
    Runs,
    Service,
    StoppedError,
    window_count,
)
from glaclip.ui.viewer import LinkedViewer
from glaclip.ui.viewer_value import viewer_value
from glaclip.vocabulary import VocabularyError, load_preset

_LOG = logging.getLogger(__name__)
CSS = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
TITLE = "GLA-CLIP demo"
MASTHEAD = """<header id="masthead"><h1>GLA-CLIP: segment a photo with your own words</h1>
<p>CLIP sees a photo through small windows. Handled one by one they leave seams and contradictions;
GLA-CLIP lets every patch look across all windows. Left: each window alone. Right: GLA-CLIP
(<a href="https://arxiv.org/abs/2603.23030" target="_blank" rel="noopener">Lee et al., CVPR
2026</a>).</p></header>"""
SMALL_PRINT = """Everything on this page is computed on the server that runs it; photos are not kept
after the page is closed. Words decide the result: every pixel gets one of them, right or wrong,
unless the background is switched on. Attention shows where a weight goes, not why a label was
chosen."""
EMPTY_ATTENTION = "Click a point of the photo in Compare to see where its attention goes."
STEPS = {
    "waiting": "Waiting for another run",
    "encode": "Encoding windows",
    "words": "Reading words",
    "attention": "Attention over windows",
    "labels": "Labels",
}
_REFUSALS = (PhotoError, VocabularyError, SettingsError, BackboneError, gr.Error)
_REPLACE_STATE = """(query) => {
  const url = new URL(window.location);
  url.search = query;
  window.history.replaceState({}, '', url);
  return [];
}"""
_COPY_LINK = """(query) => {
  const url = new URL(window.location);
  url.search = query;
  navigator.clipboard?.writeText(url.toString());
  window.history.replaceState({}, '', url);
  return [];
}"""


def _sentence(error: Exception) -> str:
    return str(error.message) if isinstance(error, gr.Error) else str(error)


def right_title(form: Form) -> str:
    """What the right side shows."""
    rung = ladder_name(form)
    if rung == LADDER_NAMES[-1]:
        return "GLA-CLIP"
    if rung == LADDER_NAMES[0]:
        return "All switches off"
    parts = [
        name
        for name, on in (
            ("context", form.cross_window),
            ("anchors", form.proxy_anchors),
            ("normalization", form.dynamic_normalization),
        )
        if on
    ]
    return "GLA-CLIP with " + " and ".join(parts) + " only"


def left_title(form: Form) -> str:
    """What the left side shows."""
    return "Each window alone" if form.baseline == "off" else BASELINES[form.baseline]


def compare_value(
    photo: Image.Image, form: Form, result: Comparison, point: tuple[int, int] | None
) -> dict[str, Any]:
    """Value of the linked viewer."""
    encoded = result.encoded
    left_note = "all three switches off" if form.baseline == "off" else "window by window"
    vocabulary = result.right.vocabulary
    return dict(
        viewer_value(
            photo,
            answers.side(left_title(form), left_note, result.left.labels, result.left_seams),
            answers.side(right_title(form), "", result.right.labels, result.right_seams),
            classes=vocabulary.names,
            background=vocabulary.background,
            windows=encoded.boxes,
            working_size=encoded.size,
            point=point,
        )
    )


class Page:
    """Handlers of one process; nothing of a visitor is kept on it."""

    def __init__(self, service: Service, start: Form) -> None:
        self.service = service
        self.start = start
        self.runs = Runs()

    def compare(
        self,
        page: gr.Request,
        photo_path: str | None,
        point: tuple[int, int] | None,
        example: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (gradio looks for it here)
        *values: Any,
    ) -> tuple[Any, ...]:
        """Runs both sides: viewer, status, attention, readout, link."""
        check = self.runs.start(page.session_hash or "")

        def step(name: str, done: int, total: int) -> None:
            check()
            progress((done, total), desc=STEPS[name], unit="steps")

        nothing = (gr.skip(),) * 5
        try:
            form = Form.of(*values)
            request = form.request()
            photo = read(photo_path)
            result = self.service.compare(photo, request, step)
            point = _inside(point, photo)
            attention, readout = self._look(photo, form, request, result, point)
            check()
        except StoppedError:
            return nothing
        except _REFUSALS as error:
            return (gr.skip(), answers.problem(_sentence(error)), *nothing[2:])
        return (
            compare_value(photo, form, result, point),
            answers.status(result, self._title(form), request.vocabulary.notes),
            attention,
            readout,
            to_link(form, self.start, example, point),
        )

    def compare_if_cheap(
        self,
        page: gr.Request,
        photo_path: str | None,
        point: tuple[int, int] | None,
        example: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
        *values: Any,
    ) -> tuple[Any, ...]:
        """Runs after a change of a control, unless it would take long: then it says so."""
        try:
            form = Form.of(*values)
            photo = read(photo_path)
            windows = window_count((photo.height, photo.width), form.request().windows)
            if windows > CHEAP_WINDOWS:
                sentence = f"{windows} windows take a while here: press Segment to start."
                raise gr.Error(sentence, print_exception=False)
        except _REFUSALS as error:
            self.runs.stop(page.session_hash or "")
            return (gr.skip(), answers.problem(_sentence(error)), *(gr.skip(),) * 3)
        return self.compare(page, photo_path, point, example, progress, *values)

    def look(
        self,
        photo_path: str | None,
        point: tuple[int, int] | None,
        example: str,
        *values: Any,
    ) -> tuple[Any, ...]:
        """A point was chosen: attention, readout, link, and the number fields."""
        try:
            form = Form.of(*values)
            request = form.request()
            photo = read(photo_path)
            point = _inside(point, photo)
            if point is None:
                return (gr.skip(),) * 5
            result = self.service.compare(photo, request)
            attention, readout = self._look(photo, form, request, result, point)
        except _REFUSALS as error:
            return (gr.skip(), answers.problem(_sentence(error)), *(gr.skip(),) * 3)
        return attention, readout, to_link(form, self.start, example, point), point[0], point[1]

    def _look(
        self,
        photo: Image.Image,
        form: Form,
        request: Request,
        result: Comparison,
        point: tuple[int, int] | None,
    ) -> tuple[Any, str]:
        if point is None:
            return None, ""
        maps = self.service.attention(photo, point, request)
        return (
            dict(attention_value(photo, result.encoded, maps)),
            answers.readout(result, point, left_title(form), right_title(form)),
        )

    def _title(self, form: Form) -> str:
        return self.service.segmenter(form.backbone).backbone.title

    def backbone_changed(self, *values: Any) -> tuple[Any, ...]:
        """Another backbone brings its own settings, left sides and keys."""
        form = Form.of(*values)
        try:
            backbone = self.service.segmenter(form.backbone).backbone
        except BackboneError as error:
            gr.Warning(str(error))
            return tuple(gr.skip() for _ in values)
        form = form.with_defaults(backbone.default_attention, backbone.default_windows)
        form = dataclasses.replace(form, baseline="off", key_source="")
        updates = _updates(form)
        updates["baseline"] = gr.update(choices=baseline_choices(backbone.baselines), value="off")
        updates["key_source"] = gr.update(choices=key_choices(backbone.key_sources), value="")
        return tuple(updates.values())

    def reset(self, *values: Any) -> tuple[Any, ...]:
        """The backbone's own settings."""
        form = Form.of(*values)
        try:
            backbone = self.service.segmenter(form.backbone).backbone
        except BackboneError as error:
            gr.Warning(str(error))
            return tuple(gr.skip() for _ in values)
        form = form.with_defaults(backbone.default_attention, backbone.default_windows)
        return tuple(_updates(form).values())

    def show_example(self, name: str, page: gr.Request) -> tuple[Any, ...]:
        """A shipped photo with its shipped result."""
        self.runs.stop(page.session_hash or "")
        example = find(name) or examples()[0]
        form = example_form(self.start, example)
        shown = precomputed(example.name)
        return (
            str(example.path),
            example.name,
            example.point,
            *first_values(example, shown),
            to_link(form, self.start, example.name),
            *_updates(form).values(),
        )

    def example_chosen(self, event: gr.SelectData, page: gr.Request) -> tuple[Any, ...]:
        """A thumbnail was pressed."""
        return self.show_example(str(event.value), page)

    def stop(self, page: gr.Request) -> str:
        """Ends the page's run at its next window."""
        self.runs.stop(page.session_hash or "")
        return answers.problem("Stopped. What was there before is still shown.")

    def closed(self, page: gr.Request) -> None:
        """The page was closed: nobody waits for its run."""
        self.runs.stop(page.session_hash or "")

    def restore(self, page: gr.Request) -> tuple[Any, ...]:
        """Opens a link: shipped photo, controls, point."""
        query = dict(page.query_params) if page else {}
        known = {k: v for k, v in query.items() if not k.startswith("__")}
        if not known:
            return (gr.skip(),) * (5 + len(dataclasses.fields(Form)))
        example = find(known.get("photo", "")) or examples()[0]
        form, _, point, problems = from_link(known, example_form(self.start, example))
        if "photo" in known and find(known["photo"]) is None:
            problems.append("The link names a photo that is not shipped with this page.")
        for sentence in problems:
            gr.Warning(sentence)
        return (
            str(example.path),
            example.name,
            point,
            gr.update(value=ladder_name(form)),
            True,
            *_updates(form).values(),
        )


def _updates(form: Form) -> dict[str, Any]:
    """Widget updates by field; new words must be among a dropdown's choices."""
    updates = {field.name: getattr(form, field.name) for field in dataclasses.fields(Form)}
    updates["words"] = gr.update(choices=list(form.words), value=list(form.words))
    return updates


def _inside(point: tuple[int, int] | None, photo: Image.Image) -> tuple[int, int] | None:
    """A point moved into the photo, which may have changed since it was chosen."""
    if point is None:
        return None
    return (
        min(max(int(point[0]), 0), photo.width - 1),
        min(max(int(point[1]), 0), photo.height - 1),
    )


def example_form(start: Form, example: Example) -> Form:
    """The controls for a shipped photo: the page's defaults with its words."""
    return dataclasses.replace(start, words=tuple(split_words([example.vocabulary])))


def first_values(example: Example, shown: dict[str, Any] | None) -> tuple[Any, ...]:
    """Viewer, status and attention of a shipped result; empty ones when it was not built."""
    look = f"<p class='look'>{example.look}</p>"
    if shown is None:
        return None, look, None, ""
    note = f"<p class='line'><span>Shipped result. {shown['status']}</span></p>"
    return shown["compare"], look + note, shown["attention"], shown.get("readout", "")


def _words_changed(tags: list[str]) -> Any:
    words = split_words(tags or [])
    return gr.skip() if words == tags else gr.update(choices=words, value=words)


def _preset_chosen(name: str | None) -> tuple[Any, ...]:
    if not name:
        return (gr.skip(),) * 4
    vocabulary = load_preset(name).vocabulary
    words = [
        "; ".join(entry.prompts)
        for index, entry in enumerate(vocabulary.classes)
        if index != vocabulary.background
    ]
    if vocabulary.background is None:
        return gr.update(choices=words, value=words), False, "", gr.skip()
    background = ", ".join(vocabulary.classes[vocabulary.background].prompts[1:])
    return (
        gr.update(choices=words, value=words),
        True,
        background,
        vocabulary.background_threshold,
    )


def build_page(
    load: Callable[[str], Backbone], backbones: list[tuple[str, str]] | None = None
) -> gr.Blocks:
    """Builds the demo.

    Args:
        load: makes a backbone by registry name.
        backbones: (label, registry name) of the choices; "auto" alone when left out.
    """
    service = Service(load)
    try:
        backbone: Backbone | None = service.segmenter("auto").backbone
    except BackboneError:
        # The page must come up and say what is missing when it is used.
        _LOG.exception("no backbone can start")
        backbone = None
    start = Form()
    if backbone is not None:
        start = start.with_defaults(backbone.default_attention, backbone.default_windows)
    page = Page(service, start)
    first = examples()[0]
    first_form = example_form(start, first)
    shown = first_values(first, precomputed(first.name))

    with gr.Blocks(title=TITLE, analytics_enabled=False) as demo:
        gr.HTML(MASTHEAD)
        point = gr.State(first.point)
        example = gr.State(first.name)
        with gr.Row(elem_id="layout"):
            with gr.Column(elem_id="controls"):
                controls = build_controls(first_form, backbones or [("Automatic", "auto")])
                if backbone is not None:
                    controls.form["baseline"].choices = baseline_choices(backbone.baselines)
                    controls.form["key_source"].choices = key_choices(backbone.key_sources)
            with gr.Column(elem_id="results"):
                with gr.Tabs(elem_id="tabs"):
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
                status = gr.HTML(shown[1], elem_id="status")
                with gr.Row(elem_id="actions"):
                    copy = gr.Button("Copy link to this view", size="sm", elem_id="copy-link")
                gr.Markdown(SMALL_PRINT, elem_classes="small-print")
        link = gr.Textbox(to_link(first_form, start, first.name), visible="hidden", elem_id="link")
        opened = gr.State(False)
        _wire(
            page,
            demo,
            controls,
            _Outputs(viewer, status, attention, readout, link, point, example, x, y, opened, copy),
        )
    return demo.queue(max_size=64)


@dataclasses.dataclass
class _Outputs:
    viewer: Any
    status: Any
    attention: Any
    readout: Any
    link: Any
    point: Any
    example: Any
    x: Any
    y: Any
    opened: Any
    copy: Any


def _wire(page: Page, demo: gr.Blocks, c: Controls, o: _Outputs) -> None:
    """Connects the widgets. Runs of a page supersede each other (see `Runs`)."""
    results = [o.viewer, o.status, o.attention, o.readout, o.link]
    inputs = [c.photo, o.point, o.example, *c.inputs]
    run_options: dict[str, Any] = {
        "inputs": inputs,
        "outputs": results,
        # A newer run must be able to start while an older one is still in the model.
        "trigger_mode": "multiple",
        "concurrency_limit": 16,
        "show_progress": "full",
        "show_progress_on": [o.status],
        "api_visibility": "private",
    }
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

    def show(event: Any) -> None:
        event.success(None, [o.link], None, js=_REPLACE_STATE, api_visibility="private")

    def run_after(event: Any) -> None:
        show(event.then(page.compare_if_cheap, **run_options))

    show(c.run.click(page.compare, **run_options))
    c.stop.click(page.stop, None, o.status, **private)

    form = c.form
    switches = [form[name] for name in ("cross_window", "proxy_anchors", "dynamic_normalization")]
    for switch in switches:
        run_after(switch.input(_ladder_of, switches, c.ladder, **private))
    run_after(c.ladder.input(ladder_switches, c.ladder, switches, **private))
    run_after(form["words"].input(_words_changed, form["words"], form["words"], **private))
    background = [
        form[name] for name in ("words", "background", "background_words", "background_threshold")
    ]
    run_after(c.preset.input(_preset_chosen, c.preset, background, **private))
    show(
        gr.on(
            [form["background"].input, form["background_words"].submit],
            page.compare_if_cheap,
            **run_options,
        )
    )
    sliders = [
        "background_threshold",
        "short_side",
        "crop",
        "stride",
        "threshold",
        "iterations",
        "shift",
        "scale",
        "beta",
        "gamma",
    ]
    show(gr.on([form[name].release for name in sliders], page.compare_if_cheap, **run_options))
    show(
        gr.on(
            [form[n].input for n in ("baseline", "key_source")],
            page.compare_if_cheap,
            **run_options,
        )
    )
    run_after(form["backbone"].input(page.backbone_changed, c.inputs, c.inputs, **private))
    run_after(c.reset.click(page.reset, c.inputs, c.inputs, **private))

    c.strip.select(
        page.example_chosen,
        None,
        [
            c.photo,
            o.example,
            o.point,
            o.viewer,
            o.status,
            o.attention,
            o.readout,
            o.link,
            *c.inputs,
        ],
        trigger_mode="multiple",
        **private,
    ).then(_ladder_of, switches, c.ladder, **private).success(
        None, [o.link], None, js=_REPLACE_STATE, api_visibility="private"
    )
    uploaded = c.photo.upload(accept, c.photo, c.photo, **private)
    uploaded.failure(lambda: None, None, c.photo, **private)
    fresh = uploaded.success(
        lambda: (None, "", None, ""), None, [o.point, o.example, o.attention, o.readout], **private
    )
    run_after(fresh)

    for picked in (o.viewer, o.attention):
        picked.select(
            _picked, None, o.point, trigger_mode="multiple", concurrency_limit=None, **private
        )
    gr.on(
        [o.x.submit, o.y.submit, o.x.blur, o.y.blur],
        _typed,
        [o.x, o.y, o.point],
        o.point,
        **private,
    )
    looked = o.point.change(
        page.look,
        inputs,
        [o.attention, o.readout, o.link, o.x, o.y],
        trigger_mode="always_last",
        concurrency_limit=16,
        **private,
    )
    show(looked)
    o.copy.click(None, [o.link], None, js=_COPY_LINK, api_visibility="private").success(
        lambda: gr.Info("The link is in the address bar and on the clipboard."), **private
    )
    demo.load(
        page.restore,
        None,
        [c.photo, o.example, o.point, c.ladder, o.opened, *c.inputs],
        **private,
    )
    o.opened.change(page.compare_if_cheap, **run_options)
    demo.unload(page.closed)


def _ladder_of(*switches: bool) -> Any:
    return ladder_name(
        Form(cross_window=switches[0], proxy_anchors=switches[1], dynamic_normalization=switches[2])
    )


def _picked(event: gr.SelectData) -> tuple[int, int]:
    return int(event.index[0]), int(event.index[1])


def _typed(x: float | None, y: float | None, point: tuple[int, int] | None) -> Any:
    if x is None or y is None or point == (int(x), int(y)):
        return gr.skip()
    return int(x), int(y)
