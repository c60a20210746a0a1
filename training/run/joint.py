"""Trains tower, heads and keys together through the method's own attention, on one GPU.

A step sees the windows of a few photos, cut as the page cuts them, and some photos with one label.
Values learn to name tokens by themselves (`train.py`) and after attention has gathered them; keys
learn what is gathered (`training.run.keys`). The tower's stages 3 to 6 learn with them. A run
lasts the minutes it is given: its rate falls with the clock.
"""

from __future__ import annotations

import argparse
import logging
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from glaclip.backbones.lite.backbone import ATTENTION, WEIGHTS, load_heads
from glaclip.backbones.lite.heads import FOLDED, Heads, resize
from glaclip.backbones.lite.keys import KeyHead
from glaclip.backbones.lite.towers import FINAL_CHANNELS, ImageTower
from training.data.photos import BACKGROUND, DENSE_CONCEPTS, LabelledPhoto, labelled_photos
from training.data.samples import SHARES, WordVectors, drawn_tokens, prototypes, rare_weight
from training.data.scenes import GRID, Scene, Scenes, names_of
from training.data.vocabularies import Question, questions
from training.data.wordnet import WordNet
from training.data.words import Concepts, build
from training.model.losses import Masks, question_loss, word_loss
from training.run.keys import keys_of, losses

log = logging.getLogger(__name__)
#: Stages of the tower that learn, and how fast each part does, beside --rate.
STAGES = range(3, 7)
RATES = {"tower": 0.15, "heads": 0.5, "keys": 0.7}
#: How much more two windows' answers for one place count than while keys are trained alone.
STRONGER = {"answers": 1.5}
#: Vocabularies made before the start, taken in turn.
VARIANTS = 64


