"""Numbers for people; the page's scripts follow the same rule (ui/viewers/drawing.js)."""

from __future__ import annotations


def percent(share: float) -> str:
    """A share of 1 for people: "0 %", "< 0.1 %", "4.3 %", "58 %", "about 0"."""
    value = 100 * share
    if value < 0:  # a seam rate, where edges have fewer jumps than what is beside them
        return "about 0"
    if value == 0:
        return "0 %"
    if value < 0.1:
        return "< 0.1 %"
    return f"{value:.1f} %" if value < 9.95 else f"{value:.0f} %"
