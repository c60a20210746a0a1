"""The classes that a file names, whatever its form: those that count, and those that do not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from glaclip.evaluation.data.class_forms import Color, Entry, Reader
from glaclip.evaluation.data.errors import DatasetError
from glaclip.support.text import TextError, read_text
from glaclip.vocabulary import VocabularyClass, word_key

IGNORED = 255
#: Whole names that mean "no class", beside index 255; "various plants" is a class.
_IGNORED_NAMES = re.compile(r"void|unknown|various|unlabel+ed|ignored?", re.IGNORECASE)
#: Lists that stand beside photos, the most telling first.
LIST_NAMES = (
    "classes.txt", "class_names.txt", "labelmap.txt", "labels.txt", "obj.names",
    "_classes.csv", "classes.csv", "class_dict.csv", "labels.csv",
    "classes.json", "labels.json", "notes.json",
    "classes.yaml", "classes.yml", "labels.yaml", "data.yaml", "data.yml", "dataset.yaml",
)  # fmt: skip
_LARGEST_FILE = 2**20


@dataclass(frozen=True)
class ClassList:
    """The classes of a file.

    Attributes:
        name: the file's name, for sentences.
        entries: in the order of the file, those that count for nothing among them.
    """

    name: str
    entries: tuple[Entry, ...]

    @property
    def classes(self) -> dict[int, VocabularyClass]:
        """Stored value -> class, without those that count for nothing."""
        return {
            entry.index: VocabularyClass(entry.prompts[0], entry.prompts)
            for entry in self.entries
            if not entry.ignored
        }

    @property
    def colors(self) -> dict[Color, int]:
        """Color -> stored value, where the list has colors."""
        return {entry.color: entry.index for entry in self.entries if entry.color is not None}

    @property
    def ignored(self) -> dict[int, str]:
        """Stored value -> name of what is listed and counts for nothing."""
        return {entry.index: entry.prompts[0] for entry in self.entries if entry.ignored}

    def text(self) -> str:
        """The classes in the form of the words box."""
        return ", ".join("; ".join(entry.prompts) for entry in self.classes.values())


def find_class_list(*folders: Path) -> Path | None:
    """The class list that lies in one of the folders, the first of them first."""
    for folder in folders:
        for name in LIST_NAMES:
            if (folder / name).is_file():
                return folder / name
    return None


def load_class_list(path: Path, ignore: Iterable[str] = (), unique: bool = True) -> ClassList:
    """Reads a file, see `read_class_list`.

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise DatasetError(f"{path.name} is no class list: it has more than 1 MB")
        text = read_text(path)
    except (OSError, TextError) as error:
        said = str(error) if isinstance(error, TextError) else f"{path.name}: {error.strerror}"
        raise DatasetError(said) from error
    return read_class_list(text, path.name, ignore, unique)


def read_class_list(
    text: str, name: str = "classes.txt", ignore: Iterable[str] = (), unique: bool = True
) -> ClassList:
    """Reads a class list in any of its forms.

    Args:
        text: of the file.
        name: the file's name, for sentences.
        ignore: further indices or names that mean "no class".
        unique: refuse names and synonyms that two classes share, compared without case.

    Raises:
        DatasetError: what cannot be read; the message names the line.
    """
    entries = Reader(name, text).entries()
    unwanted = {word.strip().casefold() for word in ignore}
    eight_bit = all(entry.index <= IGNORED for entry in entries)
    found = []
    for entry in entries:
        word = entry.prompts[0]
        named = {str(entry.index), word.casefold()} & unwanted
        ignored = (entry.index == IGNORED and eight_bit) or _IGNORED_NAMES.fullmatch(word)
        found.append(
            Entry(entry.line, entry.index, entry.prompts, entry.color, bool(named or ignored))
        )
    _check_indices(name, found)
    if unique:
        _check_words(name, found)
    if not any(not entry.ignored for entry in found):
        raise DatasetError(f"{name} names no class")
    return ClassList(name, tuple(found))


def _check_indices(listed: str, entries: Iterable[Entry]) -> None:
    """Refuses a stored value or a color of two classes."""
    seen: set[int] = set()
    colors: dict[Color, str] = {}
    for entry in entries:
        if entry.index in seen:
            raise DatasetError(
                f"{listed} gives index {entry.index} twice, again in line {entry.line}"
            )
        seen.add(entry.index)
        if entry.color is not None:
            other = colors.setdefault(entry.color, entry.prompts[0])
            if other != entry.prompts[0]:
                raise DatasetError(
                    f"line {entry.line} of {listed} gives “{entry.prompts[0]}” the color "
                    f"of “{other}”"
                )


def _check_words(listed: str, entries: Iterable[Entry]) -> None:
    """Refuses a name or synonym of two classes, which one of them would lose."""
    owners: dict[str, Entry] = {}
    for entry in entries:
        for prompt in () if entry.ignored else entry.prompts:
            other = owners.setdefault(word_key(prompt), entry)
            if other is not entry:
                raise DatasetError(
                    f"line {entry.line} of {listed} names “{prompt}” again, which "
                    f"“{other.prompts[0]}” has in line {other.line}; each name and synonym "
                    "may belong to one class"
                )
