"""Trains the key head through the method's own attention, with the values left as they are.

A photo's windows are encoded as the page encodes them. Some of its tokens ask: their sets, scores,
mask and weights are computed as in method, section 2, the two comparisons soft for the gradient
only. What the weights gather should name the token's class, from tokens of that class, and two
windows that show one place should get one answer.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import math
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from glaclip.backbones.lite.backbone import ATTENTION, TEMPLATES, WEIGHTS, load_heads
from glaclip.backbones.lite.heads import FOLDED, Heads, resize, stack_maps
from glaclip.backbones.lite.keys import EARLY_CHANNELS, SHARES, KeyHead
from glaclip.backbones.lite.sentences import TextTower
from glaclip.backbones.lite.towers import ImageTower
from glaclip.settings import AttentionSettings
from training.data.photos import BACKGROUND, IGNORE
from training.data.samples import SHARES as SET_SHARES
from training.data.scenes import GRID, Scene, Scenes, names_of
from training.model.soft_attention import SOFTNESS, attention_rows

log = logging.getLogger(__name__)
#: The segmenter multiplies cosines by 40 (method, section 1).
LOGIT_SCALE = 40.0
#: Windows that the threshold counts, those of a photo of 4 : 3, and tokens of a photo that ask.
WINDOWS, ROWS = 8, 256
#: How much each loss counts beside the names'.
WEIGHTS_OF = {"names": 1.0, "mass": 0.5, "reach": 0.1, "alive": 6.0, "views": 1.0, "answers": 0.6}
#: A token asks as often as the size of its class, to this power, has it.
RARE = -0.35
#: Scores of the best tokens are this far above their threshold, so that no row collapses.
MARGIN, BEST = 0.08, 24


@torch.no_grad()
def text_features(heads: Heads) -> dict[str, Tensor]:
    """[names, E] of each kind of scene, as the segmenter makes them."""
    tower = TextTower(torch.device("cpu"))
    found = {}
    for scene in (*SET_SHARES, "streets"):
        names = names_of(scene)
        each = [heads.text(tower([t.format(name) for name in names])) for t in TEMPLATES]
        found[scene] = F.normalize(torch.stack(each).mean(0), dim=-1)
    return found


@torch.no_grad()
def encode(tower: ImageTower, heads: Heads, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Normalized stacked maps [L, C, 14, 14] and values [L, E, 28, 28] before normalization."""
    maps = tower(pixels)
    stacked = stack_maps(maps)
    return heads.image.normalized(stacked), heads.image(stacked, tower.final(maps[-1]))


def keys_of(head: KeyHead, x: Tensor, values: Tensor) -> Tensor:
    """Unit keys [N, parts] of all windows, of what `encode` gives; the basis comes later."""
    fine = F.pixel_shuffle(x[:, :FOLDED], 2)
    early = resize(x[:, FOLDED : FOLDED + EARLY_CHANNELS], (GRID, GRID))
    parts = zip((head.trained(x, values), fine, early), SHARES, strict=True)
    keys = torch.cat([F.normalize(part, dim=1) * share**0.5 for part, share in parts], dim=1)
    return F.normalize(keys.permute(0, 2, 3, 1).flatten(0, 2), dim=1)


def rare_tokens(classes: Tensor, count: int) -> Tensor:
    """Tokens [count] of known classes, those of small classes more often."""
    known = classes < BACKGROUND
    if not known.any():
        return torch.randint(len(classes), (count,), device=classes.device)
    sizes = torch.bincount(classes[known], minlength=256).float()
    chance = torch.where(known, sizes[classes].clamp(min=1) ** RARE, 0.0)
    return torch.multinomial(chance, count, replacement=True)


def twins(places: Tensor, tokens: Tensor) -> Tensor:
    """For each token one of another window at its place; itself where no other window shows it."""
    alike = (places[tokens][:, None] == places[None]).float()
    alike.scatter_(1, tokens[:, None], 1e-6)
    return torch.multinomial(alike, 1).flatten()


