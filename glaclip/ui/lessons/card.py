"""What the embedded model's card says of photos that it was not trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glaclip.vocabulary import ASSETS

CARD = ASSETS / "lite" / "MODEL_CARD.md"
#: Cells of a row: set, on less off, on less identity, BER, small, rows on one token, disagreement.
_CELLS = 7
#: Methods by the card's names: those it was measured with, whatever the ladder has since.
_METHODS = {
    "identity": "identity",
    "off": "off",
    "+context": "context",
    "+anchors": "context+anchors",
    "on": "on",
}


@dataclass(frozen=True)
class HeldOut:
    """A test of the card: photos and the names they are asked by.

    Attributes:
        name: for people.
        gain: points of mIoU that all three switches add to each patch alone.
        error: standard error of `gain`.
        small: recall of small classes with all switches, as a share of that without attention;
            None where no class is small, or none is found.
    """

    name: str
    gain: float
    error: float
    small: float | None


def held_out() -> tuple[HeldOut, ...]:
    """The tests of the table "What on gains".

    Raises:
        ValueError: the card has no such table.
    """
    found = tuple(_read(row) for row in _rows() if len(row) == _CELLS and "±" in row[2])
    if not found:
        raise ValueError(f"{CARD.name} has no table of what attention gains")
    return found


def averages() -> dict[str, tuple[float, float, float]]:
    """mIoU, BER and window disagreement, averaged over the card's tests, by method.

    Raises:
        ValueError: the card has no such table.
    """
    rows = [row for row in _rows() if len(row) == _CELLS + 1 and row[2] in _METHODS]
    found: dict[str, tuple[float, float, float]] = {}
    for title, method in _METHODS.items():
        figures = [[float(row[at]) for at in (3, 5, 6)] for row in rows if row[2] == title]
        if len(figures) != len(held_out()):
            raise ValueError(f"{CARD.name} has no figures of {title} for each test")
        miou, ber, disagreement = np.mean(figures, axis=0).tolist()
        found[method] = miou, ber, disagreement
    return found


def _rows() -> list[list[str]]:
    lines = CARD.read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def _read(row: list[str]) -> HeldOut:
    gain, error = row[2].split("±")
    small = float(row[4].split()[0]) if row[4] else None
    return HeldOut(row[0], float(gain), float(error), small)
