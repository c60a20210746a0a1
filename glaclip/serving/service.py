"""What the page does for one visitor, without gradio: photo and request in, answer out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glaclip.attention.point import AttentionMaps
from glaclip.attention.summary import AttentionSummary, attention_summary
from glaclip.backbones.base import BackboneError
from glaclip.segmenter import (
    WAITING,
    AnyPhoto,
    BaselineAttention,
    Encoded,
    HashedPhoto,
    Method,
    Progress,
    Segmentation,
    Segmenter,
)
from glaclip.segmenter.method import parse_method
from glaclip.segmenter.word_store import WordStore
from glaclip.serving import estimate as count
from glaclip.serving import lending
from glaclip.serving.estimate import Bar, Estimate, Pace, Plan
from glaclip.serving.lending import Lender
from glaclip.serving.limits import LimitError, Limits, duration
from glaclip.serving.models import Fetch, Load, Models
from glaclip.serving.scheduler import Turn, Turns
from glaclip.settings import AttentionSettings, SettingsError, WindowSettings
from glaclip.vocabulary import Vocabulary, parse_vocabulary

_LOG = logging.getLogger(__name__)
#: Left side of the comparison when no baseline of the backbone is named.
SWITCHES_OFF = "off"
#: Runs may hold this many times the memory of the largest one that is allowed.
_TOGETHER = 2
#: Step of a run at which its words are compared with common ones.
PRESENCE = "presence"
Point = tuple[float, float]


@dataclass(frozen=True)
class Request:
    """Everything a comparison depends on besides the photo.

    Attributes:
        vocabulary: the words.
        attention: switches and constants of the right side; the left uses its constants.
        windows: how the photo is cut.
        baseline: name of the left side's method: "off", one of the backbone's baselines, or a
            method with its own way of fusing windows ("on/gauss").
        key_source: whose keys attention uses; "" for the backbone's first.
        backbone: registry name.
    """

    vocabulary: Vocabulary
    attention: AttentionSettings
    windows: WindowSettings
    baseline: str = SWITCHES_OFF
    key_source: str = ""
    backbone: str = "auto"


@dataclass(frozen=True, eq=False)
class Answer:
    """Both sides of a request, and what its point shows.

    Attributes:
        left: the baseline.
        right: GLA-CLIP with the request's switches.
        alone: the photo with all switches off, each window by itself: mostly the left side. None
            without a point.
        maps: the point's attention at the four rungs. None without a point.
        encoded: the photo's tokens.
        encoded_cached: whether the photo was known.
        seconds: wall-clock until both sides were there.
        estimate: what was left to compute.
    """

    left: Segmentation
    right: Segmentation
    alone: Segmentation | None
    maps: AttentionMaps | None
    encoded: Encoded
    encoded_cached: bool
    seconds: float
    estimate: Estimate


class _Job:
    """One press: what it asks of a segmenter, and what of that is known before it is computed."""

    def __init__(self, segmenter: Segmenter, photo: AnyPhoto, request: Request) -> None:
        self.segmenter, self.request, self.photo = segmenter, request, HashedPhoto.of(photo)
        source = request.key_source or None
        self.right = segmenter.method(request.attention, key_source=source)
        self.off = segmenter.method(request.attention.off(), key_source=source)
        self.left = self.off
        if "/" in request.baseline:  # its windows are fused in a way of its own
            left = parse_method(request.baseline, segmenter.backbone, request.attention)
            self.left = segmenter.method(left.with_keys(source))
        elif request.baseline != SWITCHES_OFF:
            self.left = segmenter.method(baseline=request.baseline)
        self.encoded = segmenter.known_encoding(self.photo, request.windows)
        self.new_words = segmenter.unknown_words(request.vocabulary.prompts)

    @property
    def pace(self) -> str:
        """Whose pace it has: a VFM that sees photos as a whole is another backbone in this."""
        return f"{self.segmenter.backbone.fingerprint} {self.request.windows.vfm_view}"

    def plan(self, *methods: Method) -> Plan:
        """The photo with some methods, each once, in the order in which they are computed."""
        image, request = self.photo.image, self.request
        prompts = len(request.vocabulary.prompts)
        distinct = tuple(dict.fromkeys(methods))
        return Plan((image.height, image.width), request.windows, distinct, prompts)

    def segmenting(self, plan: Plan) -> Iterator[tuple[str, float]]:
        """(step, amount) of labels by all methods of a plan."""
        encoded, segmenter, vocabulary = self.encoded, self.segmenter, self.request.vocabulary
        backbone = segmenter.backbone
        yield "words", float(len(self.new_words) * len(backbone.templates))
        for method in plan.methods:
            known = encoded is not None and segmenter.knows_features(encoded, method)
            anchored = encoded is not None and segmenter.knows_anchors(encoded, method)
            compared = count.similarities(backbone, plan, method, anchors_known=anchored)
            if again := count.encoded_again(plan, method):
                yield "encode", 0.0 if known else again
            yield "attention", 0.0 if known else compared
            known = encoded is not None and segmenter.knows_labels(encoded, method, vocabulary)
            yield "labels", 0.0 if known else count.scored(plan)

    def suggesting(self, plan: Plan) -> Iterator[tuple[str, float]]:
        """(step, amount) of proposing words by the methods of a plan."""
        encoded, segmenter = self.encoded, self.segmenter
        yield "words", float(segmenter.unknown_candidates())
        for method in plan.methods:
            known = encoded is not None and segmenter.knows_features(encoded, method)
            anchored = encoded is not None and segmenter.knows_anchors(encoded, method)
            compared = count.similarities(segmenter.backbone, plan, method, anchors_known=anchored)
            yield "attention", 0.0 if known else compared

    def looking(self, plan: Plan, *, after_run: bool) -> Iterator[tuple[str, float]]:
        """(step, amount) of a point: nothing, once the mean query of the photo is known."""
        encoded, segmenter, settings = self.encoded, self.segmenter, self.request.attention
        known = encoded is not None and segmenter.knows_mean_query(encoded, self.right)
        if after_run and settings.cross_window and settings.proxy_anchors:
            # A run that computes attention leaves the mean query behind.
            known = known or encoded is None or not segmenter.knows_features(encoded, self.right)
        compared = count.mean_query_similarities(segmenter.backbone, plan, self.right)
        yield "attention", 0.0 if known else compared

    def encode(self, step: Progress) -> tuple[Encoded, bool]:
        """The photo's tokens, and whether they were known."""
        return self.segmenter.encode_with_origin(self.photo, self.request.windows, step)

    def segment(self, encoded: Encoded, method: Method, step: Progress) -> Segmentation:
        """Labels by a method."""
        return self.segmenter.segment(encoded, self.request.vocabulary, method, progress=step)

    def maps(self, encoded: Encoded, point: Point, step: Progress) -> AttentionMaps:
        """The four rungs for a point."""
        return self.segmenter.attention(encoded, point, self.right, progress=step)


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
        lender: Lender | None = None,
    ) -> None:
        """Args:
        load: makes a backbone by registry name; raises BackboneError with one sentence.
        fetch: brings what a name needs onto this computer; see `Models`.
        resolve: the registry name that a choice such as "auto" stands for.
        limits: what one run may take; the defaults when left out.
        word_store: where embeddings of shipped word lists are kept between two starts.
        lender: a GPU that computes the long steps of a run in one call.
        """
        self.limits = limits or Limits()
        megabytes = self.limits.cache
        self.models = Models(
            load, fetch, resolve, self.limits.models, megabytes * 2**20, word_store
        )
        self.turns = Turns(_TOGETHER * self.limits.memory)
        self.lender = lender
        self._pace, self._lent_pace = Pace(), Pace(lending.FIRST)

    def segmenter(self, backbone: str, progress: Progress | None = None) -> Segmenter:
        """The segmenter of a backbone, loaded once; see `Models.get`.

        Raises:
            BackboneError: it cannot start.
        """
        return self.models.get(backbone, progress)

    def warm_up(self, backbone: str) -> None:
        """Loads what the first visitor would otherwise wait for; failing is left to that run."""
        try:
            segmenter = self.segmenter(backbone)
            if self.lender and self.lender.serves(segmenter.backbone):
                return  # there before the page was, and a GPU is lent to visitors
            windows = segmenter.backbone.default_windows
            photo = Image.new("RGB", (windows.crop, windows.crop))
            request = Request(
                parse_vocabulary("anything, else"), AttentionSettings(), windows, backbone=backbone
            )
            self.answer(photo, request)
        except (BackboneError, SettingsError, LimitError):
            _LOG.info("the backbone is not ready yet", exc_info=True)

    def estimate(self, photo: AnyPhoto, request: Request, point: Point | None = None) -> Estimate:
        """What `answer` would have left to compute.

        Raises:
            PhotoError, SettingsError, BackboneError, LimitError: each a sentence for the visitor.
        """
        return self._estimate(self._job(photo, request), point)

    def _job(
        self,
        photo: AnyPhoto,
        request: Request,
        progress: Progress | None = None,
    ) -> _Job:
        self.limits.check_backbone(request.backbone)
        return _Job(self.segmenter(request.backbone, progress), photo, request)

    def _estimate(self, job: _Job, point: Point | None) -> Estimate:
        lent = self._lent(job, whole=True)
        if point is None:
            plan = job.plan(job.right, job.left)
            return self._counted(job, plan, job.segmenting(plan), lent)
        plan = job.plan(job.right, job.left, job.off)
        amounts = [*job.segmenting(plan), *job.looking(plan, after_run=True)]
        return self._counted(job, plan, amounts, lent)

    def _counted(
        self, job: _Job, plan: Plan, amounts: Iterable[tuple[str, float]], lent: Collection[str]
    ) -> Estimate:
        backbone, to_encode = job.segmenter.backbone, 0 if job.encoded else plan.count
        whole = [("encode", float(to_encode * plan.windows.crop**2)), *amounts]
        parts = self._pace.parts(job.pace, whole)
        quick = self._lent_pace.parts(job.pace, whole)
        return Estimate(
            windows=plan.count,
            to_encode=to_encode,
            words=plan.prompts,
            megabytes=count.memory(backbone, plan) / 2**20,
            parts=tuple(b if b.step in lent else a for a, b in zip(parts, quick, strict=True)),
        )

    def _lent(self, job: _Job, *, whole: bool, suggesting: bool = False) -> tuple[str, ...]:
        """Steps of a job that a lent GPU computes: nothing of a photo and words that are known.

        Args:
            job: what is asked.
            whole: whether labels or words are wanted, not only the photo's tokens.
            suggesting: whether words are to be found, not those of the request.
        """
        if self.lender is None or not self.lender.serves(job.segmenter.backbone):
            return ()
        new = job.segmenter.unknown_candidates() + (0 if suggesting else len(job.new_words))
        words = ("words",) if whole and new else ()
        if job.encoded is not None:
            return words
        return ("encode", "attention", *words) if whole else ("encode",)

    def _borrow(
        self,
        job: _Job,
        estimate: Estimate,
        step: Progress,
        methods: Sequence[Method] = (),
        suggested: int = 0,
    ) -> None:
        """Computes what a lent GPU computes of a job, in one call; the rest finds it done."""
        steps = self._lent(job, whole=bool(methods), suggesting=suggested > 0)
        if not steps or self.lender is None:
            return
        step(lending.LENDING, 0, 1)
        fingerprint = job.segmenter.backbone.fingerprint
        order = lending.Order(
            fingerprint,
            lending.call_seconds(estimate, steps),
            job.photo if job.encoded is None else None,
            job.request.windows,
            tuple(dict.fromkeys(methods)),
            job.new_words if methods and not suggested else (),
            suggested or (0 if methods and job.segmenter.unknown_candidates() else None),
        )
        computed = self.lender.compute(order)
        job.segmenter.keep(computed)
        self._lent_pace.learn(job.pace, estimate, computed.seconds)

    @contextmanager
    def _run(
        self,
        job: _Job,
        estimate: Estimate,
        progress: Progress | None,
        unless: Callable[[Estimate], None] = lambda estimate: None,
    ) -> Iterator[Progress]:
        """A place among the runs, if the limits allow it; gives what to call between pieces.

        `progress` hears the share of the whole run, in thousandths, with the step at work.

        Raises:
            LimitError: the estimate is beyond a limit, or the run has taken longer than one may.
        """
        # First: a run that nobody may start must not be offered by `unless`.
        self.limits.check_run(
            estimate.windows, estimate.words, estimate.seconds, estimate.megabytes
        )
        unless(estimate)
        self.models.prepare(job.segmenter, progress)

        def waiting() -> None:
            if progress:
                progress(WAITING, 0, 1)

        with self.turns.run(estimate.megabytes, waiting) as turn:
            meter = _Meter(turn, self.limits.seconds, Bar(estimate.parts), progress)
            yield meter
            meter.close()
            self._pace.learn(job.pace, estimate, meter.spent)

    def answer(
        self,
        photo: AnyPhoto,
        request: Request,
        point: Point | None = None,
        progress: Progress | None = None,
        *,
        unless: Callable[[Estimate], None] = lambda estimate: None,
    ) -> Answer:
        """Both sides of a request, and what a point shows: one estimate, one turn, one limit.

        Args:
            photo: hashed once; of a `HashedPhoto` not even that.
            request: words, switches and windows.
            point: (x, y) in photo pixels.
            progress: see `Progress`; it may raise to end the run.
            unless: the last word before anything is computed, such as `Estimate.check_cheap`; it
                raises where nothing is to be started.

        Raises:
            PhotoError, SettingsError, BackboneError, LimitError: each a sentence for the visitor.
            SettingsError: also for a point outside the photo.
            StoppedError: from `progress`.
        """
        started = time.perf_counter()
        job = self._job(photo, request, progress)
        estimate = self._estimate(job, point)
        with self._run(job, estimate, progress, unless) as step:
            cached = job.encoded is not None
            self._borrow(job, estimate, step, (job.right, job.left, *((job.off,) if point else ())))
            encoded, _ = job.encode(step)
            right = job.segment(encoded, job.right, step)
            left = job.segment(encoded, job.left, step)
            # While it is this run's turn; its rivals, the same for all, are no part of an estimate.
            step(PRESENCE, 0, 1)
            right.presence  # noqa: B018 (computed and kept)
            seconds = time.perf_counter() - started
            alone = maps = None
            if point is not None:
                alone = left if job.left == job.off else job.segment(encoded, job.off, step)
                maps = job.maps(encoded, point, step)
        return Answer(left, right, alone, maps, encoded, cached, seconds, estimate)

    def attention(
        self,
        photo: AnyPhoto,
        point: Point,
        request: Request,
        progress: Progress | None = None,
    ) -> AttentionMaps:
        """The four rungs for a point (x, y) in photo pixels, without labels; see `answer`."""
        job = self._job(photo, request, progress)
        plan = job.plan(job.right)
        lent = self._lent(job, whole=False)
        estimate = self._counted(job, plan, job.looking(plan, after_run=False), lent)
        with self._run(job, estimate, progress) as step:
            self._borrow(job, estimate, step)
            return job.maps(job.encode(step)[0], point, step)

    def by_methods(
        self,
        photo: AnyPhoto,
        request: Request,
        names: Sequence[str],
        progress: Progress | None = None,
        *,
        unless: Callable[[Estimate], None] = lambda estimate: None,
    ) -> list[Segmentation]:
        """A photo by methods of these short names, with the request's words and constants.

        Raises:
            SettingsError: a name that is no method's here; else as `answer`.
        """
        job = self._job(photo, request, progress)
        source, backbone = request.key_source or None, job.segmenter.backbone
        methods = [
            job.segmenter.method(parse_method(name, backbone, request.attention).with_keys(source))
            for name in names
        ]
        plan = job.plan(*methods)
        lent = self._lent(job, whole=True)
        estimate = self._counted(job, plan, job.segmenting(plan), lent)
        with self._run(job, estimate, progress, unless) as step:
            self._borrow(job, estimate, step, plan.methods)
            encoded, _ = job.encode(step)
            return [job.segment(encoded, method, step) for method in methods]

    def left_attention(
        self,
        photo: AnyPhoto,
        point: Point,
        request: Request,
        progress: Progress | None = None,
    ) -> BaselineAttention | None:
        """The left side's row for a point (x, y), with each head; None where it is no baseline.

        A photo that is not known is not encoded for it, unless that is cheap; see `answer`.
        """
        job = self._job(photo, request, progress)
        if job.left.settings is not None or job.left.joins:
            return None
        estimate = self._counted(job, job.plan(job.left), (), self._lent(job, whole=False))
        with self._run(job, estimate, progress, Estimate.check_cheap) as step:
            self._borrow(job, estimate, step)
            encoded, _ = job.encode(step)
            baseline = job.left.baseline
            return job.segmenter.attention(encoded, point, baseline=baseline, per_head=True)

    def suggest(
        self,
        photo: AnyPhoto,
        request: Request,
        limit: int = 12,
        progress: Progress | None = None,
        *,
        unless: Callable[[Estimate], None] = lambda estimate: None,
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Words for what may be in the photo, and those that come next; see `answer`."""
        job = self._job(photo, request, progress)
        lent = self._lent(job, whole=True, suggesting=True)
        # With a lent photo comes what `answer` needs next: both sides, and the words found.
        both = "encode" in lent
        plan = job.plan(job.right, job.left) if both else job.plan(job.right)
        found = limit * len(job.segmenter.backbone.templates) if both else 0
        amounts = [*job.suggesting(plan), ("words", float(found))]
        estimate = self._counted(job, plan, amounts, lent)
        with self._run(job, estimate, progress, unless) as step:
            self._borrow(job, estimate, step, plan.methods, limit)
            encoded, _ = job.encode(step)
            return job.segmenter.ranked(encoded, limit, job.right, progress=step)

    def summaries(
        self,
        photo: AnyPhoto,
        request: Request,
        progress: Progress | None = None,
    ) -> tuple[AttentionSummary, ...]:
        """Attention over the whole photo at each rung of the ladder; see `answer`."""
        job = self._job(photo, request, progress)
        plan = job.plan(job.right)
        compared = count.ladder_similarities(job.segmenter.backbone, plan, job.right)
        amounts, lent = [("attention", each) for each in compared], self._lent(job, whole=False)
        estimate = self._counted(job, plan, amounts, lent)
        with self._run(job, estimate, progress) as step:
            self._borrow(job, estimate, step)
            encoded, _ = job.encode(step)
            keys, _ = job.segmenter.backbone.keys(encoded.tokens, job.right.key_source)[0]

            def report(done: int, total: int) -> None:
                step("attention", done, total)

            def summary(rung: AttentionSettings) -> AttentionSummary:
                return attention_summary(keys, encoded.boxes, rung, report)

            return tuple(map(summary, AttentionSettings.ladder(request.attention)))


_THOUSAND = 1000


class _Meter:
    """Takes the turn before each piece of work and counts what each step computes."""

    def __init__(self, turn: Turn, most: float, bar: Bar, progress: Progress | None) -> None:
        self.spent: dict[str, float] = {}
        self._turn, self._most, self._bar, self._progress = turn, most, bar, progress
        self._step, self._counted = "", 0.0

    def __call__(self, step: str, done: int, total: int) -> None:
        """A `Progress`."""
        if step in (WAITING, lending.LENDING):
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


def best_classes(
    probabilities: NDArray[np.float32], names: tuple[str, ...], count: int = 5
) -> list[tuple[str, float]]:
    """The most probable classes, best first."""
    order = np.argsort(-probabilities, kind="stable")[:count]
    return [(names[i], float(probabilities[i])) for i in order]
