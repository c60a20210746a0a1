"""The page's controls as values: from widgets to a Request, and to and from a link."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlencode

from glaclip.backbones.base import Backbone
from glaclip.serving.job import SWITCHES_OFF, Request
from glaclip.settings import (
    FAST,
    PRECISIONS,
    RUNGS,
    STAGES,
    VFM_VIEWS,
    AttentionSettings,
    SettingsError,
    WindowSettings,
)
from glaclip.vocabulary import DEFAULT_BACKGROUND_THRESHOLD, parse_vocabulary, split_classes

#: (least, greatest, step) of the sliders. Widgets refuse values outside, so links are held to them.
RANGES: dict[str, tuple[float, float, float]] = {
    "background_threshold": (0, 1, 0.01),
    "short_side": (224, 1120, 16),
    "crop": (64, 448, 16),
    "stride": (32, 448, 16),
    "threshold": (-1, 1, 0.01),
    "iterations": (1, 10, 1),
    "shift": (0, 5, 0.05),
    "scale": (0, 2000, 5),
    "beta": (0, 10, 0.05),
    "gamma": (0, 20, 0.1),
}
#: What the page calls the fields, in its labels and in what it says about them.
LABELS = {
    "words": "Words",
    "background": "Background",
    "background_words": "Words of the background",
    "background_threshold": "Least probability of a word",
    **{stage.field: stage.title for stage in STAGES},
    "backbone": "Backbone",
    "baseline": "Left side",
    "key_source": "Keys of attention",
    "vfm_view": "Vision model's view",
    "short_side": "Short side",
    "crop": "Window",
    "stride": "Stride",
    "threshold": "ρ",
    "iterations": "T",
    "shift": "λ₁",
    "scale": "λ₂",
    "beta": "β",
    "gamma": "γ",
    "precision": "Precision",
}


#: The switches of each rung of the ladder, by its caption.
LADDER: dict[str, list[bool]] = {
    rung.caption: [stage.name in rung.stages for stage in STAGES] for rung in RUNGS
}
#: The controls that stand for parts of the settings; the rest are `Form`'s own fields.
_ATTENTION = tuple(entry.name for entry in fields(AttentionSettings))
_WINDOWS = ("short_side", "crop", "stride", "vfm_view")
#: Names that a control may have; links are held to them.
_NAMES = {"precision": PRECISIONS, "vfm_view": VFM_VIEWS}


@dataclass(frozen=True)
class Form:
    """What the controls say.

    Attributes:
        words: one tag a class, `;` between synonyms.
        background: whether pixels may belong to no word.
        background_words: what the background stands for; "" for the default words.
        background_threshold: probability below which a pixel is background.
        backbone: registry name.
        baseline: the left side.
        key_source: whose keys attention uses; "" for the backbone's first.
        attention: the switches and the method's constants.
        windows: how the photo is cut.
    """

    words: tuple[str, ...] = ()
    background: bool = False
    background_words: str = ""
    background_threshold: float = DEFAULT_BACKGROUND_THRESHOLD
    backbone: str = "auto"
    baseline: str = SWITCHES_OFF
    key_source: str = ""
    attention: AttentionSettings = field(default_factory=lambda: AttentionSettings(precision=FAST))
    windows: WindowSettings = field(default_factory=WindowSettings)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Form:
        """From the values of all `CONTROLS`, as widgets give them.

        Raises:
            SettingsError: a value outside its range.
        """
        return cls().changed({name: values[name] for name in CONTROLS})

    @property
    def values(self) -> dict[str, Any]:
        """The value of every control by its name."""
        parts: tuple[tuple[object, tuple[str, ...]], ...] = (
            (self, _OWN),
            (self.attention, _ATTENTION),
            (self.windows, _WINDOWS),
        )
        return {name: getattr(part, name) for part, names in parts for name in names}

    def changed(self, values: Mapping[str, Any]) -> Form:
        """The form with other values of some controls, as widgets or links give them.

        Raises:
            SettingsError: a value outside its range.
        """
        usual = self.values
        given = {name: _like(value, usual[name]) for name, value in values.items()}

        def part(names: Sequence[str]) -> dict[str, Any]:
            return {name: given[name] for name in names if name in given}

        return dataclasses.replace(
            self,
            **part(_OWN),
            attention=dataclasses.replace(self.attention, **part(_ATTENTION)),
            windows=dataclasses.replace(self.windows, **part(_WINDOWS)),
        )

    @property
    def answerable(self) -> Form:
        """The form; with one word alone, which leaves nothing to choose from, with background."""
        alone = len(set(self.words)) == 1 and not self.background
        return dataclasses.replace(self, background=True) if alone else self

    def request(self) -> Request:
        """The request.

        Raises:
            VocabularyError: a sentence.
        """
        vocabulary = parse_vocabulary(
            "\n".join(self.words),
            background=(self.background_words or True) if self.background else False,
            background_threshold=self.background_threshold,
        )
        return Request(
            vocabulary=vocabulary,
            attention=self.attention,
            windows=self.windows,
            baseline=self.baseline,
            key_source=self.key_source,
            backbone=self.backbone,
        )

    def with_defaults(self, backbone: Backbone) -> Form:
        """The same words, background and precision with a backbone's best settings."""
        attention = dataclasses.replace(
            backbone.default_attention, precision=self.attention.precision
        )
        return dataclasses.replace(self, attention=attention, windows=backbone.default_windows)


