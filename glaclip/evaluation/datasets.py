"""Evaluation sets on disk: photos with ground truth, and the words for their classes.

The plain layout is a folder with `images/`, `masks/` (same stems, one gray or palette PNG a photo
whose pixel values are class indices) and `classes.txt` (lines "index name; synonym; ...", or the
names alone, counted from 0). Beside it, the native layouts of PASCAL VOC, PASCAL-Context, ADE20K,
Cityscapes and COCO-Stuff are read.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glaclip.vocabulary import (
    BACKGROUND,
    DEFAULT_BACKGROUND_THRESHOLD,
    Vocabulary,
    VocabularyClass,
    load_preset,
    parse_vocabulary,
)

IGNORED = 255
#: Whole names of classes.txt that mean "no class", beside index 255; "various plants" is a class.
IGNORED_NAMES = re.compile(r"void|unknown|various|unlabel+ed|ignored?", re.IGNORECASE)
_INDEXED = re.compile(r"(\d{1,5})[\s:,]+(.+)")
_PHOTO_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
_SAMPLE_SEED = 0


class DatasetError(ValueError):
    """A set that cannot be read; the message says what was looked for."""


@dataclass(frozen=True)
class Sample:
    """One photo and its ground truth."""

    stem: str
    photo: Path
    truth: Path


@dataclass(frozen=True)
class Dataset:
    """Photos, ground truth and classes.

    Attributes:
        name: preset or folder name, for people.
        samples: in the order of their stems.
        vocabulary: the classes, in the order of the truth that `truth` gives.
        table: stored value -> class index, [65536]; 255 where ignored.
        benchmark: the preset's name when this is the whole set that papers report on, else empty.
    """

    name: str
    samples: tuple[Sample, ...]
    vocabulary: Vocabulary
    table: NDArray[np.int16]
    benchmark: str = ""

    def truth(self, sample: Sample) -> NDArray[np.int16]:
        """int16 [H, W] class indices of a sample, -1 where ignored.

        Raises:
            DatasetError: a file that is not a map of indices.
        """
        try:
            with Image.open(sample.truth) as image:
                stored = np.asarray(image)
        except OSError as error:
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


def read_classes(text: str, ignore: Iterable[str] = ()) -> dict[int, VocabularyClass]:
    """Reads classes.txt: stored index -> class, ignored ones left out.

    Args:
        text: lines "index name; synonym; ...", or lines without an index, which are counted from 0;
            empty lines and those that start with # count for nothing.
        ignore: further indices or names that mean "no class".

    Raises:
        DatasetError: a line without a name, lines of both kinds, or an index given twice.
    """
    unwanted = {word.strip().casefold() for word in ignore}
    classes: dict[int, VocabularyClass] = {}
    seen: set[int] = set()
    for number, line, index, names in _indexed_lines(text):
        prompts = tuple(word.strip() for word in names.split(";") if word.strip())
        if not prompts or index > 65535:
            raise DatasetError(
                f"line {number} of classes.txt must be an index up to 65535 and a name, such as "
                f"3 sky; received {line!r}"
            )
        if index in seen:
            raise DatasetError(f"classes.txt gives index {index} twice")
        seen.add(index)
        ignored = index == IGNORED or IGNORED_NAMES.fullmatch(prompts[0]) is not None
        if not ignored and not {str(index), prompts[0].casefold()} & unwanted:
            classes[index] = VocabularyClass(prompts[0], prompts)
    return classes


def _indexed_lines(text: str) -> list[tuple[int, str, int, str]]:
    """(line number, line, index, names) of every line that says something."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    matches = [_INDEXED.fullmatch(line) for _, line in lines]
    if not any(matches):
        return [(number, line, index, line) for index, (number, line) in enumerate(lines)]
    for (number, line), match in zip(lines, matches, strict=True):
        if match is None:
            raise DatasetError(
                f"line {number} of classes.txt must be an index and a name, as other lines of it "
                f"are; received {line!r}"
            )
    return [
        (number, line, int(match[1]), match[2])
        for (number, line), match in zip(lines, matches, strict=True)
        if match is not None
    ]


