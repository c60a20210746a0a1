"""Which runs are wanted: a newer one, Stop or a closed page ends those before."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable


class StoppedError(Exception):
    """A newer run, the Stop button or a closed page ended this run."""


#: The kind of run that shows a new result; what other kinds show is about an older one then.
MAIN = "run"
#: What goes on when a new result comes: a person asked for the older one to keep.
_KEPT = "download"
#: Where the time of the last Stop is kept, among the kinds of runs.
_STOP = "stop"


class Runs:
    """Which runs are the newest of each page. It holds numbers only, nothing of a visitor."""

    def __init__(self, pages: int = 4096) -> None:
        """Args:
        pages: open pages remembered; the longest idle are forgotten first.
        """
        self._pages = pages
        self._newest: dict[str, dict[str, tuple[int, float]]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def start(
        self,
        page: str,
        kind: str = MAIN,
        unless: Callable[[], None] = lambda: None,
        at: float | None = None,
    ) -> Callable[[], None]:
        """Starts a run of a page, which ends older ones of its kind; a main run all but downloads.

        Args:
            page: an open page.
            kind: of the run.
            unless: raises where nothing is to be started, such as the check of an older run.
            at: when it was asked for, by the page's clock; threads may start in another order.

        Returns:
            A check that raises StoppedError once the run is no longer wanted.

        Raises:
            StoppedError: a run of the kind, or Stop, was asked for later.
        """
        with self._lock:
            unless()
            kinds = self._newest.get(page, {})
            last = max(kinds.get(name, (0, -math.inf))[1] for name in (kind, _STOP))
            if at is not None and at < last:
                raise StoppedError
            mine = next(self._numbers)
            if kind == MAIN:
                kinds = {name: run for name, run in kinds.items() if name in (_KEPT, _STOP)}
            self._newest.pop(page, None)
            # At the end of the order, as the least idle.
            self._newest[page] = {**kinds, kind: (mine, last if at is None else at)}
            while len(self._newest) > self._pages:
                self._newest.pop(next(iter(self._newest)))

        def check() -> None:
            if self._newest.get(page, {}).get(kind, (0, 0.0))[0] != mine:
                raise StoppedError

        return check

    def stop(self, page: str, at: float | None = None) -> None:
        """Ends every run of a page, those that were asked for before `at` and start later too.

        Args:
            page: an open page, or one that was closed: then it is forgotten.
            at: when Stop was pressed, by the page's clock.
        """
        with self._lock:
            self._newest.pop(page, None)
            if at is not None:
                self._newest[page] = {_STOP: (0, at)}
