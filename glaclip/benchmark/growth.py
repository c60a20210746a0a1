"""`attend` beside the dense formulation on made-up tokens, and how it grows with their number."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from glaclip.attention import attend
from glaclip.benchmark.dense import clustered_tokens, dense_attend
from glaclip.benchmark.ratios import Memory, Row, measure, measure_memory
from glaclip.settings import FAST, PRECISIONS, AttentionSettings

#: (L, S, Dk, Dv): a photo as the paper's pair sees it, 11,760 tokens of DINO's width, and one as
#: the embedded backbone does.
YARDSTICK_SHAPES: tuple[tuple[int, int, int, int], ...] = (
    (15, 784, 768, 512),
    (8, 729, 128, 256),
)
#: Windows of 28 x 28 keys, from a small photo to a road scene: 1,176 to 28,224 tokens.
GROWTH_SHAPES: tuple[tuple[int, int, int, int], ...] = (
    (6, 196, 768, 512),
    (6, 784, 768, 512),
    (15, 784, 768, 512),
    (36, 784, 768, 512),
)


@dataclass(frozen=True)
class Yardstick:
    """A size at which `attend` was timed beside the dense formulation.

    Attributes:
        rows: dense, exact, fast.
        apart: largest difference from the dense result, by the names of the rows.
    """

    rows: tuple[Row, ...]
    apart: dict[str, float]


def yardstick(
    shape: tuple[int, int, int, int],
    repeats: int = 2,
    device: torch.device | str = "cpu",
) -> Yardstick:
    """Times tokens in twelve clusters, rho = 0.55, all switches on.

    Where a cosine is within rounding of rho, or a score of zero, ways of adding may differ on who
    belongs to a set or is dropped; that moves a result by the share of one token, about 0.002.

    Args:
        shape: (L, S, Dk, Dv).
        repeats: measured rounds.
        device: where keys and values lie.
    """
    device = torch.device(device)
    keys, values = (tokens.to(device) for tokens in clustered_tokens(shape))
    settings = AttentionSettings(threshold=0.55)
    with torch.inference_mode():
        ways: dict[str, Callable[[], Tensor]] = {
            "dense": lambda: dense_attend(keys, values, settings)
        }
        for precision in PRECISIONS:
            chosen = dataclasses.replace(settings, precision=precision)
            ways[f"attend, {precision}"] = functools.partial(attend, keys, values, chosen)
        dense = ways["dense"]()
        apart = {name: float((dense - way()).abs().max()) for name, way in ways.items()}
        del dense
        name = f"{shape[0] * shape[1]:,} tokens of {shape[2]}"
        return Yardstick(tuple(measure(name, ways, repeats, device)), apart)


@dataclass(frozen=True)
class Growth:
    """How `attend` grows with the number of tokens N: as N to the power of the exponents.

    Attributes:
        precision: of the attention.
        sizes: each with its time and memory.
        time: exponent of seconds, between the smallest and the largest.
        memory: exponent of the memory beyond inputs and outputs, likewise; None if some size took
            too little to be measured.
    """

    precision: str
    sizes: tuple[Memory, ...]
    time: float
    memory: float | None


def growth(
    precision: str = FAST, shapes: tuple[tuple[int, int, int, int], ...] = GROWTH_SHAPES
) -> Growth | None:
    """Measures each size in a process of its own; None where memory cannot be read.

    Args:
        precision: of the attention.
        shapes: (L, S, Dk, Dv), at least two, the smallest first.
    """
    sizes = []
    for shape in shapes:
        found = measure_memory(shape, AttentionSettings(precision=precision))
        if found is None:
            return None
        sizes.append(found)
    first, last = sizes[0], sizes[-1]
    tokens = math.log(last.tokens / first.tokens)
    memory = None
    if min(first.extra, last.extra) > 0:
        memory = math.log(last.extra / first.extra) / tokens
    time = math.log(last.seconds / first.seconds) / tokens
    return Growth(precision, tuple(sizes), time, memory)
