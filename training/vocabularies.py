"""The vocabularies the heads are asked with during training, as a person would ask them."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from torch import Tensor

from training.data import DENSE_CONCEPTS, FACADE, MSRC, VOC
from training.words import Concepts, dense_names

Class = tuple[tuple[str, ...], tuple[str, ...]]  # words to ask with; dense classes it covers

#: Street scenes as driving data sets divide them. Names only: no photo of such a set is used.
STREET: tuple[Class, ...] = (
    (("sky",), ("sky",)),
    (("building", "building", "house", "facade"), ("building", "window", "door")),
    (("pole", "pole", "post", "lamp post", "column"), ("pole",)),
    (("road", "road", "asphalt"), ("road",)),
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


def ask(classes: tuple[Class, ...], concepts: Concepts, rng: random.Random) -> Question:
    """Samples a word per class; classes whose words were all left out are dropped."""
    at = {word: i for i, word in enumerate(concepts.words)}
    target = torch.full((len(concepts.keys),), -1)
    words: list[int] = []
    absent: list[bool] = []
    for names, labels in classes:
        known = [name for name in names if name in at]
        if not known:
            continue
        for number, (_, label) in enumerate(DENSE_CONCEPTS):
            if label in labels and concepts.own[number] >= 0:
                target[number] = len(words)
        absent.append(any(label in VOC for label in labels))
        words.append(at[rng.choice(known)])
    return Question(torch.tensor(words), target, torch.tensor(absent))


def questions(concepts: Concepts, rng: random.Random) -> dict[str, Question]:
    """This step's questions, by the data set whose crops they suit."""
    guests = tuple(guest for guest in STREET_GUESTS if rng.random() < 0.4)
    every = plain(sorted({*MSRC, *VOC, *FACADE} - {"window", "door", "vegetation", "face", "body"}))
    return {
        "msrc_v2": ask(plain(MSRC), concepts, rng),
        "labelmefacade": ask(plain(FACADE), concepts, rng),
        "voc2012": ask(plain(VOC), concepts, rng),
        "street": ask(STREET + guests, concepts, rng),
        "mixed": ask(every, concepts, rng),
    }
