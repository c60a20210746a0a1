"""Devices, and ZeroGPU: a GPU that a Hugging Face Space lends for the length of a call.

On a ZeroGPU Space only functions under `spaces.GPU` see the GPU. They run in a process of their
own: arguments and results travel between processes, and what they put in a cache is lost. So the
decorator is around exactly the work of the backbone's modules (`ZeroGpuBackbone`), with tensors of
the CPU going in and coming out, and every cache stays in the main process. Anywhere else
`on_gpu` returns the function as it is.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

from glaclip.backbones.base import Backbone, Grid, Tokens

P = ParamSpec("P")
R = TypeVar("R")

#: Seconds asked of ZeroGPU for one call; a batch of windows or texts takes well under this.
SECONDS_PER_CALL = 30


def is_zero_gpu() -> bool:
    """Whether this is a ZeroGPU Space."""
    return os.environ.get("SPACES_ZERO_GPU", "").strip().lower() in ("1", "true", "t", "on", "yes")


if is_zero_gpu():  # `spaces` must be imported before anything touches CUDA
    with contextlib.suppress(ImportError):
        importlib.import_module("spaces")


def default_device() -> str:
    """The name "cuda" where there is a GPU (on ZeroGPU, on loan), else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def on_gpu(function: Callable[P, R], seconds: int = SECONDS_PER_CALL) -> Callable[P, R]:
    """`spaces.GPU` around a function on a ZeroGPU Space; the function itself anywhere else.

    Arguments and results must be picklable and on the CPU.
    """
    if not is_zero_gpu():
        return function
    try:
        spaces = importlib.import_module("spaces")
    except ImportError:
        return function
    decorated: Callable[P, R] = spaces.GPU(duration=seconds)(function)
    return decorated


class ZeroGpuBackbone:
    """A backbone whose modules run on a borrowed GPU while everything else stays on the CPU."""

    def __init__(self, inner: Backbone) -> None:
        """Args:
        inner: a backbone on "cuda". On ZeroGPU that is allowed at start, outside of a call.
        """
        self.inner = inner
        self.name, self.title, self.fingerprint = inner.name, inner.title, inner.fingerprint
        self.device = torch.device("cpu")
        self.dtype, self.dtype_why = inner.dtype, inner.dtype_why
        self.pixel_multiple, self.batch_size = inner.pixel_multiple, inner.batch_size
        self.templates, self.key_sources = inner.templates, inner.key_sources
        self.baselines = inner.baselines
        self.default_attention = inner.default_attention
        self.default_windows = inner.default_windows

        # Closures, because a Space's worker process inherits them while arguments are pickled.
        def encode_windows(pixels: Tensor) -> Tokens:
            return inner.encode_windows(pixels.to(inner.device)).to("cpu")

        def keys(tokens: Tokens, source: str) -> tuple[tuple[Tensor, Grid], ...]:
            found = inner.keys(tokens.to(inner.device), source)
            return tuple((tensor.cpu(), grid) for tensor, grid in found)

        def project(values: Tensor) -> Tensor:
            return inner.project(values.to(inner.device)).cpu()

        def baseline(name: str, tokens: Tokens) -> tuple[Tensor, Grid]:
            features, grid = inner.baseline(name, tokens.to(inner.device))
            return features.cpu(), grid

        def encode_text(prompts: Sequence[str]) -> Tensor:
            return inner.encode_text(prompts).cpu()

        self._encode_windows = on_gpu(encode_windows)
        self._keys = on_gpu(keys)
        self._project = on_gpu(project)
        self._baseline = on_gpu(baseline)
        self._encode_text = on_gpu(encode_text)

    def prepare(self) -> None:
        """See `Backbone`."""
        self.inner.prepare()

    def encode_windows(self, pixels: Tensor) -> Tokens:
        """See `Backbone`."""
        return self._encode_windows(pixels)

    def keys(self, tokens: Tokens, source: str) -> tuple[tuple[Tensor, Grid], ...]:
        """See `Backbone`. The first source is in the tokens already and borrows nothing."""
        if source == self.key_sources[0]:
            return ((tokens.keys, tokens.key_grid),)
        return self._keys(tokens, source)

    def key_grids(self, tokens: Tokens, source: str) -> tuple[Grid, ...]:
        """See `Backbone`. Borrows nothing."""
        return self.inner.key_grids(tokens, source)

    def blank_tokens(self, crop: int) -> Tokens:
        """See `Backbone`. Borrows nothing."""
        return self.inner.blank_tokens(crop)

    def forward_bytes(self, crop: int) -> int:
        """See `Backbone`; on the lent GPU, not here."""
        return 0

    def project(self, values: Tensor) -> Tensor:
        """See `Backbone`."""
        return self._project(values)

    def baseline(self, name: str, tokens: Tokens) -> tuple[Tensor, Grid]:
        """See `Backbone`."""
        return self._baseline(name, tokens)

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        """See `Backbone`."""
        return self._encode_text(prompts)
