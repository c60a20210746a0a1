"""Trains the embedded backbone: the tower's last stages, both heads and the key head, together.

Values learn to name what they show: tokens are classified, by cosine times 40, among the names of
their set and other vocabularies. Keys learn which tokens of a photo show the same class, and that
two windows see one patch alike. Small classes count as much as large ones.
"""

from __future__ import annotations

import argparse
import logging
import math
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from glaclip.backbones.lite.backbone import KEYS, WEIGHTS
from glaclip.backbones.lite.heads import FOLDED, Heads, resize, stack_maps
from glaclip.backbones.lite.keys import KeyHead
from glaclip.backbones.lite.towers import FINAL_CHANNELS, ImageTower
from training.data.photos import DENSE_CONCEPTS
from training.data.samples import LabelledPhotos, Pairs, WordVectors, drawn_tokens, row_prototypes
from training.data.vocabularies import questions
from training.data.wordnet import WordNet
from training.data.words import Concepts, build
from training.model.depthwise import FrozenDepthwise
from training.model.losses import Masks, key_losses, pure_labels, question_loss, votes, word_loss

log = logging.getLogger(__name__)
#: How fast each part learns, beside --rate: the tower has learned most of it already.
RATES = {"tower": 0.15, "old": 0.7, "new": 2.0}
#: Parts that earlier weights do not have.
NEW = ("image.fine", "image.around", "image.refine", "meaning")


class Model(nn.Module):
    """Everything that learns, on top of the frozen first maps."""

    def __init__(self, tower: ImageTower) -> None:
        super().__init__()
        self.late = tower.net.blocks[5:7]
        for block in (*self.late[0], *self.late[1]):
            block.conv_pw.requires_grad_(True)
            block.conv_pwl.requires_grad_(True)
            block.conv_dw = FrozenDepthwise(block.conv_dw)
        self.heads = Heads()
        self.keys = KeyHead()
        nn.init.zeros_(self.heads.image.refine.weight)
        assert self.heads.image.refine.bias is not None
        nn.init.zeros_(self.heads.image.refine.bias)
        nn.init.zeros_(self.keys.meaning.weight)

    def begin(self, tower: ImageTower, pairs: Pairs, photos: LabelledPhotos) -> None:
        """Takes nothing but the statistics of the maps, for heads that know no word."""
        image = self.heads.image
        with torch.no_grad():
            fine, early = (
                torch.cat([part[name][::16] for part in pairs.parts[:8]]).float()
                for name in ("fine", "early")
            )
            stacked = stack_maps((fine, early, *tower.last(early)))
            final = tower.final(tower.last(photos.shard["early"][::8].float())[-1])
        for name, maps in (("stacked", stacked), ("final", final)):
            deviation, mean = torch.std_mean(maps, (0, 2, 3))
            getattr(image, f"{name}_mean").copy_(mean)
            getattr(image, f"{name}_scale").copy_(1 / deviation.clamp(min=1e-4))

    def start(self, heads: Path, keys: Path) -> None:
        """Takes what earlier weights have."""
        for part, path in ((self.heads, heads), (self.keys, keys)):
            stored = {name: tensor.float() for name, tensor in load_file(path).items()}
            stored.pop("basis", None)
            missing = part.load_state_dict(stored, strict=False)
            log.info("%s: %s are new", path.name, ", ".join(missing.missing_keys))

    def tower_weights(self) -> dict[str, Tensor]:
        """The trained convolutions, named as in the tower's network."""
        return {
            f"blocks.{stage + 5}.{index}.{name}.weight": getattr(block, name).weight
            for stage, blocks in enumerate(self.late)
            for index, block in enumerate(blocks)
            for name in ("conv_pw", "conv_pwl")
        }

    def groups(self, rate: float, decay: float, fresh: bool) -> list[dict[str, Any]]:
        """Parameters for the optimizer."""
        groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
        for name, parameter in self.named_parameters():
            if parameter.requires_grad:
                kind = "tower" if name.startswith("late") else "old"
                if kind == "old" and (fresh or any(part in name for part in NEW)):
                    kind = "new"
                groups.setdefault((kind, parameter.ndim > 1), []).append(parameter)
        return [
            {
                "params": parameters,
                "lr": rate * RATES[kind],
                "top": rate * RATES[kind],
                "weight_decay": decay * decays * (0.1 if kind == "tower" else 1.0),
            }
            for (kind, decays), parameters in groups.items()
        ]


