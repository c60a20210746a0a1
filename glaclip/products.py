"""Which products this processor is quick at: short measurements, made once a process."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import torch


def _best_seconds(work: Callable[[], object], repeats: int = 7) -> float:
    def seconds() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return min(seconds() for _ in range(repeats))


@functools.cache
def bfloat16_pays() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware: clearly faster than float32.

    Without such instructions a product of bfloat16 is converted, and many times slower.
    """
    left, right = torch.ones(256, 512), torch.ones(512, 1024)
    narrow = left.bfloat16(), right.bfloat16()
    return _best_seconds(lambda: torch.mm(*narrow)) < 0.7 * _best_seconds(
        lambda: torch.mm(left, right)
    )


def fast_type(device: torch.device) -> torch.dtype:
    """The float type of `glaclip.fast`: bfloat16 on a CPU that multiplies it, else float32."""
    bfloat16 = device.type == "cpu" and bfloat16_pays()
    return torch.bfloat16 if bfloat16 else torch.float32
