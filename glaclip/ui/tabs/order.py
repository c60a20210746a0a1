"""The tabs of the page, in order."""

from __future__ import annotations

from glaclip.ui.tabs import attention as attention_tab
from glaclip.ui.tabs import compare as compare_tab
from glaclip.ui.tabs import learn as learn_tab
from glaclip.ui.tabs import truth as truth_tab
from glaclip.ui.tabs import windows as windows_tab

TABS = (compare_tab.TAB, attention_tab.TAB, windows_tab.TAB, learn_tab.TAB, truth_tab.TAB)
