"""The cache: budget, least recently used, one computation for many threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from glaclip.support.cache import ByteCache, digest


def test_budget_drops_the_least_recently_used() -> None:
    cache = ByteCache[bytes](10, len)
    for key in "abc":
        cache.get(key, lambda: b"1234")
        cache.get("a", lambda: b"1234")
    assert cache.nbytes <= 10
    assert cache.peek("a") is not None
    assert cache.peek("b") is None
    assert cache.get("c", lambda: b"other") == (b"1234", True)


def test_too_large_values_are_returned_but_not_kept() -> None:
    cache = ByteCache[bytes](3, len)
    assert cache.get("k", lambda: b"12345") == (b"12345", False)
    assert cache.nbytes == 0


def test_threads_compute_a_key_once() -> None:
    cache = ByteCache[bytes](100, len)
    calls = []

    def compute() -> bytes:
        calls.append(1)
        time.sleep(0.05)
        return b"value"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: cache.get("k", compute), range(8)))
    assert len(calls) == 1
    assert {value for value, _ in results} == {b"value"}
    assert sum(not cached for _, cached in results) == 1


def test_a_failure_is_not_kept_and_waiters_try_themselves() -> None:
    cache = ByteCache[bytes](100, len)
    started = threading.Event()

    def fail() -> bytes:
        started.set()
        time.sleep(0.05)
        raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get, "k", fail)
        started.wait()
        second = pool.submit(cache.get, "k", lambda: b"fine")
        assert second.result() == (b"fine", False)
        with pytest.raises(KeyboardInterrupt):
            first.result()


def test_digest_separates_parts() -> None:
    assert digest(b"ab", b"c") != digest(b"a", b"bc")
    assert digest(1, "x") == digest(1, "x")