_OWN = tuple(e.name for e in fields(Form) if e.name not in ("attention", "windows"))
#: Controls that a backbone has its own best values for.
SETTINGS = (*_ATTENTION, *_WINDOWS)
#: Names of all controls that a form is made of; links and widgets go by them.
CONTROLS = (*_OWN, *SETTINGS)


def whole(value: Any) -> Any:
    """Sliders give whole numbers as floats at times; anything else is left to validation."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _like(value: Any, usual: Any) -> Any:
    """A widget's value in the type of the control; emptied widgets give None."""
    if isinstance(usual, tuple):
        return tuple(value or ())
    if isinstance(usual, str):
        return value or ""
    return whole(value) if type(usual) is int else value


def split_words(tags: Sequence[str]) -> list[str]:
    """Tags as typed or pasted: a tag with commas or lines becomes several."""
    return [word for tag in tags for word in split_classes(tag)]


def ladder_name(form: Form) -> str | None:
    """The rung that the switches stand on, or None between rungs."""
    rung = form.attention.rung
    return rung.caption if rung else None


#: What links call a photo that is none of the shipped ones: it does not travel.
OWN = "own"
#: Longest link that is read; browsers and proxies cut longer ones.
_MAX_LINK = 6000


def to_link(
    form: Form, defaults: Form, example: str = "", point: tuple[int, int] | None = None
) -> str:
    """A query string that reopens the view; only what differs from the defaults is named.

    Args:
        form: the controls.
        defaults: the controls of a fresh page.
        example: name of a shipped photo, or `OWN`; uploaded photos cannot travel in a link.
        point: the query point.
    """
    query: dict[str, str] = {}
    if example:
        query["photo"] = example
    usual = defaults.values
    for name, value in form.values.items():
        if value == usual[name]:
            continue
        if name == "words":
            query["words"] = ", ".join(value)
        else:
            query[name] = str(int(value)) if isinstance(value, bool) else f"{value}"
    if point is not None:
        query["point"] = f"{point[0]},{point[1]}"
    return urlencode(query)


def from_link(
    query: Mapping[str, str], defaults: Form
) -> tuple[Form, str, tuple[int, int] | None, list[str]]:
    """Reads a link; what cannot be used is left out and named.

    Args:
        query: query parameters, not trusted.
        defaults: the controls of a fresh page.

    Returns:
        Form, name of the shipped photo or "", point or None, and sentences on what was left out.
    """
    problems: list[str] = []
    given: dict[str, Any] = {}
    if sum(len(value) for value in query.values()) > _MAX_LINK:
        return defaults, "", None, ["The link is too long and was not used."]
    for name, default in defaults.values.items():
        text = query.get(name)
        if text is None:
            continue
        try:
            value = _parsed(text, default)
            low, high, _ = RANGES.get(name, (value, value, 0))
            if not low <= value <= high or value not in _NAMES.get(name, (value,)):
                raise ValueError(text)
            given[name] = value
        except ValueError:
            problems.append(f"The link's value for “{LABELS[name]}” was not used.")
    try:
        form = defaults.changed(given)
    except SettingsError:
        problems.append("The link's windows were not used.")
        form = defaults.changed({name: given[name] for name in given.keys() - set(_WINDOWS)})
    point: tuple[int, int] | None = None
    if match := re.fullmatch(r"(\d{1,5}),(\d{1,5})", query.get("point", "")):
        point = int(match[1]), int(match[2])
    return form, query.get("photo", ""), point, problems


def _parsed(text: str, default: Any) -> Any:
    if isinstance(default, bool):
        if text not in ("0", "1"):
            raise ValueError(text)
        return text == "1"
    if isinstance(default, tuple):
        return tuple(split_words([text]))
    return type(default)(text)
