"""Evaluation sets on disk: photos with ground truth, and the words for their classes.

A plain set is a folder of photos, a folder of label maps and a class list, by the names that tools
give them (pairs.py, label_maps.py, class_lists.py). Beside it, the native layouts of PASCAL VOC,
PASCAL-Context, ADE20K, Cityscapes and COCO-Stuff are read (layouts.py); a class list that lies
with the data always beats a benchmark's.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from glaclip.evaluation.data.class_lists import (
    LIST_NAMES,
    ClassList,
    find_class_list,
    load_class_list,
)
from glaclip.evaluation.data.classes import ClassWords, class_words, vocabulary_of
from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.data.fitting import fitted
from glaclip.evaluation.data.label_maps import LabelMap, Labels, Meaning, read_label_map
from glaclip.evaluation.data.layouts import LAYOUTS, Layout, photos_listed
from glaclip.evaluation.data.pairs import (
    PHOTO_FOLDERS,
    TRUTH_FOLDERS,
    Files,
    Found,
    Sample,
    Skip,
    entries_of,
    find_place,
    listed,
    pair,
)
from glaclip.vocabulary import BACKGROUND, Vocabulary, load_preset

_SAMPLE_SEED = 0


@dataclass(frozen=True)
class Dataset:
    """Photos, ground truth and classes.

    Attributes:
        name: preset or folder name, for people.
        samples: in the order of their stems.
        vocabulary: the classes, in the order of the truth that `truth` gives.
        meaning: what values and colors of the label maps stand for.
        words: where the words come from: "classes.txt", a preset, "field/voc21" or a file's name.
        preset: the benchmark whose classes these are, else empty.
        benchmark: the preset's name when this is the whole set that papers report on, else empty.
        missing: photos of the set that are not there, or whose truth is not.
        part: the part of the set that is measured, such as "val", where it has parts.
    """

    name: str
    samples: tuple[Sample, ...]
    vocabulary: Vocabulary
    meaning: Meaning
    words: str = "classes.txt"
    preset: str = ""
    benchmark: str = ""
    missing: tuple[Skip, ...] = ()

    part: str = ""

    def label_map(self, sample: Sample, size: tuple[int, int] | None = None) -> LabelMap:
        """The ground truth of a sample.

        Args:
            sample: of this set.
            size: (height, width) of the upright photo, which the map must fit.

        Raises:
            DatasetError: no label map, or one of another shape.
        """
        found = read_label_map(sample.truth, self.meaning)
        return fitted(found, size, sample.photo) if size else found

    def truth(self, sample: Sample) -> Labels:
        """int16 [H, W] class indices of a sample, -1 where ignored; see `label_map`."""
        return self.label_map(sample).labels


# ---------------------------------------------------------------------------------------------
# The plain layout


def _folder(root: Path, words: ClassWords | None, ignore: Sequence[str]) -> Dataset:
    place = find_place(root)
    if place is None:
        raise DatasetError(
            "the folder holds no photos with label maps: looked for a folder of photos "
            f"({', '.join(PHOTO_FOLDERS)}) beside one of label maps ({', '.join(TRUTH_FOLDERS)}), "
            "and for names such as a.jpg with a_mask.png"
        )
    found = pair(Files.below(place.photos), Files.below(place.truths))
    lists = root / "ImageSets" / "Segmentation"
    names = photos_listed(lists, [sample.stem for sample in found.samples])
    if names is not None:
        found = _of_list(found, names)
    path = _own_list(root)
    own = load_class_list(path, ignore) if path else None
    if words is not None:
        dataset = _folder_with_words(root, found, own, words)
    elif own is None:
        raise DatasetError(
            f"the folder has no class list ({', '.join(LIST_NAMES)}); give --classes-from"
        )
    else:
        stored = sorted(own.classes)
        vocabulary = vocabulary_of([own.classes[value] for value in stored], own.name)
        meaning = Meaning.of({value: index for index, value in enumerate(stored)}, own)
        dataset = Dataset(
            root.name, found.samples, vocabulary, meaning, own.name, missing=found.missing
        )
    return dataclasses.replace(dataset, part=place.split)


def _own_list(root: Path) -> Path | None:
    """The class list that lies with the data."""
    place = find_place(root)
    if place is None:
        return find_class_list(root)
    return find_class_list(
        root, place.photos.parent, place.truths.parent, place.truths, place.photos
    )


def _of_list(found: Found, names: Sequence[str]) -> Found:
    """The photos that a list names."""
    samples = {sample.stem: sample for sample in found.samples}
    reasons = {skip.stem: skip for skip in found.missing}
    absent = [name for name in names if name not in samples]
    return Found(
        tuple(samples[name] for name in names if name in samples),
        tuple(reasons.get(name, Skip(name, "the photo is not there")) for name in absent),
    )


def _folder_with_words(
    root: Path, found: Found, own: ClassList | None, words: ClassWords
) -> Dataset:
    """Class i of the set gets the words of class i."""
    count = len(words.classes)
    names = {value: entry.name.casefold() for value, entry in own.classes.items()} if own else {}
    stored = sorted(names) if own else list(range(count))
    background = _background_of(words)
    if len(stored) == count + 1 and background is None:
        # A set with background read with the words of its objects alone: background is ignored.
        stored = [value for value in stored if names[value] != BACKGROUND]
    if len(stored) != count:
        raise DatasetError(
            f"{own.name if own else 'the set'} has {len(stored)} classes and the words of "
            f"{words.source} are for {count}"
        )
    if background is None and BACKGROUND in (names.get(value) for value in stored):
        background = next(i for i, value in enumerate(stored) if names[value] == BACKGROUND)
    return Dataset(
        f"{root.name} ({words.source})",
        found.samples,
        words.vocabulary(background, _threshold_of(words)),
        Meaning.of({value: index for index, value in enumerate(stored)}, own),
        words.source,
        missing=found.missing,
    )


def _background_of(words: ClassWords) -> int | None:
    if words.preset:
        return load_preset(words.preset).vocabulary.background
    names = [entry.name.casefold() for entry in words.classes]
    return names.index(BACKGROUND) if BACKGROUND in names else None


def _threshold_of(words: ClassWords) -> float | None:
    return load_preset(words.preset).vocabulary.background_threshold if words.preset else None


# ---------------------------------------------------------------------------------------------
# Native layouts


def _native(root: Path, layout: Layout, words: ClassWords | None) -> Dataset:
    preset = _preset_of(layout, words)
    vocabulary = load_preset(preset).vocabulary
    if words is not None:
        vocabulary = words.vocabulary(vocabulary.background, vocabulary.background_threshold)
    found = layout.find(root, preset)
    return Dataset(
        preset,
        found.samples,
        vocabulary,
        Meaning.of(layout.presets[preset](root)),
        words.source if words else preset,
        preset,
        benchmark=preset if len(found.samples) == layout.photos and not found.missing else "",
        missing=found.missing,
    )


def _preset_of(layout: Layout, words: ClassWords | None) -> str:
    if words is None:
        return next(iter(layout.presets))
    if words.preset in layout.presets:
        return words.preset
    if words.preset:
        raise DatasetError(
            f"this layout goes with the presets {', '.join(layout.presets)}; "
            f"received {words.source!r}"
        )
    counts = {len(load_preset(name).vocabulary.classes): name for name in layout.presets}
    if len(words.classes) not in counts:
        accepted = " or ".join(f"{count} ({name})" for count, name in counts.items())
        raise DatasetError(
            f"class words for this layout must be {accepted} lines; {words.source} has "
            f"{len(words.classes)}"
        )
    return counts[len(words.classes)]


def _detect(root: Path) -> tuple[Path, str]:
    """The set's own folder and its layout."""
    for place in _candidates(root):
        native = next((name for name, layout in LAYOUTS.items() if layout.is_at(place)), "")
        plain = (place / "masks").is_dir() and (place / "images").is_dir()
        if plain or (_own_list(place) and find_place(place)):
            return place, "folder"
        if native:
            return place, native
    if find_place(root) is not None:
        return root, "folder"
    raise DatasetError(
        "the set has none of the known layouts: a folder of photos (such as images/) with a "
        "folder of label maps (such as masks/) and a class list (such as classes.txt), PASCAL "
        "VOC, PASCAL-Context, ADE20K, Cityscapes or COCO-Stuff"
    )


