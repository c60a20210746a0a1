"""How much memory a process ever held."""

from __future__ import annotations

import resource
import sys

import torch


def peak_gigabytes() -> float:
    """Most memory this process ever held, with libraries and weights (GiB)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)  # bytes there, KiB elsewhere


def gpu_peak_gigabytes(device: torch.device) -> float:
    """Most memory tensors ever held on a CUDA device (GiB); 0 elsewhere."""
    return torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else 0.0
