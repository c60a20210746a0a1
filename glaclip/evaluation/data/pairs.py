"""Photos and their label maps: which belongs to which, however a tool named and sorted them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from glaclip.evaluation.data.errors import DatasetError
from glaclip.photo import ENDINGS

#: Pictures that are named when they are left out, because nothing here reads them.
_OTHER_PICTURES = (
    ".heic", ".heif", ".jp2", ".jxl", ".psd", ".dng", ".cr2", ".nef", ".arw", ".svg", ".ppm",
    ".pgm", ".tga", ".exr", ".dcm",
)  # fmt: skip
#: Folders of photos and of label maps, the usual names first; case is not told.
PHOTO_FOLDERS = (
    "images", "JPEGImages", "img_dir", "leftImg8bit", "image", "imgs", "img", "photos", "rgb",
)  # fmt: skip
TRUTH_FOLDERS = (
    "masks", "SegmentationClassPNG", "SegmentationClass", "ann_dir", "gtFine", "mask",
    "annotations", "labels", "label", "ann", "ground_truth", "gt", "segmentation",
)  # fmt: skip
#: Parts of a set, the one to measure first.
SPLITS = ("val", "validation", "valid", "test", "testing", "train", "training")
#: What tools add to a photo's name, without case; of the label map's the best first.
_PHOTO_SUFFIXES = ("_leftimg8bit", "_image", "_img", "_rgb", "_sat", "_photo")
_TRUTH_SUFFIXES = (
    "_gtfine_labeltrainids", "_labeltrainids", "_gtfine_labelids", "_labelids", "_mask", "-mask",
    ".mask", "_masks", "_labels", "_label", "_semantic", "_segmentation", "_seg", "_gt", "_l",
)  # fmt: skip
_DEPTH = 4


@dataclass(frozen=True)
class Sample:
    """One photo and its ground truth."""

    stem: str
    photo: Path
    truth: Path


@dataclass(frozen=True)
class Skip:
    """A photo that was left out, and why."""

    stem: str
    reason: str


@dataclass(frozen=True)
class Found:
    """Photos with their ground truth, and those of which one of the two is not there."""

    samples: tuple[Sample, ...]
    missing: tuple[Skip, ...] = ()


@dataclass
class Files:
    """Files below a folder.

    Attributes:
        paths: relative to the folder, sorted.
        unreadable: folders that could not be opened.
    """

    root: Path
    paths: list[Path] = field(default_factory=list)
    unreadable: list[Path] = field(default_factory=list)

    @classmethod
    def below(cls, root: Path, depth: int = _DEPTH) -> Files:
        """All files, hidden ones left out (macOS adds a `._a.png` to every a.png)."""
        found = cls(root)
        found._walk(root, depth)
        return found

    def _walk(self, folder: Path, depth: int) -> None:
        for path in entries_of(folder, self.unreadable):
            if path.is_dir():
                if depth:
                    self._walk(path, depth - 1)
            else:
                self.paths.append(path.relative_to(self.root))

    def skips(self) -> Iterator[Skip]:
        """What to say of folders that could not be opened, and of pictures that are not read."""
        for folder in self.unreadable:
            yield Skip(folder.name, "the folder cannot be opened")
        for path in self.paths:
            if path.suffix.lower() in _OTHER_PICTURES and not is_photo(path):
                yield Skip(path.as_posix(), f"{path.suffix} files are not read; JPEG or PNG are")


def entries_of(folder: Path, unreadable: list[Path] | None = None) -> list[Path]:
    """What is in a folder, sorted, hidden ones left out; nothing when it cannot be opened.

    Args:
        folder: to list.
        unreadable: takes the folder when it cannot be opened.
    """
    try:
        return sorted(p for p in folder.iterdir() if not p.name.startswith((".", "__MACOSX")))
    except OSError:
        if unreadable is not None:
            unreadable.append(folder)
        return []


def name_key(name: str) -> str:
    """What two spellings of one file name share: composition and case are not told."""
    return unicodedata.normalize("NFC", name).casefold()


def stem_of(path: Path) -> str:
    """A relative path without its ending, as people write it."""
    return unicodedata.normalize("NFC", path.with_suffix("").as_posix())


def one_each(paths: Iterable[Path], what: str) -> dict[str, Path]:
    """Key -> path.

    Raises:
        DatasetError: two files of one name.
    """
    found: dict[str, Path] = {}
    for path in paths:
        other = found.setdefault(name_key(stem_of(path)), path)
        if other is not path:
            raise DatasetError(
                f"two {what} have one name: {other.as_posix()} and {path.as_posix()}; which of "
                "them is meant cannot be told"
            )
    return found


def is_photo(path: Path) -> bool:
    """Whether a name ends as those of photos that are read."""
    return path.suffix.lower() in ENDINGS


# --- pairing ----------------------------------------------------------------------------------


def pair(photos: Files, truths: Files) -> Found:
    """Photos with the label maps of their names.

    Args:
        photos: below the folder of photos.
        truths: below the folder of label maps; the same folder when both lie in one.

    Raises:
        DatasetError: two photos, or two label maps of one photo, have one name.
    """
    maps = _Maps(path for path in truths.paths if is_photo(path))
    pictures = [path for path in photos.paths if is_photo(path)]
    if photos.root == truths.root:
        names = {name_key(stem_of(path)) for path in pictures}
        maps = _Maps(path for path in pictures if _bases(path) & names)
        if not maps.paths:
            return Found(())
        pictures = [path for path in pictures if path not in maps.paths]
    samples, missing = [], []
    for key, path in one_each(pictures, "photos").items():
        truth = maps.of(key)
        if truth is None:
            missing.append(Skip(stem_of(path), "its ground truth is not there"))
        else:
            samples.append(Sample(stem_of(path), photos.root / path, truths.root / truth))
    missing += [Skip(stem_of(path), "its photo is not there") for path in maps.left]
    unread = {skip.stem: skip for files in (photos, truths) for skip in files.skips()}
    samples.sort(key=lambda sample: sample.stem)
    return Found(tuple(samples), (*missing, *unread.values()))


def _bases(path: Path) -> set[str]:
    """Keys of the photos that a label map may belong to by its suffix."""
    key = name_key(stem_of(path))
    return {key[: -len(s)] for s in _TRUTH_SUFFIXES if key.endswith(s) and len(key) > len(s)}


#: Label maps are none of these, photos beside them may be.
_LOSSY = (".jpg", ".jpeg")


def map_of(folder: Path, stem: str) -> Path | None:
    """The label map of a photo in a folder or below, by the rule of `pair`; None without one.

    Raises:
        DatasetError: two that may be meant.
    """
    maps = (path for path in Files.below(folder).paths if path.suffix.lower() not in _LOSSY)
    found = _Maps(maps).of(name_key(stem))
    return folder / found if found is not None else None


class _Maps:
    """Label maps by the names of their photos."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths = list(paths)
        self._by_key: dict[str, list[tuple[int, Path]]] = {}
        self._taken: set[str] = set()
        for path in self.paths:
            for rank, key in self._keys(path):
                self._by_key.setdefault(key, []).append((rank, path))

    def _keys(self, path: Path) -> Iterator[tuple[int, str]]:
        """(rank, key) of photos that a map may belong to; its own name is the first."""
        key = name_key(stem_of(path))
        yield 0, key
        if (inner := Path(key)).suffix in ENDINGS:  # a.jpg.png
            yield 1, inner.with_suffix("").as_posix()
        for rank, suffix in enumerate(_TRUTH_SUFFIXES, 2):
            if key.endswith(suffix):
                yield rank, key.removesuffix(suffix)

    def of(self, photo: str) -> Path | None:
        """The label map of a photo's key.

        Raises:
            DatasetError: two are as good.
        """
        names = [photo, *(photo.removesuffix(s) for s in _PHOTO_SUFFIXES if photo.endswith(s))]
        for name in names:
            found = sorted(self._by_key.get(name, ()))
            if not found:
                continue
            if len(found) > 1 and found[0][0] == found[1][0]:
                raise DatasetError(
                    f"two label maps have one name: {found[0][1].as_posix()} and "
                    f"{found[1][1].as_posix()}; which of them is meant cannot be told"
                )
            self._taken.add(name)
            return found[0][1]
        return None

    @property
    def left(self) -> list[Path]:
        """Maps whose photo nobody asked for."""
        return [
            path for path in self.paths if not self._taken & {key for _, key in self._keys(path)}
        ]


