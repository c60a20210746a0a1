"""Class lists in the forms that people's tools write: one reader for all of them.

Lines with or without an index, CSV with a header, JSON, YAML, CVAT's labelmap.txt, lists with
colors. One rule for synonyms: a class is a line (or an entry), and commas or semicolons separate
its synonyms; a single line is a list of classes, separated by commas.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from glaclip.evaluation.data.errors import DatasetError
from glaclip.vocabulary import BACKGROUND, MAX_PROMPT_LENGTH, clean_word, text_lines, word_key

_LARGEST_VALUE = 65535
#: What labelme writes for pixels that belong to no class; it takes no number.
_UNNUMBERED = "__ignore__"
_SPECIAL = {"_background_": BACKGROUND, "__background__": BACKGROUND}
_MOST = 4096
#: Longer lines are lists of names and nothing else; no pattern is tried on them.
_LONGEST_FORM = 300

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Entry:
    """One class as a list gives it.

    Attributes:
        line: where it stands, counted from 1; 0 when the form has no lines.
        index: the stored value.
        prompts: name and synonyms.
        color: of its pixels in colored maps, where the list says.
        ignored: its pixels count for nothing.
    """

    line: int
    index: int
    prompts: tuple[str, ...]
    color: Color | None = None
    ignored: bool = False


_COLOR = r"(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})"
#: Lines with a color; the first of these forms that all lines have is theirs.
_COLOR_FORMS = (
    re.compile(rf"(?P<name>[^:]+):(?P<color>{_COLOR})?:[^:]*:[^:]*"),  # CVAT's labelmap.txt
    re.compile(rf"(?:(?P<index>\d{{1,9}})[\s:,]+)?(?P<name>\D.*?)[\s:,]+(?P<color>{_COLOR})\W*"),
    re.compile(rf"(?P<color>{_COLOR})[\s:,]+(?P<name>\D.*)"),  # CamVid's label_colors.txt
    re.compile(r"(?:(?P<index>\d{1,9})[\s:,]+)?(?P<name>[^#]+?)[\s:,]+(?P<hex>#[0-9a-fA-F]{6})\W*"),
)
_INDEX_FORM = re.compile(r"(?P<index>\d{1,9})[\s:,=.)]+(?P<name>.+)")
_TAIL_FORM = re.compile(r"(?P<name>.+?)[\s:,=]+(?P<index>\d{1,9})")
_QUOTES = "\"'“”„‟‘’«»`"
_BRACKETS = re.compile(r"[\[\]{}\\\"“”„]")
_HEADS_OF_NAME = ("class", "name", "label", "category", "class name", "class_name", "classes")
_HEADS_OF_INDEX = (
    "pixel value", "index", "id", "value", "class id", "class_id", "label id", "label_id", "idx",
    "class index", "class_index", "number", "trainid", "train_id",
)  # fmt: skip


class Reader:
    """Reads one file; all its sentences name the file and the line."""

    def __init__(self, name: str, text: str) -> None:
        self._name, self._text = name, text

    def entries(self) -> list[Entry]:
        """The classes, whatever the form."""
        start = self._text.lstrip("\ufeff \t\r\n")
        lines = self._lines()
        if not lines:
            raise DatasetError(f"{self._name} names no class")
        if len(lines) > _MOST:
            raise DatasetError(f"{self._name} has {len(lines)} lines; at most {_MOST} are read")
        suffix = Path(self._name).suffix.lower()
        if start[:1] in ("[", "{") or suffix == ".json":
            return self._structured(self._json(start))
        listed = all(line.startswith("- ") for _, line in lines)
        keyed = any(re.match(r"(names|classes|labels):\s*(\[.*)?$", line) for _, line in lines)
        if listed or keyed or suffix in (".yaml", ".yml"):
            return self._structured(self._yaml())
        return self._table(lines) or self._plain(lines)

    # --- lines --------------------------------------------------------------------------------

    def _lines(self) -> list[tuple[int, str]]:
        """(line number, line) of every line that is neither empty nor a comment."""
        usual = str.maketrans("\uff0c\u3001\uff1b", ",,;")
        lines = [
            (n, line.translate(usual).strip("\ufeff \t")) for n, line in enumerate(self._split(), 1)
        ]
        return [(n, line) for n, line in lines if line and not line.startswith("#")]

    def _split(self) -> list[str]:
        return text_lines(self._text)

    def _table(self, lines: list[tuple[int, str]]) -> list[Entry]:
        """CSV with a header, or nothing when there is none."""
        separator = next((s for s in (",", ";", "\t") if s in lines[0][1]), None)
        if separator is None:
            return []
        heads = [cell.strip().casefold() for cell in _cells(lines[0][1], separator)]
        name = next((i for i, head in enumerate(heads) if head in _HEADS_OF_NAME), None)
        index = next((i for i, head in enumerate(heads) if head in _HEADS_OF_INDEX), None)
        color = [heads.index(c) for c in ("r", "g", "b") if c in heads]
        if name is None or (index is None and len(color) < 3):
            return []
        found = []
        for position, (number, line) in enumerate(lines[1:]):
            cells = [*_cells(line, separator), *[""] * len(heads)]
            rgb = None
            if len(color) == 3:
                rgb = self._color(number, line, *(cells[i].strip() for i in color))
            value = cells[index].strip() if index is not None else str(position)
            if not value.isdecimal():
                raise self._problem(number, line, f"must have a number under “{heads[index or 0]}”")
            found.append(self._entry(number, int(value), cells[name], line, rgb))
        return found

    def _plain(self, lines: list[tuple[int, str]]) -> list[Entry]:
        short = all(len(line) <= _LONGEST_FORM for _, line in lines)
        for form in _COLOR_FORMS if short else ():
            if found := self._all_of(form, lines):
                return found
        if len(lines) == 1 and "," in lines[0][1]:
            number, line = lines[0]
            lines = [(number, cell) for cell in _cells(line, ",") if cell.strip()]
        if found := self._all_of(_INDEX_FORM, lines):
            return found
        self._refuse_mixed(lines)
        # "sky 0" has its number behind it when all have one, and they count.
        found = self._all_of(_TAIL_FORM, lines) if short and len(lines) > 1 else []
        return found if found and _counts(found) else self._counted(lines)

    def _all_of(self, form: re.Pattern[str], lines: list[tuple[int, str]]) -> list[Entry]:
        """The entries when all lines have a form, else nothing."""
        matches = [form.fullmatch(line) for _, line in lines]
        return [
            self._matched(number, line, match, position)
            for position, ((number, line), match) in enumerate(zip(lines, matches, strict=True))
            if match is not None and None not in matches
        ]

    def _counted(self, names: Iterable[tuple[int, str]]) -> list[Entry]:
        """Names without an index, counted from 0."""
        found: list[Entry] = []
        for number, line in names:
            if _unquoted(line.rstrip(" ,;")) != _UNNUMBERED:
                found.append(self._entry(number, len(found), line, line))
        return found

    def _matched(self, number: int, line: str, match: re.Match[str], position: int) -> Entry:
        groups = match.groupdict()
        rgb = None
        if groups.get("hex"):
            rgb = self._color(number, line, *(str(v) for v in bytes.fromhex(groups["hex"][1:])))
        elif groups.get("color"):
            rgb = self._color(number, line, *re.findall(r"\d+", groups["color"]))
        index = int(groups["index"]) if groups.get("index") else position
        return self._entry(number, index, groups["name"], line, rgb)

    def _refuse_mixed(self, lines: list[tuple[int, str]]) -> None:
        """Some lines with a number in front and some without mean one thing or the other."""
        numbered = [re.match(r"\d+[\s:,=]+\S", line) is not None for _, line in lines]
        if not any(numbered):
            return
        number, line = lines[numbered.index(False)] if False in numbered else lines[0]
        raise DatasetError(
            f"line {number} of {self._name} must be an index and a name, as other lines of it are; "
            f"received {line[:80]!r} (a name that starts with a number is put in quotes)"
        )

    # --- JSON and YAML ------------------------------------------------------------------------

    def _json(self, text: str) -> object:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            try:  # a comma after the last entry, names without quotes
                return self._yaml()
            except DatasetError:
                line = getattr(error, "lineno", 1)
                raise DatasetError(
                    f"line {line} of {self._name} is neither JSON nor YAML"
                ) from error

    def _yaml(self) -> object:
        try:
            # The base loader makes no objects and leaves `no` and `1` the words that they are.
            return yaml.load(self._text, Loader=yaml.BaseLoader)
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            raise DatasetError(f"line {line} of {self._name} is no YAML") from error

    def _structured(self, content: object) -> list[Entry]:
        if isinstance(content, Mapping):
            for key in ("names", "classes", "categories", "labels", "class_names", "id2label"):
                if key in content:
                    return self._structured(content[key])
            return self._mapping(content)
        if not isinstance(content, list) or not content:
            raise DatasetError(f"{self._name} holds no list of names")
        if all(isinstance(item, Mapping) for item in content):
            return [self._record(item, position) for position, item in enumerate(content)]
        for item in content:
            if not isinstance(item, str):
                raise DatasetError(
                    f"the list in {self._name} must hold names; received {str(item)[:60]!r}"
                )
        return self._counted((self._line_of(item), item) for item in content)

    def _mapping(self, content: Mapping[Any, Any]) -> list[Entry]:
        """{"0": "sky"} or {"sky": 0}."""
        pairs = [(str(key), value) for key, value in content.items()]
        if pairs and all(key.isdecimal() and isinstance(value, str) for key, value in pairs):
            found = [(int(key), str(value)) for key, value in pairs]
        elif pairs and all(str(value).isdecimal() for _, value in pairs):
            found = [(int(str(value)), key) for key, value in pairs]
        else:
            raise DatasetError(f"{self._name} holds no names with their numbers")
        return [self._entry(self._line_of(name), index, name, "") for index, name in found]

    def _record(self, item: Mapping[Any, Any], position: int) -> Entry:
        """COCO's, Label Studio's and CVAT's {"id": 1, "name": "sky", "color": "#0000ff"}."""
        name = next((item[key] for key in ("name", "label", "title", "class") if key in item), None)
        index = next((item[key] for key in ("id", "index", "value") if key in item), position)
        if not isinstance(name, str) or not str(index).isdecimal():
            raise DatasetError(
                f"each entry of {self._name} must have a name and a number; entry {position + 1} "
                "has not"
            )
        line, color = self._line_of(name), item.get("color")
        parts: Sequence[object] = color if isinstance(color, list) else ()
        if isinstance(color, str) and re.fullmatch("#[0-9a-fA-F]{6}", color):
            parts = list(bytes.fromhex(color[1:]))
        rgb = self._color(line, name, *map(str, parts)) if len(parts) == 3 else None
        return self._entry(line, int(str(index)), name, "", rgb)

    def _line_of(self, name: str) -> int:
        """The first line that holds a name, for sentences."""
        return next((n for n, line in enumerate(self._split(), 1) if name in line), 1)

    # --- one entry ----------------------------------------------------------------------------

    def _entry(
        self, number: int, index: int, names: str, line: str, color: Color | None = None
    ) -> Entry:
        prompts: dict[str, str] = {}
        for part in _cells(names.replace(";", ","), ","):
            word = clean_word(_unquoted(part))
            word = _SPECIAL.get(word, word)
            if _BRACKETS.search(word):
                raise self._problem(number, line, "has brackets or quotes within a name")
            if len(word) > MAX_PROMPT_LENGTH:
                raise self._problem(
                    number, line, f"has a name of more than {MAX_PROMPT_LENGTH} characters"
                )
            if word.strip("_-:.# "):
                prompts.setdefault(word_key(word), word)
        if not prompts and names == line:
            raise self._problem(number, line, "names no class")
        if not prompts or index > _LARGEST_VALUE:
            raise self._problem(
                number, line, f"must be an index up to {_LARGEST_VALUE} and a name, such as 3 sky"
            )
        return Entry(number, index, tuple(prompts.values()), color)

    def _color(self, number: int, line: str, *parts: str) -> Color:
        if not all(part.isdecimal() and int(part) <= 255 for part in parts):
            raise self._problem(number, line, "must have a color of three numbers from 0 to 255")
        red, green, blue = (int(part) for part in parts)
        return red, green, blue

    def _problem(self, number: int, line: str, what: str) -> DatasetError:
        return DatasetError(f"line {number} of {self._name} {what}; received {line[:80]!r}")


def _cells(line: str, separator: str) -> Iterator[str]:
    """Cells of a line; separators within quotes separate nothing."""
    return iter(next(csv.reader([line], delimiter=separator, skipinitialspace=True), []))


def _unquoted(word: str) -> str:
    """A word without the quotes around it."""
    word = word.strip()
    while len(word) > 1 and word[0] in _QUOTES and word[-1] in _QUOTES:
        word = word[1:-1].strip()
    return word


def _counts(entries: list[Entry]) -> bool:
    """Whether indices count from 0 or 1 without a gap."""
    indices = sorted(entry.index for entry in entries)
    return indices == list(range(indices[0], indices[0] + len(indices))) and indices[0] < 2