def losses(
    keys: Tensor, values: Tensor, scene: Scene, text: Tensor, settings: AttentionSettings
) -> dict[str, Tensor]:
    """What is asked of one photo's keys.

    Args:
        keys: [N, D] unit vectors.
        values: [N, E] before normalization.
        scene: where the tokens are from.
        text: [names, E].
        settings: the constants the keys are trained for.
    """
    asking = rare_tokens(scene.classes, ROWS // 2)
    rows = torch.cat([asking, twins(scene.places, asking)])
    weights, above = attention_rows(keys, rows, WINDOWS, settings)
    mine = scene.classes[rows]
    given = mine < BACKGROUND
    logits = LOGIT_SCALE * F.normalize(weights @ values, dim=1) @ text.T
    found: dict[str, Tensor] = {}
    if given.any():
        same = mine[:, None] == scene.classes[None]
        known = scene.classes[None] != IGNORE
        found["names"] = F.cross_entropy(logits[given], mine[given], label_smoothing=0.05)
        inside = (weights * same).sum(1) / (weights * known).sum(1).clamp(min=1e-6)
        found["mass"] = -inside[given].clamp(min=1e-3).log().mean()
        # Many tokens of the class are asked, or each window answers for itself.
        reached = torch.sigmoid(above / SOFTNESS) * same
        found["reach"] = 1 - (reached.sum(1) / same.sum(1).clamp(min=1))[given].mean()
    found["alive"] = F.relu(MARGIN - above.topk(BEST, dim=1).values.mean(1)).mean()
    one, other = keys[rows].chunk(2)
    found["views"] = (1 - (one * other).sum(1)).mean()
    one, other = logits.log_softmax(1).chunk(2)
    found["answers"] = ((one.exp() - other.exp()) * (one - other)).sum(1).mean()
    return {name: WEIGHTS_OF[name] * value for name, value in found.items()}


def run(arguments: argparse.Namespace) -> None:
    """Trains, going on from an interrupted run of the same output folder."""
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    heads = load_heads(arguments.weights / "heads.safetensors")[0].eval().requires_grad_(False)
    tower = ImageTower(arguments.weights / "tower.safetensors")
    text = text_features(heads)
    settings = dataclasses.replace(
        ATTENTION, threshold=arguments.rho, shift=arguments.shift, scale=arguments.scale
    )
    head = KeyHead()
    stored = {n: t.float() for n, t in load_file(arguments.start / "keys.safetensors").items()}
    stored.pop("basis", None)
    head.load_state_dict(stored, strict=False)
    optimizer = torch.optim.AdamW(
        head.parameters(), arguments.rate, weight_decay=0.02, betas=(0.9, 0.98)
    )
    average = torch.optim.swa_utils.AveragedModel(
        head,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995),  # type: ignore[no-untyped-call]
    )
    keepers: dict[str, Any] = {"model": head, "optimizer": optimizer, "average": average}
    state, first = arguments.out / "keys.state", 0
    if state.exists():
        saved = torch.load(state, weights_only=True)
        for name, keeper in keepers.items():
            keeper.load_state_dict(saved[name])
        first = saved["step"]
        log.info("going on from step %d", first)
    scenes = Scenes(arguments.data, arguments.seed + first)
    running: dict[str, float] = {}
    started = time.time()
    for step in range(first, arguments.steps):
        scale = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / arguments.steps))
        for group in optimizer.param_groups:
            group["lr"] = arguments.rate * scale * min(1.0, (step + 1) / 50)
        optimizer.zero_grad()
        for _ in range(arguments.photos):
            scene = scenes.next()
            x, values = encode(tower, heads, scene.pixels.float() / 255)
            flat = values.permute(0, 2, 3, 1).flatten(0, 2)
            found = losses(keys_of(head, x, values), flat, scene, text[scene.names], settings)
            loss = torch.stack(list(found.values())).sum() / arguments.photos
            loss.backward()
            for name, value in found.items():
                running[name] = 0.98 * running.get(name, value.item()) + 0.02 * value.item()
        nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimizer.step()
        average.update_parameters(head)
        if step % 25 == 24:
            figures = " ".join(f"{name} {value:.3f}" for name, value in running.items())
            log.info("step %d, %.0f s: %s", step + 1, time.time() - started, figures)
        if step % 100 == 99 or step + 1 == arguments.steps:
            part = state.with_suffix(".part")
            torch.save({"step": step + 1, **{n: k.state_dict() for n, k in keepers.items()}}, part)
            part.replace(state)
            kept = {n: t.half().contiguous() for n, t in average.module.state_dict().items()}
            save_file(kept, arguments.out / "keys.safetensors")


def main() -> None:
    """Command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", type=Path, required=True)
    p.add_argument("--weights", type=Path, default=WEIGHTS.parent, help="tower and heads")
    p.add_argument("--start", type=Path, default=WEIGHTS.parent, help="keys to start from")
    p.add_argument(
        "--out", type=Path, required=True, help="folder; `training.model.basis` completes it"
    )
    p.add_argument("--steps", type=int, default=2000)
    p.add_argument("--photos", type=int, default=2, help="photos a step")
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--rho", type=float, default=ATTENTION.threshold)
    p.add_argument("--shift", type=float, default=ATTENTION.shift)
    p.add_argument("--scale", type=float, default=ATTENTION.scale)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=0)
    arguments = p.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    arguments.out.mkdir(parents=True, exist_ok=True)
    run(arguments)


if __name__ == "__main__":
    main()
