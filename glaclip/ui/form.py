"""The page's controls as values: from widgets to a Request, and to and from a link."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from glaclip.settings import CAPTIONS, AttentionSettings, WindowSettings
from glaclip.ui.service import SWITCHES_OFF, Request
from glaclip.vocabulary import DEFAULT_BACKGROUND_THRESHOLD, parse_vocabulary

#: (least, greatest, step) of the sliders. Widgets refuse values outside, so links are held to them.
RANGES: dict[str, tuple[float, float, float]] = {
    "background_threshold": (0, 1, 0.01),
    "short_side": (224, 1120, 16),
    "crop": (64, 448, 16),
    "stride": (32, 448, 16),
    "threshold": (-1, 1, 0.01),
    "iterations": (1, 10, 1),
    "shift": (0, 5, 0.05),
    "scale": (0, 200, 1),
    "beta": (0, 10, 0.05),
    "gamma": (0, 20, 0.1),
}
#: What the page calls the fields, in its labels and in what it says about them.
LABELS = {
    "words": "Words",
    "background": "Background",
    "background_words": "Words of the background",
    "background_threshold": "Least probability of a word",
    "cross_window": "Cross-window context",
    "proxy_anchors": "Proxy anchors",
    "dynamic_normalization": "Dynamic normalization",
    "backbone": "Backbone",
    "baseline": "Left side",
    "key_source": "Keys of attention",
    "short_side": "Short side",
    "crop": "Window",
    "stride": "Stride",
    "threshold": "ρ",
    "iterations": "T",
    "shift": "λ₁",
    "scale": "λ₂",
    "beta": "β",
    "gamma": "γ",
}
_CLASS_SPLIT = re.compile(r"[,\n\r\uff0c\u3001]")


@dataclass(frozen=True)
class Form:
    """What the controls say, in the order of the page's widgets.

    Attributes:
        words: one tag a class, `;` between synonyms.
        background: whether pixels may belong to no word.
        background_words: what the background stands for; "" for the default words.
        background_threshold: probability below which a pixel is background.
        cross_window, proxy_anchors, dynamic_normalization: the three switches.
        backbone: registry name.
        baseline: the left side.
        key_source: whose keys attention uses; "" for the backbone's first.
        short_side, crop, stride: windows, in pixels.
        threshold, iterations, shift, scale, beta, gamma: the method's constants.
    """

    words: tuple[str, ...] = ()
    background: bool = False
    background_words: str = ""
    background_threshold: float = DEFAULT_BACKGROUND_THRESHOLD
    cross_window: bool = True
    proxy_anchors: bool = True
    dynamic_normalization: bool = True
    backbone: str = "auto"
    baseline: str = SWITCHES_OFF
    key_source: str = ""
    short_side: int = 336
    crop: int = 224
    stride: int = 112
    threshold: float = 0.6
    iterations: int = 2
    shift: float = 0.3
    scale: float = 30.0
    beta: float = 1.2
    gamma: float = 3.0

    @classmethod
    def of(cls, *values: Any) -> Form:
        """From widget values in field order; whole numbers may arrive as floats."""
        names = [field.name for field in dataclasses.fields(cls)]
        given = dict(zip(names, values, strict=True))
        given["words"] = tuple(given["words"] or ())
        for name in ("background_words", "key_source"):
            given[name] = given[name] or ""
        for name in ("short_side", "crop", "stride", "iterations"):
            given[name] = whole(given[name])
        return cls(**given)

    def request(self) -> Request:
        """The request.

        Raises:
            VocabularyError, SettingsError: each a sentence.
        """
        vocabulary = parse_vocabulary(
            "\n".join(self.words),
            background=(self.background_words or True) if self.background else False,
            background_threshold=self.background_threshold,
        )
        return Request(
            vocabulary=vocabulary,
            attention=self.attention(),
            windows=WindowSettings(self.short_side, self.crop, self.stride),
            baseline=self.baseline,
            key_source=self.key_source,
            backbone=self.backbone,
        )

    def attention(self) -> AttentionSettings:
        """Switches and constants."""
        names = [field.name for field in dataclasses.fields(AttentionSettings)]
        return AttentionSettings(**{name: getattr(self, name) for name in names})

    def with_defaults(self, attention: AttentionSettings, windows: WindowSettings) -> Form:
        """The same words and background with a backbone's best settings."""
        return dataclasses.replace(
            self,
            **dataclasses.asdict(attention),
            short_side=windows.short_side,
            crop=windows.crop,
            stride=windows.stride,
        )


def whole(value: Any) -> Any:
    """Sliders give whole numbers as floats at times; anything else is left to validation."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def split_words(tags: Sequence[str]) -> list[str]:
    """Tags as typed or pasted: a tag with commas or lines becomes several."""
    return [
        word for tag in tags for part in _CLASS_SPLIT.split(tag) if (word := " ".join(part.split()))
    ]


def ladder_name(form: Form) -> str | None:
    """The rung that the three switches stand on, or None between rungs."""
    rung = form.attention().rung
    return rung.caption if rung else None


def ladder_switches(name: str) -> tuple[bool, bool, bool]:
    """The three switches of a rung."""
    rung = AttentionSettings.ladder()[CAPTIONS.index(name)]
    return rung.cross_window, rung.proxy_anchors, rung.dynamic_normalization


#: Longest link that is read; browsers and proxies cut longer ones.
_MAX_LINK = 6000


def to_link(
    form: Form, defaults: Form, example: str = "", point: tuple[int, int] | None = None
) -> str:
    """A query string that reopens the view; only what differs from the defaults is named.

    Args:
        form: the controls.
        defaults: the controls of a fresh page.
        example: name of a shipped photo; uploaded photos cannot travel in a link.
        point: the query point.
    """
    query: dict[str, str] = {}
    if example:
        query["photo"] = example
    for field in dataclasses.fields(Form):
        value = getattr(form, field.name)
        if value == getattr(defaults, field.name):
            continue
        if field.name == "words":
            query["words"] = ", ".join(value)
        else:
            query[field.name] = str(int(value)) if isinstance(value, bool) else f"{value}"
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
    for field in dataclasses.fields(Form):
        text = query.get(field.name)
        if text is None:
            continue
        default = getattr(defaults, field.name)
        try:
            value = _parsed(text, default)
            low, high, _ = RANGES.get(field.name, (value, value, 0))
            if not low <= value <= high:
                raise ValueError(text)
            given[field.name] = value
        except ValueError:
            problems.append(f"The link's value for “{LABELS[field.name]}” was not used.")
    form = dataclasses.replace(defaults, **given)
    try:
        WindowSettings(form.short_side, form.crop, form.stride)
    except ValueError:
        problems.append("The link's windows were not used.")
        form = dataclasses.replace(
            form, short_side=defaults.short_side, crop=defaults.crop, stride=defaults.stride
        )
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
