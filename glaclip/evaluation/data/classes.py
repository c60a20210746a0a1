"""The words for a set's classes: its own list, word lists of the field, files of one's own."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glaclip.evaluation.data.class_lists import load_class_list
from glaclip.evaluation.data.errors import DatasetError
from glaclip.vocabulary import (
    ASSETS,
    BACKGROUND,
    DEFAULT_BACKGROUND_THRESHOLD,
    Vocabulary,
    VocabularyClass,
    load_preset,
    parse_vocabulary,
    preset_names,
)

FIELD = "field/"
_FIELD_FOLDER = ASSETS / "vocabularies" / "field"


def vocabulary_of(classes: Sequence[VocabularyClass], source: str) -> Vocabulary:
    """The vocabulary of a set's own classes, the same for page, API and command line.

    A class that is named "background" gets words and takes unsure pixels.

    Args:
        classes: in the order of the truth's indices.
        source: the list's name, for sentences.

    Raises:
        DatasetError: fewer than two classes.
    """
    if len(classes) < 2:
        named = ", ".join(entry.name for entry in classes) or "none"
        raise DatasetError(
            f"{source} must name at least two classes that are measured; it names {named}. What "
            "is none of the named things can be a class of its own, with the name background"
        )
    vocabulary = Vocabulary(tuple(classes))
    names = [name.casefold() for name in vocabulary.names]
    if BACKGROUND not in names:
        return vocabulary
    index = names.index(BACKGROUND)
    entries = list(classes)
    if len(entries[index].prompts) == 1:
        text = ", ".join("; ".join(c.prompts) for c in entries if c is not entries[index])
        parsed = parse_vocabulary(text, background=True)
        assert parsed.background is not None
        filled = parsed.classes[parsed.background].prompts
        entries[index] = VocabularyClass(entries[index].name, filled)
    return Vocabulary(tuple(entries), index, DEFAULT_BACKGROUND_THRESHOLD)


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


@functools.cache
def field_prompts() -> frozenset[tuple[str, ...]]:
    """Prompts of each list of the field in their order, as sets with its words have them."""
    found = set()
    for name in field_names():
        words = class_words(name)
        vocabulary = load_preset(words.preset).vocabulary
        found.add(words.vocabulary(vocabulary.background).prompts)
    return frozenset(found)


def class_words(source: str) -> ClassWords:
    """Words by name: a preset, a list of the field, or a file in any form of a class list.

    Args:
        source: a preset's name; "field/voc21" and the like, the words of the authors' cls_*.txt
            files; or the path of a file: a class a line, synonyms with commas or semicolons
            between them, the background's line first where there is one.

    Raises:
        DatasetError: nothing of that name, or a file that cannot be read.
    """
    if source in preset_names():
        return ClassWords(source, source, load_preset(source).vocabulary.classes)
    if source in field_names():
        path, name = _FIELD_FOLDER / f"{source.removeprefix(FIELD)}.txt", source
        preset = path.stem.removesuffix("_names").removesuffix("_clearclip")
    else:
        path, name, preset = Path(source), Path(source).name, ""
    if not path.is_file():
        raise DatasetError(
            f"class words must be a preset ({', '.join(preset_names())}), a list of the field "
            f"({', '.join(field_names())}) or a text file with a class a line; received {source!r}"
        )
    listed = load_class_list(path, unique=False)  # released lists name some things twice
    entries = sorted(listed.entries, key=lambda entry: entry.index)
    return ClassWords(
        name, preset, tuple(VocabularyClass(e.prompts[0], e.prompts) for e in entries)
    )