def forward(
    model: Model, tower: ImageTower, fine: Tensor, early: Tensor, chosen: Tensor, silence: float
) -> tuple[Tensor, Tensor]:
    """Values before normalization of chosen tokens, and all keys.

    Args:
        fine: [B, 48, 28, 28].
        early: [B, 120, 14, 14].
        chosen: [B, K] tokens of the 28 x 28.
        silence: how often the convolutional branch or the detail says nothing.
    """
    image = model.heads.image
    with torch.autocast("cpu", torch.bfloat16):
        late = model.late[0](early.contiguous(memory_format=torch.channels_last))
        last = model.late[1](late)
        stacked = torch.cat([F.pixel_unshuffle(fine, 2), early, late.float(), last.float()], 1)
        x = image.normalized(stacked).contiguous(memory_format=torch.channels_last)
        branch = image.branch(x)
        general = image.general(tower.final(last)).float()
        silent = (torch.rand(2, len(fine), 1, 1, 1) > silence).float()
        coarse = general + image.leave(branch).float() * silent[0]
        normal_fine = F.pixel_shuffle(x[:, :FOLDED], 2)
        detail = image.detail(normal_fine, branch).float() * silent[0] * silent[1]
        maps = resize(coarse, (28, 28)) + detail
        keys = model.keys.trained(x.detach(), maps.detach()).float()
    tokens = maps.flatten(2).transpose(1, 2)  # [B, 784, E]
    picked = tokens.gather(1, chosen[..., None].expand(-1, -1, tokens.shape[2]))
    return picked, keys.flatten(2).transpose(1, 2)


class Trainer:
    """One run; `step` returns its losses by name."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.tower = ImageTower()
        self.concepts: Concepts = build(
            arguments.data, WordNet.read(arguments.wordnet), arguments.leave_out
        )
        log.info("%d concepts, %d words", len(self.concepts.keys), len(self.concepts.words))
        self.masks = Masks(self.concepts)
        self.vectors = WordVectors(self.concepts.words, arguments.cache)
        self.pairs = Pairs(arguments.cache, arguments.shards)
        log.info("%d pairs of windows", len(self.pairs.sets))
        self.photos = LabelledPhotos(arguments.cache, self.concepts)
        self.model = Model(self.tower)
        if arguments.fresh:
            self.model.begin(self.tower, self.pairs, self.photos)
        else:
            self.model.start(arguments.start, arguments.start_keys)
        # Typed by hand: some versions of torch do not list this form.
        to: Callable[..., object] = self.model.to
        to(memory_format=torch.channels_last)
        self.rows = row_prototypes(self.tower, self.model.heads, self.photos)
        self.taught = torch.from_numpy(self.concepts.own >= 0)
        self.rng = random.Random(arguments.seed)

    def step(self) -> dict[str, Tensor]:
        """Losses of one batch."""
        arguments, masks = self.arguments, self.masks
        pairs = self.pairs.sample(arguments.batch)
        windows = 2 * len(pairs.sets)
        labels = votes(pairs.labels)  # [B, 784]
        chosen = drawn_tokens(labels, arguments.tokens)  # [B, K]
        extra_fine, extra_early, token, extra_concept = self.photos.sample(arguments.extra)
        token = token[:, None].expand(-1, arguments.tokens)
        values, keys = forward(
            self.model,
            self.tower,
            torch.cat([pairs.fine, extra_fine]),
            torch.cat([pairs.early, extra_early]),
            torch.cat([chosen, token]),
            arguments.silence,
        )
        values = F.normalize(values, dim=-1)
        flat, single = values[:windows].flatten(0, 1), values[windows:, 0]
        flat_labels = labels.gather(1, chosen).flatten()
        text = self.model.heads.text(self.vectors.sample(arguments.text_noise))
        asked = questions(self.concepts, self.rng)
        weight = self.pairs.weight
        losses: dict[str, Tensor] = {}
        own = torch.tensor([self.pairs.names.index(name) for name in pairs.sets])
        own = own.repeat_interleave(2 * arguments.tokens)
        for number, name in enumerate(self.pairs.names):
            mine = own == number
            if mine.any():
                share = mine.float().mean()
                losses["own"] = losses.get("own", torch.zeros(())) + 1.6 * share * question_loss(
                    flat[mine], flat_labels[mine], asked[name], text, weight
                )
        losses["street"] = 0.7 * question_loss(flat, flat_labels, asked["street"], text, weight)
        losses["mixed"] = 0.6 * question_loss(flat, flat_labels, asked["mixed"], text, weight)
        known = torch.nonzero(flat_labels < len(DENSE_CONCEPTS)).flatten()
        known = known[self.taught[flat_labels[known]]]
        known = known[torch.randperm(len(known))[:384]]
        share = arguments.word_weight
        losses["words"] = share * word_loss(flat[known], flat_labels[known], text, masks)
        losses["photos"] = share * word_loss(single, extra_concept, text, masks)
        picked = self.photos.usable_rows[torch.randint(len(self.photos.usable_rows), (128,))]
        rows = self.rows[picked] + torch.randn(128, FINAL_CHANNELS) * arguments.row_noise
        projected = self.model.heads.image.general(rows[:, :, None, None]).flatten(1)
        losses["rows"] = share * word_loss(
            F.normalize(projected, dim=-1), self.photos.row_concept[picked], text, masks
        )
        losses |= key_losses(keys[:windows], pure_labels(pairs.labels), pairs.upright)
        return losses


def train(arguments: argparse.Namespace) -> Model:
    """Trains, going on from an interrupted run of the same output folder."""
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    trainer = Trainer(arguments)
    model = trainer.model
    optimizer = torch.optim.AdamW(
        model.groups(arguments.rate, arguments.decay, arguments.fresh), betas=(0.9, 0.98)
    )
    average = torch.optim.swa_utils.AveragedModel(
        model,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(arguments.average),  # type: ignore[no-untyped-call]
    )
    keepers: dict[str, Any] = {"model": model, "optimizer": optimizer, "average": average}
    state, first = arguments.out / "run.state", 0
    if state.exists():
        saved = torch.load(state, weights_only=True)
        for name, keeper in keepers.items():
            keeper.load_state_dict(saved[name])
        first = saved["step"]
        torch.manual_seed(arguments.seed + first)
        log.info("going on from step %d", first)
    running: dict[str, float] = {}
    started = time.time()
    for step in range(first, arguments.steps):
        warm = min(1.0, (step + 1) / 60)
        scale = warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / arguments.steps)))
        for group in optimizer.param_groups:
            group["lr"] = group["top"] * scale
        losses = trainer.step()
        optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        average.update_parameters(model)
        for name, value in losses.items():
            running[name] = 0.98 * running.get(name, value.item()) + 0.02 * value.item()
        if step % 25 == 24:
            figures = " ".join(f"{name} {value:.3f}" for name, value in running.items())
            log.info("step %d, %.0f s: %s", step + 1, time.time() - started, figures)
        if step % 100 == 99:
            part = state.with_suffix(".part")
            torch.save({"step": step + 1, **{n: k.state_dict() for n, k in keepers.items()}}, part)
            part.replace(state)
            trainer.pairs.refresh()
        if arguments.snapshot and step % arguments.snapshot == arguments.snapshot - 1:
            save(average.module, arguments.out)  # type: ignore[arg-type]
    trained: Model = average.module  # type: ignore[assignment]
    return trained


def save(model: Model, out: Path) -> None:
    """Writes heads, keys (whose basis `keys.py` chooses) and the tower's trained stages."""
    out.mkdir(parents=True, exist_ok=True)
    image = model.heads.image
    meta = {
        "channels": str(image.enter.out_channels),
        "blocks": str(len(image.blocks)),
        "detail": str(image.fine.out_channels),
    }
    model.keys.stacked_mean.copy_(image.stacked_mean)
    model.keys.stacked_scale.copy_(image.stacked_scale)
    for name, tensors in (
        ("heads", model.heads.state_dict()),
        ("keys", model.keys.state_dict()),
        ("tower", model.tower_weights()),
    ):
        stored = {key: value.detach().half().contiguous() for key, value in tensors.items()}
        save_file(stored, out / f"{name}.safetensors", metadata=meta)


