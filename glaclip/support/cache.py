"""A cache by content: bounded in bytes, least recently used out first, safe between threads."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from typing import Generic, TypeVar

T = TypeVar("T")

#: Seconds between two looks of a thread that waits for another.
_LOOK = 0.1


def digest(*parts: object) -> str:
    """Hex SHA-256 over parts; bytes as they are, everything else by its repr."""
    total = hashlib.sha256()
    for part in parts:
        raw = part if isinstance(part, bytes) else repr(part).encode()
        total.update(len(raw).to_bytes(8, "little"))
        total.update(raw)
    return total.hexdigest()


class ByteCache(Generic[T]):
    """Values by key until their sizes pass a budget.

    A key must be made of everything the value depends on, so that values may be shared between
    visitors. Two threads that ask for the same missing key compute it once.
    """

    def __init__(self, max_bytes: int, size_of: Callable[[T], int]) -> None:
        """Args:
        max_bytes: budget; a value larger than it is returned but not kept.
        size_of: bytes of a value.
        """
        self.max_bytes = max_bytes
        self._size_of = size_of
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._running: dict[Hashable, Future[T]] = {}
        self._bytes = 0

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        return self._bytes

    def get(
        self,
        key: Hashable,
        compute: Callable[[], T],
        waiting: Callable[[], None] | None = None,
    ) -> tuple[T, bool]:
        """The value of a key and whether it was there already; computes it when it was not.

        Args:
            key: everything that the value depends on.
            compute: makes the value; called by one thread at a time for a key.
            waiting: called now and then while another thread computes it; it may raise to leave.
        """
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key][0], True
            future = self._running.get(key)
            mine = future is None
            if future is None:
                future = self._running[key] = Future()
        if not mine:
            try:
                return _result(future, waiting), True
            except _FailedError:
                # The other thread was stopped or failed; this one has its own right to try.
                return self.get(key, compute, waiting)
        try:
            value = compute()
        except BaseException as error:
            with self._lock:
                del self._running[key]
            future.set_exception(_FailedError(str(error)))
            raise
        with self._lock:
            del self._running[key]
            self._keep(key, value)
        future.set_result(value)
        return value, False

    def peek(self, key: Hashable) -> T | None:
        """The value of a key if it is there."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: Hashable, value: T) -> None:
        """Keeps a value that was computed elsewhere."""
        with self._lock:
            self._keep(key, value)

    def clear(self) -> None:
        """Forgets every value."""
        with self._lock:
            self._values.clear()
            self._bytes = 0

    def _keep(self, key: Hashable, value: T) -> None:
        size = self._size_of(value)
        if size > self.max_bytes or key in self._values:
            return
        self._values[key] = (value, size)
        self._bytes += size
        while self._bytes > self.max_bytes:
            _, (_, dropped) = self._values.popitem(last=False)
            self._bytes -= dropped


class _FailedError(Exception):
    """What threads see that wait for one that was stopped or failed."""


def _result(future: Future[T], waiting: Callable[[], None] | None) -> T:
    """Waits; `waiting` is called before the first look, so that it can let go of what it holds."""
    if waiting is None:
        return future.result()
    while True:
        if not future.done():
            waiting()
        try:
            return future.result(timeout=_LOOK)
        except NotYet:
            continue
