"""Chooses the directions that keep most of the keys' cosines, once the parts are trained."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn import functional as F

from glaclip.backbones.lite.backbone import load_heads, load_keys
from glaclip.backbones.lite.heads import Heads, stack_maps
from glaclip.backbones.lite.keys import KeyHead
from glaclip.backbones.lite.towers import ImageTower
from glaclip.settings import WindowSettings
from glaclip.windows import boxes, crops, resize_photo, working_size
from training.data.photos import HELD_OUT, dense_photos, select


@torch.inference_mode()
def set_basis(
    head: KeyHead, heads: Heads, tower: ImageTower, photos: list[Image.Image]
) -> tuple[float, float]:
    """Stores the directions; returns the share they keep and the mean cosine within a photo."""
    samples, means = [], []
    for photo in photos:
        size = working_size(photo.height, photo.width, WindowSettings())
        pixels = crops(resize_photo(photo, size), boxes(size, WindowSettings()))[:4]
        maps = tower(pixels)
        stacked = stack_maps(maps)
        parts = head.parts(stacked, heads.image(stacked, tower.final(maps[-1])))
        parts = F.normalize(parts.permute(0, 2, 3, 1).flatten(0, 2), dim=1)
        means.append(float(parts.mean(0).square().sum()))
        samples.append(parts[torch.randperm(len(parts))[:300]])
    sample = torch.cat(samples)
    strength, directions = torch.linalg.eigh(sample.T @ sample)
    size_kept = head.basis.shape[1]
    head.basis.copy_(directions[:, -size_kept:])
    return float(strength[-size_kept:].sum() / strength.sum()), sum(means) / len(means)


def main() -> None:
    """Writes the key head again, with its basis."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True, help="folder of training.run.train")
    parser.add_argument(
        "--keys", type=Path, help="folder of training.run.keys; that of the weights"
    )
    parser.add_argument("--photos", type=int, default=2, help="training photos a set")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    path = (arguments.keys or arguments.weights) / "keys.safetensors"
    head = load_keys(path)[0].eval()
    heads = load_heads(arguments.weights / "heads.safetensors")[0].eval()
    tower = ImageTower(arguments.weights / "tower.safetensors")
    photos = [
        Image.open(photo.image).convert("RGB")
        for name in HELD_OUT
        for photo in select(dense_photos(arguments.data, name), "train")[: arguments.photos]
    ]
    kept, mean = set_basis(head, heads, tower, photos)
    print(f"{head.basis.shape[1]} numbers keep {kept:.3f} of the parts; mean cosine {mean:.2f}")
    stored = {name: value.half().contiguous() for name, value in head.state_dict().items()}
    save_file(stored, path)


if __name__ == "__main__":
    main()
