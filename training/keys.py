"""Trains the key head: patches of one class are alike, and so are views of one patch.

Whole photos are cut into windows as the program does it. Two views of a patch, seen in two
windows, must get the same key; a patch must be nearer to the rest of its class in the photo than
to other classes. Photos without masks teach the views alone. Values play no part in training.
"""

from __future__ import annotations

import argparse
import logging
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from glaclip.backbones.lite.backbone import WEIGHTS, load_heads, load_keys
from glaclip.backbones.lite.heads import Heads, stack_maps
from glaclip.backbones.lite.keys import KeyHead
from glaclip.backbones.lite.towers import STAGE_CHANNELS, ImageTower
from glaclip.segmenter import resize_photo
from glaclip.settings import WindowSettings
from glaclip.windows import Box, boxes, crops, working_size
from training.data import BACKGROUND, IGNORE, captions, dense_photos, select
from training.streets import one_concept_a_name, street_scenes

log = logging.getLogger(__name__)
#: Sets and how many of their training photos are used.
SETS = {"msrc_v2": 340, "labelmefacade": 340, "voc2012": 340, "streets": 340, "flickr8k": 400}
#: Pixels of a key's patch.
PATCH = 8
#: The similarity that should divide same from different: the threshold rho in use.
DIVIDE, SOFTNESS = 0.7, 0.1
#: Wrongly alike patches spoil an anchor, wrongly unlike ones only make it smaller.
UNLIKE_WEIGHT, VIEW_WEIGHT = 2.0, 4.0


@dataclass(frozen=True)
class WindowMaps:
    """A photo's windows.

    Attributes:
        maps: [L, C, gh, gw] stacked tower maps, float16.
        labels: [N] concept of each patch, IGNORE where mixed or unknown, uint8.
        places: [N, 2] row and column in pixels of the resized photo, int16.
    """

    maps: Tensor
    labels: Tensor
    places: Tensor


@torch.no_grad()
def read_windows(
    image: Image.Image, concepts: np.ndarray, path: Path, tower: ImageTower, windows: WindowSettings
) -> WindowMaps:
    """A photo's windows; `path` keeps the tower's maps."""
    size = working_size(image.height, image.width, windows)
    cut = boxes(size, windows)
    if path.exists():
        maps = torch.load(path, weights_only=True)["maps"]
    else:
        pixels = torch.split(crops(resize_photo(image, size), cut), 8)
        maps = torch.cat([stack_maps(tower(part)).half() for part in pixels])
        torch.save({"maps": maps}, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)
    return WindowMaps(
        maps, patch_labels(concepts, size, cut).to(torch.uint8), patch_places(cut).short()
    )