# --- where they are ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where photos and label maps lie, and which part of the set that is."""

    photos: Path
    truths: Path
    split: str = ""


def find_place(root: Path) -> Place | None:
    """The folders of a plain set: images/ and masks/ by any of their names, or one folder of both.

    Splits (img_dir/val, or valid/images) are looked into, validation first.
    """
    for folder in (root, *_splits_in(root)):
        within = {p.name.casefold(): p for p in entries_of(folder) if p.is_dir()}
        split = "" if folder == root else folder.name
        photos = next((within[n.casefold()] for n in PHOTO_FOLDERS if n.casefold() in within), None)
        truths = next((within[n.casefold()] for n in TRUTH_FOLDERS if n.casefold() in within), None)
        if photos and truths:
            return _split_of(photos, truths) or Place(photos, truths, split)
        if pair(files := Files.below(folder, 0), files).samples:
            return Place(folder, folder, split)
    return None


def _splits_in(folder: Path) -> list[Path]:
    within = {p.name.casefold(): p for p in entries_of(folder) if p.is_dir()}
    return [within[name] for name in SPLITS if name in within]


def _split_of(photos: Path, truths: Path) -> Place | None:
    """The part to measure, where both folders are divided into the same parts."""
    if any(is_photo(path) for path in entries_of(photos)):
        return None
    others = {path.name.casefold(): path for path in _splits_in(truths)}
    for path in _splits_in(photos):
        if path.name.casefold() in others:
            return Place(path, others[path.name.casefold()], path.name)
    return None


