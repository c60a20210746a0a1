"""Connects the widgets of the page to what they do."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import gradio as gr

from glaclip.settings import CAPTIONS
from glaclip.ui.controls import Controls
from glaclip.ui.examples import find
from glaclip.ui.form import ladder_switches, split_words
from glaclip.ui.handlers import Page
from glaclip.ui.lessons.book import view_of
from glaclip.ui.photo_input import accept
from glaclip.vocabulary import load_preset

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


# On a phone the results are above the controls, out of sight of who presses a button there.
_TO_RESULTS = """() => {
  if (matchMedia('(max-width: 900px)').matches)
    document.querySelector('#results').scrollIntoView({behavior: 'smooth', block: 'start'});
  return [];
}"""

# In the browser, so that no click can come between a switch and the ladder.
_RUNGS = json.dumps({name: ladder_switches(name) for name in CAPTIONS})
_SWITCHES_OF = f"(name) => ({_RUNGS})[name]"
_LADDER_OF = f"""(...switches) => {{
  const same = ([, on]) => on.every((value, index) => value === switches[index]);
  return Object.entries({_RUNGS}).find(same)?.[0] ?? null;
}}"""


_PRESS_DOWNLOAD = """() => {
  // The file's address arrives with the next rendering of the hidden button.
  setTimeout(() => document.querySelector('#result-file').click(), 150);
  return [];
}"""


@dataclass
class Outputs:
    """Widgets and states besides the controls.

    Attributes:
        viewer, status, attention, readout: what a run shows.
        link: query string of the view, for the browser.
        known_words: the words that a run, an example or a link has dealt with.
        edited: a time stamp; its change means that a person changed the words.
        point: the query point.
        asked: the same with a time stamp; its change means that a person chose the point.
        example: name of the shipped photo, or "".
        accepted: file of the last upload that could be used.
        x, y: the point as numbers.
        opened: becomes true when a link was opened.
        copy, download, file: the buttons below the results; `file` is hidden.
        tabs, lessons: the tabs, and the lessons in one of them.
    """

    viewer: Any
    status: Any
    attention: Any
    readout: Any
    link: Any
    known_words: Any
    edited: Any
    point: Any
    asked: Any
    example: Any
    accepted: Any
    x: Any
    y: Any
    opened: Any
    copy: Any
    download: Any
    file: Any
    tabs: Any
    lessons: Any

    def everything(self, controls: Controls) -> list[Any]:
        """What a shipped example or a link sets, in the handlers' order."""
        return [
            controls.photo,
            self.example,
            self.point,
            self.x,
            self.y,
            self.viewer,
            self.status,
            self.attention,
            self.readout,
            self.link,
            self.known_words,
            controls.ladder,
            *controls.inputs,
        ]


def _words_changed(tags: list[str] | None, known: list[str]) -> tuple[Any, Any, Any]:
    """Splits pasted lists; words that the page itself has put there are no edit of a person."""
    words = split_words(tags or [])
    if words != (tags or []):
        return gr.update(choices=words, value=words), gr.skip(), gr.skip()
    if words == list(known):
        return (gr.skip(),) * 3
    return gr.skip(), words, time.monotonic_ns()


def _preset_chosen(name: str | None) -> tuple[Any, ...]:
    if not name:
        return (gr.skip(),) * 5
    vocabulary = load_preset(name).vocabulary
    words = [
        "; ".join(entry.prompts)
        for index, entry in enumerate(vocabulary.classes)
        if index != vocabulary.background
    ]
    if vocabulary.background is None:
        return gr.update(choices=words, value=words), words, False, "", gr.skip()
    background = ", ".join(vocabulary.classes[vocabulary.background].prompts[1:])
    return (
        gr.update(choices=words, value=words),
        words,
        True,
        background,
        vocabulary.background_threshold,
    )


PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_SWITCHES = ("cross_window", "proxy_anchors", "dynamic_normalization")
_SLIDERS = (
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
)


