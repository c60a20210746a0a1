"""The vocabularies the heads are asked with during training, as a person would ask them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.data.photos import DENSE_CONCEPTS, DENSE_SETS, FACADE, MSRC, ROOM, VOC
from training.data.words import Concepts, dense_names

Class = tuple[tuple[str, ...], tuple[str, ...]]  # words to ask with; dense classes it covers

#: Street scenes as driving data sets divide them. Names only: no photo of such a set is used.
STREET: tuple[Class, ...] = (
    (("sky",), ("sky",)),
    (("building", "building", "house", "facade"), ("building", "window", "door", "facade")),
    (("pole", "pole", "post", "lamp post", "column"), ("pole",)),
    (("road", "road", "asphalt"), ("road", "street")),
    (("pavement", "pavement", "walkway"), ("pavement",)),
    (("tree", "tree", "vegetation"), ("tree", "vegetation")),
    (("sign", "sign", "traffic sign", "sign symbol"), ("sign", "plate")),
    (("fence", "fence", "railing"), ("fence",)),
    (("car",), ("car",)),
    (("person", "pedestrian", "people"), ("person", "face", "body")),
    (("cyclist", "bicyclist", "bicyclist", "bicycle"), ("cyclist", "bicycle")),
)
#: Classes that may join a street vocabulary.
STREET_GUESTS: tuple[Class, ...] = (
    (("bus",), ("bus",)),
    (("motorbike",), ("motorbike",)),
    (("grass",), ("grass",)),
)

#: Sets whose classes are those of a street where the street's names match.
STREET_SETS = ("msrc_v2", "labelmefacade", "voc2012", "made", "facades_dusk")
#: Sets asked together, and their names that would cover one another.
MIXED_SETS = (
    "msrc_v2", "labelmefacade", "voc2012", "nyuv2", "stanford_background", "animals4",
    "wild_animals6", "facades_dusk",
)  # fmt: skip
MIXED_OUT = frozenset(
    (
        "window", "door", "vegetation", "face", "body", "diningtable", "desk", "tvmonitor", "book",
        "bookshelf", "shelves", "clothes",
    )
)  # fmt: skip
MIXED_MORE: tuple[Class, ...] = (
    (("table", "table", "dining table", "desk"), ("table", "diningtable", "desk")),
    (("television", "tv monitor", "screen"), ("television", "tvmonitor")),
    (("book", "books", "bookshelf"), ("book", "books", "bookshelf")),
)


def plain(labels: list[str]) -> tuple[Class, ...]:
    """One class per label, asked by its own name."""
    return tuple((dense_names(label)[:1], (label,)) for label in labels)


@dataclass(frozen=True)
class Question:
    """One vocabulary, ready for a step.

    Attributes:
        words: [C] indexes of the words asked with.
        target: [concepts] class index of each concept, -1 where it is not asked for.
        absent: [C] classes that VOC's background cannot be.
    """

    words: Tensor
    target: Tensor
    absent: Tensor


def ask(
    classes: tuple[Class, ...], concepts: Concepts, rng: random.Random, sets: Sequence[str]
) -> Question:
    """Samples a word per class of these sets; classes whose words were all left out are dropped."""
    at = {word: i for i, word in enumerate(concepts.words)}
    target = torch.full((len(concepts.keys),), -1)
    words: list[int] = []
    absent: list[bool] = []
    for names, labels in classes:
        known = [name for name in names if name in at]
        if not known:
            continue
        for number, (dataset, label) in enumerate(DENSE_CONCEPTS):
            if dataset in sets and label in labels and concepts.own[number] >= 0:
                target[number] = len(words)
        absent.append(any(label in VOC for label in labels))
        words.append(at[rng.choice(known)])
    return Question(torch.tensor(words), target, torch.tensor(absent))


def questions(concepts: Concepts, rng: random.Random) -> dict[str, Question]:
    """This step's questions, by the data set whose crops they suit."""
    guests = tuple(guest for guest in STREET_GUESTS if rng.random() < 0.4)
    every = {*MSRC, *VOC, *FACADE, *ROOM, "elephant", "flamingo", "fox", "lion"} - MIXED_OUT
    own = {
        name: ask(plain([la for la in labels if la != "void"]), concepts, rng, (name,))
        for name, labels in DENSE_SETS.items()
        if name != "made"
    }
    return own | {
        "street": ask(STREET + guests, concepts, rng, STREET_SETS),
        "mixed": ask(plain(sorted(every)) + MIXED_MORE, concepts, rng, MIXED_SETS),
    }
