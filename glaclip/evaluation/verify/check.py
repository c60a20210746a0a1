"""One thing that was expected of weights, and what was seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """A row of what `verify` prints.

    Attributes:
        name: what was looked at.
        expected: of the right weights.
        seen: of these.
        right: whether that fits; None where it tells nothing either way.
    """

    name: str
    expected: str
    seen: str
    right: bool | None

    @property
    def verdict(self) -> str:
        """For people: "right", "WRONG" or "not known"."""
        return {True: "right", False: "WRONG", None: "not known"}[self.right]


def wrong(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Those that do not fit."""
    return tuple(check for check in checks if check.right is False)
