"""Scores of a set: mIoU, accuracy, BER and seam rate of any methods (method, section 4).

All measures are over the whole set: confusions and pairs of all photos are added first.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from glaclip.evaluation.data.datasets import Dataset
from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.data.label_maps import LabelMap
from glaclip.evaluation.data.pairs import Sample, Skip
from glaclip.evaluation.data.photo_inputs import PhotoFile
from glaclip.evaluation.run.content import Content
from glaclip.evaluation.run.labeling import LabelFolder
from glaclip.evaluation.run.setting import Entry, Run, RunCost, distinct_names, total_cost
from glaclip.evaluation.run.store import Store, StoredRun
from glaclip.evaluation.run.team import Team, spread
from glaclip.evaluation.score.counts import Score, score_of
from glaclip.photo import PhotoError, load_photo
from glaclip.segmenter import Encoded, Progress, Segmentation, Segmenter
from glaclip.settings import WindowSettings
from glaclip.support.memory import gpu_peak_gigabytes, peak_gigabytes

#: Memory for photos and words during a run; every photo is seen once.
CACHE_BYTES = 512 * 2**20


@dataclass(frozen=True)
class Evaluation:
    """Scores of a run.

    Attributes:
        run: set, words, backbone and windows.
        methods: in the order they were asked for.
        scores: by method name.
        photo_miou: photo -> method name -> mIoU over the classes in that photo's truth.
        skipped: photos that were left out, those that are not there among them.
        cost: what it took.
        guessed: photos whose depth was guessed in this run, and how.
    """

    run: Run
    methods: tuple[Entry, ...]
    scores: dict[str, Score]
    photo_miou: dict[str, dict[str, float]]
    skipped: tuple[Skip, ...]
    cost: RunCost
    guessed: tuple[Skip, ...] = ()

    @property
    def photos(self) -> int:
        """Photos that are in the scores of every method."""
        return min((score.photos for score in self.scores.values()), default=0)

    @property
    def whole(self) -> bool:
        """Whether this is the whole set that papers report on, no photo left out."""
        return bool(self.run.benchmark) and self.photos == len(self.run.photos)


def evaluate(
    segmenter: Segmenter,
    dataset: Dataset,
    methods: Sequence[Entry],
    windows: WindowSettings,
    *,
    store: Store | None = None,
    team: Team | None = None,
    samples: Sequence[Sample] | None = None,
    strict: bool = False,
    labels: Mapping[str, LabelFolder] | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Scores of a set.

    Args:
        segmenter: with the backbone.
        dataset: from `open_dataset`.
        methods: each photo is encoded once for all of them.
        windows: how photos are cut.
        store: keeps the counts of every photo and knows those of a run before.
        team: the processes that share the photos; this one alone when left out.
        samples: a shard of the set's photos; all of them when left out.
        strict: stop at the first photo that cannot be used instead of leaving it out.
        labels: folders that keep what methods say, by their names.
        progress: called as ("evaluate", photos done by all processes, photos).

    Raises:
        DatasetError: strict, and a photo or ground truth cannot be read.
    """
    run = Run.of(dataset, segmenter.backbone, windows)
    team = team or Team()
    folders = labels or {}
    for folder in folders.values():
        folder.read()
    work = _Work(segmenter, dataset, methods, windows, store, folders)
    todo = list(dataset.samples if samples is None else samples)
    known = [
        sample
        for sample in todo
        if store is not None
        and store.has(sample, work.keys)
        and all(folder.has(PhotoFile.of(sample)) for folder in folders.values())
    ]
    pending = [s for s in todo if s not in set(known)]
    team.begin()  # nobody writes before all have read
    if store is not None and team.rank == 0:
        store.add_methods(methods)
    if team.rank == 0:
        for sample in known:
            work.take_known(sample)

    def report(done: int) -> None:
        if progress and team.rank == 0:
            progress("evaluate", len(known) + done, len(todo))

    start = time.perf_counter()
    spread(team, pending, lambda sample: work.do(sample, strict), report)
    seconds = time.perf_counter() - start  # of the slowest, for the first process waits
    return _joined(run, methods, team.gather(work.result(seconds)), store, team)


@dataclass(frozen=True)
class _Part:
    """What one process found."""

    scores: dict[str, Score]
    photo_miou: dict[str, dict[str, float]]
    skipped: tuple[Skip, ...]
    guessed: tuple[Skip, ...]
    cost: RunCost


