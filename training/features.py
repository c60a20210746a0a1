"""Runs the frozen image tower over training crops and keeps the feature maps on disk."""

from __future__ import annotations

import argparse
import logging
import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from glaclip.backbones.lite.heads import stack_maps
from glaclip.backbones.lite.towers import ImageTower
from training import crops
from training.data import DensePhoto, dense_photos, labelled_photos, select

log = logging.getLogger(__name__)
SHARD = 256
#: Crops per pass over the photos; the last shards repeat photos with other crops.
REPEATS = {"msrc_v2": 9, "labelmefacade": 10, "voc2012": 3}


@torch.inference_mode()
def encode(tower: ImageTower, photos: list[np.ndarray], batch: int = 32) -> Tensor:
    """Stacked maps of photos of one size, float16."""
    parts = []
    for start in range(0, len(photos), batch):
        pixels = torch.from_numpy(np.stack(photos[start : start + batch]))
        maps = tower(pixels.permute(0, 3, 1, 2).float() / 255)
        parts.append(stack_maps(maps).half().contiguous())
    return torch.cat(parts)


def dense_shards(data: Path, cache: Path, tower: ImageTower, parts: tuple[str, ...]) -> None:
    """Writes `dense-0000.pt` ...: maps, label maps, set and photo of each crop. Resumable."""
    photos: list[DensePhoto] = []
    for name, count in REPEATS.items():
        photos += select(dense_photos(data, name), *parts) * count
    rng = random.Random(7)
    rng.shuffle(photos)
    sources = [p for name in ("voc2012", "msrc_v2") for p in dense_photos(data, name)]
    pieces = crops.cut_objects(select(sources, "train"))
    for number in range(len(photos) // SHARD):
        path = cache / f"dense-{number:04d}.pt"
        if path.exists():
            continue
        rng = random.Random(1000 + number)
        chosen = photos[number * SHARD : (number + 1) * SHARD]
        made = [crops.make_crop(photo, pieces, rng) for photo in chosen]
        shard = {
            "maps": encode(tower, [pair[0] for pair in made]),
            "labels": torch.from_numpy(np.stack([pair[1] for pair in made])),
            "photos": [f"{photo.dataset}/{photo.image.stem}" for photo in chosen],
            "parts": [photo.part for photo in chosen],
        }
        _save(shard, path)
        log.info("dense shard %d of %d", number + 1, len(photos) // SHARD)


def labelled_shard(data: Path, cache: Path, tower: ImageTower, side: int = 224) -> None:
    """Writes `labelled.pt`: one map per labelled photo, the whole photo squeezed to a square."""
    path = cache / "labelled.pt"
    if path.exists():
        return
    photos = labelled_photos(data)
    images = [np.asarray(_square(photo.image, side)) for photo in photos]
    shard = {
        "maps": encode(tower, images),
        "sets": [photo.dataset for photo in photos],
        "labels": [photo.label for photo in photos],
    }
    _save(shard, path)


def _square(path: Path, side: int) -> Image.Image:
    return ImageOps.fit(Image.open(path).convert("RGB"), (side, side), Image.Resampling.BICUBIC)


def _save(shard: dict[str, object], path: Path) -> None:
    part = path.with_suffix(".part")
    torch.save(shard, part)
    part.replace(path)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--cache", type=Path, required=True, help="folder for feature maps")
    parser.add_argument("--parts", nargs="+", default=["train", "validation"])
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    arguments.cache.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    tower = ImageTower()
    labelled_shard(arguments.data, arguments.cache, tower)
    log.info("labelled photos done")
    dense_shards(arguments.data, arguments.cache, tower, tuple(arguments.parts))


if __name__ == "__main__":
    main()
