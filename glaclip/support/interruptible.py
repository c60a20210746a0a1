"""Long calls of modules that nobody has to wait for: a look around between their operations."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

#: Seconds between two looks.
LOOK = 0.1


class Interruptible(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within it, torch operations of this thread are preceded by a look every tenth of a second.

    The looking function may raise to leave a forward pass in its middle, or wait to let another
    thread compute. Modules know nothing of it, and results are the same to the last bit.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Skipping needs torch's compiler, whose import takes two seconds of the first run.
        return False

    def __init__(self, look: Callable[[], None]) -> None:
        """Args:
        look: what is called; it may raise.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self._look = look
        self._next = time.perf_counter() + LOOK

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """See `TorchDispatchMode`."""
        if time.perf_counter() >= self._next:
            self._look()
            self._next = time.perf_counter() + LOOK
        return func(*args, **(kwargs or {}))
