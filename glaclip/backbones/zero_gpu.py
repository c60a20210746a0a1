"""Devices, and ZeroGPU: a GPU that a Hugging Face Space lends for the length of a call.

On a ZeroGPU Space only functions under `spaces.GPU` see the GPU. They run in a process of their
own, forked from this one: arguments and results travel between the two, and what they put in a
cache is lost. PyTorch's CUDA is an imitation in this process, and in the main thread alone: there,
before the page is launched, modules go "to cuda", and their weights are put where a call finds
them (seen with spaces 0.51.3). Everything else, here, computes on the CPU.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable
from typing import Any, TypeVar

import torch

Function = TypeVar("Function", bound=Callable[..., Any])


def is_zero_gpu() -> bool:
    """Whether this is a ZeroGPU Space."""
    return os.environ.get("SPACES_ZERO_GPU", "").strip().lower() in ("1", "true", "t", "on", "yes")


if is_zero_gpu():  # `spaces` must be imported before anything touches CUDA
    with contextlib.suppress(ImportError):
        importlib.import_module("spaces")


def default_device() -> str:
    """The name "cuda" where there is a GPU of this process's own, else "cpu"."""
    return "cuda" if torch.cuda.is_available() and not is_zero_gpu() else "cpu"


def on_gpu(function: Function, seconds: Callable[..., int]) -> Function:
    """`spaces.GPU` around a function on a ZeroGPU Space; the function itself anywhere else.

    Args:
        function: its arguments and results must be picklable and on the CPU.
        seconds: called with its arguments: what a visitor's quota is asked for.
    """
    if not is_zero_gpu():
        return function
    try:
        spaces = importlib.import_module("spaces")
    except ImportError:
        return function
    decorated: Function = spaces.GPU(duration=seconds)(function)
    return decorated
