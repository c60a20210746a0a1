"""Trains the key head through the method's own attention, with the values left as they are.

A photo's windows are encoded as the page encodes them. Some of its tokens ask: their sets, scores,
mask and weights are computed as in method, section 2, the two comparisons soft for the gradient
only. What the weights gather should name the token's class, from tokens of that class.
"""

from __future__ import annotations

import argparse
import logging
import math
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from glaclip.backbones.lite.backbone import TEMPLATES, load_heads
from glaclip.backbones.lite.heads import FOLDED, Heads, resize, stack_maps
from glaclip.backbones.lite.keys import EARLY_CHANNELS, SHARES, KeyHead
from glaclip.backbones.lite.towers import ImageTower, TextTower
from training import crops, streets
from training.data import BACKGROUND, DENSE_SETS, IGNORE, concept, dense_photos, select
from training.samples import SHARES as SET_SHARES
from training.words import dense_names

log = logging.getLogger(__name__)
#: Side of a window, stride, tokens of a side: half a window is a whole number of tokens.
SIDE, STRIDE, GRID = 224, 112, 28
#: Softness of the two comparisons' gradients.
SOFTNESS = 0.05
#: Windows that the threshold counts, as in a photo of 4 : 3.
WINDOWS = 8
LOGIT_SCALE = 40.0


