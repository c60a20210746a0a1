"""What the page does for one visitor, without gradio: photo and request in, comparison out."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glaclip.attention.point import AttentionMaps
from glaclip.attention.summary import AttentionSummary, attention_summary
from glaclip.backbones.base import BackboneError
from glaclip.segmenter import WAITING, Encoded, Method, Progress, Segmentation, Segmenter
from glaclip.segmenter.word_store import WordStore
from glaclip.serving import estimate as costs
from glaclip.serving.bar import Bar, Part
from glaclip.serving.estimate import Plan
from glaclip.serving.limits import LimitError, Limits, duration
from glaclip.serving.models import Fetch, Load, Models
from glaclip.serving.pace import Amounts, Pace
from glaclip.serving.scheduler import Turn, Turns
from glaclip.settings import AttentionSettings, SettingsError, WindowSettings
from glaclip.vocabulary import Vocabulary, parse_vocabulary

_LOG = logging.getLogger(__name__)
#: The page shrinks photos to this long side; the command line keeps every pixel.
MAX_SIDE = 2048
#: Left side of the comparison when no baseline of the backbone is named.
SWITCHES_OFF = "off"
#: What a run may have left to do and still start by itself, or fewer seconds than these, where
#: earlier runs have shown what this computer needs. Two slow cores compare 2e8 tokens a second.
CHEAP_WINDOWS = 40
CHEAP_SIMILARITIES = 2e8
CHEAP_TEXTS = 1000
CHEAP_SCORES = 1e9
CHEAP_SECONDS = 3
#: (step, amount) in the order of the work.
Parts = Sequence[tuple[str, float]]
#: Runs may hold this many times the memory of the largest one that is allowed.
_TOGETHER = 2


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
        similarities: how often two tokens are compared, of all methods that are not known yet.
        seconds: estimate of all steps; of a step that nothing is known of yet, none.
        texts: prompts in their templates that are not embedded yet.
        scores: word and pixel pairs of the labels that are not known yet.
        certain: whether earlier runs have shown how long encoding takes here, if it is needed.
        megabytes: what the run holds at its worst moment.
        words: prompts of the run with all synonyms.
        parts: (step, amount) in the order of the work.
    """

    windows: int
    to_encode: int
    similarities: float
    seconds: float
    texts: int = 0
    scores: float = 0
    certain: bool = True
    megabytes: float = 0
    words: int = 0
    parts: Parts = ()

    @property
    def amounts(self) -> Amounts:
        """What there is to do of each step: window pixels, similarities, texts, scores."""
        found: Amounts = {}
        for step, amount in self.parts:
            found[step] = found.get(step, 0.0) + amount
        return found

    @property
    def cheap(self) -> bool:
        """Whether a run may start without being asked for."""
        little = (
            self.to_encode <= CHEAP_WINDOWS
            and self.similarities <= CHEAP_SIMILARITIES
            and self.texts <= CHEAP_TEXTS
            and self.scores <= CHEAP_SCORES
        )
        return little or (self.certain and self.seconds <= CHEAP_SECONDS)

    @property
    def sentence(self) -> str:
        """The cost for people."""
        if self.to_encode:
            what = f"{self.windows} windows take"
        elif self.similarities > CHEAP_SIMILARITIES:
            what = "Attention over all windows takes"
        else:
            what = f"Reading and placing {self.words} words takes"
        seconds = f"about {duration(self.seconds)}"
        if not self.certain:
            seconds = "a while" if self.seconds < CHEAP_SECONDS else f"{seconds} or more"
        return f"{what} {seconds} here: press Segment to start."


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