class Model(nn.Module):
    """Everything that learns."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.tower = ImageTower(weights / "tower.safetensors")
        for number in STAGES:
            for module in self.tower.net.blocks[number].modules():
                # Convolutions by channel stay: their gradient takes longer than all the rest.
                if isinstance(module, nn.Conv2d) and module.groups == 1:
                    module.requires_grad_(True)
        self.heads: Heads = load_heads(weights / "heads.safetensors")[0]
        self.keys = KeyHead()
        stored = load_file(weights / "keys.safetensors")
        self.keys.load_state_dict({name: tensor.float() for name, tensor in stored.items()})

    def groups(self, rate: float) -> list[dict[str, Any]]:
        """Parameters for the optimizer; large arrays of the heads decay."""
        groups = []
        for kind, part, decay in (
            ("tower", self.tower, 0.005), ("heads", self.heads, 0.05), ("keys", self.keys, 0.02),
        ):  # fmt: skip
            for large in (True, False):
                chosen = [p for p in part.parameters() if p.requires_grad and (p.ndim > 1) == large]
                top = rate * RATES[kind]
                groups.append(
                    {"params": chosen, "lr": top, "top": top, "weight_decay": decay * large}
                )
        return [group for group in groups if group["params"]]

    def forward(self, pixels: Tensor, silent: Tensor) -> tuple[Tensor, Tensor]:
        """Normalized stacked maps [L, C, 14, 14] and values [L, E, 28, 28] before normalization.

        Args:
            pixels: uint8 [L, 3, 224, 224].
            silent: [2, L] 0 where the convolutional branch or the detail says nothing, else 1.
        """
        image = self.heads.image
        with torch.autocast(pixels.device.type, torch.bfloat16):
            fine, *coarse_maps = self.tower(pixels.float() / 255)
            stacked = torch.cat([F.pixel_unshuffle(fine, 2), *coarse_maps], 1)
            x = image.normalized(stacked)
            branch = image.branch(x)
            general = image.general(self.tower.final(coarse_maps[-1])).float()
            coarse = general + image.leave(branch).float() * silent[0, :, None, None, None]
            detail = image.detail(F.pixel_shuffle(x[:, :FOLDED], 2), branch).float()
        said = detail * (silent[0] * silent[1])[:, None, None, None]
        return x.float(), resize(coarse, (GRID, GRID)) + said

    def save(self, out: Path) -> None:
        """Writes tower, heads and keys (whose basis `basis.py` chooses) for the backbone."""
        image = self.heads.image
        meta = {
            "channels": str(image.enter.out_channels),
            "blocks": str(len(image.blocks)),
            "detail": str(image.fine.out_channels),
        }
        tower = {n: p for n, p in self.tower.net.named_parameters() if p.requires_grad}
        for name, tensors in (
            ("heads", self.heads.state_dict()), ("keys", self.keys.state_dict()), ("tower", tower),
        ):  # fmt: skip
            stored = {k: v.detach().cpu().half().contiguous() for k, v in tensors.items()}
            save_file(stored, out / f"{name}.safetensors", metadata=meta)


class Reader(IterableDataset[Scene]):
    """Endless scenes; each reading process cuts objects out of its own share of photos."""

    def __init__(self, data: Path, seed: int) -> None:
        self.data, self.seed = data, seed

    def __iter__(self) -> Iterator[Scene]:
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        # With a smaller share some kinds of objects may be missing in one reader's.
        scenes = Scenes(self.data, self.seed + 1000 * number, min(1.0, max(0.4, 2 / workers)))
        while True:
            yield scenes.next()


class Labelled:
    """Photos with one label, squeezed to a square, on the device."""

    def __init__(self, data: Path, concepts: Concepts, device: torch.device, step: int = 1) -> None:
        found = labelled_photos(data)[::step]
        photos = [p for i, p in enumerate(found) if p.dataset == "imagenet" or i % 2]
        loader = DataLoader(_Squares(photos), batch_size=64, num_workers=4)
        self.pixels = torch.cat(list(loader)).to(device)  # uint8 [P, 3, 224, 224]
        keys = {key: i for i, key in enumerate(concepts.keys)}
        self.concept = torch.tensor([keys[p.dataset, p.label] for p in photos], device=device)
        taught = torch.from_numpy(concepts.own >= 0).to(device)
        self.usable = torch.nonzero(taught[self.concept]).flatten()
        ids = [label for kind, label in concepts.keys if kind == "imagenet"]
        self.row_concept = keys[("imagenet", ids[0])] + torch.arange(len(ids), device=device)
        self.usable_rows = torch.nonzero(taught[self.row_concept]).flatten()
        scene = torch.tensor([p.dataset == "intel" for p in photos], device=device)
        self.where, self.rows = self._ask(ImageTower().to(device), scene)

    @torch.no_grad()
    def _ask(self, tower: ImageTower, scene: Tensor) -> tuple[Tensor, Tensor]:
        """Where each photo's classes are strong [P, 196], and a feature of each ImageNet class."""
        where, finals = [], []
        for pixels in torch.split(self.pixels, 64):
            with torch.autocast(pixels.device.type, torch.bfloat16):
                final = tower.final(tower(pixels.float() / 255)[-1])
                logits = tower.net.classifier(final.permute(0, 2, 3, 1).flatten(1, 2)).float()
            top = logits.mean(1).topk(5).indices
            strength = logits.gather(2, top[:, None].expand(-1, logits.shape[1], -1)).amax(2)
            where.append(F.softmax(strength, dim=1))
            finals.append(final[::8].float())
        weight = torch.cat(where)
        weight[scene] = 1 / weight.shape[1]  # a scene is everywhere
        return weight, prototypes(tower, torch.cat(finals))

    def sample(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Pixels [count, 3, 224, 224], a token of the 28 x 28 for each, and concepts."""
        device = self.pixels.device
        picked = self.usable[torch.randint(len(self.usable), (count,), device=device)]
        coarse = torch.multinomial(self.where[picked], 1).flatten()
        half = torch.randint(2, (2, count), device=device)
        token = (2 * (coarse // 14) + half[0]) * GRID + 2 * (coarse % 14) + half[1]
        return self.pixels[picked], token, self.concept[picked]


class _Squares(torch.utils.data.Dataset[Tensor]):
    def __init__(self, photos: list[LabelledPhoto], side: int = 224) -> None:
        self.photos, self.side = photos, side

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> Tensor:
        image = Image.open(self.photos[index].image).convert("RGB")
        fitted = ImageOps.fit(image, (self.side, self.side), Image.Resampling.BICUBIC)
        return torch.from_numpy(np.array(fitted)).permute(2, 0, 1)


def prepared(arguments: argparse.Namespace) -> tuple[Concepts, Tensor]:
    """Concepts, and sentence vectors [templates, words, 384]; kept in the cache for other runs."""
    path = arguments.cache / "prepared.pt"
    if path.exists():
        found = torch.load(path, weights_only=True)
        keys = [(kind, label) for kind, label in found["keys"]]
        arrays = (found[name].numpy() for name in ("true", "undecided", "own"))
        return Concepts(keys, found["words"], *arrays), found["vectors"].float()
    concepts = build(arguments.data, WordNet.read(arguments.wordnet))
    vectors = WordVectors(concepts.words, arguments.cache).vectors
    kept = {
        name: torch.from_numpy(getattr(concepts, name)) for name in ("true", "undecided", "own")
    }
    plain = {"keys": concepts.keys, "words": concepts.words, "vectors": vectors.half()}
    torch.save(plain | kept, path)
    return concepts, vectors


class Trainer:
    """One run; `step` returns its losses by name."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.device = device = torch.device(arguments.device)
        reader = DataLoader(
            Reader(arguments.data, arguments.seed),
            batch_size=arguments.photos,
            collate_fn=list,
            num_workers=arguments.readers,
            prefetch_factor=4 if arguments.readers else None,
        )
        self.scenes = iter(reader)
        concepts, vectors = prepared(arguments)
        self.vectors = vectors.to(device)
        log.info("%d concepts, %d words", len(concepts.keys), len(concepts.words))
        self.masks = Masks(concepts)
        for name in ("true", "undecided", "chance"):
            setattr(self.masks, name, getattr(self.masks, name).to(device))
        self.taught = torch.from_numpy(concepts.own >= 0).to(device)
        self.labelled = Labelled(arguments.data, concepts, device, arguments.every)
        self.model = Model(arguments.weights).to(device)
        rng = random.Random(arguments.seed)
        self.asked = [
            {name: _moved(question, device) for name, question in questions(concepts, rng).items()}
            for _ in range(VARIANTS)
        ]
        at = {word: number for number, word in enumerate(concepts.words)}
        self.words = {
            name: torch.tensor([at[word] for word in names_of(name)], device=device)
            for name in (*SHARES, "streets")
        }
        self.counts = torch.ones(len(DENSE_CONCEPTS), device=device)
        self.number = 0

    def text(self) -> Tensor:
        """[words, E]: each word in a random template, disturbed."""
        templates, count, size = self.vectors.shape
        one = torch.randint(templates, (count,), device=self.device)
        picked = self.vectors[one, torch.arange(count, device=self.device)]
        noise = torch.randn_like(picked) * self.arguments.text_noise / size**0.5
        text: Tensor = self.model.heads.text(F.normalize(picked + noise, dim=-1))
        return text

    def step(self) -> dict[str, Tensor]:
        """Losses of one batch."""
        arguments, device = self.arguments, self.device
        scenes = [_on(scene, device) for scene in next(self.scenes)]
        sizes = [len(scene.pixels) for scene in scenes]
        extra, token, extra_concept = self.labelled.sample(arguments.extra)
        silent = (torch.rand(2, len(sizes), device=device) > arguments.silence).float()
        silent = silent.repeat_interleave(torch.tensor(sizes, device=device), dim=1)
        alone = (torch.rand(2, len(extra), device=device) > 2 * arguments.silence).float()
        pixels = torch.cat([*(scene.pixels for scene in scenes), extra])
        x, values = self.model(pixels, torch.cat([silent, alone], 1))
        windows = sum(sizes)
        tokens = values.flatten(2).transpose(1, 2)  # [L, 784, E]
        text, asked = self.text(), self.asked[self.number % VARIANTS]
        self.number += 1
        found = self._own(tokens[:windows], scenes, text, asked)
        single = tokens[windows:][torch.arange(len(extra), device=device), token]
        share = arguments.word_weight
        found["photos"] = share * word_loss(
            F.normalize(single, dim=1), extra_concept, text, self.masks
        )
        rows = self.labelled.usable_rows
        picked = rows[torch.randint(len(rows), (128,), device=device)]
        noise = torch.randn(128, FINAL_CHANNELS, device=device) * arguments.row_noise
        general = self.model.heads.image.general(
            (self.labelled.rows[picked] + noise)[:, :, None, None]
        )
        found["rows"] = share * word_loss(
            F.normalize(general.flatten(1), dim=1), self.labelled.row_concept[picked], text,
            self.masks,
        )  # fmt: skip
        keys = keys_of(self.model.keys, x[:windows].detach(), values[:windows].detach())
        cuts = [size * GRID * GRID for size in sizes]
        flat = tokens[:windows].flatten(0, 1)
        parts = (torch.split(keys, cuts), torch.split(flat, cuts), scenes)
        for mine, theirs, scene in zip(*parts, strict=True):
            names = text[self.words[scene.names]]
            for name, loss in losses(mine, theirs, scene, names, ATTENTION).items():
                loss = loss * STRONGER.get(name, 1.0) / len(scenes)
                found[f"on {name}"] = found.get(f"on {name}", loss.new_zeros(())) + loss
        return found

    def _own(
        self, tokens: Tensor, scenes: list[Scene], text: Tensor, asked: dict[str, Question]
    ) -> dict[str, Tensor]:
        """What tokens [L, 784, E] name by themselves."""
        arguments = self.arguments
        labels = torch.cat([scene.concepts for scene in scenes]).view(len(tokens), -1)
        seen = labels[labels < len(DENSE_CONCEPTS)]
        self.counts += torch.bincount(seen, minlength=len(self.counts))
        weight = rare_weight(self.counts)
        chosen = drawn_tokens(labels, arguments.tokens)
        picked = tokens.gather(1, chosen[..., None].expand(-1, -1, tokens.shape[2]))
        flat = F.normalize(picked, dim=-1).flatten(0, 1)
        flat_labels = labels.gather(1, chosen).flatten()
        sets = [scene.dataset for scene in scenes for _ in range(len(scene.pixels))]
        found = {"own": torch.zeros((), device=self.device)}
        for name in sorted(set(sets)):
            mine = torch.tensor([other == name for other in sets], device=self.device)
            mine = mine.repeat_interleave(arguments.tokens)
            loss = question_loss(flat[mine], flat_labels[mine], asked[name], text, weight)
            found["own"] = found["own"] + 1.6 * mine.float().mean() * loss
        for name, share in (("street", 0.7), ("mixed", 0.6)):
            found[name] = share * question_loss(flat, flat_labels, asked[name], text, weight)
        known = torch.nonzero(flat_labels < BACKGROUND).flatten()
        known = known[self.taught[flat_labels[known]]]
        known = known[torch.randperm(len(known), device=self.device)[:768]]
        found["words"] = arguments.word_weight * word_loss(
            flat[known], flat_labels[known], text, self.masks
        )
        return found


def _moved(question: Question, device: torch.device) -> Question:
    return Question(
        question.words.to(device), question.target.to(device), question.absent.to(device)
    )


def _on(scene: Scene, device: torch.device) -> Scene:
    parts = (scene.pixels, scene.concepts, scene.classes, scene.places)
    return Scene(scene.dataset, scene.names, *(part.to(device) for part in parts))


def train(arguments: argparse.Namespace) -> None:
    """Trains for the given minutes; writes the average at every quarter of them and at the end."""
    torch.manual_seed(arguments.seed)
    torch.set_float32_matmul_precision("high")
    began = time.monotonic()
    trainer = Trainer(arguments)
    model = trainer.model
    optimizer = torch.optim.AdamW(model.groups(arguments.rate), betas=(0.9, 0.98))
    average = torch.optim.swa_utils.AveragedModel(
        model,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(arguments.average),  # type: ignore[no-untyped-call]
    )
    shadow: Model = average.module  # type: ignore[assignment]
    learning = [p for p in model.parameters() if p.requires_grad]
    running: dict[str, Tensor] = {}
    log.info("ready after %.0f s", time.monotonic() - began)
    started, seconds, quarters, step = time.monotonic(), 60 * arguments.minutes, 1, 0
    while (spent := (time.monotonic() - started) / seconds) < 1:
        scale = min(1.0, (step + 1) / 100)
        scale *= 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * spent))
        for group in optimizer.param_groups:
            group["lr"] = group["top"] * scale
        found = trainer.step()
        optimizer.zero_grad()
        torch.stack(list(found.values())).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(learning, 2.0)
        optimizer.step()
        average.update_parameters(model)
        for name, value in found.items():
            running[name] = 0.98 * running.get(name, value.detach()) + 0.02 * value.detach()
        step += 1
        if step in (5, 25) or step % arguments.log == 0:
            figures = " ".join(f"{name} {float(value):.3f}" for name, value in running.items())
            log.info("step %d, %.0f %%: %s", step, 100 * spent, figures)
        if spent > quarters / 4:
            quarters += 1
            shadow.save(arguments.out)
    shadow.save(arguments.out)
    log.info("%d steps in %.0f s", step, time.monotonic() - started)


