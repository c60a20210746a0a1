"""Lesson: seconds by number of windows, and a word that is not in the photo."""

from __future__ import annotations

import math
import os
import time

import numpy as np

from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import class_colors, hex_of
from glaclip.segmenter import Segmenter
from glaclip.segmenter.results import PROBABLY_ABSENT
from glaclip.settings import WindowSettings
from glaclip.ui.form import split_words
from glaclip.ui.lessons.card import held_out
from glaclip.ui.lessons.lab import Lab, labels_file, photo_file, stage
from glaclip.ui.lessons.lesson import Facts, Lesson, Part, View
from glaclip.vocabulary import parse_vocabulary

#: In none of the shipped photos.
ABSENT = ("zebra", "bicycle", "television", "airplane", "pizza", "train", "keyboard", "snowman")
#: The photo whose cost is measured, and its short sides.
TIMED = "china"
SHORT_SIDES = (336, 448, 560)
RUNS = 3
#: Small things live where attention finds this share of what is found without it.
KEPT = 0.9


def measure(lab: Lab) -> Part:
    """Times of one photo at three sizes, and the worst answer to a word that is not there."""
    rows = timed(lab)
    first = rows[0]
    seconds = first["encode"] + first["attention"] + first["labels"]
    failure = worst_absent_word(lab)
    tokens = lab.encoded(TIMED).tokens.keys.shape[1]
    return Part(
        facts={
            "windows": first["windows"],
            "pairs_all": (first["windows"] * tokens) ** 2 / 1e6,
            "cores": _cores(),
            "seconds": seconds,
            "encoder": first["encode"] / seconds,
            **failure.facts,
            **on_photos_not_seen(),
        },
        figure={
            **failure.figure,
            "timed": lab.example(TIMED).title,
            "cores": _cores(),
            "seconds": rows,
        },
        view=failure.view,
        files=failure.files,
    )


def on_photos_not_seen() -> dict[str, float | str]:
    """How attention fares in the card's tests beside each patch alone."""
    tests = held_out()
    worst = min(tests, key=lambda one: one.gain)
    small = [one.small for one in tests if one.small is not None]
    return {
        "tests": len(tests),
        "gained": sum(one.gain > 0 for one in tests),
        "worst_set": worst.name,
        "worst": worst.gain,
        "worst_error": worst.error,
        "small_tests": len(small),
        "small_lost": sum(share < KEPT for share in small),
    }


def _cores() -> int:
    # Cores this process may use, which containers limit.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def timed(lab: Lab) -> list[dict[str, float]]:
    """Seconds of each step of one photo at each size, without caches.

    Each step's best of a few rounds; a round takes every size, so that a busy spell of the machine
    is not taken for the cost of one size.
    """
    example = lab.example(TIMED)
    photo, vocabulary = example.photo(), parse_vocabulary(example.vocabulary)
    rows: list[dict[str, float]] = [{"short_side": side} for side in SHORT_SIDES]
    for _ in range(RUNS):
        for row, short_side in zip(rows, SHORT_SIDES, strict=True):
            segmenter = Segmenter(lab.segmenter.backbone)
            start = time.perf_counter()
            encoded = segmenter.encode(photo, WindowSettings(short_side=short_side))
            seconds = {"encode": time.perf_counter() - start}
            result = segmenter.segment(encoded, vocabulary, lab.attention)
            seconds |= {step: result.seconds[step] for step in ("attention", "labels")}
            row["windows"] = len(encoded.boxes)
            for step, taken in seconds.items():
                row[step] = min(row.get(step, math.inf), taken)
    return rows