class Service:
    """Backbones of this process, shared by all visitors; it holds no visitor's data."""

    def __init__(
        self,
        load: Load,
        *,
        fetch: Fetch | None = None,
        resolve: Callable[[str], str] = str,
        limits: Limits | None = None,
        word_store: WordStore | None = None,
    ) -> None:
        """Args:
        load: makes a backbone by registry name; raises BackboneError with one sentence.
        fetch: brings what a name needs onto this computer; see `Models`.
        resolve: the registry name that a choice such as "auto" stands for.
        limits: what one run may take; the defaults when left out.
        word_store: where embeddings of shipped word lists are kept between two starts.
        """
        self.limits = limits or Limits()
        megabytes = self.limits.cache
        self.models = Models(
            load, fetch, resolve, self.limits.models, megabytes * 2**20, word_store
        )
        self.turns = Turns(_TOGETHER * self.limits.memory)
        self._pace = Pace()

    def segmenter(self, backbone: str, progress: Progress | None = None) -> Segmenter:
        """The segmenter of a backbone, loaded once; see `Models.get`.

        Raises:
            BackboneError: it cannot start.
        """
        return self.models.get(backbone, progress)

    def warm_up(self, backbone: str) -> None:
        """Loads what the first visitor would otherwise wait for; failing is left to that run."""
        try:
            segmenter = self.models.prepared(backbone)
            windows = segmenter.backbone.default_windows
            photo = Image.new("RGB", (windows.crop, windows.crop))
            request = Request(
                parse_vocabulary("anything, else"), AttentionSettings(), windows, backbone=backbone
            )
            self.compare(photo, request)
        except (BackboneError, SettingsError, LimitError):
            _LOG.info("the backbone is not ready yet", exc_info=True)

    def cost(
        self,
        photo: Image.Image,
        request: Request,
        progress: Progress | None = None,
        *,
        click: bool = False,
    ) -> Cost:
        """What `compare` would have left to compute, and `attention` too for a click.

        Raises:
            SettingsError, BackboneError, LimitError: each a sentence for the visitor.
        """
        self.limits.check_backbone(request.backbone)
        segmenter = self.segmenter(request.backbone, progress)
        right, left = self._methods(segmenter, request)
        plan = _plan(photo, request, (right, left))
        encoded = segmenter.known_encoding(photo, request.windows)
        backbone, vocabulary = segmenter.backbone, request.vocabulary
        texts = segmenter.unknown_words(vocabulary.prompts) * len(backbone.templates)
        parts = [("words", float(texts))]
        for method in (right, left):
            known = encoded and segmenter.knows_features(encoded, method)
            anchored = encoded is not None and segmenter.knows_anchors(encoded, method)
            compared = costs.similarities(backbone, plan, method, anchors_known=anchored)
            parts += [("attention", 0.0 if known else compared)]
            known = encoded and segmenter.knows_labels(encoded, method, vocabulary)
            parts += [("labels", 0.0 if known else costs.scored(plan))]
        if click:
            parts += [("attention", self._click_similarities(segmenter, plan, encoded, right))]
        return self._cost(segmenter, plan, encoded, parts)

    def _click_similarities(
        self, segmenter: Segmenter, plan: Plan, encoded: Encoded | None, method: Method
    ) -> float:
        settings = method.settings
        if settings is None or (encoded and segmenter.knows_mean_query(encoded, method)):
            return 0.0
        if encoded is None and settings.cross_window and settings.proxy_anchors:
            return 0.0  # the run before the click leaves the mean query behind
        return costs.mean_query_similarities(segmenter.backbone, plan, method)

    def _cost(
        self, segmenter: Segmenter, plan: Plan, encoded: Encoded | None, parts: Parts
    ) -> Cost:
        to_encode = 0 if encoded else plan.count
        parts = (("encode", float(to_encode * plan.windows.crop**2)), *parts)
        cost = Cost(
            windows=plan.count,
            to_encode=to_encode,
            similarities=0,
            seconds=0,
            megabytes=costs.memory(segmenter.backbone, plan) / 2**20,
            words=plan.prompts,
            parts=parts,
        )
        amounts = cost.amounts
        seconds, certain = self._pace.seconds(segmenter.backbone.fingerprint, amounts)
        return dataclasses.replace(
            cost,
            similarities=amounts.get("attention", 0.0),
            texts=int(amounts.get("words", 0)),
            scores=amounts.get("labels", 0.0),
            seconds=seconds,
            certain=certain,
        )

    @staticmethod
    def _methods(segmenter: Segmenter, request: Request) -> tuple[Method, Method]:
        """Right and left side, in the order in which they are computed."""
        source = request.key_source or None
        right = segmenter.method(request.attention, key_source=source)
        if request.baseline == SWITCHES_OFF:
            return right, segmenter.method(request.attention.off(), key_source=source)
        return right, segmenter.method(baseline=request.baseline)

    def check(self, cost: Cost) -> None:
        """Refuses a run that nobody may start here.

        Raises:
            LimitError: the estimate is beyond a limit.
        """
        self.limits.check_run(cost.windows, cost.words, cost.seconds, cost.megabytes)

    @contextmanager
    def _run(
        self, cost: Cost, segmenter: Segmenter, progress: Progress | None
    ) -> Iterator[Progress]:
        """A place among the runs, if the limits allow it; gives what to call between pieces.

        `progress` hears the share of the whole run, in thousandths, with the step at work.

        Raises:
            LimitError: the estimate is beyond a limit, or the run has taken longer than one may.
        """
        self.check(cost)

        def waiting() -> None:
            if progress:
                progress(WAITING, 0, 1)

        backbone = segmenter.backbone.fingerprint
        bar = Bar([Part(step, self._pace.of(backbone, step, done)) for step, done in cost.parts])
        with self.turns.run(cost.megabytes, waiting) as turn:
            meter = _Meter(turn, self.limits.seconds, bar, progress)
            yield meter
            meter.close()
            self._pace.learn(backbone, cost.amounts, meter.spent)

    def compare(
        self, photo: Image.Image, request: Request, progress: Progress | None = None
    ) -> Comparison:
        """Both sides of a request.

        Raises:
            PhotoError, SettingsError, BackboneError, LimitError: each a sentence for the visitor.
            StoppedError: from `progress`.
        """
        started = time.perf_counter()
        self.limits.check_backbone(request.backbone)
        segmenter = self.models.prepared(request.backbone, progress)
        cost = self.cost(photo, request)
        with self._run(cost, segmenter, progress) as step:
            encoded, cached = segmenter.encode_with_origin(photo, request.windows, step)
            right, left = (
                segmenter.segment(
                    encoded,
                    request.vocabulary,
                    method,
                    progress=step,
                )
                for method in self._methods(segmenter, request)
            )
        return Comparison(
            left=left,
            right=right,
            encoded=encoded,
            encoded_cached=cached,
            seconds=time.perf_counter() - started,
        )

    def alone(
        self, request: Request, result: Comparison, progress: Progress | None = None
    ) -> Segmentation:
        """The photo with all switches off, each window by itself; mostly the left side."""
        off = request.attention.off()
        if result.left.method.settings == off:
            return result.left
        return self.segmenter(request.backbone).segment(
            result.encoded,
            request.vocabulary,
            off,
            key_source=request.key_source or None,
            progress=progress,
        )

    def attention(
        self,
        photo: Image.Image,
        point: tuple[float, float],
        request: Request,
        progress: Progress | None = None,
    ) -> AttentionMaps:
        """The four rungs for a point (x, y) in photo pixels; encodes the photo if needed.

        Raises:
            PhotoError, SettingsError, BackboneError, LimitError: each a sentence for the visitor.
            SettingsError: also for a point outside the photo.
            StoppedError: from `progress`.
        """
        self.limits.check_backbone(request.backbone)
        segmenter = self.models.prepared(request.backbone, progress)
        method, _ = self._methods(segmenter, request)
        plan = _plan(photo, request, (method,))
        encoded = segmenter.known_encoding(photo, request.windows)
        compared = 0.0
        if encoded is None or not segmenter.knows_mean_query(encoded, method):
            compared = costs.mean_query_similarities(segmenter.backbone, plan, method)
        cost = self._cost(segmenter, plan, encoded, [("attention", compared)])
        with self._run(cost, segmenter, progress) as step:
            encoded, _ = segmenter.encode_with_origin(photo, request.windows, step)
            return segmenter.attention(
                encoded,
                point,
                request.attention,
                key_source=request.key_source or None,
                progress=step,
            )

    def summaries(
        self, photo: Image.Image, request: Request, progress: Progress | None = None
    ) -> tuple[tuple[AttentionSummary, ...], Encoded]:
        """Attention over the whole photo at each rung of the ladder.

        Raises:
            PhotoError, SettingsError, BackboneError, LimitError: each a sentence for the visitor.
            StoppedError: from `progress`.
        """
        self.limits.check_backbone(request.backbone)
        segmenter = self.models.prepared(request.backbone, progress)
        method, _ = self._methods(segmenter, request)
        plan = _plan(photo, request, (method,))
        encoded = segmenter.known_encoding(photo, request.windows)
        compared = costs.ladder_similarities(segmenter.backbone, plan, method)
        cost = self._cost(segmenter, plan, encoded, [("attention", each) for each in compared])
        with self._run(cost, segmenter, progress) as step:
            encoded, _ = segmenter.encode_with_origin(photo, request.windows, step)
            keys, _ = segmenter.first_keys(encoded, method.key_source)

            def report(done: int, total: int) -> None:
                step("attention", done, total)

            def summary(rung: AttentionSettings) -> AttentionSummary:
                return attention_summary(keys[rung.cross_window], encoded.boxes, rung, report)

            found = tuple(map(summary, AttentionSettings.ladder(request.attention)))
        return found, encoded


