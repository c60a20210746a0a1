"""The widgets of the left column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from glaclip.backbones.base import Backbone
from glaclip.methods import baseline_title, method_title
from glaclip.segmenter import Method
from glaclip.settings import CAPTIONS, STAGES, AttentionSettings
from glaclip.ui.board import Board
from glaclip.ui.example_strip import ExampleStrip
from glaclip.ui.examples import examples, thumbnail
from glaclip.ui.form import LABELS, RANGES, Form, ladder_name
from glaclip.ui.photo_input import PhotoInput
from glaclip.ui.service import SWITCHES_OFF
from glaclip.vocabulary import load_preset, preset_names

KEY_SOURCES = {
    "": "The backbone's own",
    "vfm": "Vision model (ProxyCLIP)",
    "clearclip": "CLIP's queries (ClearCLIP)",
    "sclip": "CLIP's queries and keys (SCLIP)",
    "coarse": "Coarse grid (quick)",
}


#: What the label of a slider says after the setting's name.
SLIDERS = {
    "short_side": " of the photo (pixels)",
    "crop": " (pixels)",
    "stride": " (pixels)",
    "threshold": ": similarity that makes a patch count as alike",
    "iterations": ": anchor iterations",
    "shift": ": shift per logarithm of windows",
    "scale": ": sharpening of small sets",
    "beta": ": share of the mean subtracted (fixed normalization)",
    "gamma": ": scale (fixed normalization)",
}
#: (label, value) of a dropdown's choices.
Choices = list[tuple[str, str]]


def choices_of(backbone: Backbone | None) -> dict[str, Choices]:
    """Left sides and key sources that a backbone offers, by the control's name."""
    baselines = backbone.baselines if backbone else ()
    sources = backbone.key_sources[1:] if backbone else ()
    alone = method_title(Method(AttentionSettings().off()))
    return {
        "baseline": [(alone, SWITCHES_OFF), *((baseline_title(name), name) for name in baselines)],
        "key_source": [(KEY_SOURCES.get(name, name), name) for name in ("", *sources)],
    }


def _preset_choices() -> list[tuple[str, str]]:
    return [(load_preset(name).title, name) for name in preset_names()]


def build_controls(
    board: Board, start: Form, backbones: Choices, backbone: Backbone | None
) -> None:
    """Builds the column and puts its widgets on the board.

    Args:
        board: the page's.
        start: values of a fresh page.
        backbones: (label, registry name) of the choices.
        backbone: what the page starts with; None when none can start.
    """
    first, form = examples()[0], {}
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
        for stage in STAGES:
            form[stage.field] = gr.Checkbox(
                getattr(start.attention, stage.field),
                label=stage.title,
                info=stage.help,
                elem_id=stage.field.replace("_", "-"),
            )
    with gr.Row():
        run = gr.Button("Segment", variant="primary", elem_id="segment", min_width=120)
        stop = gr.Button("Stop", elem_id="stop", min_width=80)
    form |= _build_advanced(start, {"backbone": backbones, **choices_of(backbone)})
    board.add(photo=photo, strip=strip, preset=preset, ladder=ladder, run=run, stop=stop, **form)


def _build_advanced(start: Form, choices: Mapping[str, Choices]) -> dict[str, Any]:
    widgets: dict[str, Any] = {}
    values = start.values
    with gr.Accordion("Advanced", open=False, elem_id="advanced"):
        for name, offered in choices.items():
            widgets[name] = gr.Dropdown(
                offered, value=values[name], label=LABELS[name], elem_id=name.replace("_", "-")
            )
        for name, text in SLIDERS.items():
            low, high, step = RANGES[name]
            widgets[name] = gr.Slider(
                low,
                high,
                values[name],
                step=step,
                label=LABELS[name] + text,
                elem_id=name.replace("_", "-"),
            )
        widgets["reset"] = gr.Button("Back to the backbone's settings", size="sm", elem_id="reset")
    return widgets