class Scenes:
    """Random training photos as windows, with the class of each token."""

    def __init__(self, data: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.photos = {name: select(dense_photos(data, name), "train") for name in SET_SHARES}
        sources = [p for name in ("voc2012", "msrc_v2") for p in self.photos[name]]
        self.pieces = crops.cut_objects(sources)
        self.streets = streets.concept_remap()

    def next(self) -> tuple[str, Tensor, Tensor]:
        """Name of the vocabulary, windows [L, 3, 224, 224] in 0..1, classes [L, 28, 28]."""
        rng = self.rng
        name = rng.choices(list(SET_SHARES), list(SET_SHARES.values()))[0]
        photo = rng.choice(self.photos[name])
        pair = photo.read()
        kind = name
        if name == "labelmefacade" and rng.random() < 0.75:
            pair = streets.put_together(pair, self.pieces, str(rng.random()))
            kind = "streets"
        low, high = {"voc2012": (260, 420)}.get(name, (300, 460))
        pair = crops.scaled(pair, rng.uniform(low, high), rng)
        wide = pair[1].shape[1] >= pair[1].shape[0]
        size = (336, rng.choice((336, 448, 448))) if wide else (rng.choice((336, 448, 448)), 336)
        image, labels = crops.region(pair, rng, *size)
        if rng.random() < 0.6:
            image = crops.photometric(image, rng)
        starts = [(r, c) for r in range(0, size[0] - 223, STRIDE)
                  for c in range(0, size[1] - 223, STRIDE)]  # fmt: skip
        pixels = torch.from_numpy(np.stack([image[r : r + SIDE, c : c + SIDE] for r, c in starts]))
        small = labels[4::8, 4::8]
        tokens = np.stack(
            [small[r // 8 : r // 8 + GRID, c // 8 : c // 8 + GRID] for r, c in starts]
        ).astype(np.int64)
        if kind == "streets":
            tokens = self.streets[tokens]
        else:
            shift = concept(name, DENSE_SETS[name][0])
            tokens = np.where(tokens < BACKGROUND, tokens - shift, tokens)
        self.places = torch.tensor(
            [[(r // 8 + y) * 1000 + c // 8 + x for y in range(GRID) for x in range(GRID)]
             for r, c in starts]
        )  # fmt: skip
        return kind, pixels.permute(0, 3, 1, 2).float() / 255, torch.from_numpy(tokens)


def names_of(kind: str) -> list[str]:
    """What a set's classes are asked by."""
    if kind == "streets":
        return list(streets.NAMES)
    return [dense_names(label)[0] for label in DENSE_SETS[kind]]


@torch.no_grad()
def text_features(heads: Heads, kinds: list[str]) -> dict[str, Tensor]:
    """[names, E] of each set."""
    tower = TextTower(torch.device("cpu"))
    found = {}
    for kind in kinds:
        per = [heads.text(tower([t.format(n) for n in names_of(kind)])) for t in TEMPLATES]
        found[kind] = F.normalize(torch.stack(per).mean(0), dim=-1).clone()
    return found


@torch.no_grad()
def encode(tower: ImageTower, heads: Heads, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Normalized stacked maps [L, C, 14, 14] and values [L, E, 28, 28]."""
    maps = tower(pixels)
    image = heads.image
    x = image.normalized(stack_maps(maps))
    branch = image.branch(x)
    fine = F.pixel_shuffle(x[:, :FOLDED], 2)
    coarse = image.general(tower.final(maps[-1])) + image.leave(branch)
    values = resize(coarse, (GRID, GRID)) + image.detail(fine, branch)
    return x, values


def keys_of(head: KeyHead, x: Tensor, values: Tensor) -> Tensor:
    """Unit keys [N, parts] of all windows; `basis` is chosen after training."""
    grid = (GRID, GRID)
    fine = F.pixel_shuffle(x[:, :FOLDED], 2)
    early = x[:, FOLDED : FOLDED + EARLY_CHANNELS]
    parts = (head.trained(x, values), fine, resize(early, grid))
    weighted = [F.normalize(p, dim=1) * s**0.5 for p, s in zip(parts, SHARES, strict=True)]
    keys = torch.cat(weighted, dim=1).permute(0, 2, 3, 1).flatten(0, 2)
    return F.normalize(keys, dim=1)


def over(scores: Tensor, bound: float | Tensor, softness: float = SOFTNESS) -> Tensor:
    """1 where scores pass the bound, else 0; with the gradient of a soft comparison."""
    soft = torch.sigmoid((scores - bound) / softness)
    return (scores > bound).to(soft.dtype) + soft - soft.detach()


def attention_weights(
    keys: Tensor, rows: Tensor, windows: int, constants: argparse.Namespace
) -> tuple[Tensor, Tensor]:
    """Weights [R, N] of rows with all three switches on, and scores less threshold [R, N]."""
    query = keys[rows]
    for _ in range(2):
        member = over(query @ keys.T, constants.rho)
        size = member.detach().sum(1, keepdim=True)
        mean = member @ keys
        query = F.normalize(torch.where(size > 0, mean, keys[rows]), dim=1)
    scores = query @ keys.T
    bound = 1 + constants.shift * math.log(1 + windows)
    above = scores - bound * scores.mean(1, keepdim=True).clamp(min=0)
    sharp = 1 + constants.scale / size.clamp(min=1)
    lowest = above.amax(1, keepdim=True).clamp(max=0).detach()
    soft = torch.sigmoid((above - lowest) / SOFTNESS)
    kept = (above >= lowest).float() + soft - soft.detach()
    raised = (sharp * above - (sharp * above).amax(1, keepdim=True).detach()).exp() * kept
    return raised / raised.sum(1, keepdim=True).clamp(min=1e-6), above


def rarity(marks: Tensor, count: int) -> Tensor:
    """Tokens [count] of known classes, of small classes more often."""
    known = marks < BACKGROUND
    sizes = torch.bincount(marks[known], minlength=256).float()
    chance = torch.where(known, sizes[marks].clamp(min=1) ** -0.6, torch.zeros(()))
    if not known.any():
        chance = torch.ones_like(chance)
    return torch.multinomial(chance, count, replacement=True)


def losses(
    keys: Tensor, values: Tensor, marks: Tensor, places: Tensor, text: Tensor,
    windows: int, constants: argparse.Namespace,
) -> dict[str, Tensor]:  # fmt: skip
    """What is asked of one photo's keys.

    Args:
        keys: [N, D] unit vectors.
        values: [N, E] before normalization.
        marks: [N] classes, BACKGROUND or IGNORE.
        places: [N] equal for tokens that show the same place.
        text: [names, E].
    """
    first = rarity(marks, constants.rows // 2)
    alike = (places[first][:, None] == places[None]).float()
    alike.scatter_(1, first[:, None], 1e-6)  # itself only where no other window shows the place
    rows = torch.cat([first, torch.multinomial(alike, 1).flatten()])
    weights, above = attention_weights(keys, rows, windows, constants)
    mine = marks[rows]
    given = mine < BACKGROUND
    same = (mine[:, None] == marks[None]) & given[:, None]
    known = marks[None] != IGNORE
    found: dict[str, Tensor] = {}
    # What is gathered names the class.
    out = F.normalize(weights @ values, dim=1)
    logits = LOGIT_SCALE * out @ text.T
    zero = keys.sum() * 0
    if given.any():
        found["names"] = F.cross_entropy(logits[given], mine[given], label_smoothing=0.05)
        inside = (weights * same).sum(1) / (weights * known).sum(1).clamp(min=1e-6)
        found["mass"] = -inside[given].clamp(min=1e-3).log().mean() * constants.mass
        # Of its own class, how much is gathered from: many tokens, or a picture of single windows.
        soft = torch.sigmoid(above / SOFTNESS)
        reached = (soft * same).sum(1) / same.sum(1).clamp(min=1)
        found["reach"] = (1 - reached[given]).mean() * constants.reach
    # Some tokens are always above the threshold.
    best = above.topk(24, dim=1).values.mean(1)
    found["alive"] = F.relu(0.08 - best).mean() * constants.alive
    # One place, one key, and one answer.
    one, other = keys[rows].chunk(2)
    found["views"] = (1 - (one * other).sum(1)).mean() * constants.views
    one, other = logits.log_softmax(1).chunk(2)
    apart = (one.exp() - other.exp()) * (one - other)
    found["answers"] = apart.sum(1).mean() * constants.answers
    return {name: value + zero for name, value in found.items()}


def run(p: argparse.Namespace) -> None:
    """Trains, going on from an interrupted run."""
    torch.manual_seed(p.seed)
    torch.set_num_threads(p.threads)
    heads = load_heads(p.weights / "heads.safetensors")[0].eval().requires_grad_(False)
    tower = ImageTower(p.weights / "tower.safetensors")
    text = text_features(heads, [*SET_SHARES, "streets"])
    head = KeyHead()
    stored = {n: t.float() for n, t in load_file(p.start / "keys.safetensors").items()}
    stored.pop("basis", None)
    head.load_state_dict(stored, strict=False)
    trained = [q for q in head.parameters() if q.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=p.rate, weight_decay=0.02, betas=(0.9, 0.98))
    average = torch.optim.swa_utils.AveragedModel(
        head,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995),  # type: ignore[no-untyped-call]
    )
    keepers: dict[str, Any] = {"model": head, "optimizer": optimizer, "average": average}
    state, first = p.out / "keys.state", 0
    if state.exists():
        saved = torch.load(state, weights_only=True)
        for name, keeper in keepers.items():
            keeper.load_state_dict(saved[name])
        first = saved["step"]
    scenes = Scenes(p.data, p.seed + first)
    running: dict[str, float] = {}
    started = time.time()
    for step in range(first, p.steps):
        scale = min(1.0, (step + 1) / 50)
        scale *= 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / p.steps))
        for group in optimizer.param_groups:
            group["lr"] = p.rate * scale
        optimizer.zero_grad()
        for _ in range(p.photos):
            kind, pixels, classes = scenes.next()
            x, values = encode(tower, heads, pixels)
            keys = keys_of(head, x, values)
            flat = values.permute(0, 2, 3, 1).flatten(0, 2)
            found = losses(
                keys, flat, classes.flatten(), scenes.places.flatten(), text[kind], WINDOWS, p
            )
            (torch.stack(list(found.values())).sum() / p.photos).backward()
            for name, value in found.items():
                running[name] = 0.98 * running.get(name, value.item()) + 0.02 * value.item()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        average.update_parameters(head)
        if step % 25 == 24:
            figures = " ".join(f"{name} {value:.3f}" for name, value in running.items())
            log.info("step %d, %.0f s: %s", step + 1, time.time() - started, figures)
        if step % 100 == 99:
            part = state.with_suffix(".part")
            torch.save({"step": step + 1, **{n: k.state_dict() for n, k in keepers.items()}}, part)
            part.replace(state)
            kept = {n: t.half().contiguous() for n, t in average.module.state_dict().items()}
            save_file(kept, p.out / "keys.safetensors")


def main() -> None:
    """Command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", type=Path, required=True)
    p.add_argument("--weights", type=Path, required=True, help="folder of tower and heads")
    p.add_argument("--start", type=Path, required=True, help="folder of keys to start from")
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--steps", type=int, default=1500)
    p.add_argument("--photos", type=int, default=2, help="photos a step")
    p.add_argument("--rows", type=int, default=256)
    p.add_argument("--rate", type=float, default=1e-3)
    p.add_argument("--rho", type=float, default=0.7)
    p.add_argument("--shift", type=float, default=0.2)
    p.add_argument("--scale", type=float, default=1000)
    p.add_argument("--mass", type=float, default=0.5)
    p.add_argument("--reach", type=float, default=0.1)
    p.add_argument("--alive", type=float, default=6.0)
    p.add_argument("--views", type=float, default=1.0)
    p.add_argument("--answers", type=float, default=0.3)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=0)
    arguments = p.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    arguments.out.mkdir(parents=True, exist_ok=True)
    run(arguments)


if __name__ == "__main__":
    main()
