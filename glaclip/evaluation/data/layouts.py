"""Benchmarks as they come: which files are photos and truth, and what stored values mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.data.pairs import (
    Found,
    Sample,
    Skip,
    entries_of,
    is_photo,
    listed,
    one_each,
)
from glaclip.support.text import TextError, read_text
from glaclip.vocabulary import text_lines

#: Stored value -> class index; values left out are ignored.
Conversion = Mapping[int, int]


def photos_in(folder: Path) -> dict[str, Path]:
    """Stem -> photo.

    Raises:
        DatasetError: there is no such folder, or two photos have one name.
    """
    if not folder.is_dir():
        raise DatasetError(f"there is no folder {folder.name} in the set")
    paths = (Path(path.name) for path in entries_of(folder) if is_photo(path))
    return {path.stem: folder / path for path in one_each(paths, "photos").values()}


def paired(
    photos: Mapping[str, Path], truth_of: Callable[[str], Path], stems: Iterable[str] | None = None
) -> Found:
    """Photos with their truth.

    Args:
        photos: stem -> photo.
        truth_of: stem -> where its truth would be.
        stems: the photos of the set, where a list names them.
    """
    samples, missing = [], []
    for stem in sorted(photos) if stems is None else stems:
        if stem not in photos:
            missing.append(Skip(stem, "the photo is not there"))
        elif not (truth := truth_of(stem)).is_file():
            missing.append(Skip(stem, "its ground truth is not there"))
        else:
            samples.append(Sample(stem, photos[stem], truth))
    return Found(tuple(samples), tuple(missing))


@dataclass(frozen=True)
class Layout:
    """A benchmark's own files.

    Attributes:
        markers: folders of which one is there, relative to the root.
        find: (root, preset) -> photos and truth.
        presets: accepted preset -> root -> conversion of stored values; the first is the default.
        photos: photos in the whole set.
    """

    markers: tuple[str, ...]
    find: Callable[[Path, str], Found]
    presets: Mapping[str, Callable[[Path], Conversion]]
    photos: int

    def is_at(self, root: Path) -> bool:
        """Whether a folder has this layout."""
        return any((root / marker).is_dir() for marker in self.markers)


def _shifted(count: int, first: int) -> Callable[[Path], Conversion]:
    """Stored values `first`, `first` + 1, ... are classes 0, 1, ..."""
    return lambda root: {first + index: index for index in range(count)}


# --- PASCAL VOC and PASCAL-Context ------------------------------------------------------------


#: Lists of the photos of a set, of which the first that is there counts.
_LISTS = ("val.txt", "default.txt", "trainval.txt", "test.txt", "train.txt")


def photos_listed(folder: Path, stems: Iterable[str]) -> list[str] | None:
    """The photos that a folder's list names, or None without a list.

    Raises:
        DatasetError: a list that is no text.
    """
    path = next((folder / name for name in _LISTS if (folder / name).is_file()), None)
    if path is None:
        return None
    try:
        return listed(text_lines(read_text(path)), stems)
    except TextError as error:
        raise DatasetError(f"the list of photos {error}") from error


def _voc_like(truth_folder: str, lists: str) -> Callable[[Path, str], Found]:
    def find(root: Path, preset: str) -> Found:
        photos = photos_in(root / "JPEGImages")
        stems = photos_listed(root / "ImageSets" / lists, photos)
        return paired(photos, lambda stem: root / truth_folder / f"{stem}.png", stems)

    return find


# --- ADE20K -----------------------------------------------------------------------------------


def _ade20k(root: Path, preset: str) -> Found:
    truth = root / "annotations" / "validation"
    return paired(photos_in(root / "images" / "validation"), lambda stem: truth / f"{stem}.png")


# --- Cityscapes -------------------------------------------------------------------------------

#: Raw label ids -> train ids, for sets without labelTrainIds files.
_CITYSCAPES_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)


def _cityscapes(root: Path, preset: str) -> Found:
    ending = "_leftImg8bit"
    paths = sorted((root / "leftImg8bit" / "val").glob(f"*/*{ending}.*"))
    photos = {path.stem.removesuffix(ending): path for path in paths}
    kind = "labelTrainIds" if _has_train_ids(root) else "labelIds"

    def truth(stem: str) -> Path:
        return root / "gtFine" / "val" / photos[stem].parent.name / f"{stem}_gtFine_{kind}.png"

    return paired(photos, truth)


def _has_train_ids(root: Path) -> bool:
    return any((root / "gtFine" / "val").glob("*/*_gtFine_labelTrainIds.png"))


def _cityscapes_classes(root: Path) -> Conversion:
    if _has_train_ids(root):
        return {index: index for index in range(len(_CITYSCAPES_IDS))}
    return {stored: index for index, stored in enumerate(_CITYSCAPES_IDS)}


# --- COCO-Stuff and COCO-Object ---------------------------------------------------------------

#: COCO category ids (from 1) that no photo uses.
_COCO_UNUSED = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91)
_COCO_STORED = tuple(i - 1 for i in range(1, 183) if i not in _COCO_UNUSED)  # 80 things, 91 stuff
#: Where copies of the set keep the maps of stuff and things (category id - 1).
_COCO_TRUTH = ("stuffthingmaps", "annotations")
_STUFF_IDS, _OBJECT_IDS = "_labelTrainIds", "_instanceTrainIds"  # files converted before


def _coco_truth(root: Path) -> Path:
    folders = [root / name / "val2017" for name in _COCO_TRUTH]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def _coco_ending(root: Path, endings: Sequence[str]) -> str:
    """Which of the files converted before are there, or "" for the maps as they come."""
    folder = _coco_truth(root)
    return next((ending for ending in endings if any(folder.glob(f"*{ending}.png"))), "")


def _coco(root: Path, preset: str) -> Found:
    truth = _coco_truth(root)
    converted = (_OBJECT_IDS, _STUFF_IDS) if preset == "coco_object" else (_STUFF_IDS,)
    ending = _coco_ending(root, converted)
    images = root / "images"
    photos = photos_in(images / "val2017" if (images / "val2017").is_dir() else root / "val2017")
    return paired(photos, lambda stem: truth / f"{stem}{ending}.png")


def _coco_stuff_classes(root: Path) -> Conversion:
    if _coco_ending(root, (_STUFF_IDS,)):
        return {index: index for index in range(len(_COCO_STORED))}
    return {stored: index for index, stored in enumerate(_COCO_STORED)}


def _coco_object_classes(root: Path) -> Conversion:
    """As the field converts it: what is no object is background, unlabeled pixels (255) too."""
    ending = _coco_ending(root, (_OBJECT_IDS, _STUFF_IDS))
    if ending == _OBJECT_IDS:
        return {index: index for index in range(81)}
    stored = range(80) if ending else _COCO_STORED[:80]
    things = {value: index + 1 for index, value in enumerate(stored)}
    return {**dict.fromkeys(range(256), 0), **things}


# ----------------------------------------------------------------------------------------------

LAYOUTS: Mapping[str, Layout] = {
    "context": Layout(
        ("SegmentationClassContext",),
        _voc_like("SegmentationClassContext", "SegmentationContext"),
        {"context60": _shifted(60, 0), "context59": _shifted(59, 1)},
        5104,
    ),
    "voc": Layout(
        ("SegmentationClass",),
        _voc_like("SegmentationClass", "Segmentation"),
        {"voc21": _shifted(21, 0), "voc20": _shifted(20, 1)},
        1449,
    ),
    "ade20k": Layout(("annotations/validation",), _ade20k, {"ade20k": _shifted(150, 1)}, 2000),
    "cityscapes": Layout(("gtFine/val",), _cityscapes, {"cityscapes": _cityscapes_classes}, 500),
    "coco-stuff": Layout(
        tuple(f"{folder}/val2017" for folder in _COCO_TRUTH),
        _coco,
        {"coco_stuff": _coco_stuff_classes, "coco_object": _coco_object_classes},
        5000,
    ),
}


def layout_of(preset: str) -> str:
    """The layout that a benchmark comes in.

    Raises:
        KeyError: no benchmark's preset.
    """
    for name, layout in LAYOUTS.items():
        if preset in layout.presets:
            return name
    raise KeyError(preset)


def folders_within(root: Path, depth: int = 2, unreadable: list[Path] | None = None) -> list[Path]:
    """The folder itself and those within it, nearest first, hidden ones left out.

    Args:
        root: the folder.
        depth: how far below it.
        unreadable: takes folders that cannot be opened.
    """
    found, level = [root], [root]
    for _ in range(depth):
        level = [p for folder in level for p in entries_of(folder, unreadable) if p.is_dir()]
        found += level
    return found
