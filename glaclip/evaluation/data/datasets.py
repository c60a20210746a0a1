"""Evaluation sets on disk: photos with ground truth, and the words for their classes.

The plain layout is a folder with `images/`, `masks/` (same stems, one gray or palette PNG a photo
whose pixel values are class indices) and `classes.txt` (lines "index name; synonym; ...", or the
names alone, counted from 0). Beside it, the native layouts of PASCAL VOC, PASCAL-Context, ADE20K,
Cityscapes and COCO-Stuff are read (layouts.py).
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glaclip.evaluation.data.classes import ClassWords, DatasetError, class_words, read_classes
from glaclip.evaluation.data.layouts import LAYOUTS, Found, Layout, Sample, Skip, paired, photos_in
from glaclip.photo import open_picture
from glaclip.vocabulary import (
    BACKGROUND,
    DEFAULT_BACKGROUND_THRESHOLD,
    Vocabulary,
    VocabularyClass,
    load_preset,
    parse_vocabulary,
)

_SAMPLE_SEED = 0


@dataclass(frozen=True)
class Dataset:
    """Photos, ground truth and classes.

    Attributes:
        name: preset or folder name, for people.
        samples: in the order of their stems.
        vocabulary: the classes, in the order of the truth that `truth` gives.
        table: stored value -> class index, [65536]; -1 where ignored.
        words: where the words come from: "classes.txt", a preset, "field/voc21" or a file's name.
        preset: the benchmark whose classes these are, else empty.
        benchmark: the preset's name when this is the whole set that papers report on, else empty.
        missing: photos of the set that are not there, or whose truth is not.
    """

    name: str
    samples: tuple[Sample, ...]
    vocabulary: Vocabulary
    table: NDArray[np.int16]
    words: str = "classes.txt"
    preset: str = ""
    benchmark: str = ""
    missing: tuple[Skip, ...] = ()

    def truth(self, sample: Sample) -> NDArray[np.int16]:
        """int16 [H, W] class indices of a sample, -1 where ignored.

        Raises:
            DatasetError: a file that is not a map of indices.
        """
        try:
            with open_picture(sample.truth) as image:
                stored = np.asarray(image)
        except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for broken files
            raise DatasetError(f"the ground truth {sample.truth.name} cannot be read") from error
        if stored.ndim != 2 or stored.dtype.kind not in "ui":
            raise DatasetError(
                f"the ground truth {sample.truth.name} must be a gray or palette picture whose "
                f"values are class indices; it is {image.mode}"
            )
        labels: NDArray[np.int16] = self.table[stored]
        return labels


def _table(mapping: Mapping[int, int]) -> NDArray[np.int16]:
    """Lookup of class indices; what is not in the mapping is ignored."""
    table = np.full(65536, -1, dtype=np.int16)
    for stored, index in mapping.items():
        table[stored] = index
    return table


# ---------------------------------------------------------------------------------------------
# The plain layout


def _folder(root: Path, words: ClassWords | None, ignore: Sequence[str]) -> Dataset:
    found = paired(photos_in(root / "images"), lambda stem: root / "masks" / f"{stem}.png")
    listed: dict[int, VocabularyClass] | None = None
    if (root / "classes.txt").is_file():
        listed = read_classes((root / "classes.txt").read_text(encoding="utf-8-sig"), ignore)
    if words is not None:
        return _folder_with_words(root, found, listed, words)
    if listed is None:
        raise DatasetError("the folder has no classes.txt; give --classes-from")
    stored = sorted(listed)
    vocabulary = Vocabulary(tuple(listed[value] for value in stored))
    table = _table({value: index for index, value in enumerate(stored)})
    return Dataset(
        root.name, found.samples, _with_background(vocabulary), table, missing=found.missing
    )


def _folder_with_words(
    root: Path, found: Found, listed: dict[int, VocabularyClass] | None, words: ClassWords
) -> Dataset:
    """Class i of the set gets the words of class i."""
    count = len(words.classes)
    names = {value: entry.name.casefold() for value, entry in (listed or {}).items()}
    stored = sorted(names) if listed is not None else list(range(count))
    background = _background_of(words)
    if len(stored) == count + 1 and background is None:
        # A set with background read with the words of its objects alone: background is ignored.
        stored = [value for value in stored if names[value] != BACKGROUND]
    if len(stored) != count:
        raise DatasetError(
            f"classes.txt has {len(stored)} classes and the words of {words.source} are for {count}"
        )
    if background is None and BACKGROUND in (names.get(value) for value in stored):
        background = next(i for i, value in enumerate(stored) if names[value] == BACKGROUND)
    return Dataset(
        f"{root.name} ({words.source})",
        found.samples,
        words.vocabulary(background, _threshold_of(words)),
        _table({value: index for index, value in enumerate(stored)}),
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


def _with_background(vocabulary: Vocabulary) -> Vocabulary:
    """A class that is named "background" gets words and takes unsure pixels."""
    names = [name.casefold() for name in vocabulary.names]
    if BACKGROUND not in names:
        return vocabulary
    index = names.index(BACKGROUND)
    classes = list(vocabulary.classes)
    if len(classes[index].prompts) == 1:
        text = ", ".join("; ".join(c.prompts) for c in classes if c is not classes[index])
        parsed = parse_vocabulary(text, background=True)
        assert parsed.background is not None
        filled = parsed.classes[parsed.background].prompts
        classes[index] = VocabularyClass(classes[index].name, filled)
    return Vocabulary(tuple(classes), index, DEFAULT_BACKGROUND_THRESHOLD)


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
        _table(layout.presets[preset](root)),
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
    candidates = [root, *sorted(p for p in root.glob("VOCdevkit/VOC*") if p.is_dir())]
    candidates += sorted(p for p in root.glob("VOC20*") if p.is_dir())
    for place in candidates:
        if (place / "masks").is_dir() and (place / "images").is_dir():
            return place, "folder"
        for name, layout in LAYOUTS.items():
            if layout.is_at(place):
                return place, name
    raise DatasetError(
        "the set has none of the known layouts: images/ with masks/ and classes.txt, PASCAL VOC, "
        "PASCAL-Context, ADE20K, Cityscapes or COCO-Stuff"
    )


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
        stems: only these photos.
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
        wanted = dict.fromkeys(stems)
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
