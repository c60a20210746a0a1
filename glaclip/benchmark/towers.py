"""What a real CLIP takes on this computer beside the paper's pair in float32; random weights.

Random weights take the time of trained ones. Whether trained ones may compute in bfloat16 is
measured for each of them (serving/measuring.py); here they do where the processor gains by it.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass

import torch
from PIL import Image

from glaclip.backbones.base import Backbone
from glaclip.backbones.clip.models import CLIP_MODELS, untrained_clip
from glaclip.backbones.registry import narrowed, quickened
from glaclip.benchmark.ratios import Row, measure
from glaclip.segmenter import Segmenter
from glaclip.settings import WHOLE_PHOTO, WindowSettings
from glaclip.support import onednn
from glaclip.support.processor import processor

PAPER, SMALL = "clip-b16", "clip-b16-s8"
#: The share of the paper's encode that the small pair should not pass, where bfloat16 gains and
#: elsewhere.
MOST_NARROW, MOST_SINGLE = 0.30, 0.45


@dataclass(frozen=True)
class Towers:
    """Encoding of one photo, in processor time of one thread.

    Attributes:
        rows: the paper's pair in float32 as PyTorch computes it, and as dtype "auto" has it
            computed where that is another way; the small pair likewise, and in bfloat16 where this
            computer gains by it; both by "auto" with one look of the VFM at the whole photo.
        runs: the name of the row of the small pair as this computer runs it.
        dtype: its type.
        most: the ratio that it should not pass.
    """

    rows: tuple[Row, ...]
    runs: str
    dtype: str
    most: float

    @property
    def ratio(self) -> float:
        """The small pair as this computer runs it, relative to the paper's in float32."""
        seconds = {row.name: row.median for row in self.rows}
        return seconds[self.runs] / seconds[f"{PAPER}, float32"]


def towers(photo: Image.Image, repeats: int) -> Towers:
    """Times encoding by both pairs in turns, on the CPU, also with `vfm_view` "whole".

    Processor time, which other work on the computer hardly changes.

    Args:
        photo: the photo.
        repeats: measured rounds, after one that is not.
    """
    cpu = torch.device("cpu")
    backbones: dict[str, Backbone] = {
        f"{name}, float32": untrained_clip(CLIP_MODELS[name]) for name in (PAPER, SMALL)
    }
    kind, most, way = torch.float32, MOST_SINGLE, ""
    if onednn.gains(cpu, kind):
        way = " by oneDNN"
        for name in (PAPER, SMALL):
            backbones[f"{name}, float32{way}"] = quickened(untrained_clip(CLIP_MODELS[name]))
    runs = f"{SMALL}, float32{way}"
    if processor().bfloat16:
        kind, most = torch.bfloat16, MOST_NARROW
        again = untrained_clip(CLIP_MODELS[SMALL])
        runs = f"{SMALL}, bfloat16"
        backbones[runs] = narrowed(again, kind)
    usual = WindowSettings()
    whole = dataclasses.replace(usual, vfm_view=WHOLE_PHOTO)
    cases = [(name, backbone, usual) for name, backbone in backbones.items()]
    for name in (f"{PAPER}, float32{way}", f"{SMALL}, float32{way}"):
        cases.append((f"{name}, --vfm-view whole", backbones[name], whole))
    actions = {
        name: lambda backbone=backbone, windows=windows: Segmenter(backbone, 0).encode(
            photo, windows
        )
        for name, backbone, windows in cases
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a second one that waits for work takes processor time too
    try:
        with torch.inference_mode():
            rows = measure("towers", actions, repeats, cpu, time.process_time)
    finally:
        torch.set_num_threads(threads)
    return Towers(tuple(rows), runs, str(kind).removeprefix("torch."), most)
