"""Text to classes with synonyms, limits, presets and prompt templates."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
#: Photos, words and the embedded model: inside an installed package, beside it in the repository.
ASSETS = next(filter(Path.is_dir, (_PACKAGE / "assets", _PACKAGE.parent / "assets")))

MAX_CLASSES = 512
MAX_PROMPTS = 2048
MAX_PROMPT_LENGTH = 80
BACKGROUND = "background"
DEFAULT_BACKGROUND_THRESHOLD = 0.1
#: Factor on cosines before the softmax over prompts (method, section 1, step 6).
LOGIT_SCALE = 40.0
#: What the background stands for when nobody says: surfaces and places around objects.
BACKGROUND_WORDS = (
    "background, sky, wall, tree, forest, grass, ground, road, street, sidewalk, sand, sea, water, "
    "river, mountain, hill, rock, snow, cloud, building, house, fence, floor, ceiling, door, window"
)

#: A new line is one of these and nothing else that Unicode calls one: that is white space.
_LINE_BREAKS = re.compile(r"\r\n?|\n")
# Full-width and CJK forms of comma and semicolon separate too.
_CLASS_SEPARATORS = re.compile(r"[,\n\r\uff0c\u3001]")
_SYNONYM_SEPARATORS = re.compile(r"[;\uff1b]")


class VocabularyError(ValueError):
    """Words that cannot be used; the message says what was wrong and what is accepted."""


@dataclass(frozen=True)
class VocabularyClass:
    """One class: the name people see and the prompts that stand for it (its synonyms)."""

    name: str
    prompts: tuple[str, ...]


@dataclass(frozen=True)
class Vocabulary:
    """Classes in order.

    Attributes:
        classes: the classes; `labels` of a segmentation index into them.
        background: index of the background class, or None.
        background_threshold: where the best probability is below, the pixel is background.
        notes: what was left out or changed while reading, in sentences.
        logit_scale: factor on cosines before the softmax over prompts; with a background only does
            it change labels.
        area_threshold: classes with a smaller share of what is not background are given up, as
            SCLIP's program does on VOC21; 0 keeps all.
    """

    classes: tuple[VocabularyClass, ...]
    background: int | None = None
    background_threshold: float = 0.0
    notes: tuple[str, ...] = ()
    logit_scale: float = LOGIT_SCALE
    area_threshold: float = 0.0

    def __repr__(self) -> str:
        """Like that of any dataclass, without the scale and the area threshold that are usual.

        Keys of what is kept on disk are made of this: what was kept before there was a choice
        stays known.
        """
        names = ["classes", "background", "background_threshold", "notes"]
        names += ["logit_scale"] if self.logit_scale != LOGIT_SCALE else []
        names += ["area_threshold"] if self.area_threshold else []
        return f"Vocabulary({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    def __post_init__(self) -> None:
        for name, most in (("logit_scale", 1000.0), ("area_threshold", 1.0)):
            number: object = getattr(self, name)
            if not (isinstance(number, (int, float)) and 0.0 <= number <= most):
                raise VocabularyError(
                    f"The {name.replace('_', ' ')} must be a number from 0 to {most:g}; "
                    f"received {str(number)[:60]}."
                )
        threshold: object = self.background_threshold
        if not (isinstance(threshold, (int, float)) and 0.0 <= threshold <= 1.0):
            raise VocabularyError(
                "The background threshold must be a number from 0 to 1; "
                f"received {str(threshold)[:60]}."
            )
        if len(self.classes) < 2:
            raise VocabularyError(
                "Type at least two classes, separated by commas, or one class with the background "
                f"switched on; received {len(self.classes)}."
            )
        if len(self.classes) > MAX_CLASSES:
            raise VocabularyError(
                f"At most {MAX_CLASSES} classes are accepted; received {len(self.classes)}."
            )
        if len(self.prompts) > MAX_PROMPTS:
            raise VocabularyError(
                f"At most {MAX_PROMPTS} words with all synonyms are accepted; "
                f"received {len(self.prompts)}."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The shown name of each class."""
        return tuple(entry.name for entry in self.classes)

    @property
    def prompts(self) -> tuple[str, ...]:
        """All prompts, class after class."""
        return tuple(prompt for entry in self.classes for prompt in entry.prompts)

    def text(self) -> str:
        """The vocabulary in the form that `parse_vocabulary` reads, background left out."""
        return ", ".join(
            "; ".join(entry.prompts)
            for index, entry in enumerate(self.classes)
            if index != self.background
        )


def clean_word(word: str) -> str:
    """Composed Unicode, one space between words, no control characters, no halves of pairs."""
    normal = unicodedata.normalize("NFC", word)
    visible = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs") else c for c in normal)
    return " ".join(visible.split())


def text_lines(text: str) -> list[str]:
    """Lines of a text that a person wrote."""
    return _LINE_BREAKS.split(text)


