"""Shipped photos with words, a point and what to look at; their results are precomputed."""

from __future__ import annotations

import dataclasses
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from glaclip.photo import load_photo
from glaclip.pictures.encoding import picture_uri
from glaclip.ui.form import Form, split_words
from glaclip.ui.viewers.shown_photo import shown_photo
from glaclip.vocabulary import ASSETS

PHOTOS = ASSETS / "photos"
PRECOMPUTED = ASSETS / "precomputed"
_THUMBNAIL = (168, 112)


@dataclass(frozen=True)
class Example:
    """A shipped photo.

    Attributes:
        name: file name without ending; what links use.
        file: file name in assets/photos.
        title: for people.
        vocabulary: words in the form `parse_vocabulary` reads.
        point: (x, y) worth a click, in photo pixels.
        look: one sentence on what to look at.
        alt: description for a screen reader.
        listed: whether it is among the photos to choose from; else it is there for links, and for
            its ground truth.
    """

    name: str
    file: str
    title: str
    vocabulary: str
    point: tuple[int, int]
    look: str
    alt: str
    listed: bool = True

    @property
    def path(self) -> Path:
        """The photo's file."""
        return PHOTOS / self.file

    def photo(self) -> Image.Image:
        """The photo."""
        return load_photo(self.path)


def examples() -> tuple[Example, ...]:
    """The photos to choose from, the first screen's first."""
    return tuple(example for example in all_examples() if example.listed)


@functools.cache
def all_examples() -> tuple[Example, ...]:
    """All shipped photos with a prepared result."""
    entries = json.loads((PHOTOS / "examples.json").read_text(encoding="utf-8"))
    return tuple(
        Example(
            name=Path(entry["file"]).stem,
            file=entry["file"],
            title=entry["title"],
            vocabulary=entry["vocabulary"],
            point=(entry["point"][0], entry["point"][1]),
            look=entry["look"],
            alt=entry["alt"],
            listed=entry.get("listed", True),
        )
        for entry in entries
    )


def find(name: str) -> Example | None:
    """The example of a name, or None; names come from links and are not trusted."""
    return next((example for example in all_examples() if example.name == name), None)


@functools.cache
def thumbnail(name: str) -> str:
    """A small JPEG of an example as a data URI."""
    example = find(name)
    assert example is not None
    photo = example.photo()
    scale = max(_THUMBNAIL[0] / photo.width, _THUMBNAIL[1] / photo.height)
    photo = photo.resize((round(photo.width * scale), round(photo.height * scale)))
    left, top = (photo.width - _THUMBNAIL[0]) // 2, (photo.height - _THUMBNAIL[1]) // 2
    photo = photo.crop((left, top, left + _THUMBNAIL[0], top + _THUMBNAIL[1]))
    return picture_uri(photo, "JPEG", quality=82)


@functools.cache
def precomputed(name: str) -> dict[str, Any] | None:
    """The shipped result of an example, or None when it was not built.

    Keys: "compare" (value of the linked viewer), "attention" (value of the attention viewer),
    "status" (a sentence), "backbone" (fingerprint of the weights that made it).
    """
    path = PRECOMPUTED / f"{name}.json"
    if not path.is_file():
        return None
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    example = find(name)
    assert example is not None
    picture = shown_photo(example.photo())
    document["compare"] |= {"photo": picture.uri, "photo_name": picture.name}
    document["attention"]["photo"] = picture.name
    return document


def example_form(start: Form, example: Example) -> Form:
    """The controls for a shipped photo: the page's defaults with its words."""
    return dataclasses.replace(start, words=tuple(split_words([example.vocabulary])))


def first_values(example: Example) -> dict[str, Any]:
    """What the page shows of a shipped result, by widget; empty ones when it was not built."""
    look, shown = f"<p class='look'>{example.look}</p>", precomputed(example.name)
    if shown is None:
        return {"viewer": None, "status": look, "attention": None, "readout": ""}
    note = f"<p class='line'><span>Computed beforehand. {shown['status']}</span></p>"
    return {
        "viewer": shown["compare"],
        "status": look + note,
        "attention": shown["attention"],
        "readout": shown.get("readout", ""),
    }