class _Work:
    """Adds up the photos of one process."""

    def __init__(
        self,
        segmenter: Segmenter,
        dataset: Dataset,
        methods: Sequence[Entry],
        windows: WindowSettings,
        store: Store | None,
        labels: Mapping[str, LabelFolder],
    ) -> None:
        self._labels = labels
        self._segmenter, self._dataset, self._windows = segmenter, dataset, windows
        self._methods, self._store = methods, store
        self.keys = [method.key for method in methods]
        classes = len(dataset.vocabulary.classes)
        self._scores = {method.name: Score.none(classes) for method in methods}
        self._miou: dict[str, dict[str, float]] = {}
        self._skipped: list[Skip] = []
        self._guessed: list[Skip] = []
        self._encode_seconds, self._computed = 0.0, 0

    def take_known(self, sample: Sample) -> None:
        """A photo of a run before."""
        assert self._store is not None
        for method, key in zip(self._methods, self.keys, strict=True):
            score = self._store.get(sample.stem, key)
            assert score is not None
            self._add(sample, method, score)

    def do(self, sample: Sample, strict: bool) -> None:
        """Segments a photo by every method, or notes why it is left out."""
        start = time.perf_counter()
        try:
            content = Content.of(sample)  # before it is read: what changes meanwhile is read again
            encoded, truth = self._read(sample)
        except (DatasetError, PhotoError, OSError) as error:
            # The system's own sentence names the path.
            reason = (error.strerror or "") if isinstance(error, OSError) else str(error)
            if strict:
                raise DatasetError(f"the photo {sample.stem} cannot be used: {reason}") from error
            skip = Skip(sample.stem, reason)
            self._skipped.append(skip)
            if self._store is not None:
                self._store.skip(skip)
            return
        self._encode_seconds += time.perf_counter() - start
        self._computed += 1
        for entry, key in zip(self._methods, self.keys, strict=True):
            score = self._store.current(sample, key) if self._store is not None else None
            labels, photo = self._labels.get(entry.name), PhotoFile.of(sample)
            if score is None or (labels is not None and not labels.has(photo)):
                result = self._segmenter.segment(encoded, self._dataset.vocabulary, entry.method)
                score = score or _score(result, truth)
                if self._store is not None:
                    self._store.put(sample.stem, key, score, content)
                if labels is not None:
                    labels.keep(photo, content.photo, result, score.seconds)
            self._add(sample, entry, score)

    def _read(self, sample: Sample) -> tuple[Encoded, LabelMap]:
        guesses: list[str] = []
        photo = load_photo(sample.photo, say=guesses.append)
        truth = self._dataset.label_map(sample, (photo.height, photo.width))
        guesses += [truth.guess] if truth.guess else []
        self._guessed += [Skip(sample.stem, sentence) for sentence in guesses]
        return self._segmenter.encode(photo, self._windows), truth

    def _add(self, sample: Sample, method: Entry, score: Score) -> None:
        self._scores[method.name] += score
        self._miou.setdefault(sample.stem, {})[method.name] = score.miou

    def result(self, seconds: float) -> _Part:
        """All of it."""
        device = self._segmenter.backbone.device
        cost = RunCost(
            seconds=round(seconds, 2),
            encode_seconds=round(self._encode_seconds, 2),
            gigabytes=round(peak_gigabytes(), 2),
            gpu_gigabytes=round(gpu_peak_gigabytes(device), 2),
            photos=self._computed,
            devices=(str(device),),
        )
        return _Part(self._scores, self._miou, tuple(self._skipped), tuple(self._guessed), cost)


def _score(result: Segmentation, truth: LabelMap) -> Score:
    return replace(score_of(result, truth.labels), outside=Counter(truth.outside))


def _joined(
    run: Run,
    methods: Sequence[Entry],
    parts: Sequence[_Part],
    store: Store | None,
    team: Team,
) -> Evaluation:
    """The parts of all processes together, in the order of their ranks."""
    scores, cost = dict(parts[0].scores), parts[0].cost
    miou, skipped = dict(parts[0].photo_miou), list(parts[0].skipped)
    for part in parts[1:]:
        for name, score in part.scores.items():
            scores[name] += score
        miou.update(part.photo_miou)
        skipped += part.skipped
        cost = cost.beside(part.cost)
    if store is not None:
        if team.rank == 0 and cost.photos:
            store.add_cost(cost)
        cost = total_cost(store.costs) if store.costs else cost
    guessed = tuple(skip for part in parts for skip in part.guessed)
    return replace(_evaluation(run, methods, scores, miou, skipped, cost), guessed=guessed)


def _evaluation(
    run: Run,
    methods: Iterable[Entry],
    scores: dict[str, Score],
    miou: dict[str, dict[str, float]],
    skipped: Iterable[Skip],
    cost: RunCost,
) -> Evaluation:
    missing = [Skip(stem, reason) for stem, reason in run.missing]
    return Evaluation(
        run,
        tuple(methods),
        scores,
        {stem: miou[stem] for stem in run.photos if stem in miou},
        (*missing, *sorted(skipped, key=lambda skip: skip.stem)),
        cost,
    )


def evaluation_of(stored: StoredRun) -> Evaluation:
    """The scores of counts that were read from files, for `evaluate --merge`."""
    run = stored.run
    scores: dict[str, Score] = {}
    miou: dict[str, dict[str, float]] = {}
    methods = distinct_names(stored.methods.values())
    for key, method in zip(stored.methods, methods, strict=True):
        total = Score.none(len(run.classes))
        for stem in run.photos:
            score = stored.get(stem, key)
            if score is not None:
                total += score
                miou.setdefault(stem, {})[method.name] = score.miou
        scores[method.name] = total
    cost = total_cost(stored.costs)
    return _evaluation(run, methods, scores, miou, stored.skipped, cost)


def absent_photos(evaluation: Evaluation) -> tuple[str, ...]:
    """Photos of the set that no method counted and that were not left out on purpose: to do."""
    skipped = {skip.stem for skip in evaluation.skipped}
    names = [method.name for method in evaluation.methods]
    return tuple(
        stem
        for stem in evaluation.run.photos
        if stem not in skipped
        and not all(name in evaluation.photo_miou.get(stem, {}) for name in names)
    )
