"""What this processor is quick at: one table by the instructions it says it has.

No clock decides: beside other work a stopwatch comes to another answer, and with it a result to
other digits. GLACLIP_PROCESSOR names a row of the table instead.
"""

from __future__ import annotations

import functools
import os
import platform
from dataclasses import dataclass
from pathlib import Path

import torch

VARIABLE = "GLACLIP_PROCESSOR"
_AMD = "AuthenticAMD"


class ProcessorError(ValueError):
    """GLACLIP_PROCESSOR names no row of the table."""


@dataclass(frozen=True)
class Processor:
    """A row of the table.

    Attributes:
        name: the value of GLACLIP_PROCESSOR that asks for it.
        title: the instructions, for people.
        threefold: three products of bfloat16 are quicker than one of float32 (`attention.fast`).
        bfloat16: a product of bfloat16 is quicker than the same of float32 (a backbone's towers).
        integers: sums of keys over sets are quicker in 8-bit integers (`attention.anchors`).
        onednn: linear layers in float32 are quicker by oneDNN than by MKL (`support.onednn`).
    """

    name: str
    title: str
    threefold: bool
    bfloat16: bool
    integers: bool
    onednn: bool

    def fast_type(self, device: torch.device) -> torch.dtype:
        """The type of the products of `glaclip.attention.fast` on a device."""
        return torch.bfloat16 if self.threefold and device.type == "cpu" else torch.float32


#: The first that a processor has is taken. Measured in processor time on one core of an AMD EPYC
#: (family 25, model 17; AVX-512 bfloat16 and VNNI): a product of bfloat16 takes 0.44 of the time of
#: one of float32, so that towers gain and three for one do not; three planes of 8-bit integers take
#: 0.71 of the time of floats (328 sets of 11,760 keys of 768). On one core of an Intel Xeon (family
#: 6, model 207) whose host hides its AMX, a product of bfloat16 by the same instructions takes 1.8
#: times the time of one of float32: they count for AMD alone. On one core of a later AMD EPYC
#: (family 26, model 2) a linear layer in float32 takes 0.45 of MKL's time by oneDNN.
KINDS = (
    Processor("amx", "matrices of bfloat16 and 8-bit integers (AMX)", True, True, True, False),
    Processor(
        "avx512_bf16", "vectors of bfloat16 and 8-bit integers, AMD", False, True, True, True
    ),
    Processor("vnni", "vectors of 8-bit integers (AVX-512 VNNI)", False, False, True, False),
    Processor("plain", "none that float32 would not be as quick as", False, False, False, False),
)
#: By row: PyTorch's question (private, in 2.8 to 2.15 at least), and the flag that Linux shows.
_ASKED = {
    "amx": ("_is_amx_tile_supported", "amx_tile"),
    "avx512_bf16": ("_is_avx512_bf16_supported", "avx512_bf16"),
    "vnni": ("_is_vnni_supported", "avx512_vnni"),
}


def processor() -> Processor:
    """This process's row of the table: as GLACLIP_PROCESSOR says, else as the processor does.

    Raises:
        ProcessorError: GLACLIP_PROCESSOR names none.
    """
    asked = os.environ.get(VARIABLE)
    if not asked:
        return _found()
    named = next((kind for kind in KINDS if kind.name == asked), None)
    if named is None:
        names = ", ".join(kind.name for kind in KINDS)
        raise ProcessorError(f"{VARIABLE} must be one of {names}; received {asked[:60]!r}")
    return named


@functools.cache
def _found() -> Processor:
    return next(kind for kind in KINDS if kind.name not in _ASKED or _has(kind.name))


def _has(name: str) -> bool:
    question, flag = _ASKED[name]
    ask = getattr(torch.cpu, question, None)
    has = bool(ask()) if ask else flag in _said("flags").split()
    return has and (name != "avx512_bf16" or _vendor() == _AMD)


def _vendor() -> str:
    """Who made it, as it says itself; Windows says so at the end of its name."""
    return _said("vendor_id") or platform.processor().rpartition(", ")[2]


def _said(field: str) -> str:
    """A field that Linux shows of the first processor; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return ""
    line = next((line for line in lines if line.partition(":")[0].strip() == field), "")
    return line.partition(":")[2].strip()
