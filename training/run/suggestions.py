"""Prints how many classes of held-out photos `suggest` finds, and how many of its words are there.

found: a class with at least 5 % of the pixels has a word of its own among those proposed.
there: a proposed word is a class with at least .2 % of the pixels; all other words are not there.
`--fit` prints the numbers of assets/candidates.txt anew instead, from validation photos.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glaclip.backbones.registry import load
from glaclip.segmenter import Encoded, Segmenter
from glaclip.segmenter.suggestions import at_least_two, candidates, evidence
from glaclip.vocabulary import load_preset, parse_vocabulary
from training.data.views import View, open_view
from training.model.odds import fit

SETS = ("streets", "msrc_v2", "nyuv2")
PLACES = ("outdoors", "indoors", "anywhere")
#: Least probability of a proposed word, by its place: few words of the list are outdoors.
LEAST = {"outdoors": 0.5, "indoors": 0.65, "anywhere": 0.65}
#: Classes of these sets that the table of synonyms has under another name.
SAME = {"pedestrian": "person", "bicyclist": "bicycle"}
Propose = Callable[[Encoded], Sequence[str]]
Synonyms = Mapping[str, list[str]]


def photos_of(view: View) -> Iterator[tuple[Image.Image, dict[str, float]]]:
    """Each photo, and the share of its pixels by class."""
    for photo in view.photos:
        image, truth = photo.read_classes()
        truth = truth if view.remap is None else view.remap[truth]
        areas = np.bincount(truth.ravel(), minlength=256)[: len(view.names)] / truth.size
        yield image, dict(zip(view.names, areas.tolist(), strict=True))


def named(areas: Mapping[str, float], least: float, synonyms: Synonyms) -> list[set[str]]:
    """Words for each class that fills at least a share of a photo."""
    labels = [label for label, area in areas.items() if area >= least]
    return [{label, *synonyms.get(SAME.get(label, label), ())} for label in labels]


def shares(
    words: Sequence[str], areas: Mapping[str, float], synonyms: Synonyms
) -> tuple[int, int, int]:
    """Large classes that were found, large classes, and words that are there."""
    large = named(areas, 0.05, synonyms)
    there = set().union(*named(areas, 0.002, synonyms))
    found = sum(not names.isdisjoint(words) for names in large)
    return found, len(large), sum(word in there for word in words)


def measure(segmenter: Segmenter, view: View, propose: Propose, synonyms: Synonyms) -> str:
    """A line of the table."""
    counts, proposed, seconds = np.zeros(3, dtype=np.int64), 0, 0.0
    for image, areas in photos_of(view):
        segmenter.forget()
        start = time.process_time()
        words = propose(segmenter.encode(image))
        seconds += time.process_time() - start
        proposed += len(words)
        counts += shares(words, areas, synonyms)
    found, large, there = counts
    return (
        f"found {found / large:.1%} of {large} classes, there {there / proposed:.1%} of {proposed} "
        f"words, {seconds / len(view.photos):.2f} s of a processor a photo"
    )


def fitted(segmenter: Segmenter, views: Sequence[View], synonyms: Synonyms) -> list[str]:
    """Lines of the list with the numbers that these photos give, and the constants beside them."""
    known = candidates()
    said, there, large = [], list[NDArray[np.bool_]](), list[NDArray[np.bool_]]()
    for image, areas in (each for view in views for each in photos_of(view)):
        segmenter.forget()
        said.append(evidence(segmenter.candidate_scores(segmenter.encode(image)), known))
        for table, least in ((there, 0.002), (large, 0.05)):
            names = set().union(*named(areas, least, synonyms))
            table.append(np.array([name in names for name in known.vocabulary.names]))
    places = np.array([PLACES.index(place) for place in known.places])
    odds = fit(np.array(said), np.array(there), np.array(large), places)
    lines = [f"AREA_ODDS, SURE_ODDS = {odds.area:.2f}, {odds.sure:.2f}"]
    for entry, place, own in zip(known.vocabulary.classes, known.places, odds.own, strict=True):
        own -= np.log(LEAST[place] / (1 - LEAST[place]))
        lines.append(f"{'; '.join(entry.prompts)} | {own:.1f}")
    return lines


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--synonyms", type=Path, required=True, help="JSON: class to its words")
    parser.add_argument("--part", default="test", choices=("validation", "test"))
    parser.add_argument("--photos", type=int, help="the first of each set; all when left out")
    parser.add_argument("--fit", action="store_true", help="from validation photos")
    arguments = parser.parse_args()
    segmenter = Segmenter(load("lite"))
    synonyms = json.loads(arguments.synonyms.read_text(encoding="utf-8"))
    if arguments.fit:
        views = [open_view(arguments.data, name, "validation", arguments.photos) for name in SETS]
        print("\n".join(fitted(segmenter, views, synonyms)))
        return
    everyday = load_preset("everyday").vocabulary

    def listed(encoded: Encoded) -> list[str]:
        result = segmenter.segment(encoded, everyday)
        return [result.classes[i] for i in np.argsort(-result.areas) if result.areas[i] > 0.01]

    def suggested(encoded: Encoded) -> tuple[str, ...]:
        words = segmenter.suggest(encoded)
        # So that both are the seconds of a new photo with its labels.
        segmenter.segment(encoded, parse_vocabulary(", ".join(at_least_two(words))))
        return words

    ways: tuple[tuple[str, Propose], ...] = (
        ("everyday words over 1 %", listed),
        ("suggest", suggested),
    )
    for name in SETS:
        view = open_view(arguments.data, name, arguments.part, arguments.photos)
        for title, propose in ways:
            line = measure(segmenter, view, propose, synonyms)
            print(f"{name:8s} {title:24s} {line}", flush=True)


if __name__ == "__main__":
    main()
