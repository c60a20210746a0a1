"""How work says where it is, and how it is stopped."""

from __future__ import annotations

from collections.abc import Callable

#: Called with (step, done, total) before and between pieces of work, and as (WAITING, 0, 1) while
#: another thread does that work; raising from it stops the work, and nothing half done is kept.
Progress = Callable[[str, int, int], None]

WAITING = "waiting"


def unheard(step: str, done: int, total: int) -> None:
    """Progress that nobody follows."""