def _folder(root: Path, preset: str | None, ignore: Sequence[str]) -> Dataset:
    samples = _paired(_photos(root / "images"), lambda stem: root / "masks" / f"{stem}.png")
    listed: dict[int, VocabularyClass] | None = None
    if (root / "classes.txt").is_file():
        listed = read_classes((root / "classes.txt").read_text(encoding="utf-8-sig"), ignore)
    if preset is None:
        if listed is None:
            raise DatasetError("the folder has no classes.txt; give --classes-from")
        mapping = {stored: index for index, stored in enumerate(sorted(listed))}
        vocabulary = Vocabulary(tuple(listed[stored] for stored in sorted(listed)))
        return Dataset(root.name, samples, _with_background(vocabulary), _table(mapping))
    vocabulary = load_preset(preset).vocabulary
    count = len(vocabulary.classes)
    indices = sorted(listed) if listed is not None else list(range(count))
    if listed is not None and len(indices) == count + 1 and vocabulary.background is None:
        # A set with background read with a preset of the objects alone: background is ignored.
        indices = [i for i in indices if listed[i].name.casefold() != BACKGROUND]
    if len(indices) != count:
        raise DatasetError(
            f"classes.txt has {len(indices)} classes and the preset {preset} has {count}"
        )
    mapping = {stored: index for index, stored in enumerate(indices)}
    return Dataset(f"{root.name} ({preset})", samples, vocabulary, _table(mapping))


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


def _photos(folder: Path) -> dict[str, Path]:
    """Stem -> photo."""
    if not folder.is_dir():
        raise DatasetError(f"there is no folder {folder.name} in the set")
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in _PHOTO_ENDINGS)
    return {path.stem: path for path in paths}


def _paired(
    photos: Mapping[str, Path], truth_of: Callable[[str], Path], stems: Iterable[str] | None = None
) -> tuple[Sample, ...]:
    """Photos that have a ground truth."""
    chosen = sorted(photos) if stems is None else [stem for stem in stems if stem in photos]
    pairs = (Sample(stem, photos[stem], truth_of(stem)) for stem in chosen)
    return tuple(pair for pair in pairs if pair.truth.is_file())


# ---------------------------------------------------------------------------------------------
# Native layouts


@dataclass(frozen=True)
class _Layout:
    """A benchmark's own files.

    Attributes:
        markers: folders of which one is there, relative to the root.
        samples: finds photos and truth.
        presets: accepted preset -> stored value -> class index; the first is the default.
        sizes: photos in the whole set, by preset.
    """

    markers: tuple[str, ...]
    samples: Callable[[Path], tuple[Sample, ...]]
    presets: Mapping[str, Callable[[Path], Mapping[int, int]]]
    sizes: Mapping[str, int]


def _shifted(count: int, first: int) -> Callable[[Path], Mapping[int, int]]:
    """Stored values `first`, `first` + 1, ... are classes 0, 1, ..."""
    return lambda root: {first + index: index for index in range(count)}


def _voc_like(truth_folder: str) -> Callable[[Path], tuple[Sample, ...]]:
    def samples(root: Path) -> tuple[Sample, ...]:
        folder = "Segmentation" if truth_folder == "SegmentationClass" else "SegmentationContext"
        listing = root / "ImageSets" / folder / "val.txt"
        stems = listing.read_text().split() if listing.is_file() else None
        photos = _photos(root / "JPEGImages")
        return _paired(photos, lambda stem: root / truth_folder / f"{stem}.png", stems)

    return samples


def _ade20k(root: Path) -> tuple[Sample, ...]:
    truth = root / "annotations" / "validation"
    photos = _photos(root / "images" / "validation")
    return _paired(photos, lambda stem: truth / f"{stem}.png")


#: Raw Cityscapes label ids -> train ids, for sets without labelTrainIds files.
_CITYSCAPES_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)


def _cityscapes(root: Path) -> tuple[Sample, ...]:
    ending = "_leftImg8bit"
    paths = sorted((root / "leftImg8bit" / "val").glob(f"*/*{ending}.*"))
    photos = {path.stem.removesuffix(ending): path for path in paths}
    kind = "labelTrainIds" if _has_train_ids(root) else "labelIds"

    def truth(stem: str) -> Path:
        return root / "gtFine" / "val" / photos[stem].parent.name / f"{stem}_gtFine_{kind}.png"

    return _paired(photos, truth)


def _has_train_ids(root: Path) -> bool:
    return any((root / "gtFine" / "val").glob("*/*_gtFine_labelTrainIds.png"))


def _cityscapes_classes(root: Path) -> Mapping[int, int]:
    if _has_train_ids(root):
        return {index: index for index in range(len(_CITYSCAPES_IDS))}
    return {stored: index for index, stored in enumerate(_CITYSCAPES_IDS)}


#: COCO category ids (from 1) that no photo uses.
_COCO_UNUSED = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91)
_COCO_STORED = tuple(i - 1 for i in range(1, 183) if i not in _COCO_UNUSED)  # 80 things, 91 stuff


