"""What happens when the page's controls are used; nothing of a visitor is kept here."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from html import escape
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from glaclip.backbones.base import BackboneError
from glaclip.methods import baseline_title
from glaclip.photo import PhotoError
from glaclip.pictures.attention import attention_panels
from glaclip.pictures.charts import mass_by_distance_chart, set_size_histogram
from glaclip.pictures.export import result_document, result_zip
from glaclip.pictures.labels import overlay
from glaclip.pictures.palette import palette
from glaclip.settings import CAPTIONS, SettingsError
from glaclip.ui import answers
from glaclip.ui.attention_value import attention_value
from glaclip.ui.charts import chart_html, picture_html
from glaclip.ui.controls import baseline_choices, key_choices
from glaclip.ui.examples import Example, example_form, examples, find, precomputed
from glaclip.ui.files import save_to_cache
from glaclip.ui.filmstrip import filmstrip, top_patches
from glaclip.ui.form import LABELS, Form, from_link, ladder_name, split_words, to_link
from glaclip.ui.lessons.lesson import View
from glaclip.ui.photo_input import read
from glaclip.ui.service import (
    SWITCHES_OFF,
    Comparison,
    Request,
    Runs,
    Service,
    StoppedError,
)
from glaclip.ui.truth import (
    DEFAULT_IGNORE,
    Score,
    read_label_map,
    resize_to,
    score,
    truth_colors,
)
from glaclip.ui.truth import report as truth_report
from glaclip.ui.viewer_value import viewer_value
from glaclip.vocabulary import VocabularyError

STEPS = {
    "waiting": "Waiting for another run",
    "encode": "Encoding windows",
    "words": "Reading words",
    "attention": "Attention over windows",
    "labels": "Labels",
}
#: What a visitor may cause; each carries a sentence for the page.
REFUSALS = (PhotoError, VocabularyError, SettingsError, BackboneError, gr.Error)


def sentence(error: Exception) -> str:
    """What a refusal says to the visitor, with the page's names of its controls."""
    if isinstance(error, SettingsError):
        return error.named(LABELS)
    return str(error.message) if isinstance(error, gr.Error) else str(error)


def toast(error: Exception) -> gr.Error:
    """A refusal as a message on the page, which gradio renders as HTML."""
    return gr.Error(escape(sentence(error), quote=False), print_exception=False)


@contextlib.contextmanager
def refusals_as_toasts() -> Iterator[None]:
    """Turns refusals within into messages on the page."""
    try:
        yield
    except REFUSALS as error:
        raise toast(error) from None


