"""Weights between those that a run started from and those that it ended with.

A run teaches what its photos show and forgets some of what it knew of others; the weights halfway
keep most of both (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from glaclip.backbones.lite.towers import ImageTower

PARTS = ("tower", "heads", "keys")


def between(
    start: Mapping[str, Tensor], end: Mapping[str, Tensor], share: float
) -> dict[str, Tensor]:
    """The tensors of `end`, each moved back towards its own of `start`.

    Args:
        start: has every name of `end`, in the same shape.
        share: 0 gives `start`, 1 gives `end`.
    """
    return {
        name: torch.lerp(start[name].double(), tensor.double(), share).to(tensor.dtype)
        for name, tensor in end.items()
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", type=Path, required=True, help="folder the run started from")
    parser.add_argument("--end", type=Path, required=True, help="folder the run wrote")
    parser.add_argument("--share", type=float, default=0.5, help="of the end, 0 to 1")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder; `training.model.basis` completes it"
    )
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    # A stage that the start left as ImageNet's is in no file of its own.
    pretrained = ImageTower().net.state_dict()
    for part in PARTS:
        start, end = (
            load_file(folder / f"{part}.safetensors") for folder in (arguments.start, arguments.end)
        )
        if part == "tower":
            start = pretrained | start
        with safe_open(arguments.end / f"{part}.safetensors", "pt") as stored:
            sizes = stored.metadata()  # what the heads are built with
        mixed = between(start, end, arguments.share)
        save_file(mixed, arguments.out / f"{part}.safetensors", metadata=sizes)


if __name__ == "__main__":
    main()