#: Where copies of the set keep the maps of stuff and things (category id - 1).
_COCO_TRUTH = ("stuffthingmaps", "annotations")


def _coco(root: Path) -> tuple[Sample, ...]:
    folders = [root / name / "val2017" for name in _COCO_TRUTH]
    truth = next((folder for folder in folders if folder.is_dir()), folders[0])
    images = root / "images"
    photos = _photos(images / "val2017" if (images / "val2017").is_dir() else root / "val2017")
    return _paired(photos, lambda stem: truth / f"{stem}.png")


def _coco_objects(root: Path) -> Mapping[int, int]:
    """As the field converts it: what is no object is background, unlabeled pixels (255) too."""
    things = {stored: index + 1 for index, stored in enumerate(_COCO_STORED[:80])}
    return {**dict.fromkeys(range(256), 0), **things}


LAYOUTS: Mapping[str, _Layout] = {
    "context": _Layout(
        ("SegmentationClassContext",),
        _voc_like("SegmentationClassContext"),
        {"context60": _shifted(60, 0), "context59": _shifted(59, 1)},
        {"context60": 5104, "context59": 5104},
    ),
    "voc": _Layout(
        ("SegmentationClass",),
        _voc_like("SegmentationClass"),
        {"voc21": _shifted(21, 0), "voc20": _shifted(20, 1)},
        {"voc21": 1449, "voc20": 1449},
    ),
    "ade20k": _Layout(
        ("annotations/validation",), _ade20k, {"ade20k": _shifted(150, 1)}, {"ade20k": 2000}
    ),
    "cityscapes": _Layout(
        ("gtFine/val",), _cityscapes, {"cityscapes": _cityscapes_classes}, {"cityscapes": 500}
    ),
    "coco-stuff": _Layout(
        tuple(f"{folder}/val2017" for folder in _COCO_TRUTH),
        _coco,
        {
            "coco_stuff": lambda root: {v: i for i, v in enumerate(_COCO_STORED)},
            "coco_object": _coco_objects,
        },
        {"coco_stuff": 5000, "coco_object": 5000},
    ),
}


def _native(root: Path, layout: _Layout, preset: str | None) -> Dataset:
    name = preset or next(iter(layout.presets))
    if name not in layout.presets:
        raise DatasetError(
            f"this layout goes with the presets {', '.join(layout.presets)}; received {name!r}"
        )
    samples = layout.samples(root)
    whole = len(samples) == layout.sizes[name]
    return Dataset(
        name,
        samples,
        load_preset(name).vocabulary,
        _table(layout.presets[name](root)),
        benchmark=name if whole else "",
    )


def _detect(root: Path) -> tuple[Path, str]:
    """The set's own folder and its layout."""
    candidates = [root, *sorted(p for p in root.glob("VOCdevkit/VOC*") if p.is_dir())]
    candidates += sorted(p for p in root.glob("VOC20*") if p.is_dir())
    for place in candidates:
        if (place / "masks").is_dir() and (place / "images").is_dir():
            return place, "folder"
        for name, layout in LAYOUTS.items():
            if any((place / marker).is_dir() for marker in layout.markers):
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
        classes_from: a vocabulary preset instead of the set's own names; class i of the set is
            class i of the preset.
        ignore: for the plain layout, further indices or names that mean "no class".
        stems: only these photos.
        limit: at most so many, drawn with a fixed seed.

    Raises:
        DatasetError: nothing that can be read.
        VocabularyError: no such preset, or classes that make no vocabulary.
    """
    place = Path(root)
    if not place.is_dir():
        raise DatasetError("there is no such folder")
    if layout == "auto":
        place, layout = _detect(place)
    elif layout != "folder" and layout not in LAYOUTS:
        known = ", ".join(("auto", "folder", *LAYOUTS))
        raise DatasetError(f"layout must be one of {known}; received {layout!r}")
    if layout == "folder":
        dataset = _folder(place, classes_from, ignore)
    else:
        dataset = _native(place, LAYOUTS[layout], classes_from)
    return _selected(dataset, stems, limit)


def _selected(dataset: Dataset, stems: Sequence[str] | None, limit: int | None) -> Dataset:
    samples = dataset.samples
    if stems is not None:
        wanted = dict.fromkeys(stems)
        missing = [stem for stem in wanted if stem not in {s.stem for s in samples}]
        if missing:
            raise DatasetError(
                f"{len(missing)} of {len(wanted)} listed photos are not in the set, "
                f"the first is {missing[0]!r}"
            )
        samples = tuple(sample for sample in samples if sample.stem in wanted)
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
        dataset, samples=samples, benchmark=dataset.benchmark if whole else ""
    )