def right_title(form: Form) -> str:
    """What the right side shows."""
    rung = ladder_name(form)
    if rung == CAPTIONS[-1]:
        return "GLA-CLIP"
    if rung == CAPTIONS[0]:
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
    if form.baseline == SWITCHES_OFF:
        return "Each window alone"
    return baseline_title(form.baseline)


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

    def __init__(
        self, service: Service, start: Form, backbones: tuple[str, ...] = ("auto",)
    ) -> None:
        """Args:
        service: what computes.
        start: the controls of a fresh page.
        backbones: registry names that the page offers.
        """
        self.service = service
        self.start = start
        self.backbones = backbones
        self.runs = Runs()
        #: Which run or look is the newest: a run asked for before a click must not undo the click.
        self.looks = Runs()

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
            newest = self.looks.start(page.session_hash or "")
            result = self.service.compare(photo, request, step)
            point = inside(point, photo)
            attention, readout = self._look(photo, form, request, result, point)
            check()
        except StoppedError:
            return nothing
        except REFUSALS as error:
            return (gr.skip(), answers.problem(sentence(error)), *nothing[2:])
        status = answers.status(result, self._title(form), request.vocabulary.notes)
        viewer = compare_value(photo, form, result, point)
        if _ended(newest):
            return viewer, status, *(gr.skip(),) * 3
        return viewer, status, attention, readout, to_link(form, self.start, example, point)

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
            cost = self.service.cost(photo, form.request())
            if not cost.cheap:
                raise gr.Error(cost.sentence, print_exception=False)
        except REFUSALS as error:
            self.runs.stop(page.session_hash or "")
            return (gr.skip(), answers.problem(sentence(error)), *(gr.skip(),) * 3)
        return self.compare(page, photo_path, point, example, progress, *values)

    def look(
        self,
        page: gr.Request,
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
            point = inside(point, photo)
            if point is None:
                return (gr.skip(),) * 5
            newest = self.looks.start(page.session_hash or "")
            result = self.service.compare(photo, request)
            attention, readout = self._look(photo, form, request, result, point)
        except REFUSALS as error:
            return (gr.skip(), answers.problem(sentence(error)), *(gr.skip(),) * 3)
        if _ended(newest):
            return (gr.skip(),) * 5
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

    @refusals_as_toasts()
    def files(
        self,
        photo_path: str | None,
        point: tuple[int, int] | None,
        example: str,
        *values: Any,
    ) -> str:
        """Both sides as one zip file in gradio's own cache, where its clean-up finds it."""
        photo, form, request = self.asked(photo_path, *values)
        backbone = self.service.segmenter(form.backbone).backbone
        result = self.service.compare(photo, request)
        point = inside(point, photo)
        panels = None
        if point is not None:
            panels = attention_panels(self.service.attention(photo, point, request), photo)
        vocabulary = request.vocabulary
        colors = palette(len(vocabulary.classes), vocabulary.background)
        document = result_document(result.left, result.right, backbone, colors, point=point)
        content = result_zip(
            result.left,
            result.right,
            backbone,
            colors,
            photo,
            panels=panels,
            document=document,
        )
        return save_to_cache(content, f"gla-clip-{example or 'photo'}.zip")

    def asked(self, photo_path: str | None, *values: Any) -> tuple[Image.Image, Form, Request]:
        """Photo and request of the controls.

        Raises:
            PhotoError, VocabularyError, SettingsError, gr.Error: what is wrong, in a sentence.
        """
        form = Form.of(*values)
        return read(photo_path), form, form.request()

    @refusals_as_toasts()
    def windows(
        self,
        photo_path: str | None,
        point: tuple[int, int] | None,
        rung: str,
        exclude_own: bool,
        *values: Any,
    ) -> tuple[str, str]:
        """Every window by itself, and the patches that receive most attention."""
        photo, _, request = self.asked(photo_path, *values)
        cost = self.service.cost(photo, request)
        if not cost.cheap:
            # Opening a tab is no wish for minutes of work.
            return f"<p>{cost.sentence}</p>", ""
        result = self.service.compare(photo, request)
        point = inside(point, photo)
        maps = self.service.attention(photo, point, request) if point else None
        patches = "<p>Choose a point in Compare first.</p>"
        if maps is not None:
            patches = top_patches(
                photo, result, maps, exclude_own=exclude_own, rung=CAPTIONS.index(rung)
            )
        return filmstrip(photo, result, maps), patches

    @refusals_as_toasts()
    def charts(self, photo_path: str | None, *values: Any) -> tuple[str, str, str]:
        """Attention over the whole photo: mass by distance, histogram of |P|."""
        photo, _, request = self.asked(photo_path, *values)
        summaries, _ = self.service.summaries(photo, request)
        sizes = summaries[-1].set_sizes
        assert sizes is not None
        own = ", ".join(
            f"{name} {answers.percent(summary.own_mass)}"
            for name, summary in zip(CAPTIONS, summaries, strict=True)
        )
        share = answers.percent(summaries[-1].own_share)
        note = (
            f"<p>Average attention inside the own window: {own}. With context on, the own window "
            f"has {share} of the visible tokens.</p>"
        )
        return (
            chart_html(
                lambda theme: mass_by_distance_chart(
                    summaries[0].distances, [s.mass_by_distance for s in summaries], theme=theme
                ),
                "Attention by distance from the own window",
                f"Share of attention inside the own window: {own}.",
                "attention-by-distance",
            ),
            chart_html(
                lambda theme: set_size_histogram(sizes, theme=theme),
                "How many patches are alike",
                f"Histogram of |P| over all patches; median {np.median(np.asarray(sizes)):.0f}.",
                "similar-patches",
            ),
            note,
        )

    @refusals_as_toasts()
    def truth(
        self,
        photo_path: str | None,
        label_map: str | None,
        class_list: str,
        ignore: float | None,
        *values: Any,
    ) -> tuple[str, str]:
        """Both sides against a label map: its overlay and a table of measures."""
        photo, form, _ = self.asked(photo_path, *values)
        result, measured, labels = self.measure(photo, form, label_map, class_list, ignore)
        shown = overlay(photo, labels, truth_colors(len(result.right.classes)), 0.62)
        titles = (left_title(form), right_title(form))
        names = ", ".join(result.right.classes)
        picture = picture_html(shown, "Ground truth", f"The photo with the true classes: {names}.")
        return picture, truth_report(result, *measured, titles)

    def measure(
        self,
        photo: Image.Image,
        form: Form,
        label_map: str | None,
        class_list: str,
        ignore: float | None,
    ) -> tuple[Comparison, tuple[Score, Score], Any]:
        """Runs both sides with the class list as words and scores them.

        Raises:
            PhotoError, VocabularyError, SettingsError, BackboneError: each a sentence.
        """
        if not label_map:
            raise PhotoError("Choose a label map first: an indexed or grey PNG.")
        form = dataclasses.replace(form, words=tuple(split_words([class_list])), background=False)
        request = form.request()
        if request.vocabulary.notes:
            # Leaving a double out would shift the numbers of all classes after it.
            raise VocabularyError(
                "Each class of the list must be named once. " + request.vocabulary.notes[0]
            )
        truth = resize_to(read_label_map(label_map), (photo.height, photo.width))
        left_out = DEFAULT_IGNORE if ignore is None else (int(ignore),)
        result = self.service.compare(photo, request)
        scores = score(result.left, truth, left_out), score(result.right, truth, left_out)
        known = (truth >= 0) & (truth < len(request.vocabulary.classes))
        known &= ~np.isin(truth, left_out)
        return result, scores, np.where(known, truth, len(request.vocabulary.classes))

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
        """A shipped photo with its shipped result; see `Outputs.everything`."""
        self.runs.stop(page.session_hash or "")
        self.looks.stop(page.session_hash or "")
        example = find(name) or examples()[0]
        return self._view(example, example_form(self.start, example), example.point)

    def open_view(self, view: View, page: gr.Request) -> tuple[Any, ...]:
        """What a lesson's "Try it" asks for: tab, then `Outputs.everything`."""
        self.runs.stop(page.session_hash or "")
        self.looks.stop(page.session_hash or "")
        example = find(view.example) or examples()[0]
        form = dataclasses.replace(example_form(self.start, example), **view.changes)
        return gr.Tabs(selected=view.tab), *self._view(example, form, view.point)

    def _view(
        self,
        example: Example,
        form: Form,
        point: tuple[int, int],
        updates: dict[str, Any] | None = None,
    ) -> tuple[Any, ...]:
        """Values for `Outputs.everything`; results only where the shipped ones fit."""
        shown = first_values(example, precomputed(example.name))
        fits = self._is_shipped(example, form, point)
        return (
            str(example.path),
            example.name,
            point,
            *point,
            *(shown if fits else (gr.skip(),) * 4),
            to_link(form, self.start, example.name, point),
            list(form.words),
            ladder_name(form),
            *{**_updates(form), **(updates or {})}.values(),
        )

    def _is_shipped(self, example: Example, form: Form, point: tuple[int, int]) -> bool:
        return form == example_form(self.start, example) and point == example.point

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
        fields = len(dataclasses.fields(Form))
        if not known:
            return (gr.skip(),) * (12 + fields + 1)
        example = find(known.get("photo", "")) or examples()[0]
        form, _, point, problems = from_link(known, example_form(self.start, example))
        if "photo" in known and find(known["photo"]) is None:
            problems.append("The link names a photo that is not shipped with this page.")
        form, updates, refused = self._offered(form)
        for note in problems + refused:
            gr.Warning(note)
        point = point or example.point
        shipped = self._is_shipped(example, form, point)
        return *self._view(example, form, point, updates), not shipped

    def _offered(self, form: Form) -> tuple[Form, dict[str, Any], list[str]]:
        """Replaces choices of a link that the page does not offer; widgets refuse to send them.

        Returns:
            The form, updates of the widgets whose choices depend on the backbone, and sentences on
            what was left out.
        """
        problems = []
        if form.backbone not in self.backbones:
            problems.append("The link names a backbone that is not offered here.")
            form = dataclasses.replace(form, backbone=self.start.backbone)
        choices = {"baseline": baseline_choices(()), "key_source": key_choices(("",))}
        try:
            backbone = self.service.segmenter(form.backbone).backbone
            choices["baseline"] = baseline_choices(backbone.baselines)
            choices["key_source"] = key_choices(backbone.key_sources)
        except BackboneError as error:
            problems.append(str(error))
        for name, offered in choices.items():
            if getattr(form, name) not in [value for _, value in offered]:
                problems.append(f"The link's “{LABELS[name]}” is not offered here.")
                form = dataclasses.replace(form, **{name: getattr(self.start, name)})
        updates = {
            name: gr.update(choices=offered, value=getattr(form, name))
            for name, offered in choices.items()
        }
        return form, updates, problems


def _ended(check: Callable[[], None]) -> bool:
    try:
        check()
    except StoppedError:
        return True
    return False


def _updates(form: Form) -> dict[str, Any]:
    """Widget updates by field; new words must be among a dropdown's choices."""
    updates = {field.name: getattr(form, field.name) for field in dataclasses.fields(Form)}
    updates["words"] = gr.update(choices=list(form.words), value=list(form.words))
    return updates


def inside(point: tuple[int, int] | None, photo: Image.Image) -> tuple[int, int] | None:
    """A point moved into the photo, which may have changed since it was chosen."""
    if point is None:
        return None
    return (
        min(max(int(point[0]), 0), photo.width - 1),
        min(max(int(point[1]), 0), photo.height - 1),
    )


def first_values(example: Example, shown: dict[str, Any] | None) -> tuple[Any, ...]:
    """Viewer, status and attention of a shipped result; empty ones when it was not built."""
    look = f"<p class='look'>{example.look}</p>"
    if shown is None:
        return None, look, None, ""
    note = f"<p class='line'><span>Computed beforehand. {shown['status']}</span></p>"
    return shown["compare"], look + note, shown["attention"], shown.get("readout", "")