def training_photos(
    data: Path, dataset: str, count: int
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, photo uint8 [H, W, 3] and concepts uint8 [H, W] of a set's training photos."""
    if dataset == "streets":
        for scene in street_scenes(data, "train", count):
            yield scene.name, scene.pair[0], one_concept_a_name(scene.pair[1])
    elif dataset == "flickr8k":
        for path in sorted(captions(data))[:count]:
            photo = np.asarray(Image.open(path).convert("RGB"))
            yield path.stem, photo, np.full(photo.shape[:2], IGNORE, dtype=np.uint8)
    else:
        for chosen in select(dense_photos(data, dataset), "train")[:count]:
            yield chosen.image.stem, *chosen.read()


def patch_labels(labels: np.ndarray, size: tuple[int, int], windows: tuple[Box, ...]) -> Tensor:
    """[N] the concept that fills three quarters of a patch, else 255."""
    at_size = F.interpolate(torch.from_numpy(labels)[None, None].float(), size, mode="nearest")
    parts = []
    for box in windows:
        window = at_size[0, 0, box.top : box.bottom, box.left : box.right].long()
        patches = window.unfold(0, PATCH, PATCH).unfold(1, PATCH, PATCH).flatten(2).flatten(0, 1)
        most = patches.mode(1).values
        pure = (patches == most[:, None]).float().mean(1) >= 0.75
        parts.append(torch.where(pure, most, 255))
    return torch.cat(parts)


def patch_places(windows: tuple[Box, ...]) -> Tensor:
    """[N, 2] top left corners of patches."""
    parts = []
    for box in windows:
        rows = torch.arange(box.top, box.bottom, PATCH)
        columns = torch.arange(box.left, box.right, PATCH)
        parts.append(torch.cartesian_prod(rows, columns))
    return torch.cat(parts)


def row_mean(values: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Means of the chosen entries of each row, and whether there are any."""
    count = chosen.sum(1)
    return (values * chosen).sum(1) / count.clamp(min=1), count > 0


def photo_loss(
    head: KeyHead,
    photo: WindowMaps,
    rows: int,
    columns: int,
    silence: float,
    running: dict[str, float],
) -> Tensor:
    """Loss of a sample of a photo's patches."""
    # Silenced channels differ between windows, as windows' own errors do.
    keys = head.trained(F.dropout2d(photo.maps.float(), silence)).permute(0, 2, 3, 1).flatten(0, 2)
    labels, places = photo.labels.long(), photo.places.long()
    asked = torch.randperm(len(labels))[: rows // 2]
    near = (places[asked][:, None] - places[None]).abs().amax(-1) < PATCH // 2
    near[torch.arange(len(asked)), asked] = False
    chance, view = (near * torch.rand(near.shape)).max(1)
    seen_twice = chance > 0
    row, column = torch.cat([asked, view]), torch.randperm(len(labels))[:columns]
    scores = (keys[row] @ keys[column].T - DIVIDE) / SOFTNESS
    mine, theirs = labels[row][:, None], labels[column][None]
    # VOC's background is unlike every object, but not one thing.
    alike = (mine == theirs) & (mine < BACKGROUND)
    unlike = (mine != theirs) & (mine <= BACKGROUND) & (theirs <= BACKGROUND)
    pull, has_alike = row_mean(F.softplus(-scores), alike)
    push, has_unlike = row_mean(F.softplus(scores), unlike)
    _, index, count = torch.unique(labels, return_inverse=True, return_counts=True)
    weight = (count.float() ** -0.5)[index][row] * (labels[row] <= BACKGROUND)
    total = weight.sum().clamp(min=1e-6)
    pulled = (pull * has_alike * weight).sum() / total
    pushed = (push * has_unlike * weight).sum() / total
    views = (1 - (keys[asked] * keys[view]).sum(1))[seen_twice].mean()
    for name, value in (("alike", pulled), ("unlike", pushed), ("views", views)):
        now = float(value.detach())
        running[name] = 0.97 * running.get(name, now) + 0.03 * now
    loss: Tensor = pulled + UNLIKE_WEIGHT * pushed + VIEW_WEIGHT * views
    return loss


def train(arguments: argparse.Namespace, heads: Heads, photos: list[WindowMaps]) -> KeyHead:
    """Trains the trained part; goes on from an interrupted run of the same output file."""
    head = KeyHead()
    head.stacked_mean.copy_(heads.image.stacked_mean)
    head.stacked_scale.copy_(heads.image.stacked_scale)
    rng = random.Random(arguments.seed)
    optimizer = torch.optim.AdamW(head.parameters(), lr=arguments.rate, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, arguments.rate, total_steps=arguments.steps, pct_start=0.1
    )
    average = torch.optim.swa_utils.AveragedModel(
        head,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.98),  # type: ignore[no-untyped-call]
    )
    state = arguments.out.with_suffix(".state")
    keepers: dict[str, Any] = {
        "head": head,
        "optimizer": optimizer,
        "schedule": schedule,
        "average": average,
    }
    first = 0
    if state.exists():
        saved = torch.load(state, weights_only=True)
        first = saved.pop("step")
        for name, part in saved.items():
            keepers[name].load_state_dict(part)
        log.info("going on at step %d", first)
    running: dict[str, float] = {}
    started = time.time()
    for step in range(first, arguments.steps):
        optimizer.zero_grad()
        for photo in rng.sample(photos, arguments.batch):
            loss = photo_loss(
                head, photo, arguments.rows, arguments.columns, arguments.silence, running
            )
            (loss / arguments.batch).backward()
        optimizer.step()
        schedule.step()
        average.update_parameters(head)
        if step % 50 == 49:
            figures = "  ".join(f"{name} {value:.3f}" for name, value in running.items())
            log.info("step %d  %s  %.0f s", step + 1, figures, time.time() - started)
        if step % 200 == 199:
            torch.save(
                {"step": step + 1, **{n: part.state_dict() for n, part in keepers.items()}}, state
            )
    state.unlink(missing_ok=True)
    trained: KeyHead = average.module  # type: ignore[assignment]
    return trained


@torch.no_grad()
def set_basis(head: KeyHead, heads: Heads, tower: ImageTower, photos: list[WindowMaps]) -> float:
    """Stores the directions that keep most of the parts' inner products; returns the share kept."""
    samples = []
    for photo in photos:
        stacked = photo.maps.float()
        last = stacked[:, -STAGE_CHANNELS[-1] :].contiguous()
        values = heads.image(stacked, tower.final(last))
        parts = head.parts(stacked, values).permute(0, 2, 3, 1).flatten(0, 2)
        samples.append(parts[torch.randperm(len(parts))[:400]])
    sample = F.normalize(torch.cat(samples), dim=1)
    strength, directions = torch.linalg.eigh(sample.T @ sample)
    size = head.basis.shape[1]
    head.basis.copy_(directions[:, -size:])
    return float(strength[-size:].sum() / strength.sum())


def main() -> None:
    """Trains and writes the key head."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True, help="folder for windows' maps")
    parser.add_argument("--heads", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, default=WEIGHTS.with_name("keys.safetensors"))
    parser.add_argument(
        "--trained", type=Path, help="take the trained part from here; only choose the basis anew"
    )
    parser.add_argument("--steps", type=int, default=2100)
    parser.add_argument("--batch", type=int, default=3)
    parser.add_argument("--rows", type=int, default=360)
    parser.add_argument("--columns", type=int, default=2500)
    parser.add_argument("--silence", type=float, default=0.15)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.manual_seed(arguments.seed)
    arguments.cache.mkdir(parents=True, exist_ok=True)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    heads, tower = load_heads(arguments.heads)[0].eval(), ImageTower()
    photos = []
    for dataset, count in SETS.items():
        for name, image, concepts in training_photos(arguments.data, dataset, count):
            path = arguments.cache / f"{dataset}-{name}.pt"
            photo = Image.fromarray(image)
            photos.append(read_windows(photo, concepts, path, tower, WindowSettings()))
        log.info("%s: %d photos in all", dataset, len(photos))
    if arguments.trained:
        head = load_keys(arguments.trained)[0].eval()
    else:
        head = train(arguments, heads, photos).eval()
    kept = set_basis(head, heads, tower, photos[:: max(len(photos) // 60, 1)])
    log.info("%d numbers keep %.3f of the parts", head.basis.shape[1], kept)
    stored = {name: value.half().contiguous() for name, value in head.state_dict().items()}
    save_file(stored, arguments.out)


if __name__ == "__main__":
    main()
