"""How long a step takes on this computer, learned from the runs of this process."""

from __future__ import annotations

import threading
from collections.abc import Mapping

#: By step: window pixels to encode, similarities, texts, scores of labels.
Amounts = dict[str, float]

#: Seconds a unit before anything was measured: two cores at less than half of what two quiet ones
#: do with the embedded model. A run that turns out slower is ended by its limit; one that is
#: taken for slower than it is would be refused. Of encoding nothing can be said beforehand:
#: backbones differ by a hundred times.
_FIRST = {"attention": 1 / 2e8, "words": 1e-2, "labels": 1 / 2e8}
#: Steps with less to do than this many seconds tell nothing about the pace.
_TELLING = 0.02
#: Weight of the newest run.
_NEWEST = 0.5


class Pace:
    """Seconds of each step by backbone; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paces: dict[tuple[str, str], float] = {}

    def seconds(self, backbone: str, amounts: Mapping[str, float]) -> tuple[float, bool]:
        """Estimate of all steps together, and whether it holds all of them.

        Args:
            backbone: its fingerprint.
            amounts: what there is to do of each step.
        """
        total, certain = 0.0, True
        with self._lock:
            for step, amount in amounts.items():
                seconds = self._of(backbone, step, amount)
                certain = certain and seconds is not None
                total += seconds or 0.0
        return total, certain

    def of(self, backbone: str, step: str, amount: float) -> float | None:
        """Estimate of a part of a step, None where nothing is known of its pace."""
        with self._lock:
            return self._of(backbone, step, amount)

    def _of(self, backbone: str, step: str, amount: float) -> float | None:
        pace = self._paces.get((step, backbone), _FIRST.get(step))
        if pace is None:
            return None if amount else 0.0
        return amount * pace

    def learn(
        self, backbone: str, amounts: Mapping[str, float], spent: Mapping[str, float]
    ) -> None:
        """What the steps of a run took; a step that came from a cache tells nothing."""
        with self._lock:
            for step, amount in amounts.items():
                seconds = spent.get(step, 0.0)
                if not amount or seconds <= 0:
                    continue
                known = self._paces.get((step, backbone))
                if known is None and (seconds >= _TELLING or step not in _FIRST):
                    self._paces[step, backbone] = seconds / amount
                elif known is not None and max(seconds, known * amount) >= _TELLING:
                    newest = seconds / amount
                    self._paces[step, backbone] = _NEWEST * newest + (1 - _NEWEST) * known
