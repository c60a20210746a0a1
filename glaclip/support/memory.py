"""How much memory a process holds and ever held."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

import torch


def peak_gigabytes() -> float:
    """Most memory this process ever held, with libraries and weights (GiB)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)  # bytes there, KiB elsewhere


def gpu_peak_gigabytes(device: torch.device) -> float:
    """Most memory tensors ever held on a CUDA device (GiB); 0 elsewhere."""
    return torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else 0.0


def resident_bytes(process: int | str = "self") -> int:
    """What a process holds now, by its id; Linux only."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def peak_bytes(process: int | str = "self") -> int:
    """Most that a process held since it began, or since `forget_peak`; Linux only."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def forget_peak() -> None:
    """Lets `peak_bytes` of this process begin anew; Linux only."""
    Path("/proc/self/clear_refs").write_text("5")