_THOUSAND = 1000


class _Meter:
    """Takes the turn before each piece of work and counts what each step computes."""

    def __init__(self, turn: Turn, most: float, bar: Bar, progress: Progress | None) -> None:
        self.spent: dict[str, float] = {}
        self._turn, self._most, self._bar, self._progress = turn, most, bar, progress
        self._step, self._counted = "", 0.0

    def __call__(self, step: str, done: int, total: int) -> None:
        """A `Progress`."""
        if step == WAITING:
            self._turn.rest()
        else:
            self._turn.work()
        self._count(step)
        if self._turn.seconds > self._most:
            raise LimitError(
                f"This run has computed for {duration(self._turn.seconds)} and was ended; at most "
                f"{duration(self._most)} are given to one run: fewer windows or words take less."
            )
        if self._progress:
            share = self._bar.share(step, done, total, self._turn.seconds)
            self._progress(step, int(share * _THOUSAND), _THOUSAND)

    def _count(self, step: str) -> None:
        seconds = self._turn.seconds
        self.spent[self._step] = self.spent.get(self._step, 0.0) + seconds - self._counted
        self._step, self._counted = step, seconds

    def close(self) -> None:
        """The work is done."""
        self._turn.rest()
        self._count("")


def _plan(photo: Image.Image, request: Request, methods: tuple[Method, ...]) -> Plan:
    size = photo.height, photo.width
    return Plan(size, request.windows, methods, len(request.vocabulary.prompts))


