"""Which products this processor is quick at: short measurements, made once a process."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import torch

#: 8-bit integers that stand for a number of a key.
PLANES = 2


def best_seconds(*works: Callable[[], object], repeats: int = 20) -> list[float]:
    """Shortest time of each, taken in turns: others on this computer slow down all or none."""
    best = [float("inf")] * len(works)
    for _ in range(repeats):
        for index, work in enumerate(works):
            start = time.perf_counter()
            work()
            best[index] = min(best[index], time.perf_counter() - start)
    return best


def clearly_quicker(work: Callable[[], object], usual: Callable[[], object]) -> bool:
    """Whether one takes three quarters of the other's time at most."""
    seconds, usual_seconds = best_seconds(work, usual)
    return seconds < 0.75 * usual_seconds


@functools.cache
def threefold_pays() -> bool:
    """Whether three products of bfloat16 are clearly quicker here than one of float32.

    That takes a CPU with instructions for matrices of them (AMX). With instructions for vectors
    of them it takes about as long, and without any many times as long. See `attention.fast`.
    """
    left, right = torch.ones(512, 256), torch.ones(256, 1024)
    threefold = torch.ones(512, 768).bfloat16(), torch.ones(768, 1024).bfloat16()
    return clearly_quicker(lambda: torch.mm(*threefold), lambda: torch.mm(left, right))


@functools.cache
def bfloat16_pays() -> bool:
    """Whether a product of bfloat16 takes clearly less time here than the same of float32.

    It does where a CPU has instructions for matrices of them (AMX) or for vectors of them; without
    any it takes many times as long.
    """
    left, right = torch.ones(256, 512), torch.ones(512, 512)
    halves = left.bfloat16(), right.bfloat16()
    return clearly_quicker(lambda: torch.mm(*halves), lambda: torch.mm(left, right))


@functools.cache
def integers_pay() -> bool:
    """Whether sums of keys over sets are clearly quicker here as 8-bit integers than as floats.

    Timed once a process, so that its results are the same to the last bit, and as they are asked
    for: members [R, N] times keys, or times their planes. Of a smaller product too much is the
    start of its threads.
    """
    members = torch.ones(256, 2048)
    keys = torch.ones(2048, 128)
    narrow, planes = members.to(torch.int8), torch.ones(2048, PLANES * 128 + 1, dtype=torch.int8)
    try:
        return clearly_quicker(
            lambda: torch._int_mm(narrow, planes), lambda: torch.mm(members, keys)
        )
    except RuntimeError:  # no such product on this processor
        return False


def fast_type(device: torch.device) -> torch.dtype:
    """The type of the products of `glaclip.attention.fast`."""
    bfloat16 = device.type == "cpu" and threefold_pays()
    return torch.bfloat16 if bfloat16 else torch.float32
