"""What one visitor may ask of a server: limits as values, read from the environment once.

Every door (page, programming interface, MCP, link) asks the same limits, and a refusal names the
estimate and the limit. The command line and the library are their owner's and know none of them
but `photo.MAX_PIXELS`.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_PREFIX = "GLACLIP_"
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class LimitError(ValueError):
    """A request beyond a limit; the message names the estimate and the limit."""


def duration(seconds: float) -> str:
    """An estimate of a time for people: "1 s" at least, "85 s", "4 min", "3 h"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{round(minutes / 60)} h"


def is_hosted(environment: Mapping[str, str] | None = None) -> bool:
    """Whether strangers reach this server: a Space, or where GLACLIP_HOSTED says so."""
    known = os.environ if environment is None else environment
    said = known.get(f"{_PREFIX}HOSTED", "").strip().lower()
    return said in _YES if said else bool(known.get("SPACE_ID"))


def _limit(variable: str, default: Any, meaning: str, least: float = 0, most: float = 1e9) -> Any:
    about = {"variable": _PREFIX + variable, "meaning": meaning, "range": (least, most)}
    return field(default=default, metadata=about)


@dataclass(frozen=True)
class Limits:
    """What a run, a visitor's choices and the process may take. Values are per process.

    Attributes:
        windows: of one run.
        megapixels: of a photo that is read whole; a larger file is shrunk while it is read, see
            `photo.load_photo`.
        words: of one run, all synonyms counted, the background's too.
        seconds: of one run, estimated before it starts and counted while it computes.
        memory: megabytes of one run beyond what the models take, estimated before it starts.
        cache: megabytes kept of earlier runs, all models together.
        models: in memory at once; the least recently used leaves.
        backbones: registry names that visitors may choose besides "auto"; all when empty.
        downloads: whether a choice on the page may fetch weights.
        queue: runs that wait or compute at once, of the page and of programs each.
    """

    windows: int = _limit("MAX_WINDOWS", 600, "windows of one run", 1)
    megapixels: float = _limit("MAX_MEGAPIXELS", 40.0, "megapixels of an uploaded photo", 0.001, 40)
    words: int = _limit("MAX_WORDS", 1024, "words of one run, with synonyms", 2)
    seconds: float = _limit("MAX_SECONDS", 300.0, "seconds of one run", 0.01)
    memory: int = _limit("MAX_MEMORY_MB", 1000, "megabytes of one run, beyond the models", 1)
    cache: int = _limit("CACHE_MB", 1024, "megabytes kept of earlier runs")
    models: int = _limit("MAX_MODELS", 2, "models in memory at once", 1)
    backbones: tuple[str, ...] = _limit("BACKBONES", (), "backbones to choose besides auto")
    downloads: bool = _limit("DOWNLOADS", True, "weights may be downloaded from the page")
    queue: int = _limit("QUEUE", 64, "runs waiting or computing at once", 1)

    def __post_init__(self) -> None:
        for entry in dataclasses.fields(self):
            value = getattr(self, entry.name)
            low, high = entry.metadata["range"]
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if number and not low <= value <= high:
                raise LimitError(
                    f"{entry.metadata['variable']} must be from {low:g} to {high:g}; "
                    f"received {value:g}."
                )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Limits:
        """The limits that the environment names, defaults for the others.

        Downloads from the page are off by default where strangers reach the server.

        Raises:
            LimitError: a variable that cannot be read; the message names it.
        """
        known = os.environ if environment is None else environment
        given: dict[str, Any] = {}
        if is_hosted(known):
            given["downloads"] = False
        for entry in dataclasses.fields(cls):
            text = known.get(entry.metadata["variable"], "").strip()
            if text:
                given[entry.name] = _parsed(entry.metadata["variable"], text, entry.default)
        return cls(**given)

    def rows(self) -> list[tuple[str, str, str]]:
        """(meaning, value, variable) of each limit, for people."""
        return [
            (
                entry.metadata["meaning"],
                _shown(getattr(self, entry.name)),
                entry.metadata["variable"],
            )
            for entry in dataclasses.fields(self)
        ]

    @property
    def max_pixels(self) -> int:
        """Pixels of an uploaded photo."""
        return int(self.megapixels * 1_000_000)

    def allows(self, backbone: str) -> bool:
        """Whether visitors may choose a backbone by its registry name."""
        return not self.backbones or backbone in ("auto", *self.backbones)

    def check_backbone(self, backbone: str) -> None:
        """Refuses a backbone that visitors may not choose.

        Raises:
            LimitError: with the ones they may.
        """
        if not self.allows(backbone):
            offered = ", ".join(("auto", *self.backbones))
            raise LimitError(f"backbone must be one of {offered} on this server.")

    def check_run(self, windows: int, words: int, seconds: float, megabytes: float) -> None:
        """Refuses a run whose estimate is beyond a limit.

        Args:
            windows: of the photo.
            words: prompts with all synonyms.
            seconds: estimate; NaN when nothing is known yet.
            megabytes: estimate of what the run needs beyond the model.

        Raises:
            LimitError: names the estimate, the limit and what helps.
        """
        smaller = "a larger stride, a smaller short side or a smaller photo makes fewer"
        if windows > self.windows:
            raise LimitError(
                f"This run would take {windows:,} windows; at most {self.windows:,} are accepted: "
                f"{smaller}."
            )
        if words > self.words:
            raise LimitError(
                f"This run would read {words:,} words with all synonyms; at most {self.words:,} "
                "are accepted."
            )
        if megabytes > self.memory:
            raise LimitError(
                f"This run would need about {megabytes:,.0f} MB of memory; at most "
                f"{self.memory:,} MB are given to one run: fewer words or windows need less."
            )
        if seconds > self.seconds:
            raise LimitError(
                f"This run would take about {duration(seconds)} here; at most "
                f"{duration(self.seconds)} are given to one run: fewer windows or words take less."
            )


def _parsed(variable: str, text: str, default: Any) -> Any:
    if isinstance(default, bool):
        if text.lower() not in (*_YES, *_NO):
            raise LimitError(f"{variable} must be 1 or 0; received {text!r}.")
        return text.lower() in _YES
    if isinstance(default, tuple):
        return tuple(name.strip() for name in text.split(",") if name.strip())
    try:
        value = type(default)(text)
    except ValueError:
        kind = "whole number" if isinstance(default, int) else "number"
        raise LimitError(f"{variable} must be a {kind}; received {text!r}.") from None
    if value != value:
        raise LimitError(f"{variable} must be a number; received {text!r}.")
    return value


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value) or "all"
    return f"{value:,g}" if isinstance(value, float) else f"{value:,}"
