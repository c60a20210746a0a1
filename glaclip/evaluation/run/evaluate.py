"""Scores of a set: mIoU, accuracy, BER and seam rate of any methods (method, section 4).

All measures are over the whole set: confusions and pairs of all photos are added first.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

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


@dataclass(frozen=True)
class Task:
    """A set to score.

    Attributes:
        dataset: from `open_dataset`.
        methods: each photo is encoded once for all of them.
        windows: how photos are cut.
        store: keeps the counts of every photo and knows those of a run before.
        samples: a shard of the set's photos; all of them when left out.
        labels: folders that keep what methods say, by their names.
    """

    dataset: Dataset
    methods: Sequence[Entry]
    windows: WindowSettings
    store: Store | None = None
    samples: Sequence[Sample] | None = None
    labels: Mapping[str, LabelFolder] = field(default_factory=dict)


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
    """Scores of a set; see `Task` and `evaluate_together`."""
    task = Task(dataset, methods, windows, store, samples, labels or {})
    return evaluate_together(segmenter, [task], team=team, strict=strict, progress=progress)[0]


def evaluate_together(
    segmenter: Segmenter,
    tasks: Sequence[Task],
    *,
    team: Team | None = None,
    strict: bool = False,
    progress: Progress | None = None,
) -> list[Evaluation]:
    """Scores of sets, photo by photo: sets that share photos and windows encode each once.

    Args:
        segmenter: with the backbone.
        tasks: the sets; they are scored as each alone would be.
        team: the processes that share the photos; this one alone when left out.
        strict: stop at the first photo that cannot be used instead of leaving it out.
        progress: called as ("evaluate", photos done by all processes, photos) and ("words", texts
            embedded, texts).

    Raises:
        DatasetError: strict, and a photo or ground truth cannot be read.
    """
    team = team or Team()
    works = [_Work(segmenter, task, progress if team.rank == 0 else None) for task in tasks]
    team.begin()  # nobody writes before all have read
    if team.rank == 0:
        for work in works:
            work.begin()
    by_photo: dict[Path, list[tuple[_Work, Sample]]] = {}
    for work in works:
        for sample in work.pending:
            by_photo.setdefault(sample.photo, []).append((work, sample))
    everything = {sample.photo for work in works for sample in work.todo}
    known = len(everything) - len(by_photo)

    def report(done: int) -> None:
        if progress and team.rank == 0:
            progress("evaluate", known + done, len(everything))

    def do(parts: list[tuple[_Work, Sample]]) -> None:
        for work, sample in parts:
            work.do(sample, strict)

    start = time.perf_counter()
    spread(team, list(by_photo.values()), do, report)
    seconds = time.perf_counter() - start  # of the slowest, for the first process waits
    busy = sum(work.busy for work in works)
    found = []
    for work, task in zip(works, tasks, strict=True):
        # What all took, by what each was at work.
        own = seconds * (work.busy / busy if busy else 1 / len(works))
        parts = team.gather(work.result(own))
        run = Run.of(task.dataset, segmenter.backbone, task.windows)
        found.append(_joined(run, task.methods, parts, task.store, team))
    return found


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

    def __init__(self, segmenter: Segmenter, task: Task, progress: Progress | None) -> None:
        self._segmenter, self._dataset, self._windows = segmenter, task.dataset, task.windows
        self._methods, self._store, self._labels = task.methods, task.store, task.labels
        self._progress = progress
        self.keys = [method.key for method in task.methods]
        for folder in task.labels.values():
            folder.read()
        self.todo = list(task.dataset.samples if task.samples is None else task.samples)
        self._known = [sample for sample in self.todo if self._knows(sample)]
        self.pending = [sample for sample in self.todo if sample not in set(self._known)]
        classes = len(task.dataset.vocabulary.classes)
        self._scores = {method.name: Score.none(classes) for method in task.methods}
        self._miou: dict[str, dict[str, float]] = {}
        self._skipped: list[Skip] = []
        self._guessed: list[Skip] = []
        self._encode_seconds, self._computed = 0.0, 0
        self.busy = 0.0

    def _knows(self, sample: Sample) -> bool:
        """Whether a run before has counted a photo by every method, and kept its labels."""
        if self._store is None or not self._store.has(sample, self.keys):
            return False
        return all(folder.has(PhotoFile.of(sample)) for folder in self._labels.values())

    def begin(self) -> None:
        """Notes the methods and takes what is known; in the first process."""
        if self._store is not None:
            self._store.add_methods(self._methods)
        for sample in self._known:
            self.take_known(sample)

    def _words(self, step: str, done: int, total: int) -> None:
        """Of a photo's steps only the embedding of words, once a run, is worth a line."""
        if self._progress and step == "words":
            self._progress(step, done, total)

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
            self._do(sample, strict, start)
        finally:
            self.busy += time.perf_counter() - start

    def _do(self, sample: Sample, strict: bool, start: float) -> None:
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
                result = self._segmenter.segment(
                    encoded, self._dataset.vocabulary, entry.method, progress=self._words
                )
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