def _candidates(root: Path) -> Iterator[Path]:
    """The folder, and those of PASCAL VOC within it, 2012 first."""
    yield root
    folders = [*entries_of(root / "VOCdevkit"), *entries_of(root)]
    found = [path for path in folders if path.name.startswith("VOC20") and path.is_dir()]
    yield from sorted(found, key=lambda path: path.name != "VOC2012")


# ---------------------------------------------------------------------------------------------


def open_dataset(
    root: str | Path,
    *,
    layout: str = "auto",
    classes_from: str | None = None,
    ignore: Sequence[str] = (),
    stems: Sequence[str] | None = None,
    limit: int | None = None,
) -> Dataset:
    """Finds the photos and classes of a set.

    Args:
        root: the set's folder.
        layout: "auto", "folder" or one of `LAYOUTS`.
        classes_from: words instead of the set's own names, class by class; see `class_words`.
        ignore: for the plain layout, further indices or names that mean "no class".
        stems: only these photos: lines of a list, see `pairs.listed`.
        limit: at most so many, drawn with a fixed seed.

    Raises:
        DatasetError: nothing that can be read.
        VocabularyError: classes that make no vocabulary.
    """
    place = Path(root)
    if not place.is_dir():
        raise DatasetError("there is no such folder")
    words = class_words(classes_from) if classes_from is not None else None
    if layout == "auto":
        place, layout = _detect(place)
    elif layout != "folder" and layout not in LAYOUTS:
        known = ", ".join(("auto", "folder", *LAYOUTS))
        raise DatasetError(f"layout must be one of {known}; received {layout!r}")
    if layout == "folder":
        dataset = _folder(place, words, ignore)
    else:
        dataset = _native(place, LAYOUTS[layout], words)
    return _selected(dataset, stems, limit)


def _selected(dataset: Dataset, stems: Sequence[str] | None, limit: int | None) -> Dataset:
    samples, missing = dataset.samples, dataset.missing
    if stems is not None:
        there = [*(s.stem for s in samples), *(skip.stem for skip in missing)]
        wanted = dict.fromkeys(listed(stems, there))
        unknown = wanted.keys() - {s.stem for s in samples} - {skip.stem for skip in missing}
        if unknown:
            raise DatasetError(
                f"{len(unknown)} of {len(wanted)} listed photos are not in the set, "
                f"the first is {next(stem for stem in wanted if stem in unknown)!r}"
            )
        samples = tuple(sample for sample in samples if sample.stem in wanted)
        missing = tuple(skip for skip in missing if skip.stem in wanted)
    if limit is not None:
        if limit < 1:
            raise DatasetError(f"the limit must be at least 1; received {limit}")
        if limit < len(samples):
            drawn = random.Random(_SAMPLE_SEED).sample(samples, limit)
            samples = tuple(sorted(drawn, key=lambda sample: sample.stem))
    if not samples:
        raise DatasetError("the set has no photo with a ground truth of the same name")
    whole = len(samples) == len(dataset.samples)
    return dataclasses.replace(
        dataset,
        samples=samples,
        missing=missing,
        benchmark=dataset.benchmark if whole else "",
    )