# --- lists of photos --------------------------------------------------------------------------


def listed(lines: Iterable[str], stems: Iterable[str]) -> list[str]:
    """Photos that a list names, with or without folder and ending, in its first column.

    Args:
        lines: of the list.
        stems: of all photos.

    Returns:
        Their stems in the order of the list, each once; what is none of them as it is written.
    """
    known: dict[str, str] = {}
    short: dict[str, set[str]] = {}
    for stem in stems:
        known[name_key(stem)] = stem
        short.setdefault(name_key(stem).rsplit("/", 1)[-1], set()).add(stem)
    found: dict[str, None] = {}
    for line in filter(None, (line.strip("\ufeff \t\r\n\"'") for line in lines)):
        named = next(filter(None, (_named(name, known, short) for name in _names_in(line))), None)
        found[named or stem_of(Path(line.split()[0])).rsplit("/", 1)[-1]] = None
    return list(found)


def _names_in(line: str) -> Iterator[str]:
    """The whole line, then its first column: names may hold spaces."""
    for text in (line, re.split(r"[\s,;]+", line)[0]):
        path = text.replace("\\", "/").strip("./")
        yield path
        if Path(path).suffix.lower() in ENDINGS:
            yield path[: -len(Path(path).suffix)]


def _named(name: str, known: Mapping[str, str], short: Mapping[str, set[str]]) -> str | None:
    parts = name_key(name).split("/")
    for first in range(len(parts)):
        if (stem := known.get("/".join(parts[first:]))) is not None:
            return stem
    same = short.get(parts[-1], set())
    return next(iter(same)) if len(same) == 1 else None
