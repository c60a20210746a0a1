"""What the page does for one visitor, without gradio: photo and request in, answer out."""

from __future__ import annotations

import logging
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
from glaclip.segmenter import (
    WAITING,
    AnyPhoto,
    BaselineAttention,
    Encoded,
    Progress,
    Segmentation,
    Segmenter,
)
from glaclip.segmenter.key_colors import KeyColors
from glaclip.segmenter.word_store import WordStore
from glaclip.serving import estimate as count
from glaclip.serving import lending
from glaclip.serving.estimate import Bar, Estimate, Pace, Unless, always
from glaclip.serving.job import Job, Point, Request, Work
from glaclip.serving.lending import Lender
from glaclip.serving.limits import LimitError, Limits
from glaclip.serving.meter import Meter
from glaclip.serving.models import Fetch, Load, Models
from glaclip.serving.scheduler import Turns
from glaclip.settings import AttentionSettings, SettingsError
from glaclip.vocabulary import parse_vocabulary

_LOG = logging.getLogger(__name__)
#: Runs may hold this many times the memory of the largest one that is allowed.
_TOGETHER = 2
#: Step of a run at which its words are compared with common ones.
PRESENCE = "presence"


@dataclass(frozen=True, eq=False)
class Answer:
    """Both sides of a request, and what its point shows.

    Attributes:
        left: the baseline.
        right: GLA-CLIP with the request's switches.
        alone: the photo with all switches off, each window by itself: mostly the left side. None
            without a point.
        maps: the point's attention at the four rungs. None without a point.
        left_row: the point's attention by the left side's baseline, with each head. None without a
            point, and where the left side is attention over windows, whose row is among the rungs.
        encoded: the photo's tokens.
        encoded_cached: whether the photo was known.
        seconds: wall-clock until both sides were there.
        estimate: what was left to compute.
    """

    left: Segmentation
    right: Segmentation
    alone: Segmentation | None
    maps: AttentionMaps | None
    left_row: BaselineAttention | None
    encoded: Encoded
    encoded_cached: bool
    seconds: float
    estimate: Estimate


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
        job = self._job(photo, request)
        return self._estimate(job, job.comparing(point))

    def _job(self, photo: AnyPhoto, request: Request, progress: Progress | None = None) -> Job:
        self.limits.check_backbone(request.backbone)
        return Job(self.segmenter(request.backbone, progress), photo, request)

    def _estimate(self, job: Job, work: Work) -> Estimate:
        backbone, plan = job.segmenter.backbone, work.plan
        to_encode = 0 if job.encoded else plan.count
        whole = [("encode", float(to_encode * plan.windows.crop**2)), *work.amounts]
        parts = self._pace.parts(job.pace, whole)
        quick, lent = self._lent_pace.parts(job.pace, whole), self._lent(job, work)
        return Estimate(
            windows=plan.count,
            to_encode=to_encode,
            words=plan.prompts,
            megabytes=count.memory(backbone, plan) / 2**20,
            parts=tuple(b if b.step in lent else a for a, b in zip(parts, quick, strict=True)),
        )

    def _lends(self, job: Job) -> bool:
        return self.lender is not None and self.lender.serves(job.segmenter.backbone)

    def _lent(self, job: Job, work: Work) -> tuple[str, ...]:
        """Steps that a lent GPU computes: nothing of a photo and words that are known."""
        if not self._lends(job):
            return ()
        new = job.segmenter.unknown_candidates() + (0 if work.suggested else len(job.new_words))
        words = ("words",) if work.whole and new else ()
        if job.encoded is not None:
            return words
        return ("encode", "attention", *words) if work.whole else ("encode",)

    def _borrow(self, job: Job, work: Work, estimate: Estimate, step: Progress) -> None:
        """Computes what a lent GPU computes of a job, in one call; the rest finds it done."""
        steps = self._lent(job, work)
        if not steps or self.lender is None:
            return
        step(lending.LENDING, 0, 1)
        fingerprint = job.segmenter.backbone.fingerprint
        order = lending.Order(
            fingerprint,
            lending.call_seconds(estimate, steps),
            job.photo if job.encoded is None else None,
            job.request.windows,
            tuple(work.plan.methods) if work.whole else (),
            job.new_words if work.whole and not work.suggested else (),
            work.suggested or (0 if work.whole and job.segmenter.unknown_candidates() else None),
        )
        computed = self.lender.compute(order)
        job.segmenter.keep(computed)
        self._lent_pace.learn(job.pace, estimate, computed.seconds)

    @contextmanager
    def _run(
        self, job: Job, work: Work, progress: Progress | None, unless: Unless = always
    ) -> Iterator[tuple[Encoded, Progress, Estimate]]:
        """A place among the runs, if the limits allow it, with the photo encoded.

        Gives the tokens, what to call between two pieces of work, and the estimate. `progress`
        hears the share of the whole run, in thousandths, with the step at work.

        Raises:
            LimitError: the estimate is beyond a limit, or the run has taken longer than one may.
        """
        estimate = self._estimate(job, work)
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
            meter = Meter(turn, self.limits.seconds, Bar(estimate.parts), progress)
            self._borrow(job, work, estimate, meter)
            yield job.encode(meter), meter, estimate
            meter.close()
            self._pace.learn(job.pace, estimate, meter.spent)

    def answer(
        self,
        photo: AnyPhoto,
        request: Request,
        point: Point | None = None,
        progress: Progress | None = None,
        *,
        unless: Unless = always,
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
        cached, work = job.encoded is not None, job.comparing(point)
        with self._run(job, work, progress, unless) as (encoded, step, estimate):
            right = job.segment(encoded, job.right, step)
            left = job.segment(encoded, job.left, step)
            # While it is this run's turn; its rivals, the same for all, are no part of an estimate.
            step(PRESENCE, 0, 1)
            right.presence  # noqa: B018 (computed and kept)
            seconds = time.perf_counter() - started
            alone = maps = None
            rows: tuple[BaselineAttention, ...] = ()
            if point is not None:
                alone = left if job.left == job.off else job.segment(encoded, job.off, step)
                maps = job.maps(encoded, point, step)
                rows = job.rows(encoded, point, job.left_rows, step)
        row = rows[0] if rows else None
        return Answer(left, right, alone, maps, row, encoded, cached, seconds, estimate)

    def attention(
        self, photo: AnyPhoto, point: Point, request: Request, progress: Progress | None = None
    ) -> AttentionMaps:
        """The four rungs for a point (x, y) in photo pixels, without labels; see `answer`."""
        job = self._job(photo, request, progress)
        with self._run(job, job.looking(), progress) as (encoded, step, _):
            return job.maps(encoded, point, step)

    def by_methods(
        self,
        photo: AnyPhoto,
        request: Request,
        names: Sequence[str],
        progress: Progress | None = None,
        *,
        unless: Unless = always,
    ) -> list[Segmentation]:
        """A photo by methods of these short names, with the request's words and constants.

        Raises:
            SettingsError: a name that is no method's here; else as `answer`.
        """
        job = self._job(photo, request, progress)
        methods = [job.named(name) for name in names]
        with self._run(job, job.segmenting(*methods), progress, unless) as (encoded, step, _):
            return [job.segment(encoded, method, step) for method in methods]

    def baseline_rows(
        self,
        photo: AnyPhoto,
        point: Point,
        request: Request,
        names: Sequence[str] | None = None,
        progress: Progress | None = None,
        *,
        unless: Unless = always,
    ) -> tuple[BaselineAttention, ...]:
        """The rows of baselines for a point (x, y), with each head; see `answer`.

        Args:
            photo: see `answer`.
            point: in photo pixels.
            request: its windows and backbone count.
            names: of the backbone's baselines; when left out the left side's own, none where that
                is attention over windows.
            progress: see `answer`.
            unless: see `answer`.
        """
        job = self._job(photo, request, progress)
        names = job.left_rows if names is None else names
        if not names:
            return ()
        with self._run(job, job.encoding(), progress, unless) as (encoded, step, _):
            return job.rows(encoded, point, names, step)

    def key_colors(
        self, photo: AnyPhoto, request: Request, progress: Progress | None = None
    ) -> tuple[KeyColors, ...]:
        """Each kind of the photo's tokens as colors; see `answer`."""
        job = self._job(photo, request, progress)
        with self._run(job, job.encoding(), progress) as (encoded, step, _):
            return tuple(job.colors(encoded, step))

    def suggest(
        self,
        photo: AnyPhoto,
        request: Request,
        limit: int = 12,
        progress: Progress | None = None,
        *,
        unless: Unless = always,
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Words for what may be in the photo, and those that come next; see `answer`."""
        job = self._job(photo, request, progress)
        # With a lent photo comes what `answer` needs next: both sides, and the words found.
        work = job.proposing(limit, both=self._lends(job) and job.encoded is None)
        with self._run(job, work, progress, unless) as (encoded, step, _):
            return job.segmenter.ranked(encoded, limit, job.right, progress=step)

    def summaries(
        self, photo: AnyPhoto, request: Request, progress: Progress | None = None
    ) -> tuple[AttentionSummary, ...]:
        """Attention over the whole photo at each rung of the ladder; see `answer`."""
        job = self._job(photo, request, progress)
        with self._run(job, job.averaging(), progress) as (encoded, step, _):
            keys, _ = job.segmenter.backbone.keys(encoded.tokens, job.right.key_source)[0]

            def report(done: int, total: int) -> None:
                step("attention", done, total)

            def summary(rung: AttentionSettings) -> AttentionSummary:
                return attention_summary(keys, encoded.boxes, rung, report)

            return tuple(map(summary, AttentionSettings.ladder(request.attention)))


def best_classes(
    probabilities: NDArray[np.float32], names: tuple[str, ...], count: int = 5
) -> list[tuple[str, float]]:
    """The most probable classes, best first."""
    order = np.argsort(-probabilities, kind="stable")[:count]
    return [(names[i], float(probabilities[i])) for i in order]
