"""The words for a set's classes: classes.txt, word lists of the field, files of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from glaclip.evaluation.data.errors import DatasetError as DatasetError
from glaclip.vocabulary import (
    ASSETS,
    BACKGROUND,
    DEFAULT_BACKGROUND_THRESHOLD,
    Vocabulary,
    VocabularyClass,
    load_preset,
    preset_names,
    text_lines,
)

IGNORED = 255
#: Whole names of classes.txt that mean "no class", beside index 255; "various plants" is a class.
IGNORED_NAMES = re.compile(r"void|unknown|various|unlabel+ed|ignored?", re.IGNORECASE)
_INDEXED = re.compile(r"(\d{1,5})[\s:,]+(.+)")
FIELD = "field/"
_FIELD_FOLDER = ASSETS / "vocabularies" / "field"


# ---------------------------------------------------------------------------------------------
# classes.txt


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


def _said_lines(text: str) -> list[tuple[int, str]]:
    """(line number, line) of every line that is neither empty nor a comment."""
    lines = [(number, line.strip()) for number, line in enumerate(text_lines(text), 1)]
    return [(number, line) for number, line in lines if line and not line.startswith("#")]


def _indexed_lines(text: str) -> list[tuple[int, str, int, str]]:
    """(line number, line, index, names) of every line that says something."""
    lines = _said_lines(text)
    matches = [_INDEXED.fullmatch(line) for _, line in lines]
    if not any(matches):
        return [(number, line, index, line) for index, (number, line) in enumerate(lines)]
    indexed = []
    for (number, line), match in zip(lines, matches, strict=True):
        if match is None:
            raise DatasetError(
                f"line {number} of classes.txt must be an index and a name, as other lines of it "
                f"are; received {line!r}"
            )
        indexed.append((number, line, int(match[1]), match[2]))
    return indexed


# ---------------------------------------------------------------------------------------------
# Words instead of the set's own names


@dataclass(frozen=True)
class ClassWords:
    """Words for the classes of a set, in its order.

    Attributes:
        source: what was asked for: a preset, "field/NAME", or a file's name.
        preset: the preset whose classes these are, or empty when only their number tells.
        classes: one a class, the background among them.
    """

    source: str
    preset: str
    classes: tuple[VocabularyClass, ...]

    def vocabulary(self, background: int | None, threshold: float | None = None) -> Vocabulary:
        """The words with one class as background, which is called so whatever its first word is."""
        if background is None:
            return Vocabulary(self.classes)
        classes = list(self.classes)
        classes[background] = VocabularyClass(BACKGROUND, classes[background].prompts)
        unsure = DEFAULT_BACKGROUND_THRESHOLD if threshold is None else threshold
        return Vocabulary(tuple(classes), background, unsure)


def field_names() -> tuple[str, ...]:
    """Names of the field's word lists, as "field/voc21"."""
    return tuple(sorted(FIELD + path.stem for path in _FIELD_FOLDER.glob("*.txt")))


def class_words(source: str) -> ClassWords:
    """Words by name: a preset, a list of the field, or a file with a class a line.

    Args:
        source: a preset's name; "field/voc21" and the like, the words of the authors' cls_*.txt
            files; or the path of a file as theirs: synonyms of a class on its line, with commas or
            semicolons between them, the background's line first where there is one.

    Raises:
        DatasetError: nothing of that name, or a file that cannot be read.
    """
    if source in preset_names():
        return ClassWords(source, source, load_preset(source).vocabulary.classes)
    if source in field_names():
        path, name = _FIELD_FOLDER / f"{source.removeprefix(FIELD)}.txt", source
        preset = path.stem.removesuffix("_names")
    else:
        path, name, preset = Path(source), Path(source).name, ""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"class words must be a preset ({', '.join(preset_names())}), a list of the field "
            f"({', '.join(field_names())}) or a text file with a class a line; received {source!r}"
        ) from error
    return ClassWords(name, preset, read_word_list(text, name))


def read_word_list(text: str, name: str = "the file") -> tuple[VocabularyClass, ...]:
    """Classes of a cls_*.txt file: one a line, synonyms separated by commas or semicolons.

    Raises:
        DatasetError: a line of separators alone.
    """
    classes = []
    for number, line in _said_lines(text):
        prompts = tuple(word.strip() for word in re.split(r"[,;]", line) if word.strip())
        if not prompts:
            raise DatasetError(f"line {number} of {name} names no class; received {line!r}")
        classes.append(VocabularyClass(prompts[0], prompts))
    return tuple(classes)
