"""Named endpoints for programs: segment, attention, evaluate (gradio_client, HTTP, MCP)."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
from collections.abc import Iterator
from typing import Any

from PIL import Image

from glaclip.evaluation.score.counts import Score
from glaclip.pictures.attention import attention_panels
from glaclip.pictures.export import result_document, result_zip
from glaclip.pictures.files import png_bytes
from glaclip.pictures.palette import class_colors
from glaclip.settings import CAPTIONS, SettingsError, brief
from glaclip.ui.demo import Demo
from glaclip.ui.form import Form, split_words
from glaclip.ui.gradio.files import save_to_cache
from glaclip.ui.gradio.quick import gr
from glaclip.ui.refusals import REFUSALS, UNFORESEEN
from glaclip.ui.viewers.attention_value import receiving_windows
from glaclip.ui.viewers.photo_input import read
from glaclip.ui.viewers.truth import measure

_LOG = logging.getLogger(__name__)
#: Requests of programs at once; a person on the page always finds a thread.
MAX_PROGRAMS = 16


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
        return self._demo.start.changed({**given, "words": split_words([words or ""])})

    def _photo(self, path: str | None) -> Image.Image:
        return read(path, self._demo.service.limits.max_pixels)

    def segment(
        self,
        photo: str,
        vocabulary: str,
        background: bool,
        background_threshold: float,
        cross_window: bool,
        proxy_anchors: bool,
        dynamic_normalization: bool,
        threshold: float | None = None,
        short_side: float | None = None,
        crop: float | None = None,
        stride: float | None = None,
        baseline: str = "off",
        backbone: str = "auto",
    ) -> tuple[dict[str, Any], str]:
        """Segments a photo with words, as baseline and as GLA-CLIP.

        Args:
            photo: picture file; over MCP an http(s) address or a data URI.
            vocabulary: classes separated by commas, `;` between synonyms of one class.
            background: adds a background class.
            background_threshold: probability below which a pixel is background, 0 to 1.
            cross_window: switch "Cross-window context".
            proxy_anchors: switch "Proxy anchors".
            dynamic_normalization: switch "Dynamic normalization".
            threshold: rho, -1 to 1; the backbone's own when left out.
            short_side: pixels; the backbone's own when left out.
            crop: window side in pixels; the backbone's own when left out.
            stride: pixels; the backbone's own when left out.
            baseline: "off" or a baseline of the backbone.
            backbone: registry name.

        Returns:
            A document (classes with color and areas, settings, seam rates, seconds) and a zip file
            with label maps, overlays, legend and settings.
        """
        options = {
            "background": background,
            "background_threshold": background_threshold,
            "cross_window": cross_window,
            "proxy_anchors": proxy_anchors,
            "dynamic_normalization": dynamic_normalization,
            "threshold": threshold,
            "short_side": short_side,
            "crop": crop,
            "stride": stride,
            "baseline": baseline,
            "backbone": backbone,
        }
        with self._place():
            form = self._form(vocabulary, options)
            request = form.request()
            picture = self._photo(photo)
            result = self._demo.service.compare(picture, request)
            model = self._demo.backbone(form)
            colors = class_colors(request.vocabulary.names, request.vocabulary.background)
            sides = (result.left, result.right)
            document = result_document(*sides, model, colors)
            archive = result_zip(*sides, model, colors, picture, document=document)
            return document, save_to_cache(archive, "gla-clip.zip")

    def attention(
        self,
        photo: str,
        x: float,
        y: float,
        threshold: float | None = None,
        backbone: str = "auto",
    ) -> tuple[dict[str, Any], str]:
        """Where the attention of one point goes, per window, at the four steps.

        Args:
            photo: picture file; over MCP an http(s) address or a data URI.
            x: pixels from the left.
            y: pixels from the top.
            threshold: rho; the backbone's own when left out.
            backbone: registry name.

        Returns:
            A document (own window, |P|, u, w and the share of each window at each step) and a PNG
            of the four panels.
        """
        with self._place():
            form = self._form("any, thing", {"threshold": threshold, "backbone": backbone})
            picture = self._photo(photo)
            point = _whole("x", x), _whole("y", y)
            maps = self._demo.service.attention(picture, point, form.request())
            panels = attention_panels(maps, picture)
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
            "own_window": maps.window,
            "token": list(maps.token),
            "windows": {"rows": maps.grid[0], "columns": maps.grid[1]},
            "steps": steps,
        }
        return document, save_to_cache(png_bytes(panels), "attention.png")

    def evaluate(
        self, photo: str, label_map: str, classes: str, ignore: float | None, backbone: str
    ) -> dict[str, Any]:
        """Measures both sides against a label map.

        Args:
            photo: picture file; over MCP an http(s) address or a data URI.
            label_map: indexed or grey PNG, values count the classes from 0.
            classes: classes in the order of their numbers, separated by commas.
            ignore: value that means no class.
            backbone: registry name.

        Returns:
            mIoU, pixel accuracy, BER, window disagreement and IoU per class of both sides.
        """
        with self._place():
            form = self._form(classes, {"backbone": backbone})
            picture = self._photo(photo)
            no_class = None if ignore is None else _whole("ignore", ignore)
            result, scores, _ = measure(
                self._demo.service, picture, form, label_map, classes, no_class
            )

        def side(score: Score) -> dict[str, Any]:
            return {
                "miou": _number(score.miou),
                "pixel_accuracy": _number(score.accuracy),
                "ber": _number(score.ber),
                "disagreement": _number(score.disagreement),
                "iou": {
                    name: _number(value)
                    for name, value in zip(result.right.classes, score.ious, strict=True)
                },
            }

        return {"baseline": side(scores[0]), "glaclip": side(scores[1])}


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


def build_api(demo: Demo) -> None:
    """Adds the endpoints through widgets that are never shown: they give inputs their types."""
    endpoints = Endpoints(demo)
    start = demo.start
    with gr.Row(visible=False):
        photo = gr.File(label="photo", type="filepath")
        label_map = gr.File(label="label_map", type="filepath")
        words = gr.Textbox("sky, person; man; woman, tree", label="vocabulary")
        classes = gr.Textbox("sky, building", label="classes")
        background = gr.Checkbox(False, label="background")
        threshold_bg = gr.Number(start.background_threshold, label="background_threshold")
        switches = [
            gr.Checkbox(True, label=name)
            for name in ("cross_window", "proxy_anchors", "dynamic_normalization")
        ]
        rho = gr.Number(None, label="threshold")
        sizes = [gr.Number(None, label=name) for name in ("short_side", "crop", "stride")]
        baseline = gr.Textbox("off", label="baseline")
        backbone = gr.Textbox("auto", label="backbone")
        x, y = gr.Number(0, label="x"), gr.Number(0, label="y")
        ignore = gr.Number(255, label="ignore")
        document, file = gr.JSON(label="document"), gr.File(label="file")
        trigger = gr.Button()
    # Not in the page's queue, where many requests of one program would keep people out.
    options: dict[str, Any] = {"concurrency_limit": None}
    trigger.click(
        endpoints.segment,
        [photo, words, background, threshold_bg, *switches, rho, *sizes, baseline, backbone],
        [document, file],
        api_name="segment",
        **options,
    )
    trigger.click(
        endpoints.attention,
        [photo, x, y, rho, backbone],
        [document, file],
        api_name="attention",
        **options,
    )
    trigger.click(
        endpoints.evaluate,
        [photo, label_map, classes, ignore, backbone],
        document,
        api_name="evaluate",
        **options,
    )
