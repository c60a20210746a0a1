"""The processes that share the photos of a run: one alone, or several under torchrun.

Counts are whole numbers, so their sum is the same whoever counted which photo.
"""

from __future__ import annotations

import datetime
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
#: A process may wait for the others as long as a set takes.
_PATIENCE = datetime.timedelta(days=7)


class Team:
    """One process alone; `TorchTeam` is several."""

    rank = 0
    size = 1

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """This process's part of the items: every `size`-th."""
        return items[self.rank :: self.size]

    def gather(self, value: T) -> list[T]:
        """The values of all processes in the order of their ranks; all must call it."""
        return [value]

    def begin(self) -> None:
        """Waits until all processes are here, and counts from 0 again."""
        self._done = 0

    def advance(self, count: int = 1) -> int:
        """Adds to the photos that all processes have done since `begin`; returns their number."""
        self._done += count
        return self._done

    def wait(self, total: int, progress: Callable[[int], None]) -> None:
        """Reports the others' photos until all are done."""

    def close(self) -> None:
        """Leaves the team."""


class TorchTeam(Team):
    """The processes that torchrun started.

    Only counts and short lists travel, over gloo on the CPU, wherever the model runs.
    """

    def __init__(self) -> None:
        import torch.distributed as distributed
        from torch.distributed.rendezvous import rendezvous

        self._distributed = distributed
        store, self.rank, self.size = next(iter(rendezvous("env://")))
        store.set_timeout(_PATIENCE)
        self._store = distributed.PrefixStore("glaclip", store)  # type: ignore[attr-defined]
        self._round = 0
        distributed.init_process_group(
            "gloo",
            store=distributed.PrefixStore("group", store),  # type: ignore[attr-defined]
            rank=self.rank,
            world_size=self.size,
            timeout=_PATIENCE,
        )

    def gather(self, value: T) -> list[T]:
        """See `Team`."""
        values: list[Any] = [None] * self.size
        self._distributed.all_gather_object(values, value)
        return values

    def begin(self) -> None:
        """See `Team`."""
        self._distributed.barrier()
        self._round += 1

    def advance(self, count: int = 1) -> int:
        """See `Team`."""
        return int(self._store.add(f"photos-{self._round}", count))

    def wait(self, total: int, progress: Callable[[int], None]) -> None:
        """See `Team`. Only the first process reports; the others wait in `gather`."""
        while self.rank == 0 and (done := self.advance(0)) < total:
            progress(done)
            time.sleep(0.2)

    def close(self) -> None:
        """See `Team`."""
        self._distributed.destroy_process_group()


def spread(
    team: Team, items: Sequence[T], do: Callable[[T], None], report: Callable[[int], None]
) -> None:
    """Does this process's part of the items and reports how many all processes have done.

    Args:
        team: all processes, each of which calls this with the same items; after `Team.begin`.
        items: to do.
        do: called with each item of this process's part.
        report: called with the number that is done by all.
    """
    report(team.advance(0))
    for item in team.share(items):
        do(item)
        report(team.advance())
    team.wait(len(items), report)
    report(len(items))


def team_of_environment() -> Team:
    """The team that torchrun's environment variables describe, or this process alone."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ:
        return TorchTeam()
    return Team()


@dataclass(frozen=True)
class Shard:
    """A part of a set for a machine that knows nothing of the others: part `index` of `count`."""

    index: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Reads "2/8".

        Raises:
            ValueError: anything else.
        """
        match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise ValueError(f"must be i/n with i from 1 to n, such as 2/8; received {text!r}")
        return cls(int(match[1]), int(match[2]))

    def of(self, items: Sequence[T]) -> Sequence[T]:
        """Every `count`-th item."""
        return items[self.index - 1 :: self.count]

    def file_name(self, rank: int = 0) -> str:
        """Where a process of this shard keeps its counts."""
        shard = f".shard-{self.index}-of-{self.count}" if self.count > 1 else ""
        return f"photos{shard}{f'.process-{rank}' if rank else ''}.jsonl"
