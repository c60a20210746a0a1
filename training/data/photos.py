"""Readers of the training photos, their splits, and the concepts their masks speak of.

A mask value means a *concept*: one class of one data set. Which words name a concept is the
business of `training.data.words`.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

IGNORE = 255
#: Photos that are also in another set or part, one "set/name" a line: they belong to no part.
TWINS = frozenset(Path(__file__).with_name("twins.txt").read_text().split())
#: VOC's background: none of VOC's 20 classes is there, but nobody says what is.
BACKGROUND = 254

MSRC = [
    "building", "grass", "tree", "cow", "horse", "sheep", "sky", "mountain", "aeroplane", "water",
    "face", "car", "bicycle", "flower", "sign", "bird", "book", "chair", "road", "cat", "dog",
    "body", "boat",
]  # fmt: skip
FACADE = [
    "building", "car", "door", "pavement", "road", "sky", "vegetation", "window",
]  # fmt: skip
VOC = [
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
]  # fmt: skip
ROOM = [
    "wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf",
    "picture", "counter", "blinds", "desk", "shelves", "curtain", "dresser", "pillow", "mirror",
    "floor mat", "clothes", "ceiling", "books", "refrigerator", "television", "paper", "towel",
    "shower curtain", "box", "whiteboard", "person", "night stand", "toilet", "sink", "lamp",
    "bathtub", "bag",
]  # fmt: skip
DUSK = [
    "facade", "balcony fence", "car", "fence", "street", "vegetation", "window",
]  # fmt: skip
PARTS = [
    "facade", "window", "door", "cornice", "sill", "balcony", "blind", "decoration", "molding",
    "pillar", "shop",
]  # fmt: skip
OUTDOOR = [
    "sky", "tree", "road", "grass", "water", "building", "mountain",
]  # fmt: skip
CLOTHES = [
    "void", "bag", "belt", "blazer", "blouse", "bodysuit", "boots", "bra", "bracelet", "cape",
    "cardigan", "clogs", "coat", "dress", "earrings", "flats", "glasses", "gloves", "hair", "hat",
    "heels", "hoodie", "void", "jacket", "jeans", "jumper", "leggings", "loafers", "necklace",
    "panties", "pants", "pumps", "purse", "ring", "romper", "sandals", "scarf", "shirt", "shoes",
    "shorts", "skin", "skirt", "sneakers", "socks", "stockings", "suit", "sunglasses", "sweater",
    "sweatshirt", "swimwear", "t-shirt", "tie", "tights", "top", "vest", "wallet", "watch",
    "wedges",
]  # fmt: skip
GROUND = [
    "sand", "cement", "concrete", "leaves", "dry leaves", "dry branches", "grass", "dry grass",
    "wall", "soil", "brick",
]  # fmt: skip
ANIMALS = [
    "elephant", "rhino", "flamingo", "emu",
]  # fmt: skip
MATERIALS = [
    "brick", "ceramic", "fabric", "foliage", "food", "fur", "glass", "leather", "metal", "void",
    "paper", "plastic", "skin", "stone", "water", "wood",
]  # fmt: skip
WILD = [
    "cheetah", "fox", "hyena", "lion", "tiger", "wolf",
]  # fmt: skip
#: Made by `training.data.crops`: riders from VOC masks, poles, fences and signs drawn by a program.
MADE = [
    "cyclist", "pole", "fence", "plate",
]  # fmt: skip
INTEL = [
    "buildings", "forest", "glacier", "mountain", "sea", "street",
]  # fmt: skip

#: Masks' classes in the order of their values, 1 first; "void" is ignored.
DENSE_SETS = {
    "msrc_v2": MSRC,
    "labelmefacade": FACADE,
    "voc2012": VOC,
    "made": MADE,
    "nyuv2": ROOM,
    "facades_dusk": DUSK,
    "facades_cmp": PARTS,
    "stanford_background": OUTDOOR,
    "clothing_ccp": CLOTHES,
    "backyard_surfaces": GROUND,
    "animals4": ANIMALS,
    "materials_matnet": MATERIALS,
    "wild_animals6": WILD,
}
#: (data set, class) of every dense concept; the position is the number used in label maps.
DENSE_CONCEPTS = tuple((name, label) for name, labels in DENSE_SETS.items() for label in labels)
#: Photos kept out of training, by set: (validation, test).
HELD_OUT = {
    "msrc_v2": (40, 70),
    "labelmefacade": (40, 60),
    "voc2012": (60, 100),
    "nyuv2": (40, 60),
    "facades_dusk": (16, 24),
    "facades_cmp": (14, 20),
    "stanford_background": (40, 60),
    "clothing_ccp": (20, 40),
    "backyard_surfaces": (8, 12),
    "animals4": (20, 30),
    "materials_matnet": (25, 40),
    "wild_animals6": (15, 25),
}


def concept(dataset: str, label: str) -> int:
    """The number of a dense concept."""
    return DENSE_CONCEPTS.index((dataset, label))


@dataclass(frozen=True)
class DensePhoto:
    """A photo with a mask; `part` is train, validation or test."""

    dataset: str
    image: Path
    mask: Path
    part: str

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Photo uint8 [H, W, 3] and concept numbers uint8 [H, W]."""
        image = np.asarray(Image.open(self.image).convert("RGB"))
        return image, _table(self.dataset)[np.asarray(Image.open(self.mask))]

    def read_classes(self) -> tuple[Image.Image, np.ndarray]:
        """Photo and its set's class indexes int [H, W], 255 where ignored."""
        shift = concept(self.dataset, DENSE_SETS[self.dataset][0])
        image, labels = self.read()
        known = labels < BACKGROUND
        return Image.fromarray(image), np.where(known, labels.astype(np.int64) - shift, IGNORE)