def best_classes(
    probabilities: NDArray[np.float32], names: tuple[str, ...], count: int = 5
) -> list[tuple[str, float]]:
    """The most probable classes, best first."""
    order = np.argsort(-probabilities, kind="stable")[:count]
    return [(names[i], float(probabilities[i])) for i in order]


#: The kind of run that shows a new result; what other kinds show is about an older one then.
MAIN = "run"
#: What goes on when a new result comes: a person asked for the older one to keep.
_KEPT = "download"


class Runs:
    """Which runs are the newest of each page. It holds numbers only, nothing of a visitor."""

    def __init__(self, pages: int = 4096) -> None:
        """Args:
        pages: open pages remembered; the longest idle are forgotten first.
        """
        self._pages = pages
        self._newest: dict[str, dict[str, tuple[int, float]]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def start(
        self,
        page: str,
        kind: str = MAIN,
        unless: Callable[[], None] = lambda: None,
        at: float | None = None,
    ) -> Callable[[], None]:
        """Starts a run of a page, which ends older ones of its kind; a main run all but downloads.

        Args:
            page: an open page.
            kind: of the run.
            unless: raises where nothing is to be started, such as the check of an older run.
            at: when it was asked for, by the page's clock; threads may start in another order.

        Returns:
            A check that raises StoppedError once the run is no longer wanted.

        Raises:
            StoppedError: a run of the kind has started that was asked for later.
        """
        with self._lock:
            unless()
            kinds = self._newest.get(page, {})
            _, last = kinds.get(kind, (0, -math.inf))
            if at is not None and at < last:
                raise StoppedError
            mine = next(self._numbers)
            self._newest.pop(page, None)
            if kind == MAIN:
                kinds = {name: run for name, run in kinds.items() if name == _KEPT}
            # At the end of the order, as the least idle.
            self._newest[page] = {**kinds, kind: (mine, last if at is None else at)}
            while len(self._newest) > self._pages:
                self._newest.pop(next(iter(self._newest)))

        def check() -> None:
            if self._newest.get(page, {}).get(kind, (0, 0.0))[0] != mine:
                raise StoppedError

        return check

    def stop(self, page: str) -> None:
        """Ends every run of a page."""
        with self._lock:
            self._newest.pop(page, None)
