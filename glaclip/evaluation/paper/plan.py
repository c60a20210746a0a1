"""What of a table of the paper can be run here: which sets, which rows, in which settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from glaclip.backbones.clip.baselines import BASELINES
from glaclip.backbones.clip.last_block import KEY_SOURCES
from glaclip.backbones.registry import BackboneInfo
from glaclip.evaluation.data.datasets import Dataset, open_dataset
from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.data.layouts import LAYOUTS, folders_within, layout_of
from glaclip.evaluation.paper.table import BENCHMARKS, Able, PaperRow, Scales
from glaclip.evaluation.run.setting import Entry
from glaclip.settings import ANTIALIASED, SettingsError, WindowSettings


@dataclass(frozen=True)
class Place:
    """A set that was found.

    Attributes:
        preset: the benchmark.
        folder: where it is.
        photos: photos that are there with their truth.
        missing: photos that are not.
    """

    preset: str
    folder: Path
    photos: int
    missing: int

    @property
    def whole(self) -> bool:
        """Whether it is the set that papers report on."""
        return not self.missing and self.photos == LAYOUTS[layout_of(self.preset)].photos


def find_sets(root: Path, unreadable: list[Path] | None = None) -> dict[str, Place]:
    """The benchmarks that lie in a folder or up to two folders below, by preset.

    Of several folders with the same layout, the one with as many photos as the benchmark has is
    taken, else VOC2012 by its name, else the first.

    Args:
        root: the folder.
        unreadable: takes folders that cannot be opened.

    Raises:
        DatasetError: there is no such folder.
    """
    if not root.is_dir():
        raise DatasetError(f"there is no folder {root}")
    folders = folders_within(root, unreadable=unreadable)
    found: dict[str, Place] = {}
    for preset in BENCHMARKS:
        layout = LAYOUTS[layout_of(preset)]
        places = []
        for folder in folders:
            if not layout.is_at(folder):
                continue
            try:
                photos = layout.find(folder, preset)
            except DatasetError:
                continue
            if photos.samples:
                places.append(Place(preset, folder, len(photos.samples), len(photos.missing)))
        if places:
            found[preset] = min(places, key=lambda p: (not p.whole, p.folder.name != "VOC2012"))
    return found


def missing(
    places: Sequence[Place], infos: Sequence[BackboneInfo], sets: Collection[str] | None
) -> list[str]:
    """What is not here, how large it is and where it comes from, in a line each.

    Args:
        places: the sets that were found.
        infos: the backbones to run.
        sets: presets that are wanted; all of the paper's when left out.
    """
    lines = [
        f"weights of {info.name}: {file}, {file.license}, from the model hub"
        for info in infos
        for file in info.missing
    ]
    found = {place.preset: place for place in places}
    absent: dict[str, list[str]] = {}
    for preset, benchmark in BENCHMARKS.items():
        if sets and preset not in sets:
            continue
        place = found.get(preset)
        if place is None:
            absent.setdefault(benchmark.download, []).append(benchmark.title)
        elif not place.whole:
            of = LAYOUTS[layout_of(preset)].photos
            lines.append(f"{benchmark.title}: {place.photos} of {of} photos are in {place.folder}")
    return lines + [f"{', '.join(titles)}: {download}" for download, titles in absent.items()]


@dataclass
class Unstarted:
    """What real CLIP can do, known without its weights; see `Able`."""

    title: str
    key_sources: tuple[str, ...] = tuple(KEY_SOURCES)
    baselines: tuple[str, ...] = tuple(BASELINES)
    pixel_multiple: int = 1


@dataclass(frozen=True)
class Job:
    """Rows that share a set, its words and its windows: photos are encoded once for all of them.

    Attributes:
        place: the set.
        words: as `class_words` takes them.
        windows: how photos are cut.
        scales: logit scale and thresholds, where the set has a background.
        rows: of the table.
        methods: the rows as methods of the backbone.
    """

    place: Place
    words: str
    windows: WindowSettings
    scales: Scales
    rows: tuple[PaperRow, ...]
    methods: tuple[Entry, ...]

    @property
    def name(self) -> str:
        """A folder's name for its counts: "voc21-336-224-112-field-voc21"."""
        shape = f"{self.windows.short_side}-{self.windows.crop}-{self.windows.stride}"
        name = f"{self.place.preset}-{shape}-{self.words.replace('/', '-')}"
        plain = f"-{self.windows.resampling}" if self.windows.resampling != ANTIALIASED else ""
        numbers = (f"{number:g}" for number in dataclasses.astuple(self.scales))
        return name + plain + ("" if self.scales == Scales() else f"-{'-'.join(numbers)}")

    def open(self, limit: int | None = None) -> Dataset:
        """The set with this job's words and scales."""
        layout = layout_of(self.place.preset)
        dataset = open_dataset(
            self.place.folder, layout=layout, classes_from=self.words, limit=limit
        )
        if dataset.vocabulary.background is None:
            return dataset
        scales = dataclasses.asdict(self.scales)
        vocabulary = dataclasses.replace(dataset.vocabulary, **scales)
        return dataclasses.replace(dataset, vocabulary=vocabulary)


def together(jobs: Sequence[Job]) -> list[list[Job]]:
    """Jobs whose photos are the same, cut in the same way: VOC21 and VOC20, in the jobs' order."""
    groups: dict[tuple[Path, WindowSettings], list[Job]] = {}
    for job in jobs:
        groups.setdefault((job.place.folder, job.windows), []).append(job)
    return list(groups.values())


@dataclass(frozen=True)
class TablePlan:
    """Jobs of a table with one backbone.

    Attributes:
        jobs: in the order of the table's columns.
        impossible: rows that the backbone cannot run, in sentences.
    """

    jobs: tuple[Job, ...]
    impossible: tuple[str, ...]


def plan_table(
    rows: Sequence[PaperRow],
    places: Sequence[Place],
    backbone: Able,
    settings: str = "paper",
    words: str = "field",
) -> TablePlan:
    """Sorts rows and sets into jobs.

    Args:
        rows: a table of `paper.TABLES`.
        places: the sets to run.
        backbone: whose baselines and keys are used.
        settings: "paper" or "released".
        words: "field" for the released word lists, "project" for this project's presets.
    """
    methods: dict[str, Entry] = {}
    impossible = []
    for row in rows:
        try:
            methods[row.name] = row.entry(backbone, settings)
        except SettingsError as error:
            impossible.append(f"{row.title}: {error}")
    grouped: dict[tuple[Place, str, WindowSettings, Scales], list[PaperRow]] = {}
    for place in places:
        for row in rows:
            if row.name not in methods:
                continue
            source = row.words(place.preset) if words == "field" else place.preset
            windows = row.window_settings(settings, place.preset)
            if windows.crop % backbone.pixel_multiple:
                sentence = (
                    f"{row.title} on {BENCHMARKS[place.preset].title}: windows of {windows.crop} "
                    f"pixels are no multiple of {backbone.pixel_multiple}, which "
                    f"{backbone.title} needs"
                )
                impossible.append(sentence)
                continue
            scales = row.scales_for(settings, place.preset)
            grouped.setdefault((place, source, windows, scales), []).append(row)
    jobs = (
        Job(*key, tuple(group), tuple(methods[row.name] for row in group))
        for key, group in grouped.items()
    )
    return TablePlan(tuple(jobs), tuple(impossible))
