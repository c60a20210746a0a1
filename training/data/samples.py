"""Training samples in memory: pairs of windows, labelled photos, words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from glaclip.backbones.lite.heads import Heads
from glaclip.backbones.lite.sentences import TextTower
from glaclip.backbones.lite.towers import ImageTower
from training.data.photos import DENSE_CONCEPTS, DENSE_SETS
from training.data.words import Concepts

TEMPLATES = ("{}", "a photo of a {}.", "the {}")
#: How often each set is drawn.
SHARES = {
    "nyuv2": 0.22, "msrc_v2": 0.18, "labelmefacade": 0.22, "voc2012": 0.14,
    "stanford_background": 0.07, "facades_dusk": 0.03, "facades_cmp": 0.025, "clothing_ccp": 0.035,
    "backyard_surfaces": 0.02, "materials_matnet": 0.03, "animals4": 0.02, "wild_animals6": 0.015,
}  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """P pairs of windows: maps and labels [2 P, ...], sets and directions [P]."""

    fine: Tensor
    early: Tensor
    labels: Tensor
    upright: Tensor
    sets: list[str]


class Pairs:
    """Cached pairs of windows; new files are taken in as they appear."""

    def __init__(self, cache: Path, limit: int | None = None) -> None:
        self.cache, self.limit = cache, limit
        self.names = [name for name in DENSE_SETS if name != "made"]
        self.read: set[Path] = set()
        self.parts: list[dict[str, Tensor]] = []
        self.sets: list[str] = []
        self.queues: dict[str, list[int]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Reads files that were not there before."""
        for path in sorted(self.cache.glob("dense-*.pt"))[: self.limit]:
            if path not in self.read:
                self.read.add(path)
                shard = torch.load(path, weights_only=True, mmap=True)
                self.sets += shard.pop("sets")
                self.parts.append(shard)
        size = len(self.parts[0]["upright"])
        self.place = [(part, i) for part in range(len(self.parts)) for i in range(size)]
        labels = torch.cat([part["labels"].flatten() for part in self.parts]).int()
        counts = torch.bincount(labels, minlength=256)[: len(DENSE_CONCEPTS)]
        self.weight = rare_weight(counts)

    def sample(self, count: int) -> Batch:
        """Pairs drawn by set, each set's in a random order without repetition."""
        drawn = torch.multinomial(
            torch.tensor([SHARES[name] for name in self.names]), count, replacement=True
        )
        chosen = [self._next(self.names[int(number)]) for number in drawn]
        where = [self.place[index] for index in chosen]

        def windows(name: str) -> Tensor:
            return torch.cat([self.parts[part][name][2 * i : 2 * i + 2] for part, i in where])

        return Batch(
            windows("fine").float(),
            windows("early").float(),
            windows("labels"),
            torch.stack([self.parts[part]["upright"][i] for part, i in where]),
            [self.sets[index] for index in chosen],
        )

    def _next(self, name: str) -> int:
        queue = self.queues.get(name)
        if not queue:
            mine = torch.tensor([i for i, found in enumerate(self.sets) if found == name])
            queue = self.queues[name] = mine[torch.randperm(len(mine))].tolist()
        return queue.pop()


def drawn_tokens(labels: Tensor, count: int) -> Tensor:
    """[B, count] tokens of windows with labels [B, 784], classes with few tokens more often."""
    ones = torch.ones_like(labels, dtype=torch.float32)
    here = torch.zeros(len(labels), 256, device=labels.device).scatter_add_(1, labels, ones)
    chance = here.gather(1, labels) ** -0.3
    chance = chance * torch.where(labels == 255, 1e-6, torch.where(labels == 254, 0.3, 1.0))
    return torch.multinomial(chance, count)


def rare_weight(counts: Tensor) -> Tensor:
    """How much a token of each concept counts, given [concepts] tokens seen; 1 on average."""
    share = counts.float() / counts.sum()
    weight = ((share + 2e-4) ** -0.4).clamp(max=30.0)
    found: Tensor = weight / (weight * share).sum()
    return found