def _table(dataset: str) -> np.ndarray:
    table = np.full(256, IGNORE, dtype=np.uint8)
    for index, label in enumerate(DENSE_SETS[dataset]):
        if label != "void":
            table[index + 1] = concept(dataset, label)
    if dataset == "voc2012":
        table[0] = BACKGROUND
    return table


def dense_photos(data: Path, dataset: str, seed: int = 0) -> list[DensePhoto]:
    """All photos of a dense set with their part; the split depends on the seed alone."""
    folder = data / "dense" / dataset
    images = sorted((folder / "images").iterdir())
    order = random.Random(f"{dataset}-{seed}").sample(range(len(images)), len(images))
    validation, test = HELD_OUT[dataset]
    part = dict.fromkeys(order[:test], "test")
    part |= dict.fromkeys(order[test : test + validation], "validation")
    return [
        DensePhoto(
            dataset,
            image,
            folder / "masks" / f"{image.stem}.png",
            "twin" if f"{dataset}/{image.stem}" in TWINS else part.get(index, "train"),
        )
        for index, image in enumerate(images)
    ]


def select(photos: Sequence[DensePhoto], *parts: str) -> list[DensePhoto]:
    """The photos of the named parts."""
    return [photo for photo in photos if photo.part in parts]


@dataclass(frozen=True)
class LabelledPhoto:
    """A photo with one label for the whole of it."""

    dataset: str
    image: Path
    label: str


def imagenet_rows(data: Path) -> list[tuple[str, str]]:
    """(WordNet id, name) of the 1000 classes in the order of the classifier's rows."""
    with open(data / "labelled" / "imagenet1k_sample" / "labels.csv", newline="") as file:
        rows = [(row["wnid"], row["name"]) for row in csv.DictReader(file)]
    return sorted(rows)


def labelled_photos(data: Path) -> list[LabelledPhoto]:
    """ImageNet's sample (label: WordNet id), Intel scenes and Caltech-101 (label: folder)."""
    root = data / "labelled"
    with open(root / "imagenet1k_sample" / "labels.csv", newline="") as file:
        photos = [
            LabelledPhoto("imagenet", root / "imagenet1k_sample" / row["file"], row["wnid"])
            for row in csv.DictReader(file)
        ]
    for dataset, folder in (("intel", "intel_scenes"), ("caltech", "caltech101")):
        for image in sorted((root / folder).glob("*/*.jpg")):
            photos.append(LabelledPhoto(dataset, image, image.parent.name))
    return photos
