"""The widgets of the left column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import gradio as gr

from glaclip.methods import baseline_title
from glaclip.settings import CAPTIONS
from glaclip.ui.example_strip import ExampleStrip
from glaclip.ui.examples import examples, thumbnail
from glaclip.ui.form import LABELS, RANGES, Form, ladder_name
from glaclip.ui.photo_input import PhotoInput
from glaclip.ui.service import SWITCHES_OFF
from glaclip.vocabulary import load_preset, preset_names

SWITCH_HELP = {
    "cross_window": "Every patch may look at the patches of all windows, not just its own.",
    "proxy_anchors": "A patch asks with the average of the patches like it, from all windows.",
    "dynamic_normalization": "Small objects get sharper attention, large ones broader attention.",
}
KEY_SOURCES = {
    "": "The backbone's own",
    "vfm": "Vision model (ProxyCLIP)",
    "clearclip": "CLIP's queries (ClearCLIP)",
    "sclip": "CLIP's queries and keys (SCLIP)",
    "coarse": "Coarse grid (quick)",
}


@dataclass
class Controls:
    """The widgets; `form` are those that `Form.of` reads, in its order."""

    photo: Any
    strip: Any
    preset: Any
    ladder: Any
    run: Any
    stop: Any
    reset: Any
    form: dict[str, Any]

    @property
    def inputs(self) -> list[Any]:
        """Widgets in the order of `Form`'s fields."""
        return [self.form[field.name] for field in fields(Form)]


def baseline_choices(baselines: Sequence[str]) -> list[tuple[str, str]]:
    """(label, value) of the left sides a backbone offers."""
    return [("All three switches off", SWITCHES_OFF)] + [
        (baseline_title(name), name) for name in baselines
    ]


def key_choices(sources: Sequence[str]) -> list[tuple[str, str]]:
    """(label, value) of the key sources a backbone offers."""
    return [(KEY_SOURCES[""], ""), *((KEY_SOURCES.get(s, s), s) for s in sources[1:])]


def _preset_choices() -> list[tuple[str, str]]:
    return [(load_preset(name).title, name) for name in preset_names()]


def build_controls(
    start: Form,
    backbones: list[tuple[str, str]],
    baselines: Sequence[str],
    key_sources: Sequence[str],
) -> Controls:
    """Builds the column.

    Args:
        start: values of a fresh page.
        backbones: (label, registry name) of the choices.
        baselines: the starting backbone's.
        key_sources: the starting backbone's.
    """
    first = examples()[0]
    form: dict[str, Any] = {}
    gr.Markdown("## Photo", elem_classes="group-title")
    strip = ExampleStrip(
        {"chosen": first.name},
        items=[
            {"name": e.name, "title": e.title, "alt": e.alt, "image": thumbnail(e.name)}
            for e in examples()
        ],
        elem_id="examples",
    )
    photo = PhotoInput(
        value=str(first.path),
        type="filepath",
        format="png",
        sources=["upload", "clipboard"],
        label="Your photo",
        height=210,
        elem_id="photo",
        buttons=["fullscreen"],
    )
    gr.Markdown("## Words", elem_classes="group-title")
    form["words"] = gr.Dropdown(
        choices=list(start.words),
        value=list(start.words),
        multiselect=True,
        allow_custom_value=True,
        label="What may be in the photo",
        info="Enter or a comma ends a word; `;` joins synonyms; a pasted list is split.",
        elem_id="words",
    )
    preset = gr.Dropdown(
        choices=_preset_choices(),
        value=None,
        label="Use a ready list",
        elem_id="preset",
    )
    form["background"] = gr.Checkbox(
        start.background,
        label="Background",
        info="Parts that none of the words fit get no word.",
        elem_id="background",
    )
    with gr.Accordion("Background settings", open=False):
        form["background_words"] = gr.Textbox(
            start.background_words,
            label=LABELS["background_words"],
            placeholder="wall, floor, street … (a general list when empty)",
            max_length=2000,
            elem_id="background-words",
        )
        low, high, step = RANGES["background_threshold"]
        form["background_threshold"] = gr.Slider(
            low,
            high,
            start.background_threshold,
            step=step,
            label=LABELS["background_threshold"],
            elem_id="background-threshold",
        )
    gr.Markdown("## GLA-CLIP", elem_classes="group-title")
    ladder = gr.Radio(
        list(CAPTIONS),
        value=ladder_name(start),
        label="Step through the method",
        elem_id="ladder",
    )
    with gr.Column(elem_id="switches"):
        for name, text in SWITCH_HELP.items():
            form[name] = gr.Checkbox(
                getattr(start, name),
                label=LABELS[name],
                info=text,
                elem_id=name.replace("_", "-"),
            )
    with gr.Row():
        run = gr.Button("Segment", variant="primary", elem_id="segment", min_width=120)
        stop = gr.Button("Stop", elem_id="stop", min_width=80)
    reset = _build_advanced(start, backbones, baselines, key_sources, form)
    return Controls(photo, strip, preset, ladder, run, stop, reset, form)


def _build_advanced(
    start: Form,
    backbones: list[tuple[str, str]],
    baselines: Sequence[str],
    key_sources: Sequence[str],
    form: dict[str, Any],
) -> gr.Button:
    with gr.Accordion("Advanced", open=False, elem_id="advanced"):
        form["backbone"] = gr.Dropdown(
            backbones, value=start.backbone, label=LABELS["backbone"], elem_id="backbone"
        )
        form["baseline"] = gr.Dropdown(
            baseline_choices(baselines),
            value=start.baseline,
            label=LABELS["baseline"],
            elem_id="baseline",
        )
        form["key_source"] = gr.Dropdown(
            key_choices(key_sources),
            value=start.key_source,
            label=LABELS["key_source"],
            elem_id="keys",
        )
        for name, text in (
            ("short_side", " of the photo (pixels)"),
            ("crop", " (pixels)"),
            ("stride", " (pixels)"),
            ("threshold", ": similarity that makes a patch count as alike"),
            ("iterations", ": anchor iterations"),
            ("shift", ": shift per logarithm of windows"),
            ("scale", ": sharpening of small sets"),
            ("beta", ": share of the mean subtracted (fixed normalization)"),
            ("gamma", ": scale (fixed normalization)"),
        ):
            low, high, step = RANGES[name]
            form[name] = gr.Slider(
                low,
                high,
                getattr(start, name),
                step=step,
                label=LABELS[name] + text,
                elem_id=name.replace("_", "-"),
            )
        return gr.Button("Back to the backbone's settings", size="sm", elem_id="reset")
