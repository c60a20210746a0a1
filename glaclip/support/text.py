"""Text files as other people's programs write them, and tables that they read."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

#: Byte order marks; that of UTF-32 starts like that of UTF-16 and is looked for first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class TextError(ValueError):
    """A file that cannot be read as text; the message says why."""


def decoded(content: bytes, name: str) -> str:
    """Text in UTF-8, or in UTF-16 or UTF-32 with a byte order mark.

    Raises:
        TextError: another coding.
    """
    coding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(coding)
    except UnicodeDecodeError as error:
        raise TextError(
            f"{name} cannot be read: it is not text in UTF-8 or in UTF-16 with a byte order mark"
        ) from error
    if "\0" in text:
        raise TextError(f"{name} cannot be read: it is no text")
    return text


def read_text(path: str | Path) -> str:
    """A file's text, see `decoded`.

    Raises:
        TextError: it cannot be opened, or is in another coding.
    """
    place = Path(path)
    try:
        content = place.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        reason = getattr(error, "strerror", None) or "it has no such name"
        raise TextError(f"{place.name} cannot be read: {reason}") from error
    return decoded(content, place.name)


def csv_text(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV, its heads first; None is an empty cell."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return stream.getvalue()