def parser() -> argparse.ArgumentParser:
    """Command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", type=Path, required=True)
    p.add_argument("--cache", type=Path, required=True)
    p.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"))
    p.add_argument("--out", type=Path, required=True, help="folder")
    p.add_argument("--start", type=Path, default=WEIGHTS, help="heads to start from")
    p.add_argument("--start-keys", type=Path, default=KEYS, help="keys to start from")
    p.add_argument("--fresh", action="store_true", help="start from no heads and no keys")
    p.add_argument("--leave-out", nargs="*", default=[], help="names to train without")
    p.add_argument("--shards", type=int)
    p.add_argument("--steps", type=int, default=2500)
    p.add_argument("--batch", type=int, default=8, help="pairs of windows")
    p.add_argument("--extra", type=int, default=4, help="labelled photos")
    p.add_argument("--tokens", type=int, default=160, help="tokens of a window in the losses")
    p.add_argument("--rate", type=float, default=1e-3)
    p.add_argument("--decay", type=float, default=0.05)
    p.add_argument("--average", type=float, default=0.995)
    p.add_argument("--text-noise", type=float, default=0.3)
    p.add_argument("--row-noise", type=float, default=0.3)
    p.add_argument("--silence", type=float, default=0.1)
    p.add_argument("--word-weight", type=float, default=0.25)
    p.add_argument("--snapshot", type=int, default=500, help="write the average so often")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seed", type=int, default=0)
    return p


def main() -> None:
    """Trains and writes the weights."""
    arguments = parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    arguments.out.mkdir(parents=True, exist_ok=True)
    save(train(arguments), arguments.out)


if __name__ == "__main__":
    main()
