"""Who computes: one run at a time, in fair turns, within the memory that runs may have together.

A run computes in pieces (a batch of windows, a chunk of attention rows, a strip of labels) and
says so before each. Between two pieces the turn goes to the run that has had least of the
processor, so that a visitor's short run is not behind another's long one. A new run counts as
having had as little as the least of those there, less a short head start. Waiting counts too, so
that no stream of new runs keeps an older one from its end. Memory goes to the run that came first;
one that would not fit is passed by smaller ones for a short while only.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Seconds that a new run is ahead of those there: most runs are over within it.
HEAD_START = 2.0
#: Seconds of the processor that a second of waiting is worth: a head start is made up in eight.
PATIENCE = 0.25
#: Seconds that a run for which there is not enough memory lets newer, smaller ones pass.
PASSED = 10.0
#: Seconds between two looks of a run that waits; how soon it notices that it was stopped.
_LOOK = 0.1


class Turn:
    """A run's place among the others; used by one thread.

    Attributes:
        seconds: how long it has computed.
        debt: what it has had of the processor, counted from when it came, less what its waiting
            was worth.
        came: the least debt of those there when it came.
    """

    def __init__(self, turns: Turns, megabytes: float, waiting: Callable[[], None]) -> None:
        """Args:
        turns: where it takes its place.
        megabytes: what the run will hold.
        waiting: called now and then while another run computes; it may raise to leave.
        """
        self.megabytes, self.seconds = megabytes, 0.0
        self.debt = self.came = 0.0
        self._waits: float | None = None
        self._turns, self._waiting = turns, waiting
        self._since: float | None = None

    def work(self) -> None:
        """Before a piece of work: goes on, or lets another run go first."""
        turns = self._turns
        with turns.changed:
            self._count()
            if turns.computing is self and not turns.another_first(self):
                return
            self._let_go()
            turns.queue.append(self)
            self.starts_waiting()
            try:
                while not turns.is_next(self):
                    # Not under the lock: it reports to the page.
                    turns.changed.release()
                    try:
                        self._waiting()
                    finally:
                        turns.changed.acquire()
                    if turns.is_next(self):
                        break
                    turns.changed.wait(_LOOK)
            finally:
                turns.queue.remove(self)
                self.stops_waiting()
            turns.computing, self._since = self, time.perf_counter()

    def rest(self) -> None:
        """Nothing to compute for a while: the turn is free for others."""
        with self._turns.changed:
            self._count()
            self._let_go()

    def starts_waiting(self) -> None:
        """From now on its waiting counts."""
        self._waits = time.perf_counter()

    def stops_waiting(self) -> None:
        """Its waiting is over; what it was worth stays in the debt."""
        self.debt, self._waits = self.rank(), None

    def waited(self) -> float:
        """Seconds since it began to wait; 0 for one that does not."""
        return 0.0 if self._waits is None else time.perf_counter() - self._waits

    def rank(self) -> float:
        """Whoever has the least is next."""
        return self.debt - PATIENCE * self.waited()

    def _count(self) -> None:
        if self._since is not None:
            now = time.perf_counter()
            self.seconds += now - self._since
            self.debt += now - self._since
            self._since = now

    def _let_go(self) -> None:
        if self._turns.computing is self:
            self._turns.computing, self._since = None, None
            self._turns.changed.notify_all()


class Turns:
    """The runs of a process that compute or wait.

    Attributes:
        computing: whose turn it is.
        queue: who waits for it, the longest waiting first.
        runs: all that are there, computing, waiting or resting.
        changed: held for every look at these.
    """

    def __init__(self, megabytes: float) -> None:
        """Args:
        megabytes: what runs may hold together; a run waits until its own fits, or until it is
            alone.
        """
        self._megabytes = megabytes
        self.computing: Turn | None = None
        self.queue: list[Turn] = []
        self.runs: list[Turn] = []
        self.changed = threading.Condition()

    @contextmanager
    def run(self, megabytes: float, waiting: Callable[[], None]) -> Iterator[Turn]:
        """A place for a run, given back at the end.

        Args:
            megabytes: what the run will hold at its worst moment.
            waiting: called now and then while others compute or hold the memory; it may raise.
        """
        turn = Turn(self, megabytes, waiting)
        with self.changed:
            self.queue.append(turn)
            turn.starts_waiting()
        try:
            while not self._enter(turn):
                waiting()
        finally:
            with self.changed:
                self.queue.remove(turn)
                self.changed.notify_all()
        try:
            yield turn
        finally:
            with self.changed:
                turn.rest()
                self.runs.remove(turn)
                self.changed.notify_all()

    def _enter(self, turn: Turn) -> bool:
        """Takes a place if there is memory for it; else waits a moment for some."""
        with self.changed:
            if not self._fits(turn) or self._comes_after_another(turn):
                self.changed.wait(_LOOK)
                return False
            turn.stops_waiting()
            # Not less than theirs when they came: head starts and waiting do not add up.
            turn.came = min((max(other.debt, other.came) for other in self.runs), default=0.0)
            turn.debt = turn.came - HEAD_START
            self.runs.append(turn)
            return True

    def _fits(self, turn: Turn) -> bool:
        held = sum(other.megabytes for other in self.runs)
        return not self.runs or held + turn.megabytes <= self._megabytes

    def _comes_after_another(self, turn: Turn) -> bool:
        """Whether an older run should get the memory that this one asks for."""
        older = itertools.takewhile(lambda other: other is not turn, self.queue)
        return any(
            self._fits(other) or other.waited() > PASSED
            for other in older
            if other not in self.runs
        )

    def another_first(self, turn: Turn) -> bool:
        """Whether a waiting run has had less than this one."""
        return any(other.rank() < turn.debt for other in self.queue if other in self.runs)

    def is_next(self, turn: Turn) -> bool:
        """Whether the turn is free and nobody who waits has had less; ties by age of waiting."""
        if self.computing is not None:
            return False
        waiting = [other for other in self.queue if other in self.runs]
        return min(waiting, key=Turn.rank) is turn
