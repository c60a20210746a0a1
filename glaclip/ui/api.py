"""Endpoints for programs: segment, suggest, attention, evaluate (gradio_client, HTTP, MCP)."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import json
import logging
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from PIL import Image
from torch import Tensor

from glaclip.evaluation.data.class_lists import read_class_list
from glaclip.evaluation.score.counts import Score
from glaclip.photo import upright_size
from glaclip.pictures.encoding import png_bytes
from glaclip.pictures.export import result_document, result_files, zip_files
from glaclip.pictures.mosaics import attention_panels
from glaclip.pictures.palette import class_colors
from glaclip.segmenter import BaselineAttention
from glaclip.settings import BY_WINDOW, CAPTIONS, STAGES, SettingsError, brief
from glaclip.ui.demo import Demo
from glaclip.ui.form import Form, split_words
from glaclip.ui.gradio.quick import gr
from glaclip.ui.gradio.served_files import save_to_cache
from glaclip.ui.refusals import REFUSALS, UNFORESEEN
from glaclip.ui.viewers.attention_value import receiving_windows
from glaclip.ui.viewers.photo_input import read
from glaclip.ui.viewers.truth import measure
from glaclip.vocabulary import DEFAULT_BACKGROUND_THRESHOLD, LOGIT_SCALE

_LOG = logging.getLogger(__name__)
#: Requests of programs at once; a person on the page always finds a thread.
MAX_PROGRAMS = 16
MAX_SUGGESTED = 40


class WordsInput(gr.Textbox):  # type: ignore[misc]
    """Words as text, or as a list of words from programs."""

    is_template = True

    def preprocess(self, payload: Any) -> str | None:
        """Text as `parse_vocabulary` reads it."""
        if isinstance(payload, list | tuple):
            payload = ", ".join(map(str, payload))
        text: str | None = super().preprocess(payload)
        return text


#: What the endpoints take: (kind of widget, value where it is left out, what programs read of it).
INPUTS: dict[str, tuple[Any, Any, str]] = {
    "photo": (gr.File, None, "picture file; over MCP an http(s) address or a data URI."),
    "label_map": (gr.File, None, "indexed or gray PNG, values count the classes from 0."),
    "vocabulary": (
        WordsInput,
        "sky, person; man; woman, tree",
        "classes separated by commas, `;` between synonyms of one class.",
    ),
    "classes": (
        WordsInput,
        "sky, building",
        "classes in the order of their numbers, separated by commas.",
    ),
    "ignore": (gr.Number, 255, "value that means no class."),
    "limit": (gr.Number, 12, "most words, 1 to 40."),
    "x": (gr.Number, 0, "pixels from the left, in the upright photo as it was sent."),
    "y": (gr.Number, 0, "pixels from the top."),
    "background": (gr.Checkbox, False, "adds a background class."),
    "background_threshold": (
        gr.Number,
        DEFAULT_BACKGROUND_THRESHOLD,
        "probability below which a pixel is background, 0 to 1.",
    ),
    "logit_scale": (
        gr.Number,
        None,
        f"factor on cosines before the softmax over words, {LOGIT_SCALE:g} when left out.",
    ),
    "area_threshold": (
        gr.Number,
        0,
        "share of what is not background below which a word is given up, 0 to 1.",
    ),
    **{stage.field: (gr.Checkbox, True, f'switch "{stage.title}".') for stage in STAGES},
    "threshold": (gr.Number, None, "rho, -1 to 1; the backbone's own when left out."),
    "short_side": (gr.Number, None, "pixels; the backbone's own when left out."),
    "crop": (gr.Number, None, "window side in pixels; the backbone's own when left out."),
    "stride": (gr.Number, None, "pixels; the backbone's own when left out."),
    "baseline": (
        gr.Textbox,
        "off",
        '"off", a baseline of the backbone, or "on/gauss", "off/splice", "off/whole".',
    ),
    "per_head": (gr.Checkbox, False, "also the baseline's weights of each head."),
    "backbone": (gr.Textbox, "auto", "registry name."),
    "vfm_view": (
        gr.Textbox,
        BY_WINDOW,
        '"windows", or "whole" for keys from one look at the photo, which is not the paper\'s way.',
    ),
}
#: Inputs that are a vocabulary's own fields.
_SCALES = ("logit_scale", "area_threshold")
#: Their inputs, in the order of plain HTTP calls, which may leave out the last ones: new ones come
#: last.
ENDPOINTS = {
    "segment": (
        *("photo", "vocabulary", "background", "background_threshold"),
        *(stage.field for stage in STAGES),
        *("threshold", "short_side", "crop", "stride", "baseline", "backbone"),
        *_SCALES,
        "vfm_view",
    ),
    "suggest": ("photo", "limit", "backbone"),
    "attention": ("photo", "x", "y", "threshold", "backbone", "baseline", "per_head"),
    "evaluate": ("photo", "label_map", "classes", "ignore", "backbone", "baseline"),
}


#: What stands for an input that is left out.
DEFAULTS = {name: [INPUTS[given][1] for given in names] for name, names in ENDPOINTS.items()}


class Endpoints:
    """The page's work with plain inputs and documented outputs."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self._most = min(demo.service.limits.queue, MAX_PROGRAMS)
        self._lock = threading.Lock()
        self._inside = 0

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        """A place among the requests of programs; whatever goes wrong leaves in a sentence."""
        with self._lock:
            if self._inside >= self._most:
                raise gr.Error(
                    f"{self._inside} requests of programs are waiting or computing; at most "
                    f"{self._most} are accepted at once: try again in a moment.",
                    print_exception=False,
                )
            self._inside += 1
        try:
            yield
        except REFUSALS as error:
            raise _refusal(error) from None
        except Exception:
            _LOG.exception("a request failed")
            raise gr.Error(UNFORESEEN, print_exception=False) from None
        finally:
            with self._lock:
                self._inside -= 1

    def _form(self, words: str | None, options: dict[str, Any]) -> Form:
        given = {name: value for name, value in options.items() if value is not None}
        for name in ("baseline", "backbone"):
            if not isinstance(given.get(name, ""), str):
                raise SettingsError(f"{name} must be a name; received {brief(given[name])}")
        return self._demo.start.changed({**given, "words": split_words([listed_words(words)])})

    def _photo(self, path: str | None) -> Image.Image:
        return read(path, self._demo.service.limits.max_pixels)

    def segment(self, photo: str, vocabulary: str, **options: Any) -> tuple[dict[str, Any], str]:
        """Segments a photo with words, as baseline and as GLA-CLIP.

        Returns:
            A document (classes with color and areas, settings, seam rates, seconds) and a zip file
            with label maps, overlays, legend and settings.
        """
        with self._place():
            scales = {name: options.pop(name, None) for name in _SCALES}
            form = self._form(vocabulary, options)
            request = form.request()
            given = {name: value for name, value in scales.items() if value is not None}
            words = dataclasses.replace(request.vocabulary, **given)
            request = dataclasses.replace(request, vocabulary=words)
            picture, whole = self._photo(photo), upright_size(photo)
            result = self._demo.service.answer(picture, request)
            model = self._demo.backbone(form)
            colors = class_colors(request.vocabulary.names, request.vocabulary.background)
            sides = (result.left, result.right)
            document = result_document(*sides, model, colors)
            document["original"] = _sides(whole)
            files = result_files(*sides, model, colors, picture, document=document)
            return document, save_to_cache(zip_files(files), "gla-clip.zip")

    def suggest(self, photo: str, limit: float, **options: Any) -> dict[str, Any]:
        """Proposes words for what is in a photo.

        Returns:
            Words, likeliest first, and those that come next.
        """
        with self._place():
            most = _whole("limit", limit)
            if not 1 <= most <= MAX_SUGGESTED:
                raise SettingsError(f"limit must be from 1 to {MAX_SUGGESTED}; received {most}")
            request = self._form("any, thing", options).request()
            words, others = self._demo.service.suggest(self._photo(photo), request, most)
        return {"words": list(words), "next": list(others)}

    def attention(
        self, photo: str, x: float, y: float, **options: Any
    ) -> tuple[dict[str, Any], str]:
        """Where the attention of one point goes, per window, at each step of the method.

        Returns:
            A document (own window, |P|, u, w and the share of each window at each step; the row of
            the baseline, if one is named) and a PNG of the panels.
        """
        with self._place():
            per_head = bool(options.pop("per_head", False))
            form = self._form("any, thing", options)
            picture = self._photo(photo)
            whole = upright_size(photo)
            point = _whole("x", x), _whole("y", y)
            shrunk = _shrunk_point(point, whole, picture.size)
            request = form.request()
            maps = self._demo.service.attention(picture, shrunk, request)
            rows = self._demo.service.baseline_rows(picture, shrunk, request)
            row = rows[0] if rows else None
            panels = attention_panels(maps, picture, left=row)
        steps = [
            {
                "step": name,
                "own_mass": rung.own_mass,
                "own_share": rung.own_share,
                "set_size": rung.set_size,
                "shift": rung.shift,
                "scale": rung.scale,
                "windows_above_one_percent": receiving_windows(rung),
                "window_mass": [round(v, 6) for v in rung.weights.sum(dim=1).tolist()],
            }
            for name, rung in zip(CAPTIONS, maps.rungs, strict=True)
        ]
        document = {
            "point": list(point),
            "photo": _sides(whole),
            "shrunk": {**_sides(picture.size), "point": list(shrunk)},
            "own_window": maps.window,
            "token": list(maps.token),
            "windows": {"rows": maps.grid[0], "columns": maps.grid[1]},
            "steps": steps,
            "baseline": _row_document(row, per_head) if row else None,
        }
        return document, save_to_cache(png_bytes(panels), "attention.png")

    def evaluate(
        self, photo: str, label_map: str, classes: str, ignore: float | None, **options: Any
    ) -> dict[str, Any]:
        """Measures both sides against a label map.

        Returns:
            mIoU, pixel accuracy, BER, window disagreement and IoU per class of both sides, and
            notes on pixels of no class and classes without a pixel.
        """
        with self._place():
            form = self._form(classes, options)
            picture = self._photo(photo)
            no_class = None if ignore is None else _whole("ignore", ignore)
            found = measure(
                self._demo.service, picture, form, label_map, listed_words(classes), no_class,
                file=photo,
            )  # fmt: skip

        def side(score: Score) -> dict[str, Any]:
            return {
                "miou": _number(score.miou),
                "pixel_accuracy": _number(score.accuracy),
                "ber": _number(score.ber),
                "disagreement": _number(score.disagreement),
                "notes": list(found.notes),
                "iou": {
                    name: _number(value)
                    for name, value in zip(found.result.right.classes, score.ious, strict=True)
                },
            }

        left, right = (side(score) for score in found.scores)
        return {"baseline": left, "glaclip": right}


