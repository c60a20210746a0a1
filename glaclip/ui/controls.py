"""The widgets of the left column and of the method bar."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from glaclip.backbones.base import Backbone, sees_photos
from glaclip.pictures.formats import FORMATS
from glaclip.segmenter import Method
from glaclip.segmenter.fusion import BLENDS, JOINS
from glaclip.settings import (
    BY_WINDOW,
    CAPTIONS,
    EXACT,
    FAST,
    STAGES,
    WHOLE_PHOTO,
    AttentionSettings,
)
from glaclip.ui.board import Board, Changes
from glaclip.ui.examples import examples, thumbnail
from glaclip.ui.form import LABELS, RANGES, Form, ladder_name
from glaclip.ui.gradio.quick import gr
from glaclip.ui.viewers.example_strip import ExampleStrip
from glaclip.ui.viewers.photo_input import PhotoInput
from glaclip.ui.viewers.word_chips import WordChips
from glaclip.vocabulary import load_preset, preset_names

KEY_SOURCES = {
    "": "The backbone's own",
    "vfm": "Vision model (ProxyCLIP)",
    "clearclip": "CLIP's queries (ClearCLIP)",
    "sclip": "CLIP's queries and keys (SCLIP)",
    "coarse": "Coarse grid (quick)",
}

VIEWS = {
    BY_WINDOW: "Each window",
    WHOLE_PHOTO: "Whole photo (not in paper)",
}

#: In the order of the dropdown.
PRECISION_TITLES = {FAST: "Fast (labels nearly equal)", EXACT: "Exact (float32)"}
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
PHOTO_BUTTONS = """<button type="button" data-photo="paste" title="A photo from the clipboard; \
Ctrl+V works anywhere">Paste</button>
<button type="button" data-photo="camera" title="Take a photo with the camera">Camera</button>
<span id="photo-note" role="status"></span>
<dialog id="camera" aria-label="Camera"><video autoplay playsinline muted></video>
<form method="dialog"><button value="take">Take this photo</button><button>Cancel</button></form>
</dialog>"""
#: On a phone the switches, the words and the settings are sheets that these buttons open.
SHEET_BUTTONS = "".join(
    f'<button type="button" data-sheet="{sheet}" aria-expanded="false">{title}</button>'
    for sheet, title in (
        ("switches", "Switches"),
        ("words-group", "Words"),
        ("advanced-group", "Advanced"),
    )
)
#: (label, value) of a dropdown's choices.
Choices = list[tuple[str, str]]


def choices_of(backbone: Backbone | None) -> dict[str, Choices]:
    """Left sides, key sources and views that a backbone offers, by the control's name."""
    baselines = backbone.baselines if backbone else ()
    sources = backbone.key_sources[1:] if backbone else ()
    views = list(VIEWS) if backbone and sees_photos(backbone) else [BY_WINDOW]
    usual = AttentionSettings()
    left = [Method(usual.off()), *(Method(None, baseline=name) for name in baselines)]
    fused = [*itertools.product(BLENDS, (*left[:2], Method(usual.on())))]
    fused += itertools.product(JOINS, left[:1])
    left += [replace(method, fusion=fusion) for fusion, method in fused]
    return {
        "baseline": [(method.title, method.name) for method in left],
        "key_source": [(KEY_SOURCES.get(name, name), name) for name in ("", *sources)],
        "vfm_view": [(VIEWS[name], name) for name in views],
    }


def own_choices(backbone: Backbone) -> Changes:
    """The same as new values of those controls, each at its usual choice."""
    usual = Form().values
    return {name: offering(offered, usual[name]) for name, offered in choices_of(backbone).items()}


def offering(choices: Choices, value: Any) -> Any:
    """An update of a dropdown that depends on the backbone; none is shown with one choice alone."""
    return gr.update(choices=choices, value=value, visible=len(choices) > 1)


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
    _build_photo(board)
    with gr.Column(elem_id="words-group", elem_classes="sheet"):
        _build_words(board, start)
    with gr.Column(elem_id="advanced-group", elem_classes="sheet"):
        board.add(**_build_advanced(start, {"backbone": backbones, **choices_of(backbone)}))


