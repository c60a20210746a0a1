"""Libraries that take seconds to import and that few tests use."""

from __future__ import annotations

import importlib
from typing import Any


class Lazy:
    """Stands for a module, which is imported when something in it is first asked for.

    Each process that runs tests reads all of their files, and uses but some.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._name), name)
