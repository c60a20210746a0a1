"""Run lengths of masks, as COCO and Label Studio store them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
#: Bits of the four lengths that Label Studio's runs may have.
_LENGTH_BITS = (3, 4, 8, 16)


def runs(values: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Lengths of the runs of a flat mask, zeros first: the first length may be 0."""
    edges = np.flatnonzero(values[1:] != values[:-1]) + 1
    bounds = np.concatenate([[0], edges, [len(values)]])
    lengths = np.diff(bounds)
    return np.concatenate([[0], lengths]) if len(values) and values[0] else lengths


def coco_counts(mask: Mask) -> str:
    """Runs down the columns, packed to text as the masks of COCO are.

    A length is stored as its difference to the one two before, five bits a character from 48 on,
    the lowest first; a sixth bit says that more follow.
    """
    lengths = runs(mask.flatten(order="F")).tolist()
    text = []
    for position, length in enumerate(lengths):
        rest = length - lengths[position - 2] if position > 2 else length
        more = True
        while more:
            bits = rest & 31
            rest >>= 5
            more = rest != (-1 if bits & 16 else 0)
            text.append(chr(48 + (bits | 32 if more else bits)))
    return "".join(text)


def brush_rle(mask: Mask) -> list[int]:
    """Label Studio's brush: runs of the four channels of a picture that is white on nothing.

    The bytes hold the number of values (32 bits), the bits of a value less one (5 bits), those of
    the four lengths less one (4 bits each), then runs: 1, which length (2 bits), length less one,
    value.
    """
    longest = 2 ** _LENGTH_BITS[-1]
    parts = [f"{mask.size * 4:032b}", f"{8 - 1:05b}", *(f"{n - 1:04b}" for n in _LENGTH_BITS)]
    for position, length in enumerate((runs(mask.reshape(-1)) * 4).tolist()):
        value = f"{255 if position % 2 else 0:08b}"
        while length > 0:
            part = min(length, longest)
            which = next(i for i, bits in enumerate(_LENGTH_BITS) if part <= 2**bits)
            parts.append(f"1{which:02b}{part - 1:0{_LENGTH_BITS[which]}b}{value}")
            length -= part
    text = "".join(parts)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))
