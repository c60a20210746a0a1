"""One bar over all steps of a run, each as wide as the seconds it is expected to take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: A step that does not count its work fills this much of its width at most until it is over.
_NEARLY = 0.95


@dataclass
class Part:
    """A piece of a run.

    Attributes:
        step: as a `Progress` names it; a step may come again for the other side.
        seconds: estimate; None when nothing is known of it yet.
    """

    step: str
    seconds: float | None


class Bar:
    """The share of a run that is done; it never goes back."""

    def __init__(self, parts: Sequence[Part]) -> None:
        """Args:
        parts: in the order of the work; those that a cache answers take 0 seconds.
        """
        self._parts = [Part(part.step, part.seconds) for part in parts]
        self._at, self._done = -1, 0
        self._began = self._share = 0.0

    def share(self, step: str, done: int, total: int, seconds: float) -> float:
        """How much of the run is done, 0..1.

        Args:
            step: what is at work; a step that is none of the parts leaves the share as it was.
            done: pieces of the step that are done.
            total: its pieces; 1 where it does not count them.
            seconds: that the run has computed so far.
        """
        if self._enter(step, done, seconds):
            part, spent = self._parts[self._at], seconds - self._began
            if part.seconds is None and done:
                part.seconds = spent * total / done
            self._share = max(self._share, self._filled(part, done, total, spent))
        return self._share

    def _enter(self, step: str, done: int, seconds: float) -> bool:
        names, again = [part.step for part in self._parts], done < self._done
        self._done = done
        if self._at >= 0 and names[self._at] == step:
            if not again or names[self._at + 1 : self._at + 2] != [step]:
                return True
        elif step not in names[self._at + 1 :]:
            return False
        self._at, self._began = names.index(step, self._at + 1), seconds
        return True

    def _filled(self, part: Part, done: int, total: int, spent: float) -> float:
        widths = [each.seconds for each in self._parts]
        if part.seconds is None or None in widths[self._at :]:
            return 0.0  # what is to come cannot be compared with anything
        known = [width or 0.0 for width in widths]
        if total > 1:
            share = done / total
        else:
            share = min(_NEARLY, spent / part.seconds) if part.seconds else 0.0
        whole = sum(known)
        return (sum(known[: self._at]) + share * part.seconds) / whole if whole else 0.0
