"""What a run is: set, words, backbone and windows, which all its methods share."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from glaclip.backbones.base import Backbone
from glaclip.backbones.clip.backbone import ClipBackbone
from glaclip.evaluation.data.datasets import Dataset
from glaclip.segmenter import Method
from glaclip.settings import AttentionSettings, WindowSettings
from glaclip.support.cache import digest
from glaclip.vocabulary import LOGIT_SCALE


@dataclass(frozen=True)
class Run:
    """A run by what it depends on, without photos, weights or words themselves.

    Attributes:
        key: hash of set, words, backbone and windows; counts of different keys never mix.
        dataset: name of the set, for people.
        benchmark: the preset's name when this is the whole set that papers report on, else empty.
        photos: stems of the photos that are there with their truth.
        missing: (stem, reason) of photos that are not.
        classes: names of the classes.
        words: where their words come from.
        background_threshold: probability below which a pixel is background; 0 for none.
        backbone: registry name.
        backbone_title: name for people.
        fingerprint: of weights, dtype, templates and options.
        default_keys: the backbone's first key source.
        windows: how photos are cut.
        preset: the benchmark whose classes these are, whole set or not, else empty.
        logit_scale: factor on cosines.
        area_threshold: share of what is not background below which a class is given up.
        positions: how CLIP's position embeddings are resized, empty for other backbones.
    """

    key: str
    dataset: str
    benchmark: str
    photos: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]
    classes: tuple[str, ...]
    words: str
    background_threshold: float
    backbone: str
    backbone_title: str
    fingerprint: str
    default_keys: str
    windows: WindowSettings
    preset: str = ""
    logit_scale: float = LOGIT_SCALE
    area_threshold: float = 0.0
    positions: str = ""

    @classmethod
    def of(cls, dataset: Dataset, backbone: Backbone, windows: WindowSettings) -> Run:
        """The run of a set with a backbone."""
        vocabulary = dataset.vocabulary
        return cls(
            key=digest(
                dataset.name,
                vocabulary,
                dataset.meaning.table.tobytes(),
                backbone.fingerprint,
                windows,
                *sorted(dataset.meaning.colors.items()),
            ),
            dataset=dataset.name,
            benchmark=dataset.benchmark,
            photos=tuple(sample.stem for sample in dataset.samples),
            missing=tuple((skip.stem, skip.reason) for skip in dataset.missing),
            classes=vocabulary.names,
            words=dataset.words,
            background_threshold=vocabulary.background_threshold,
            backbone=backbone.name,
            backbone_title=backbone.title,
            fingerprint=backbone.fingerprint,
            default_keys=backbone.key_sources[0],
            windows=windows,
            preset=dataset.preset,
            logit_scale=vocabulary.logit_scale,
            area_threshold=vocabulary.area_threshold,
            positions=backbone.positions if isinstance(backbone, ClipBackbone) else "",
        )

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Run:
        """The run of a `record`.

        Raises:
            KeyError, TypeError, ValueError: a record of another form.
        """
        values = dict(record)
        values["windows"] = WindowSettings(**values["windows"])
        values["missing"] = tuple((stem, reason) for stem, reason in values["missing"])
        for name in ("photos", "classes"):
            values[name] = tuple(values[name])
        return cls(**values)


@dataclass(frozen=True)
class Entry:
    """A method under the name that tables and files give it.

    Attributes:
        name: short name, one a table.
        title: for people.
        method: what it does.
    """

    name: str
    title: str
    method: Method

    @classmethod
    def of(cls, method: Method) -> Entry:
        """A method under its own name."""
        keys = f", keys {method.key_source}" if method.key_source else ""
        return cls(method.name, method.title + keys, method)

    @property
    def key(self) -> str:
        """Hash of what the method does; name and title are not part of it."""
        method = self.method
        # The usual fusion goes unnamed: what was scored before there was another one stays known.
        fusion = (method.fusion,) if method.fusion else ()
        return digest(method.settings, method.baseline, method.key_source, *fusion)[:16]

    def record(self) -> dict[str, Any]:
        """As JSON."""
        method = dataclasses.asdict(self.method)
        order = ("settings", "baseline", "key_source", *(("fusion",) if method["fusion"] else ()))
        return {"name": self.name, "title": self.title, **{name: method[name] for name in order}}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Entry:
        """The entry of a `record`."""
        method = dict(record)
        name, title = method.pop("name"), method.pop("title")
        if method["settings"] is not None:
            method["settings"] = AttentionSettings(**method["settings"])
        return cls(name, title, Method(**method))


def distinct_names(entries: Iterable[Entry]) -> list[Entry]:
    """Entries of which no two have one name: the second "on" says what is other in it."""
    found: dict[str, Entry] = {}
    for entry in entries:
        first = found.get(entry.name)
        if first is not None:
            told = _difference(first.method, entry.method)
            name, number = f"{entry.name} ({told})", 2
            while name in found:
                name, number = f"{entry.name} ({told}; {number})", number + 1
            entry = dataclasses.replace(entry, name=name, title=f"{entry.title} ({told})")
        found[entry.name] = entry
    return list(found.values())


def _difference(one: Method, other: Method) -> str:
    """What the second method has that the first has not."""
    if one.settings is None or other.settings is None:
        return f"keys {other.key_source}"
    before, now = dataclasses.asdict(one.settings), dataclasses.asdict(other.settings)
    told = [f"{name} {value}" for name, value in now.items() if value != before[name]]
    told += [f"keys {other.key_source}"] if one.key_source != other.key_source else []
    return ", ".join(told) or "again"


@dataclass(frozen=True)
class RunCost:
    """What a run took. Seconds are wall-clock time of the slowest process, summed over restarts.

    Attributes:
        seconds: from the first photo to the last.
        encode_seconds: reading and encoding photos, summed over processes.
        gigabytes: most memory one process held (GiB).
        gpu_gigabytes: most memory its tensors held on a GPU (GiB).
        photos: photos that were computed and not known before.
        processes: how many shared the photos.
        devices: where they ran.
    """

    seconds: float = 0.0
    encode_seconds: float = 0.0
    gigabytes: float = 0.0
    gpu_gigabytes: float = 0.0
    photos: int = 0
    processes: int = 1
    devices: tuple[str, ...] = field(default_factory=tuple)

    def beside(self, other: RunCost) -> RunCost:
        """Of two processes that ran at the same time."""
        seconds = max(self.seconds, other.seconds)
        return self._both(other, seconds, self.processes + other.processes)

    def after(self, other: RunCost) -> RunCost:
        """Of two runs, one after the other."""
        seconds = self.seconds + other.seconds
        return self._both(other, seconds, max(self.processes, other.processes))

    def _both(self, other: RunCost, seconds: float, processes: int) -> RunCost:
        return RunCost(
            seconds=seconds,
            encode_seconds=self.encode_seconds + other.encode_seconds,
            gigabytes=max(self.gigabytes, other.gigabytes),
            gpu_gigabytes=max(self.gpu_gigabytes, other.gpu_gigabytes),
            photos=self.photos + other.photos,
            processes=processes,
            devices=tuple(dict.fromkeys((*self.devices, *other.devices))),
        )


def total_cost(costs: Iterable[RunCost]) -> RunCost:
    """Of runs one after the other."""
    return functools.reduce(RunCost.after, costs, RunCost())
