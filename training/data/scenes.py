"""Random training photos cut into windows as the page cuts them, with the class of each token."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.data import crops, streets
from training.data.photos import BACKGROUND, DENSE_SETS, concept, dense_photos, select
from training.data.samples import SHARES
from training.data.words import dense_names

#: Side of a window and stride in pixels; tokens of a side: half a window is a whole number.
SIDE, STRIDE, GRID = 224, 112, 28
CELL = SIDE // GRID
#: How often a facade photo becomes a street scene.
STREETS = 0.75
#: Short sides that photos are scaled to, from and to, in pixels; objects of VOC are large.
SCALES = {"voc2012": (260, 420)}
USUAL_SCALE = (300, 460)


@dataclass(frozen=True)
class Scene:
    """A photo's L windows.

    Attributes:
        dataset: where its photo is from.
        names: which names its classes have, see `names_of`.
        pixels: uint8 [L, 3, 224, 224].
        concepts: [N] int, N = L x 784: dense concepts, BACKGROUND or IGNORE.
        classes: [N] int: indexes of the names, BACKGROUND or IGNORE.
        places: [N] int, equal for tokens of two windows that show one place.
    """

    dataset: str
    names: str
    pixels: Tensor
    concepts: Tensor
    classes: Tensor
    places: Tensor


class Scenes:
    """Training photos in random order, each set as often as its share says."""

    def __init__(self, data: Path, seed: int, share: float = 1.0) -> None:
        """Args:
        share: of the photos that objects are cut out of, for one of many readers at once.
        """
        self.rng = random.Random(seed)
        self.photos = {name: select(dense_photos(data, name), "train") for name in SHARES}
        sources = [p for name in ("voc2012", "msrc_v2") for p in self.photos[name]]
        walkers = self.photos["clothing_ccp"]
        if share < 1:
            sources, walkers = (
                self.rng.sample(photos, round(share * len(photos))) for photos in (sources, walkers)
            )
        self.pieces = crops.cut_objects(sources)
        self.pieces["person"] += crops.cut_people(walkers)

    def next(self) -> Scene:
        """One scene."""
        rng = self.rng
        name = dataset = rng.choices(list(SHARES), list(SHARES.values()))[0]
        pair = rng.choice(self.photos[name]).read()
        if name == "labelmefacade" and rng.random() < STREETS:
            pair = streets.put_together(pair, self.pieces, str(rng.random()))
            name = "streets"
        pair = crops.scaled(pair, rng.uniform(*SCALES.get(name, USUAL_SCALE)), rng)
        size = [336, rng.choice((336, 448, 448))]
        if pair[1].shape[0] > pair[1].shape[1]:
            size.reverse()
        image, labels = crops.region(pair, rng, *size)
        if rng.random() < 0.6:
            image = crops.photometric(image, rng)
        return cut(dataset, name, image, labels)


def cut(dataset: str, names: str, image: np.ndarray, concepts: np.ndarray) -> Scene:
    """A scene from a photo uint8 [H, W, 3] and its concepts uint8 [H, W].

    Sides are multiples of the stride; a token's class is the one at its center.
    """
    height, width = concepts.shape
    starts = [
        (top, left)
        for top in range(0, height - SIDE + 1, STRIDE)
        for left in range(0, width - SIDE + 1, STRIDE)
    ]
    pixels = np.stack([image[y : y + SIDE, x : x + SIDE] for y, x in starts])
    centers = concepts[CELL // 2 :: CELL, CELL // 2 :: CELL].astype(np.int64)
    numbers = np.arange(centers.size).reshape(centers.shape)

    def tokens(grid: np.ndarray) -> Tensor:
        parts = [grid[y // CELL :, x // CELL :][:GRID, :GRID] for y, x in starts]
        return torch.from_numpy(np.stack(parts).reshape(-1))

    return Scene(
        dataset,
        names,
        torch.from_numpy(pixels).permute(0, 3, 1, 2),
        tokens(centers),
        tokens(_classes(names, centers)),
        tokens(numbers),
    )


def _classes(names: str, concepts: np.ndarray) -> np.ndarray:
    if names == "streets":
        remapped: np.ndarray = streets.concept_remap()[concepts]
        return remapped
    shift = concept(names, DENSE_SETS[names][0])
    return np.where(concepts < BACKGROUND, concepts - shift, concepts)


def names_of(scene: str) -> list[str]:
    """What a scene's classes are asked by."""
    if scene == "streets":
        return list(streets.NAMES)
    return [dense_names(label)[0] for label in DENSE_SETS[scene]]
