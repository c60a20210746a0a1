"""The tabs of the page, in order."""

from __future__ import annotations

from glaclip.ui import attention_tab, compare_tab, learn_tab, truth_tab, windows_tab

TABS = (compare_tab.TAB, attention_tab.TAB, windows_tab.TAB, learn_tab.TAB, truth_tab.TAB)