class LabelledPhotos:
    """Whole-photo labels: ImageNet photos and rows, Intel scenes, Caltech."""

    def __init__(self, cache: Path, concepts: Concepts) -> None:
        self.shard = torch.load(cache / "labelled.pt", weights_only=True)
        keys = {key: i for i, key in enumerate(concepts.keys)}
        pairs = zip(self.shard["sets"], self.shard["labels"], strict=True)
        self.concept = torch.tensor([keys[pair] for pair in pairs])
        taught = torch.from_numpy(concepts.own >= 0)
        self.usable = torch.nonzero(taught[self.concept]).flatten()
        ids = [label for kind, label in concepts.keys if kind == "imagenet"]
        self.row_concept = keys[("imagenet", ids[0])] + torch.arange(len(ids))
        self.usable_rows = torch.nonzero(taught[self.row_concept]).flatten()

    def sample(self, count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Maps [count, ...], one token of the 28 x 28 for each, and concepts."""
        picked = self.usable[torch.randint(len(self.usable), (count,))]
        coarse = torch.multinomial(self.shard["where"][picked], 1).flatten()
        row = 2 * (coarse // 14) + torch.randint(2, (count,))
        column = 2 * (coarse % 14) + torch.randint(2, (count,))
        maps = (self.shard[name][picked].float() for name in ("fine", "early"))
        return *maps, row * 28 + column, self.concept[picked]


class WordVectors:
    """Sentence vectors of every trained word in every template, kept on disk between runs."""

    def __init__(self, words: list[str], cache: Path) -> None:
        path = cache / "words.pt"
        known: dict[str, Tensor] = torch.load(path, weights_only=True) if path.exists() else {}
        texts = [template.format(word) for template in TEMPLATES for word in words]
        missing = sorted({text for text in texts if text not in known}, key=len)
        if missing:
            found = TextTower(torch.device("cpu"))(missing).clone()
            known.update(zip(missing, found, strict=True))
            torch.save(known, path)
        self.vectors = torch.stack([known[text] for text in texts])
        self.vectors = self.vectors.view(len(TEMPLATES), len(words), -1)

    def sample(self, noise: float) -> Tensor:
        """[words, 384]: a random template for each word, plus noise of the given length."""
        count = self.vectors.shape[1]
        picked = self.vectors[torch.randint(len(TEMPLATES), (count,)), torch.arange(count)]
        disturbed = picked + torch.randn_like(picked) * noise / picked.shape[1] ** 0.5
        return F.normalize(disturbed, dim=-1)


@torch.no_grad()
def row_prototypes(tower: ImageTower, heads: Heads, photos: LabelledPhotos) -> Tensor:
    """A typical final feature of each ImageNet class, [1000, 1280]; see `prototypes`."""
    early = photos.shard["early"][:: max(1, len(photos.concept) // 300)].float()
    with torch.autocast("cpu", torch.bfloat16):
        final = tower.final(tower.last(early)[-1]).float()
    return prototypes(tower, final, heads.image.final_mean)


def prototypes(tower: ImageTower, final: Tensor, mean: Tensor | None = None) -> Tensor:
    """A typical final feature of each ImageNet class, [1000, 1280], from photos' [P, 1280, h, w].

    A linear classifier trained to the optimum of two Gaussians has rows inverse(covariance)
    times the class mean's offset, so that covariance times row points to the class mean.

    Args:
        mean: [1280] of all photos; that of these if left out.
    """
    flat = final.permute(1, 0, 2, 3).flatten(1)
    covariance = torch.cov(flat)
    offset: Tensor = tower.net.classifier.weight @ covariance
    typical = covariance.diagonal().sum().sqrt()
    middle = flat.mean(1) if mean is None else mean
    found: Tensor = middle + offset / offset.norm(dim=1, keepdim=True) * typical
    return found