def _row_document(row: BaselineAttention, per_head: bool) -> dict[str, Any]:
    """A baseline's row: of windows out of sight only that they get nothing."""

    def rounded(weights: Tensor) -> list[Any]:
        listed: list[Any] = weights.cpu().double().round(decimals=6).tolist()
        return listed

    document = {
        "name": row.baseline,
        "own_window": row.window,
        "token": list(row.token),
        "window_mass": rounded(row.weights.sum(dim=1)),
        "weights": rounded(row.weights[row.window].view(row.key_grid)),
        "cls": round(row.cls, 6),
    }
    if per_head and row.per_head is not None:
        document["per_head"] = [
            {"cls": rounded(head[0]), "weights": rounded(head[1:].view(row.key_grid))}
            for head in row.per_head
        ]
    return document


def listed_words(words: Any) -> str:
    """Words as text; a list of them, as programs send it or as it reads as text, is taken apart."""
    if isinstance(words, list | tuple):
        words = json.dumps(list(words))
    text = str(words or "").strip()
    if not (text.startswith("[") and text.endswith("]")):
        return text
    return read_class_list(text, "the list of words", unique=False).text()


def _shrunk_point(
    point: tuple[int, int], whole: tuple[int, int], shrunk: tuple[int, int]
) -> tuple[int, int]:
    """A pixel of the whole photo in the photo as it is segmented.

    Raises:
        SettingsError: outside the photo.
    """
    if not (0 <= point[0] < whole[0] and 0 <= point[1] < whole[1]):
        raise SettingsError(
            f"The point must lie inside the photo, x from 0 to {whole[0] - 1} and y from 0 to "
            f"{whole[1] - 1}; received ({point[0]}, {point[1]})."
        )
    x, y = (int((p + 0.5) * s / w) for p, w, s in zip(point, whole, shrunk, strict=True))
    return x, y


