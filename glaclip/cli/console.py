"""What commands say to the person: progress and remarks on stderr, tables on stdout."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Collection, Sequence


class UsageError(ValueError):
    """Something the person typed that cannot be used; the message is one sentence."""


class Console:
    """Progress and remarks on stderr: one changing line on a terminal, few lines otherwise."""

    def __init__(self, quiet: bool = False) -> None:
        """Args:
        quiet: say nothing but errors.
        """
        self.quiet = quiet
        self._process = 0
        self._errors = True
        # Kept, because a quiet run sends what libraries print on sys.stderr nowhere.
        self._stream = sys.stderr
        self._tty = self._stream.isatty()
        self._open = False
        self._quarter: tuple[str, int] = ("", -1)
        self._started: tuple[str, int, float] = ("", 0, 0.0)

    def follow(self, process: int) -> None:
        """Of several processes the first speaks; the others are silent, also about errors.

        Args:
            process: rank of this one.
        """
        self._process = process
        self._errors = process == 0

    def errors_of_process(self, process: int) -> None:
        """From here on errors are this process's own and no longer those that all have."""
        self._process, self._errors = process, True

    def progress(self, step: str, done: int, total: int) -> None:
        """A step's state; matches `glaclip.segmenter.Progress`."""
        if self.quiet or self._process or total < 2:
            return
        names = {
            "encode": "Encoding windows",
            "words": "Encoding words",
            "attention": "Attention over windows",
            "evaluate": "Photos",
            "benchmark": "Steps",
        }
        text = f"{names.get(step, step)}: {done} of {total}{self._remaining(step, done, total)}"
        if self._tty:
            print(f"\r\033[K{text}", end="", file=self._stream, flush=True)
            self._open = True
            if done >= total:
                self.end_line()
            return
        quarter = (step, 4 * done // total)
        if quarter != self._quarter:
            self._quarter = quarter
            print(text, file=self._stream, flush=True)

    def _remaining(self, step: str, done: int, total: int) -> str:
        """How long a step will still take, once it is worth saying."""
        if step != self._started[0] or done == 0:
            self._started = (step, done, time.monotonic())
        _, first, start = self._started
        elapsed = time.monotonic() - start
        if elapsed < 15 or done in (first, total):
            return ""
        minutes = elapsed / (done - first) * (total - done) / 60
        return f", about {math.ceil(minutes)} min left"

    def end_line(self) -> None:
        """Finishes the changing line, so that what follows starts on its own."""
        if self._open:
            print(file=self._stream)
            self._open = False

    def say(self, text: str) -> None:
        """A remark."""
        if not self.quiet and not self._process:
            self.end_line()
            print(text, file=self._stream, flush=True)

    def error(self, text: str) -> None:
        """What went wrong, in a sentence, also when quiet."""
        if not self._errors:
            return
        self.end_line()
        who = f" (process {self._process})" if self._process else ""
        print(f"glaclip{who}: {text}", file=self._stream, flush=True)

    def result(self, text: str) -> None:
        """What was asked for, on stdout."""
        self.end_line()
        if not self._process:
            print(text, flush=True)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> str:
    """Plain columns, to the right but for those named in `left`."""
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return "\n".join([line(heads), line(["-" * w for w in widths]), *map(line, rows)])