def main() -> None:
    """Command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", type=Path, required=True)
    p.add_argument("--cache", type=Path, required=True, help="folder for words and their vectors")
    p.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"))
    p.add_argument("--weights", type=Path, default=WEIGHTS.parent, help="folder to start from")
    p.add_argument(
        "--out", type=Path, required=True, help="folder; `training.model.basis` completes it"
    )
    p.add_argument("--device", default="cuda")
    p.add_argument("--minutes", type=float, default=8.0)
    p.add_argument("--photos", type=int, default=8, help="photos a step")
    p.add_argument("--extra", type=int, default=24, help="labelled photos a step")
    p.add_argument("--every", type=int, default=1, help="keep one of so many labelled photos")
    p.add_argument("--readers", type=int, default=14, help="processes that read photos")
    p.add_argument("--tokens", type=int, default=160, help="tokens of a window in the losses")
    p.add_argument("--rate", type=float, default=1e-3)
    p.add_argument("--average", type=float, default=0.998)
    p.add_argument("--text-noise", type=float, default=0.3)
    p.add_argument("--row-noise", type=float, default=0.3)
    p.add_argument("--silence", type=float, default=0.05)
    p.add_argument("--word-weight", type=float, default=0.25)
    p.add_argument("--log", type=int, default=100, help="steps between lines")
    p.add_argument("--seed", type=int, default=0)
    arguments = p.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    for folder in (arguments.out, arguments.cache):
        folder.mkdir(parents=True, exist_ok=True)
    train(arguments)


if __name__ == "__main__":
    main()