def _build_photo(board: Board) -> None:
    first = examples()[0]
    with gr.Column(elem_id="photo-group"):
        strip = ExampleStrip(
            {"chosen": first.name},
            items=[
                {"name": e.name, "title": e.title, "alt": e.alt, "image": thumbnail(e.name)}
                for e in examples()
            ],
            elem_id="examples",
        )
        with gr.Row(elem_id="photo-row"):
            photo = PhotoInput(
                "Upload",
                value=str(first.path),
                file_types=["image"],
                size="sm",
                min_width=0,
                elem_id="photo",
            )
            gr.HTML(PHOTO_BUTTONS, elem_id="photo-ways")
    board.add(photo=photo, strip=strip)


def _build_words(board: Board, start: Form) -> None:
    words = gr.Dropdown(
        choices=list(start.words),
        value=list(start.words),
        multiselect=True,
        allow_custom_value=True,
        label="Words: what may be in the photo",
        info="Enter or a comma ends a word; `;` joins synonyms.",
        elem_id="words",
    )
    chips = WordChips(elem_id="word-chips")
    suggest = gr.Button("Suggest words", size="sm", elem_id="suggest-words")
    preset = gr.Dropdown(
        choices=[(load_preset(name).title, name) for name in preset_names()],
        value=None,
        label="Use a ready list",
        elem_id="preset",
    )
    with gr.Column(elem_id="background-group"):
        background = gr.Checkbox(
            start.background,
            label="Background",
            info="Parts that none of the words fit get no word.",
            elem_id="background",
        )
        with gr.Accordion("Background settings", open=False):
            background_words = gr.Textbox(
                start.background_words,
                label=LABELS["background_words"],
                placeholder="wall, floor, street … (a general list when empty)",
                max_length=2000,
                elem_id="background-words",
            )
            threshold = _slider("background_threshold", start)
    board.add(
        words=words,
        chips=chips,
        suggest=suggest,
        preset=preset,
        background=background,
        background_words=background_words,
        background_threshold=threshold,
    )


def _slider(name: str, start: Form, text: str = "") -> gr.Slider:
    low, high, step = RANGES[name]
    return gr.Slider(
        low,
        high,
        start.values[name],
        step=step,
        label=LABELS[name] + text,
        elem_id=name.replace("_", "-"),
    )


def build_method_bar(board: Board, start: Form) -> None:
    """The ladder and its switches, what a run is at, and the buttons that start and end one."""
    with gr.Column(elem_id="method"):
        with gr.Row(elem_id="method-line"):
            ladder = gr.Radio(
                list(CAPTIONS),
                value=ladder_name(start),
                label="Method, step by step",
                elem_id="ladder",
            )
            gr.HTML(SHEET_BUTTONS, elem_id="sheets")
            state = gr.HTML("", elem_id="run-state")
            run = gr.Button("Segment", variant="primary", size="sm", min_width=0, elem_id="segment")
            stop = gr.Button("Stop", size="sm", min_width=0, elem_id="stop")
        with gr.Row(elem_id="switches", elem_classes="sheet"):
            switches = {
                stage.field: gr.Checkbox(
                    getattr(start.attention, stage.field),
                    label=stage.title,
                    info=stage.help,
                    elem_id=stage.field.replace("_", "-"),
                )
                for stage in STAGES
            }
    board.add(ladder=ladder, run_state=state, run=run, stop=stop, **switches)


def _build_advanced(start: Form, choices: Mapping[str, Choices]) -> dict[str, Any]:
    widgets: dict[str, Any] = {}
    values = start.values
    with gr.Accordion("Advanced", open=False, elem_id="advanced"):
        for name, offered in choices.items():
            widgets[name] = gr.Dropdown(
                offered,
                value=values[name],
                label=LABELS[name],
                visible=name == "backbone" or len(offered) > 1,
                elem_id=name.replace("_", "-"),
            )
        widgets["precision"] = gr.Dropdown(
            [(title, name) for name, title in PRECISION_TITLES.items()],
            value=values["precision"],
            label=f"{LABELS['precision']} of attention",
            elem_id="precision",
        )
        widgets |= {name: _slider(name, start, text) for name, text in SLIDERS.items()}
        widgets["formats"] = gr.Dropdown(
            [(form.title, name) for name, form in FORMATS.items()],
            multiselect=True,
            label="Formats of other tools in the download",
            elem_id="formats",
        )
        widgets["reset"] = gr.Button("Back to the backbone's settings", size="sm", elem_id="reset")
    return widgets