class Wiring:
    """Connects controls and outputs. Runs of a page supersede each other (see `Runs`)."""

    def __init__(self, page: Page, controls: Controls, outputs: Outputs) -> None:
        self.page, self.controls, self.outputs = page, controls, outputs
        o = outputs
        self.inputs = [controls.photo, o.point, o.example, *controls.inputs]
        self.run_options: dict[str, Any] = {
            "inputs": self.inputs,
            "outputs": [o.viewer, o.status, o.attention, o.readout, o.link],
            # A newer run must be able to start while an older one is still in the model.
            "trigger_mode": "multiple",
            "concurrency_limit": 16,
            "show_progress": "full",
            "show_progress_on": [o.status],
            "api_visibility": "private",
        }

    def show_link(self, event: Any) -> None:
        """Puts the view's link into the address bar."""
        event.success(None, [self.outputs.link], None, js=_REPLACE_STATE, api_visibility="private")

    def run_after(self, event: Any) -> None:
        """Runs after an event, if that is cheap."""
        self.show_link(event.then(self.page.compare_if_cheap, **self.run_options))

    def connect(self, demo: gr.Blocks) -> None:
        """Connects everything."""
        self._buttons()
        self._switches_and_words()
        self._advanced()
        self._photos()
        self._points()
        self._lessons()
        o = self.outputs
        demo.load(self.page.restore, None, [*o.everything(self.controls), o.opened], **PRIVATE)
        self.show_link(o.opened.change(self.page.compare_if_cheap, **self.run_options))
        demo.unload(self.page.closed)

    def _buttons(self) -> None:
        c, o = self.controls, self.outputs
        self.show_link(c.run.click(self.page.compare, **self.run_options))
        for event in (c.run.click, c.strip.select):
            event(None, None, None, js=_TO_RESULTS, api_visibility="private")
        c.stop.click(self.page.stop, None, o.status, **PRIVATE)
        o.copy.click(None, [o.link], None, js=_COPY_LINK, api_visibility="private").success(
            _link_copied, **PRIVATE
        )
        o.download.click(
            self.page.files, self.inputs, o.file, api_visibility="private", concurrency_limit=4
        ).success(None, js=_PRESS_DOWNLOAD, api_visibility="private")

    def _switches_and_words(self) -> None:
        c, o, form = self.controls, self.outputs, self.controls.form
        switches = [form[name] for name in _SWITCHES]
        for switch in switches:
            self.run_after(switch.input(None, switches, c.ladder, js=_LADDER_OF, **PRIVATE))
        self.run_after(c.ladder.input(None, c.ladder, switches, js=_SWITCHES_OF, **PRIVATE))
        words = form["words"]
        # The browser emits `input` for some ways to edit tags only, `change` for all of them.
        known = o.known_words
        words.change(_words_changed, [words, known], [words, known, o.edited], **PRIVATE)
        self.show_link(o.edited.change(self.page.compare_if_cheap, **self.run_options))
        background = [form[f"background{part}"] for part in ("", "_words", "_threshold")]
        self.run_after(
            c.preset.input(_preset_chosen, c.preset, [words, known, *background], **PRIVATE)
        )
        changed = [form["background"].input, form["background_words"].submit]
        self.show_link(gr.on(changed, self.page.compare_if_cheap, **self.run_options))

    def _advanced(self) -> None:
        c, form = self.controls, self.controls.form
        changed = [form[name].release for name in _SLIDERS]
        changed += [form[name].input for name in ("baseline", "key_source")]
        self.show_link(gr.on(changed, self.page.compare_if_cheap, **self.run_options))
        backbone = form["backbone"].input(self.page.backbone_changed, c.inputs, c.inputs, **PRIVATE)
        self.run_after(backbone)
        self.run_after(c.reset.click(self.page.reset, c.inputs, c.inputs, **PRIVATE))

    def _photos(self) -> None:
        c, o = self.controls, self.outputs
        shown = c.strip.select(
            self.page.example_chosen,
            None,
            o.everything(c),
            trigger_mode="multiple",
            **PRIVATE,
        )
        self.show_link(shown)
        o.example.change(lambda name: {"chosen": name}, o.example, c.strip, **PRIVATE)
        uploaded = c.photo.upload(accept, c.photo, c.photo, **PRIVATE)
        uploaded.failure(_earlier_photo, [o.example, o.accepted], c.photo, **PRIVATE)
        outputs = [o.accepted, o.point, o.example, o.attention, o.readout]
        self.run_after(
            uploaded.success(lambda path: (path, None, "", None, ""), c.photo, outputs, **PRIVATE)
        )

    def _points(self) -> None:
        o = self.outputs
        # Event data is stale when a trigger waits its turn, so the point is stored at once and
        # computed when the store changes.
        for viewer in (o.viewer, o.attention):
            viewer.select(
                _picked,
                None,
                [o.point, o.asked],
                trigger_mode="multiple",
                concurrency_limit=None,
                **PRIVATE,
            )
        typed = [o.x.submit, o.y.submit, o.x.blur, o.y.blur]
        gr.on(typed, _typed, [o.x, o.y, o.point], [o.point, o.asked], **PRIVATE)
        looked = o.asked.change(
            self.page.look,
            self.inputs,
            [o.attention, o.readout, o.link, o.x, o.y],
            trigger_mode="always_last",
            concurrency_limit=16,
            **PRIVATE,
        )
        self.show_link(looked)

    def _lessons(self) -> None:
        o = self.outputs
        tried = o.lessons.select(
            self._try_it, None, [o.tabs, *o.everything(self.controls)], **PRIVATE
        )
        self.show_link(tried.success(self.page.compare, **self.run_options))

    def _try_it(self, event: gr.SelectData, request: gr.Request) -> Any:
        view = view_of(event)
        if view is None:
            raise gr.Error("This lesson has nothing to open.", print_exception=False)
        return self.page.open_view(view, request)


def _earlier_photo(example: str, accepted: str | None) -> str | None:
    """The photo that the shown result belongs to, after an upload that cannot be used."""
    shipped = find(example)
    return str(shipped.path) if shipped else accepted


def _link_copied() -> None:
    gr.Info("The link is in the address bar and on the clipboard.")


def _picked(event: gr.SelectData) -> tuple[Any, Any]:
    point = int(event.index[0]), int(event.index[1])
    return point, (*point, time.monotonic_ns())


def _typed(x: float | None, y: float | None, point: tuple[int, int] | None) -> Any:
    if x is None or y is None or (point and tuple(point) == (int(x), int(y))):
        return gr.skip(), gr.skip()
    return (int(x), int(y)), (int(x), int(y), time.monotonic_ns())
