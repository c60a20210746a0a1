"""What the embedded model's card says of photos that it was not trained on."""

from __future__ import annotations

from dataclasses import dataclass

from glaclip.vocabulary import ASSETS

CARD = ASSETS / "lite" / "MODEL_CARD.md"
#: Cells of a row: set, on less off, on less identity, BER, small, rows on one token, disagreement.
_CELLS = 7


@dataclass(frozen=True)
class HeldOut:
    """A test of the card: photos and the names they are asked by.

    Attributes:
        name: for people.
        gain: points of mIoU that all three switches add to no attention at all.
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
    text = CARD.read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    found = tuple(_read(row) for row in rows if len(row) == _CELLS and "±" in row[2])
    if not found:
        raise ValueError(f"{CARD.name} has no table of what attention gains")
    return found


def _read(row: list[str]) -> HeldOut:
    gain, error = row[2].split("±")
    small = float(row[4].split()[0]) if row[4] else None
    return HeldOut(row[0], float(gain), float(error), small)