def worst_absent_word(lab: Lab) -> Part:
    """Adds words that no photo contains to each photo's own, one at a time; shows the worst."""
    tries = [
        [lab.segment(photo.name, "on", f"{photo.vocabulary}, {word}") for word in ABSENT]
        for photo in lab.photos
    ]
    areas = np.array([[result.areas[-1] for result in row] for row in tries])  # [photos, words]
    seen = areas > 0.01
    doubted = np.array([[result.presence[-1] < PROBABLY_ABSENT for result in row] for row in tries])
    photo_index, word_index = np.unravel_index(int(areas.argmax()), areas.shape)
    example, word = lab.photos[int(photo_index)], ABSENT[int(word_index)]
    words = f"{example.vocabulary}, {word}"
    encoded = lab.encoded(example.name)
    result = lab.segment(example.name, "on", words)
    with_background = lab.segmenter.segment(
        encoded, parse_vocabulary(words, background=True), lab.attention
    )
    at = with_background.classes.index(word)
    name, data = photo_file(example)
    side = encoded.tokens.key_grid[0]
    return Part(
        facts={
            "word": word,
            "words": len(ABSENT),
            "photos": len(lab.photos),
            "tries": areas.size,
            "more": int(seen.sum()),
            "doubted": int((seen & doubted).sum()),
            "area": float(areas.max()),
            "left": float(with_background.areas[at]),
            "patch": encoded.windows.crop / side * encoded.photo_size[0] / encoded.size[0],
        },
        figure={
            **stage(example, encoded),
            "title": example.title,
            "labels": {
                "without": "file:limits-without.png",
                "with": "file:limits-with.png",
            },
            "classes": list(result.classes),
            "colors": list(hex_of(class_colors(result.classes))),
            "word": word,
        },
        view=View(example.name, {"words": tuple(split_words([words]))}, example.point, "compare"),
        files={
            name: data,
            "limits-without.png": labels_file(lab.segment(example.name, "on").labels),
            "limits-with.png": labels_file(result.labels),
        },
    )


def _points(gain: float) -> str:
    return f"{abs(gain):.1f} points {'lower' if gain < 0 else 'higher'}"


def text(n: Facts) -> tuple[str, ...]:
    """Cost, the word that is not there, where attention loses, the model."""
    if percent(n.left) == percent(n.area):
        background = "takes none of that back: the model is sure"
    else:
        background = f"leaves it {percent(n.left)}"
    return (
        f"With context every token meets every other: {n.pairs_all:.1f} million pairs for "
        f"{n.windows} windows, {n.windows} times as many as window by window. On {n.cores} CPU "
        f"cores this photo took {n.seconds:.1f} s, the encoder {percent(n.encoder)} of it.",
        f"Every pixel gets a word, also when none fits. We added {n.words} words that no photo "
        f"shows, one at a time, to each of {n.photos}. In {n.more} of {n.tries} tries it took "
        f"more than 1 % of the picture; the worst: “{n.word}” on {percent(n.area)}. The "
        f"background {background}. “Probably not in this photo” marks {n.doubted} of the {n.more}.",
        f"Attention can lose. In {n.gained} of {n.tests} tests on photos that the model had "
        "not seen, labels are better with all three switches than with each patch alone; on "
        f"“{n.worst_set}” mIoU is {_points(n.worst)} (standard error {n.worst_error:.1f}). In "
        f"{n.small_lost} of {n.small_tests} tests the switches lose more than a tenth of the small "
        "things that patches alone find.",
        f"The embedded model is small, and a patch covers about {n.patch:.0f} by {n.patch:.0f} "
        "pixels here. Attention shows where weight goes, not why.",
    )


LESSON = Lesson(
    slug="limits",
    short="Limits",
    title="Costs and limits",
    measure=measure,
    text=text,
    formulas=("pairs = (L · S)^{2} with context,   L · S^{2} without",),
    symbols=(
        ("L", "windows"),
        ("S", "tokens of a window"),
        ("mIoU", "overlap of labels and truth, mean over the words"),
        (
            "standard error",
            "how far a gain moves, give or take, with other photos of the kind; one smaller than "
            "it may be chance",
        ),
    ),
    try_label="Segment with the word that is not there",
    note=f"Seconds were measured by the program that built these lessons, best of {RUNS} runs.",
)
