"""The tabs of the page, in order."""

from __future__ import annotations

import importlib

from glaclip.ui.tabs.tab import Tab

#: Each is a file here with a `TAB`.
NAMES = (
    "compare",
    "attention",
    "windows",
    "methods",
    "learn",
    "truth",
)
TABS: tuple[Tab, ...] = tuple(
    importlib.import_module(f"glaclip.ui.tabs.{name}").TAB for name in NAMES
)
