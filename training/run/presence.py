"""Prints how well `presence` tells words that are in held-out photos from those that are not.

A word is there with .5 % of the pixels. Each photo is asked by all names of its set. AUC over all
pairs of photo and word; and of the words that are called probably absent, the share that is absent.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glaclip.backbones.registry import load
from glaclip.segmenter import Segmenter
from glaclip.segmenter.results import PROBABLY_ABSENT
from glaclip.vocabulary import parse_vocabulary
from training.data.views import View, open_view
from training.run.suggestions import SETS, photos_of


def auc(values: NDArray[np.float32], there: NDArray[np.bool_]) -> float:
    """How often a word that is there has the larger value than one that is not; ties are halves."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    present = int(there.sum())
    above = ranks[there].sum() - present * (present + 1) / 2
    return float(above / (present * (len(there) - present)))


def measure(segmenter: Segmenter, view: View) -> str:
    """A line of the table."""
    vocabulary = parse_vocabulary(", ".join(view.names))
    values, there = [], []
    for image, areas in photos_of(view):
        segmenter.forget()
        result = segmenter.segment(segmenter.encode(image), vocabulary)
        values.append(result.presence)
        there.append([areas[name] >= 0.005 for name in view.names])
    sure, known = np.concatenate(values), np.concatenate(there)
    doubted = sure < PROBABLY_ABSENT
    return (
        f"AUC {auc(sure, known):.3f}; {doubted.mean():.0%} of {len(sure)} words are called "
        f"probably absent, {1 - known[doubted].mean():.1%} of them rightly"
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--part", default="test", choices=("validation", "test"))
    parser.add_argument("--photos", type=int, help="the first of each set; all when left out")
    arguments = parser.parse_args()
    segmenter = Segmenter(load("lite"))
    for name in SETS:
        view = open_view(arguments.data, name, arguments.part, arguments.photos)
        print(f"{name:8s} {measure(segmenter, view)}", flush=True)


if __name__ == "__main__":
    main()
