"""What the page does for one visitor, without gradio: photo and request in, comparison out."""

from __future__ import annotations

import itertools
import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glaclip.backbones.base import Backbone, BackboneError
from glaclip.clicks import AttentionMaps
from glaclip.evaluation.metrics import AttentionSummary, attention_summary
from glaclip.segmenter import (
    Encoded,
    Method,
    Progress,
    Segmentation,
    Segmenter,
)
from glaclip.settings import AttentionSettings, SettingsError, WindowSettings
from glaclip.vocabulary import Vocabulary
from glaclip.windows import boxes, working_size

_LOG = logging.getLogger(__name__)
#: The page shrinks photos to this long side; the command line keeps every pixel.
MAX_SIDE = 2048
#: Left side of the comparison when no baseline of the backbone is named.
SWITCHES_OFF = "off"
#: What a run may have left to do and still start by itself. Windows to encode, and similarities
#: between tokens: a slow core does about 3e7 of them a second. Or fewer seconds than these, where
#: earlier runs have shown what this computer needs.
CHEAP_WINDOWS = 40
CHEAP_SIMILARITIES = 2e8
CHEAP_SECONDS = 3


class StoppedError(Exception):
    """A newer run, the Stop button or a closed page ended this run."""


@dataclass(frozen=True)
class Request:
    """Everything a comparison depends on besides the photo.

    Attributes:
        vocabulary: the words.
        attention: switches and constants of the right side; the left uses its constants.
        windows: how the photo is cut.
        baseline: what the left side shows: "off" or one of the backbone's baselines.
        key_source: whose keys attention uses; "" for the backbone's first.
        backbone: registry name.
    """

    vocabulary: Vocabulary
    attention: AttentionSettings
    windows: WindowSettings
    baseline: str = SWITCHES_OFF
    key_source: str = ""
    backbone: str = "auto"


@dataclass(frozen=True)
class Cost:
    """What a run has left to compute.

    Attributes:
        windows: all windows of the photo.
        to_encode: windows that are not encoded yet.
        similarities: how often two tokens are compared, both sides; 0 when not encoded yet.
        seconds: estimate from this process's earlier runs, NaN when there were none.
    """

    windows: int
    to_encode: int
    similarities: float
    seconds: float

    @property
    def cheap(self) -> bool:
        """Whether a run may start without being asked for."""
        little = self.to_encode <= CHEAP_WINDOWS and self.similarities <= CHEAP_SIMILARITIES
        return little or self.seconds <= CHEAP_SECONDS

    @property
    def sentence(self) -> str:
        """The cost for people."""
        what = f"{self.windows} windows" if self.to_encode else "Attention over all windows"
        time = "a while" if math.isnan(self.seconds) else f"about {max(1, round(self.seconds))} s"
        return f"{what} take{'' if self.to_encode else 's'} {time} here: press Segment to start."


@dataclass(frozen=True, eq=False)
class Comparison:
    """Both sides of a request.

    Attributes:
        left: the baseline.
        right: GLA-CLIP with the request's switches.
        encoded: the photo's tokens.
        encoded_cached: whether the photo was known.
        seconds: wall-clock of the whole request.
    """

    left: Segmentation
    right: Segmentation
    encoded: Encoded
    encoded_cached: bool
    seconds: float