def split_classes(text: str) -> list[str]:
    """What stands between commas and line breaks, one space between words, nothing empty."""
    parts = (" ".join(part.split()) for part in _CLASS_SEPARATORS.split(text))
    return [part for part in parts if part]


def word_key(word: str) -> str:
    """What two spellings of one word share: compatible characters are one, case is not told."""
    return unicodedata.normalize("NFKC", word).casefold()


def _shorten(word: str) -> str:
    return word if len(word) <= 30 else word[:29] + "…"


class _Reader:
    """Collects classes, leaves doubles out and says so."""

    def __init__(self) -> None:
        self.classes: list[VocabularyClass] = []
        self.notes: list[str] = []
        self._owner: dict[str, str] = {}

    def add(self, entry: str) -> None:
        prompts: list[str] = []
        for part in _SYNONYM_SEPARATORS.split(entry):
            word = clean_word(part)
            if not word:
                continue
            if len(word) > MAX_PROMPT_LENGTH:
                raise VocabularyError(
                    f"Each word or phrase may have at most {MAX_PROMPT_LENGTH} characters; "
                    f"“{_shorten(word)}” has {len(word)}."
                )
            owner = self._owner.get(word_key(word))
            if owner is not None:
                where = (
                    ""
                    if word_key(owner) == word_key(word)
                    else f" (it already belongs to “{owner}”)"
                )
                self.notes.append(f"“{_shorten(word)}” was given twice; kept once{where}.")
                continue
            self._owner[word_key(word)] = prompts[0] if prompts else word
            prompts.append(word)
        if prompts:
            self.classes.append(VocabularyClass(prompts[0], tuple(prompts)))

    def knows(self, word: str) -> bool:
        return word_key(word) in self._owner


def parse_vocabulary(
    text: str,
    *,
    background: bool | str = False,
    background_threshold: float = DEFAULT_BACKGROUND_THRESHOLD,
) -> Vocabulary:
    """Reads classes from text.

    Args:
        text: classes separated by commas or new lines, `;` between synonyms of one class; the
            first word is the shown name. Lines that start with `#` are comments.
        background: adds a background class. A text gives its own words (commas or `;` between
            them); True uses `BACKGROUND_WORDS`. Words that the classes use are left out of it.
            A class that is itself named "background" becomes the background class.
        background_threshold: probability below which a pixel is background, 0 to 1.

    Raises:
        VocabularyError: too few or too many classes, or a prompt that is too long.
    """
    lines = (line for line in text_lines(text) if not line.lstrip().startswith("#"))
    reader = _Reader()
    for entry in split_classes("\n".join(lines)):
        reader.add(entry)

    index: int | None = None
    if background is not False:
        named = [i for i, entry in enumerate(reader.classes) if word_key(entry.name) == BACKGROUND]
        if named:
            index = named[0]
        elif reader.classes:
            words = BACKGROUND_WORDS if background is True else f"{BACKGROUND}, {background}"
            found: dict[str, str] = {}
            for word in _SYNONYM_SEPARATORS.split(";".join(split_classes(words))):
                if (clean := clean_word(word)) and not reader.knows(clean):
                    found.setdefault(word_key(clean), clean)
            index = len(reader.classes)
            reader.add("; ".join(found.values()))
    return Vocabulary(
        tuple(reader.classes),
        background=index,
        background_threshold=background_threshold if index is not None else 0.0,
        notes=tuple(reader.notes),
    )


@dataclass(frozen=True)
class Preset:
    """A shipped vocabulary: file name without ending, title and its classes."""

    name: str
    title: str
    vocabulary: Vocabulary


@functools.cache
def load_preset(name: str) -> Preset:
    """A vocabulary of assets/vocabularies.

    Its first line `# ...` is its title; `# background: 0.1` makes its first class the background.

    Raises:
        VocabularyError: no such preset; the message lists the known ones.
    """
    if name not in preset_names():
        raise VocabularyError(
            f"There is no vocabulary “{_shorten(name)}”; known ones: {', '.join(preset_names())}."
        )
    text = (ASSETS / "vocabularies" / f"{name}.txt").read_text(encoding="utf-8")
    header = dict(re.findall(r"^#\s*(\w+):\s*(.+?)\s*$", text, flags=re.MULTILINE))
    vocabulary = parse_vocabulary(text)
    if "background" in header:
        vocabulary = Vocabulary(
            vocabulary.classes, 0, float(header["background"]), vocabulary.notes
        )
    return Preset(name, text.splitlines()[0].removeprefix("#").strip(), vocabulary)


@functools.cache
def preset_names() -> tuple[str, ...]:
    """Names that `load_preset` knows, sorted."""
    return tuple(sorted(path.stem for path in (ASSETS / "vocabularies").glob("*.txt")))


@functools.cache
def imagenet_templates() -> tuple[str, ...]:
    """CLIP's 80 ImageNet prompt templates, each with one `{}` (method, section 1, step 7)."""
    text = (ASSETS / "templates_imagenet80.txt").read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))
