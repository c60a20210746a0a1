"""A GPU that is lent for the length of a call: one call a run, and what comes of a refusal.

The call computes what is long (encoding, attention and projection of both sides, words that are
not known) and gives it back on the CPU, where this process keeps it: switches, words and clicks
that follow compute here.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import torch

from glaclip.backbones.base import Backbone, BackboneError
from glaclip.backbones.zero_gpu import on_gpu
from glaclip.segmenter import Computed, HashedPhoto, Method, Segmenter
from glaclip.serving.estimate import Estimate
from glaclip.serving.limits import Limits
from glaclip.serving.models import Models
from glaclip.settings import WindowSettings

_LOG = logging.getLogger(__name__)
#: Seconds that ZeroGPU is asked for at least; weights have to get there as well.
LEAST_SECONDS = 5
_ARRIVING = 3.0
#: A segmenter keeps a quarter of its memory, and more, for each kind of thing that a call gives.
_KEPT = 4
#: What a run says while it waits for the GPU and for what the GPU computes.
LENDING = "lending"
#: Seconds a unit of a step before a call was measured, see `Part`: a fifth of what such a GPU does.
FIRST = {"encode": 1 / 2e6, "attention": 1 / 2e9, "words": 1e-3}


class NotLentError(BackboneError):
    """The GPU is not lent; what needs none goes on working."""


@dataclass(frozen=True)
class Order:
    """What a call computes; see `Segmenter.compute`.

    Attributes:
        backbone: its fingerprint.
        seconds: what it is estimated to take.
    """

    backbone: str
    seconds: float
    photo: HashedPhoto | None
    windows: WindowSettings
    methods: tuple[Method, ...] = ()
    prompts: tuple[str, ...] = ()
    suggested: int | None = None


def call_seconds(estimate: Estimate, steps: Collection[str]) -> float:
    """What those steps of a run take on the lent GPU, until its weights are there included."""
    return _ARRIVING + sum(part.seconds or 0.0 for part in estimate.parts if part.step in steps)


def seconds_of(order: Order | None = None) -> int:
    """What a visitor's quota is asked for: the estimate, rounded up, and 5 s at least."""
    return max(LEAST_SECONDS, math.ceil(order.seconds)) if order else LEAST_SECONDS


class Lender:
    """Segmenters on the lent GPU, each beside the one of this process.

    Attributes:
        call: the function that runs on the GPU. Decorated also where no backbone ever uses it: a
            Space without one does not start.
    """

    def __init__(self) -> None:
        self._twins: dict[str, Segmenter] = {}
        self.call = on_gpu(self._compute, seconds_of)

    def limits(self, names: Collection[str], limits: Limits) -> Limits:
        """Limits of a Space that offers these backbones, each loaded when it starts, and no other.

        None of them is let go, and what a call gives back is kept until the run has read it.
        """
        room = max(limits.cache, len(names) * _KEPT * limits.memory)
        return replace(limits, backbones=tuple(sorted(names)), models=len(names), cache=room)

    def start(
        self, models: Models, names: Collection[str], twin: Callable[[Backbone], Backbone | None]
    ) -> None:
        """Loads what the limits offer, before the page is launched, in the main thread.

        Args:
            models: where each is loaded, on the CPU.
            names: registry names.
            twin: the same on "cuda"; None for one that needs no GPU.
        """
        for name in names:
            if (lent := twin(models.start(name).backbone)) is not None:
                self.add(lent)

    def add(self, twin: Backbone) -> None:
        """A backbone on the lent GPU; it serves the one of this process with its fingerprint."""
        self._twins[twin.fingerprint] = Segmenter(twin)

    def serves(self, backbone: Backbone) -> bool:
        """Whether a backbone's long steps run on the lent GPU."""
        return backbone.fingerprint in self._twins

    # A worker process has this object as it was when it was forked.
    def _compute(self, order: Order | None = None) -> Computed | None:
        if order is None:
            return None
        # The threads of a library that was at work when a process was forked are not in the fork.
        torch.set_num_threads(1)
        segmenter = self._twins[order.backbone]
        try:
            return segmenter.compute(
                order.photo, order.windows, order.methods, order.prompts, order.suggested
            ).packed()
        finally:
            segmenter.forget()

    def compute(self, order: Order) -> Computed:
        """Runs an order on the lent GPU, for whoever's event this thread handles.

        Raises:
            NotLentError: in a sentence with the way forward.
        """
        try:
            computed = self.call(order)
        except Exception as error:
            why = _refusal(error)
            _LOG.warning("the GPU was not lent: %s", why, exc_info=None if why else error)
            raise NotLentError(
                f"The GPU that this Space borrows was not lent: {why or 'it failed'}. The embedded "
                "model goes on working without it: choose Lite under Advanced."
            ) from error
        assert computed is not None
        return computed.unpacked()


def _refusal(error: Exception) -> str:
    """What `spaces` says of a quota, a queue or a duration; empty for a failure."""
    title, said = (str(getattr(error, name, "")).strip() for name in ("title", "message"))
    return said.rstrip(".") if title.startswith("ZeroGPU") and "worker" not in title else ""