@dataclass
class Service:
    """Backbones of this process, shared by all visitors; it holds no visitor's data.

    Attributes:
        load: makes a backbone by registry name; raises BackboneError with one sentence.
    """

    load: Callable[[str], Backbone]
    _segmenters: dict[str, Segmenter] = field(default_factory=dict)
    _loading: threading.Lock = field(default_factory=threading.Lock)
    _model: threading.Lock = field(default_factory=threading.Lock)
    #: Seconds a window and a similarity took last, by (step, backbone).
    _pace: dict[tuple[str, str], float] = field(default_factory=dict)

    def segmenter(self, backbone: str) -> Segmenter:
        """The segmenter of a backbone, loaded once.

        Raises:
            BackboneError: it cannot start.
        """
        with self._loading:
            if backbone not in self._segmenters:
                self._segmenters[backbone] = Segmenter(self.load(backbone))
            return self._segmenters[backbone]

    def warm_up(self, backbone: str) -> None:
        """Loads what the first visitor would otherwise wait for; failing is left to that run."""
        try:
            segmenter = self.segmenter(backbone)
            windows = segmenter.backbone.default_windows
            self.encode(Image.new("RGB", (windows.crop, windows.crop)), windows, backbone)
            segmenter.backbone.encode_text(["anything"])
        except (BackboneError, SettingsError):
            _LOG.info("the backbone is not ready yet", exc_info=True)

    def encode(
        self,
        photo: Image.Image,
        windows: WindowSettings,
        backbone: str,
        progress: Progress | None = None,
    ) -> tuple[Encoded, bool]:
        """Tokens of a photo, and whether they were known.

        One photo passes the model at a time, so that a visitor's run has the machine's cores to
        itself and memory is bounded; a run that was stopped leaves the queue at its next window.
        """

        def step(name: str, done: int, total: int) -> None:
            if progress:
                progress(name, done, total)

        segmenter = self.segmenter(backbone)
        while not self._model.acquire(timeout=0.2):
            step("waiting", 0, 1)
        started = time.perf_counter()
        try:
            encoded, known = segmenter.encode_with_origin(photo, windows, step)
        finally:
            self._model.release()
        if not known:
            spent = time.perf_counter() - started
            self._pace["encode", backbone] = spent / len(encoded.boxes)
        return encoded, known

    def cost(self, photo: Image.Image, request: Request) -> Cost:
        """What `compare` would have left to compute.

        Raises:
            SettingsError, BackboneError: each a sentence for the visitor.
        """
        segmenter = self.segmenter(request.backbone)
        windows = window_count((photo.height, photo.width), request.windows)
        encoded = segmenter.known_encoding(photo, request.windows)
        if encoded is None:
            pace = self._pace.get(("encode", request.backbone), math.nan)
            return Cost(windows, windows, 0, windows * pace)
        count = 0.0
        for method in self._methods(segmenter, request):
            if not segmenter.knows_features(encoded, method):
                count += segmenter.similarities(encoded, method)
        pace = self._pace.get(("attention", request.backbone), math.nan)
        return Cost(windows, 0, count, count * pace)

    @staticmethod
    def _methods(segmenter: Segmenter, request: Request) -> tuple[Method, Method]:
        """Left and right side."""
        source = request.key_source or None
        right = segmenter.method(request.attention, key_source=source)
        if request.baseline == SWITCHES_OFF:
            return segmenter.method(request.attention.off(), key_source=source), right
        return segmenter.method(baseline=request.baseline), right

    def compare(
        self, photo: Image.Image, request: Request, progress: Progress | None = None
    ) -> Comparison:
        """Both sides of a request.

        Raises:
            PhotoError, SettingsError, BackboneError: each a sentence for the visitor.
            StoppedError: from `progress`.
        """
        started = time.perf_counter()
        segmenter = self.segmenter(request.backbone)
        encoded, cached = self.encode(photo, request.windows, request.backbone, progress)
        right = segmenter.segment(
            encoded,
            request.vocabulary,
            request.attention,
            key_source=request.key_source or None,
            progress=progress,
        )
        if "attention" not in right.cached:
            count = segmenter.similarities(encoded, right.method)
            self._pace["attention", request.backbone] = right.seconds["attention"] / count
        off = request.baseline == SWITCHES_OFF
        left = segmenter.segment(
            encoded,
            request.vocabulary,
            request.attention.off() if off else None,
            baseline=None if off else request.baseline,
            key_source=(request.key_source or None) if off else None,
            progress=progress,
        )
        return Comparison(
            left=left,
            right=right,
            encoded=encoded,
            encoded_cached=cached,
            seconds=time.perf_counter() - started,
        )

    def alone(self, request: Request, result: Comparison) -> Segmentation:
        """The photo with all switches off, each window by itself; mostly the left side."""
        off = request.attention.off()
        if result.left.method.settings == off:
            return result.left
        return self.segmenter(request.backbone).segment(
            result.encoded, request.vocabulary, off, key_source=request.key_source or None
        )

    def attention(
        self, photo: Image.Image, point: tuple[float, float], request: Request
    ) -> AttentionMaps:
        """The four rungs for a point (x, y) in photo pixels; encodes the photo if needed."""
        encoded, _ = self.encode(photo, request.windows, request.backbone)
        return self.segmenter(request.backbone).attention(
            encoded, point, request.attention, key_source=request.key_source or None
        )

    def summaries(
        self, photo: Image.Image, request: Request
    ) -> tuple[tuple[AttentionSummary, ...], Encoded]:
        """Attention over the whole photo at each rung of the ladder."""
        encoded, _ = self.encode(photo, request.windows, request.backbone)
        segmenter = self.segmenter(request.backbone)
        source = request.key_source or segmenter.backbone.key_sources[0]
        keys, _ = segmenter.backbone.keys(encoded.tokens, source)[0]
        rungs = AttentionSettings.ladder(request.attention)
        return tuple(attention_summary(keys, encoded.boxes, rung) for rung in rungs), encoded


def window_count(photo_size: tuple[int, int], windows: WindowSettings) -> int:
    """How many windows a photo of (height, width) is cut into; what a run costs."""
    return len(boxes(working_size(*photo_size, windows), windows))


def best_classes(
    probabilities: NDArray[np.float32], names: tuple[str, ...], count: int = 5
) -> list[tuple[str, float]]:
    """The most probable classes, best first."""
    order = np.argsort(-probabilities, kind="stable")[:count]
    return [(names[i], float(probabilities[i])) for i in order]


class Runs:
    """Which run is the newest of each page. It holds numbers only, nothing of a visitor."""

    def __init__(self, pages: int = 4096) -> None:
        """Args:
        pages: open pages remembered; the longest idle are forgotten first.
        """
        self._pages = pages
        self._newest: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def start(self, page: str) -> Callable[[], None]:
        """Starts a run of a page, which ends every older one.

        Returns:
            A check that raises StoppedError once the run is no longer the newest.
        """
        mine = self.stop(page)

        def check() -> None:
            if self._newest.get(page) != mine:
                raise StoppedError

        return check

    def stop(self, page: str) -> int:
        """Ends every run of a page."""
        with self._lock:
            number = next(self._numbers)
            self._newest.pop(page, None)
            self._newest[page] = number  # at the end of the order, as the least idle
            while len(self._newest) > self._pages:
                self._newest.pop(next(iter(self._newest)))
            return number
