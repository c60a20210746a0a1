"""Runs the frozen first stages of the image tower over training windows and keeps their maps."""

from __future__ import annotations

import argparse
import logging
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn import functional as F

from glaclip.backbones.lite.towers import ImageTower
from training.data import crops
from training.data.photos import DensePhoto, dense_photos, labelled_photos, select

log = logging.getLogger(__name__)
#: Pairs of windows in a file.
SHARD = 128
#: How often a set's training photos are used in one pass, on average.
SHARES = {
    "nyuv2": 2.0,
    "msrc_v2": 2.0,
    "labelmefacade": 2.2,
    "voc2012": 0.7,
    "stanford_background": 0.5,
    "facades_dusk": 1.5,
    "facades_cmp": 0.8,
    "clothing_ccp": 0.6,
    "backyard_surfaces": 1.5,
    "materials_matnet": 0.8,
    "animals4": 0.5,
    "wild_animals6": 0.5,
}


@torch.inference_mode()
def first_maps(tower: ImageTower, windows: list[np.ndarray], batch: int = 16) -> tuple[Tensor, ...]:
    """Maps of strides 8 and 16 that stay frozen, float16: [B, 48, 28, 28], [B, 120, 14, 14]."""
    fine, early = [], []
    for start in range(0, len(windows), batch):
        pixels = torch.from_numpy(np.stack(windows[start : start + batch]))
        # bfloat16 is three times as fast here, and no noisier than the augmentation.
        with torch.autocast("cpu", torch.bfloat16):
            maps = tower.first(pixels.permute(0, 3, 1, 2).float() / 255)
        fine.append(maps[0].half().contiguous())
        early.append(maps[1].half().contiguous())
    return torch.cat(fine), torch.cat(early)


def passes(data: Path, seed: int) -> list[DensePhoto]:
    """The training photos of one pass, in random order."""
    rng = random.Random(seed)
    chosen: list[DensePhoto] = []
    for name, share in SHARES.items():
        photos = select(dense_photos(data, name), "train")
        whole, rest = int(share), share - int(share)
        chosen += photos * whole + rng.sample(photos, round(rest * len(photos)))
    rng.shuffle(chosen)
    return chosen


def dense_shards(data: Path, count: int) -> Iterator[list[DensePhoto]]:
    """Photos of each file."""
    photos: list[DensePhoto] = []
    seed = 7
    for _ in range(count):
        while len(photos) < SHARD:
            photos += passes(data, seed)
            seed += 1
        yield photos[:SHARD]
        photos = photos[SHARD:]


def write_dense(data: Path, cache: Path, tower: ImageTower, count: int) -> None:
    """Writes `dense-0000.pt` ...: maps, labels and set of each pair of windows. Resumable."""
    sources = [p for name in ("voc2012", "msrc_v2") for p in dense_photos(data, name)]
    pieces = crops.cut_objects(select(sources, "train"))
    for number, chosen in enumerate(dense_shards(data, count)):
        path = cache / f"dense-{number:04d}.pt"
        if path.exists():
            continue
        started, rng = time.time(), random.Random(1000 + number)
        made = [crops.make_region(photo, pieces, rng) for photo in chosen]
        windows = [w for image, _, upright in made for w in crops.two_windows(image, upright)]
        labels = [w for _, found, upright in made for w in crops.two_windows(found, upright)]
        fine, early = first_maps(tower, windows)
        shard = {
            "fine": fine,
            "early": early,
            "labels": torch.from_numpy(np.stack(labels)),
            "upright": torch.tensor([upright for _, _, upright in made]),
            "sets": [photo.dataset for photo in chosen],
        }
        _save(shard, path)
        log.info("dense file %d of %d, %.0f s", number + 1, count, time.time() - started)


@torch.inference_mode()
def write_labelled(data: Path, cache: Path, tower: ImageTower, side: int = 224) -> None:
    """Writes `labelled.pt`: maps of each labelled photo, squeezed to a square, and where it is."""
    path = cache / "labelled.pt"
    if path.exists():
        return
    photos = labelled_photos(data)
    # All of ImageNet, half of the others.
    photos = [p for i, p in enumerate(photos) if p.dataset == "imagenet" or i % 2]
    fine, early, where = [], [], []
    for start in range(0, len(photos), 16):
        images = [np.asarray(_square(p.image, side)) for p in photos[start : start + 16]]
        maps = first_maps(tower, images)
        fine.append(maps[0])
        early.append(maps[1])
        with torch.autocast("cpu", torch.bfloat16):
            last = tower.last(maps[1].float())[-1]
            final = tower.final(last)
            logits = tower.net.classifier(final.permute(0, 2, 3, 1).flatten(1, 2)).float()
        # The classes of the photo as a whole, then where they are strong.
        top = logits.mean(1).topk(5).indices
        strength = logits.gather(2, top[:, None].expand(-1, logits.shape[1], -1)).amax(2)
        where.append(F.softmax(strength, dim=1))
    weight = torch.cat(where)
    # A scene is everywhere.
    weight[torch.tensor([p.dataset == "intel" for p in photos])] = 1 / weight.shape[1]
    shard = {
        "fine": torch.cat(fine),
        "early": torch.cat(early),
        "where": weight,
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
    parser.add_argument("--shards", type=int, default=34, help="files of 128 pairs of windows")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    arguments.cache.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tower = ImageTower(None)
    write_dense(arguments.data, arguments.cache, tower, min(arguments.shards, 6))
    write_labelled(arguments.data, arguments.cache, tower)
    log.info("labelled photos done")
    write_dense(arguments.data, arguments.cache, tower, arguments.shards)


if __name__ == "__main__":
    main()
