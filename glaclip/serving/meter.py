"""What a run calls between two pieces of work: its turn, its limit, its time and its progress."""

from __future__ import annotations

from glaclip.segmenter import WAITING, Progress
from glaclip.serving.estimate import Bar
from glaclip.serving.lending import LENDING
from glaclip.serving.limits import LimitError, duration
from glaclip.serving.scheduler import Turn

_THOUSAND = 1000


class Meter:
    """Takes the turn before each piece of work and counts what each step computes.

    Attributes:
        spent: seconds by step.
    """

    def __init__(self, turn: Turn, most: float, bar: Bar, progress: Progress | None) -> None:
        """Args:
        turn: the run's place among the others.
        most: seconds that it may compute.
        bar: the share of the run that is done.
        progress: hears that share in thousandths, with the step at work.
        """
        self.spent: dict[str, float] = {}
        self._turn, self._most, self._bar, self._progress = turn, most, bar, progress
        self._step, self._counted = "", 0.0

    def __call__(self, step: str, done: int, total: int) -> None:
        """A `Progress`.

        Raises:
            LimitError: the run has taken longer than one may.
        """
        if step in (WAITING, LENDING):
            self._turn.rest()
        else:
            self._turn.work()
        self._count(step)
        if self._turn.seconds > self._most:
            raise LimitError(
                f"This run has computed for {duration(self._turn.seconds)} and was ended; at most "
                f"{duration(self._most)} are given to one run: fewer windows or words take less."
            )
        if self._progress:
            share = self._bar.share(step, done, total, self._turn.seconds)
            self._progress(step, int(share * _THOUSAND), _THOUSAND)

    def _count(self, step: str) -> None:
        seconds = self._turn.seconds
        self.spent[self._step] = self.spent.get(self._step, 0.0) + seconds - self._counted
        self._step, self._counted = step, seconds

    def close(self) -> None:
        """The work is done."""
        self._turn.rest()
        self._count("")
