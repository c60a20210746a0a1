"""Prints how many classes of held-out photos `suggest` finds, and how many of its words are there.

found: a class with at least 5 % of the pixels has a word of its own among those proposed.
there: a proposed word is a class with at least .2 % of the pixels; all other words are not there.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from glaclip.backbones.registry import load
from glaclip.segmenter import Encoded, Segmenter
from glaclip.vocabulary import load_preset
from training.data.views import View, open_view

SETS = ("streets", "msrc_v2", "nyuv2")
#: Classes of these sets that the table of synonyms has under another name.
SAME = {"pedestrian": "person", "bicyclist": "bicycle"}
Propose = Callable[[Encoded], Sequence[str]]


def shares(
    words: Sequence[str], areas: Mapping[str, float], synonyms: Mapping[str, list[str]]
) -> tuple[int, int, int]:
    """Large classes that were found, large classes, and words that are there."""

    def named(label: str) -> set[str]:
        return {label, *synonyms.get(SAME.get(label, label), ())}

    large = [label for label, area in areas.items() if area >= 0.05]
    there = set().union(*(named(label) for label, area in areas.items() if area >= 0.002))
    found = sum(not named(label).isdisjoint(words) for label in large)
    return found, len(large), sum(word in there for word in words)


def measure(
    segmenter: Segmenter, view: View, propose: Propose, synonyms: Mapping[str, list[str]]
) -> str:
    """A line of the table."""
    counts, proposed, seconds = np.zeros(3, dtype=np.int64), 0, 0.0
    for photo in view.photos:
        image, truth = photo.read_classes()
        truth = truth if view.remap is None else view.remap[truth]
        areas = np.bincount(truth.ravel(), minlength=256)[: len(view.names)] / truth.size
        segmenter.forget()
        start = time.process_time()
        words = propose(segmenter.encode(image))
        seconds += time.process_time() - start
        proposed += len(words)
        counts += shares(words, dict(zip(view.names, areas, strict=True)), synonyms)
    found, large, there = counts
    return (
        f"found {found / large:.0%} of {large} classes, there {there / proposed:.0%} of {proposed} "
        f"words, {seconds / len(view.photos):.2f} s of a processor a photo"
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--synonyms", type=Path, required=True, help="JSON: class to its words")
    parser.add_argument("--part", default="test", choices=("validation", "test"))
    parser.add_argument("--photos", type=int, help="the first of each set; all when left out")
    arguments = parser.parse_args()
    segmenter = Segmenter(load("lite"))
    everyday = load_preset("everyday").vocabulary

    def listed(encoded: Encoded) -> list[str]:
        result = segmenter.segment(encoded, everyday)
        return [result.classes[i] for i in np.argsort(-result.areas) if result.areas[i] > 0.01]

    synonyms = json.loads(arguments.synonyms.read_text(encoding="utf-8"))
    for name in SETS:
        view = open_view(arguments.data, name, arguments.part, arguments.photos)
        ways: tuple[tuple[str, Propose], ...] = (
            ("everyday words over 1 %", listed),
            ("suggest", segmenter.suggest),
        )
        for title, propose in ways:
            line = measure(segmenter, view, propose, synonyms)
            print(f"{name:8s} {title:24s} {line}", flush=True)


if __name__ == "__main__":
    main()
