"""The photos that a person names: files, folders, and lists of files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.data.pairs import Files, Sample, Skip, is_photo, name_key, stem_of
from glaclip.support.text import TextError, read_text
from glaclip.vocabulary import text_lines

_LISTS = (".txt", ".lst", ".list")


@dataclass(frozen=True)
class PhotoFile:
    """A photo to label.

    Attributes:
        stem: its name in results, without its ending, with folders below the one that was given.
        name: with its ending.
        path: where it is.
    """

    stem: str
    name: str
    path: Path

    @classmethod
    def of(cls, sample: Sample) -> PhotoFile:
        """The photo of a set's sample."""
        return cls(sample.stem, f"{sample.stem}{sample.photo.suffix}", sample.photo)


def is_one_photo(inputs: Sequence[str]) -> bool:
    """Whether a single file is given that is no list."""
    path = Path(inputs[0])
    return len(inputs) == 1 and not path.is_dir() and path.suffix.lower() not in _LISTS


def photos_of(inputs: Iterable[str]) -> tuple[list[PhotoFile], list[Skip]]:
    """The photos of files, folders (and all below them) and lists, and what cannot be opened.

    Raises:
        DatasetError: no photo, a list that cannot be read, or two photos of one name.
    """
    found: list[PhotoFile] = []
    unread: list[Skip] = []
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            files = Files.below(path)
            photos = [inner for inner in files.paths if is_photo(inner)]
            found += [PhotoFile(stem_of(p), p.as_posix(), path / p) for p in photos]
            unread += files.skips()
        elif path.suffix.lower() in _LISTS:
            named = [_named(line, path.parent) for line in _lines(path)]
            if not any(photo.path.is_file() for photo in named):
                raise DatasetError(f"{path.name} is not a picture, and no line of it names one")
            found += named
        else:
            found.append(PhotoFile(stem_of(Path(path.name)), path.name, path))
    if not found:
        raise DatasetError("there is no photo in what was given")
    seen: dict[str, PhotoFile] = {}
    for photo in found:
        other = seen.setdefault(name_key(photo.stem), photo)
        if other is not photo and other.path != photo.path:
            raise DatasetError(
                f"two photos have one name: {other.path} and {photo.path}; their results would "
                "overwrite each other"
            )
    return list(seen.values()), unread


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in text_lines(read_text(path)) if line.strip()]
    except TextError as error:
        raise DatasetError(f"the list of photos {error}") from error


def _named(line: str, folder: Path) -> PhotoFile:
    """A photo of a list: its path is from the list's folder, or from where the program runs."""
    path = folder / line
    if not path.is_file() and Path(line).is_file():
        path = Path(line)
    inner = Path(line) if not Path(line).is_absolute() and ".." not in line else Path(path.name)
    return PhotoFile(stem_of(inner), inner.as_posix(), path)