def _sides(size: tuple[int, int]) -> dict[str, int]:
    return {"width": size[0], "height": size[1]}


def _whole(name: str, value: Any) -> int:
    """A whole number; programs send anything."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return int(value)
    raise SettingsError(f"{name} must be a number; received {brief(value)}")


def _refusal(error: Exception) -> gr.Error:
    """A sentence for a program: it names the endpoints' own parameters."""
    text = error.message if isinstance(error, gr.Error) else error
    return gr.Error(str(text), print_exception=False)


def _number(value: float) -> float | None:
    return None if value != value else round(float(value), 6)


def described(endpoint: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    """The endpoint as gradio calls and describes it: a parameter an input, each with its words."""

    def called(*values: Any) -> Any:
        return endpoint(**dict(zip(names, values, strict=True)))

    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if kind is gr.File else value,
        )
        for name, (kind, value, _) in ((name, INPUTS[name]) for name in names)
    ]
    summary, _, returns = inspect.getdoc(endpoint).partition("Returns:")  # type: ignore[union-attr]
    arguments = "".join(f"    {name}: {INPUTS[name][2]}\n" for name in names)
    called.__name__ = endpoint.__name__
    called.__doc__ = f"{summary}Args:\n{arguments}\nReturns:{returns}"
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return called


def build_api(demo: Demo) -> None:
    """Adds the endpoints through widgets that are never shown: they give inputs their types."""
    endpoints = Endpoints(demo)
    with gr.Row(visible=False):
        widgets = {name: kind(value, label=name) for name, (kind, value, _) in INPUTS.items()}
        document, file = gr.JSON(label="document"), gr.File(label="file")
        trigger = gr.Button()
    for name, names in ENDPOINTS.items():
        trigger.click(
            described(getattr(endpoints, name), names),
            [widgets[given] for given in names],
            document if name in ("suggest", "evaluate") else [document, file],
            api_name=name,
            # Not in the page's queue, where many requests of one program would keep people out.
            concurrency_limit=None,
        )
