"""Trains the heads on cached feature maps."""

from __future__ import annotations

import argparse
import logging
import random
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from glaclip.backbones.lite.heads import Heads
from glaclip.backbones.lite.towers import FINAL_CHANNELS, STAGE_CHANNELS, ImageTower, TextTower
from training.data import BACKGROUND, DENSE_CONCEPTS
from training.vocabularies import Question, questions
from training.wordnet import WordNet
from training.words import Concepts, build

log = logging.getLogger(__name__)
TEMPLATES = ("{}", "a photo of a {}.", "the {}")
#: The segmenter multiplies cosines by 40 (method, section 1).
LOGIT_SCALE = 40.0


class Crops:
    """Cached dense crops in memory."""

    def __init__(self, cache: Path, parts: Iterable[str], limit: int | None = None) -> None:
        shards = sorted(cache.glob("dense-*.pt"))[:limit]
        maps, labels, self.sets = [], [], []
        for path in shards:
            shard = torch.load(path, weights_only=True)
            keep = [i for i, part in enumerate(shard["parts"]) if part in set(parts)]
            maps.append(shard["maps"][keep])
            labels.append(shard["labels"][keep])
            self.sets += [shard["photos"][i].split("/")[0] for i in keep]
        self.maps, self.labels = torch.cat(maps), torch.cat(labels)
        counts = torch.bincount(self.labels.flatten().int(), minlength=256)[: len(DENSE_CONCEPTS)]
        share = counts.float() / counts.sum()
        self.weight = ((share + 1e-4) ** -0.5).clamp(max=30.0)
        self.weight /= (self.weight * share).sum()


class WordVectors:
    """Sentence vectors of every trained word in every template, kept on disk between runs."""

    def __init__(self, words: list[str], cache: Path) -> None:
        path = cache / "words.pt"
        known: dict[str, Tensor] = torch.load(path, weights_only=True) if path.exists() else {}
        texts = [template.format(word) for template in TEMPLATES for word in words]
        missing = sorted({text for text in texts if text not in known}, key=len)
        if missing:
            found = TextTower(torch.device("cpu"))(missing)
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


def set_statistics(heads: Heads, crops: Crops, tower: ImageTower) -> Tensor:
    """Stores means and scales in the head; returns the covariance of the final features."""
    sample = crops.maps[torch.randperm(len(crops.maps))[:400]].float()
    image = heads.image
    image.stacked_mean.copy_(sample.mean((0, 2, 3)))
    image.stacked_scale.copy_(1 / (sample.std((0, 2, 3)) + 1e-3))
    final = finals(tower, sample).permute(0, 2, 3, 1).reshape(-1, FINAL_CHANNELS)
    image.final_mean.copy_(final.mean(0))
    # One number for all channels keeps the directions of the classifier's space.
    image.final_scale.fill_(float(1 / final.std(0).mean()))
    return torch.cov(final.T)


@torch.no_grad()
def finals(tower: ImageTower, stacked: Tensor) -> Tensor:
    """The classifier's input from stacked maps."""
    last = stacked[:, -STAGE_CHANNELS[-1] :].contiguous(memory_format=torch.channels_last)
    final: Tensor = tower.final(last)
    return final


def row_prototypes(tower: ImageTower, covariance: Tensor, mean: Tensor) -> Tensor:
    """A typical final feature of each ImageNet class, [1000, 1280].

    A linear classifier trained to the optimum of two Gaussians has rows inverse(covariance)
    times the class mean's offset, so that covariance times row points to the class mean.
    """
    offset: Tensor = tower.net.classifier.weight @ covariance
    typical = covariance.diagonal().sum().sqrt()
    prototypes: Tensor = mean + offset / offset.norm(dim=1, keepdim=True) * typical
    return prototypes


class LabelledTokens:
    """Tokens of whole-photo labels: ImageNet rows and photos, Intel scenes, Caltech."""

    def __init__(
        self, cache: Path, tower: ImageTower, heads: Heads, concepts: Concepts, rows: Tensor
    ) -> None:
        shard = torch.load(cache / "labelled.pt", weights_only=True)
        self.maps = shard["maps"]
        keys = {key: i for i, key in enumerate(concepts.keys)}
        pairs = zip(shard["sets"], shard["labels"], strict=True)
        self.concept = torch.tensor([keys[pair] for pair in pairs])
        taught = torch.from_numpy(concepts.own >= 0)
        self.usable = torch.nonzero(taught[self.concept]).flatten()
        first = keys[("imagenet", imagenet_row_ids(concepts)[0])]
        self.rows, self.row_concept = rows, first + torch.arange(len(rows))
        self.usable_rows = torch.nonzero(taught[self.row_concept]).flatten()
        where = cache / "where.pt"
        if not where.exists():
            torch.save(self._where(tower, shard["sets"]), where)
        self.attention = torch.load(where, weights_only=True)

    def _where(self, tower: ImageTower, sets: list[str]) -> Tensor:
        """[photos, S] where the object is: the classifier's confidence on each token."""
        parts = []
        for start in range(0, len(self.maps), 128):
            final = finals(tower, self.maps[start : start + 128].float())
            logits = tower.net.classifier(final.permute(0, 2, 3, 1).flatten(1, 2))  # [B, S, 1000]
            # The classes of the photo as a whole, then where they are strong.
            top = logits.mean(1).topk(5).indices
            strength = logits.gather(2, top[:, None].expand(-1, logits.shape[1], -1)).amax(2)
            parts.append(F.softmax(strength, dim=1))
        weight = torch.cat(parts)
        # A scene is everywhere.
        scene = torch.tensor([name == "intel" for name in sets])
        weight[scene] = 1 / weight.shape[1]
        return weight

    def sample(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Maps [count, ...], one token index for each, and concepts."""
        picked = self.usable[torch.randint(len(self.usable), (count,))]
        token = torch.multinomial(self.attention[picked], 1).flatten()
        return self.maps[picked].float(), token, self.concept[picked]


def imagenet_row_ids(concepts: Concepts) -> list[str]:
    """WordNet ids of the ImageNet concepts, in the order of the classifier's rows."""
    return [label for kind, label in concepts.keys if kind == "imagenet"]


def question_loss(
    tokens: Tensor, labels: Tensor, question: Question, text: Tensor, weight: Tensor
) -> Tensor:
    """Cross-entropy of tokens [M, E] with concepts [M] among the question's words."""
    background = labels == BACKGROUND
    target = question.target[labels.clamp(max=len(question.target) - 1)]
    target = torch.where(background | (labels >= len(DENSE_CONCEPTS)), -1, target)
    logits = LOGIT_SCALE * tokens @ text[question.words].T
    known = target >= 0
    token_weight = weight[labels[known]]
    loss = F.cross_entropy(logits[known], target[known], reduction="none", label_smoothing=0.05)
    total = (loss * token_weight).sum() / token_weight.sum().clamp(min=1.0)
    if background.any() and question.absent.any() and not question.absent.all():
        share = F.softmax(logits[background], dim=1)[:, question.absent].sum(1)
        total = total - 0.3 * torch.log1p(-share.clamp(max=0.999)).mean()
    return total


def word_loss(tokens: Tensor, concept: Tensor, text: Tensor, concepts: Masks) -> Tensor:
    """Cross-entropy of one true word against every false one, for tokens [M, E]."""
    logits = LOGIT_SCALE * tokens @ text.T  # [M, words]
    true = concepts.true[concept]
    chance = concepts.chance[concept]
    picked = torch.multinomial(chance, 1)
    out = (true | concepts.undecided[concept]).scatter(1, picked, False)
    return F.cross_entropy(logits.masked_fill(out, -1e4), picked.flatten(), label_smoothing=0.0)


class Masks:
    """`Concepts` as tensors; `chance` is how often each true word is asked for."""

    def __init__(self, concepts: Concepts) -> None:
        self.true = torch.from_numpy(concepts.true)
        self.undecided = torch.from_numpy(concepts.undecided)
        self.chance = self.true.float() / self.true.sum(1, keepdim=True).clamp(min=1)
        taught = np.flatnonzero(concepts.own >= 0)
        self.chance[taught, concepts.own[taught]] += 0.8


def train(arguments: argparse.Namespace) -> Heads:
    """Trains, going on from an interrupted run of the same output file."""
    torch.manual_seed(arguments.seed)
    rng = random.Random(arguments.seed)
    tower = ImageTower()
    concepts = build(arguments.data, WordNet.read(arguments.wordnet), arguments.leave_out)
    masks = Masks(concepts)
    log.info("%d concepts, %d words", len(concepts.keys), len(concepts.words))
    vectors = WordVectors(concepts.words, arguments.cache)
    crops = Crops(arguments.cache, arguments.parts, arguments.shards)
    log.info("%d crops", len(crops.maps))
    heads = Heads(arguments.channels, arguments.blocks).to(memory_format=torch.channels_last)
    covariance = set_statistics(heads, crops, tower)
    if arguments.start:
        heads.load_state_dict({k: v.float() for k, v in load_file(arguments.start).items()})
    rows = row_prototypes(tower, covariance, heads.image.final_mean)
    labelled = LabelledTokens(arguments.cache, tower, heads, concepts, rows)
    taught = torch.from_numpy(concepts.own >= 0)
    decay: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for parameter in heads.parameters():
        (decay if parameter.ndim > 1 else plain).append(parameter)
    optimizer = torch.optim.AdamW(
        [{"params": decay, "weight_decay": arguments.decay}, {"params": plain, "weight_decay": 0}],
        lr=arguments.rate,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, arguments.rate, total_steps=arguments.steps, pct_start=0.1
    )
    average = torch.optim.swa_utils.AveragedModel(
        heads,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995),  # type: ignore[no-untyped-call]
    )
    started, order = time.time(), torch.randperm(len(crops.maps))
    at, first = 0, 0
    running: dict[str, float] = {}
    state = arguments.out.with_suffix(".state")
    keepers: dict[str, Any] = {
        "heads": heads,
        "optimizer": optimizer,
        "schedule": schedule,
        "average": average,
    }
    if state.exists():
        saved = torch.load(state, weights_only=True)
        for name, keeper in keepers.items():
            keeper.load_state_dict(saved[name])
        first = saved["step"]
        log.info("going on from step %d", first)
    for step in range(first, arguments.steps):
        if step > first and step % 100 == 0:
            torch.save({"step": step, **{n: k.state_dict() for n, k in keepers.items()}}, state)
        if at + arguments.batch > len(order):
            order, at = torch.randperm(len(crops.maps)), 0
        chosen = order[at : at + arguments.batch]
        at += arguments.batch
        losses = step_losses(
            heads, tower, crops, chosen, labelled, masks, concepts, vectors, taught, rng, arguments
        )
        loss = torch.stack(list(losses.values())).sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(heads.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(heads)
        for name, value in losses.items():
            running[name] = 0.98 * running.get(name, value.item()) + 0.02 * value.item()
        if step % 25 == 0:
            figures = " ".join(f"{name} {value:.3f}" for name, value in running.items())
            log.info("step %d, %.0f s: %s", step, time.time() - started, figures)
    state.unlink(missing_ok=True)
    trained = average.module
    assert isinstance(trained, Heads)
    return trained


def step_losses(
    heads: Heads,
    tower: ImageTower,
    crops: Crops,
    chosen: Tensor,
    labelled: LabelledTokens,
    masks: Masks,
    concepts: Concepts,
    vectors: WordVectors,
    taught: Tensor,
    rng: random.Random,
    arguments: argparse.Namespace,
) -> dict[str, Tensor]:
    """One batch's losses by name."""
    maps, seen_sets = crops.maps[chosen].float(), [crops.sets[i] for i in chosen]
    labels = votes(crops.labels[chosen])  # [B, S]
    extra, token, extra_concept = labelled.sample(arguments.extra)
    # NHWC memory: depthwise convolutions train four times as fast on a CPU.
    everything = torch.cat([maps, extra]).contiguous(memory_format=torch.channels_last)
    branch = heads.image.branch(everything).flatten(2).transpose(1, 2)  # [B, S, E]
    stacked = everything.flatten(2).transpose(1, 2)[..., -STAGE_CHANNELS[-1] :]
    # Losses look at some of the tokens; the convolutions above need all of them.
    keep = torch.rand(len(maps), labels.shape[1]).argsort(1)[:, : arguments.tokens]
    labels = labels.gather(1, keep)
    photo = torch.arange(len(everything))
    branch = torch.cat(
        [branch[photo[: len(maps), None], keep].flatten(0, 1), branch[photo[len(maps) :], token]]
    )
    stacked = torch.cat(
        [stacked[photo[: len(maps), None], keep].flatten(0, 1), stacked[photo[len(maps) :], token]]
    )
    general = heads.image.general(finals(tower, stacked[:, :, None, None])).flatten(1)
    # Each path must be able to speak alone: the branch is silent for some crops.
    silent = torch.rand(len(everything), 1) > arguments.silence
    speaks = torch.cat(
        [silent[: len(maps)].expand(-1, keep.shape[1]).reshape(-1, 1), silent[len(maps) :]]
    )
    values = F.normalize(general + branch * speaks, dim=-1)
    flat, single = values[: labels.numel()], values[labels.numel() :]
    asked = questions(concepts, rng)
    text = heads.text(vectors.sample(arguments.text_noise))
    flat_labels = labels.flatten()
    losses: dict[str, Tensor] = {}
    names = torch.tensor([sorted(asked).index(name) for name in seen_sets])
    for name in ("msrc_v2", "labelmefacade", "voc2012"):
        mine = (names == sorted(asked).index(name)).repeat_interleave(labels.shape[1])
        losses[name[:4]] = question_loss(
            flat[mine], flat_labels[mine], asked[name], text, crops.weight
        ) * (0.6 if name == "voc2012" else 1.0)
    losses["street"] = question_loss(flat, flat_labels, asked["street"], text, crops.weight)
    losses["mixed"] = 0.5 * question_loss(flat, flat_labels, asked["mixed"], text, crops.weight)
    known = torch.nonzero(flat_labels < len(DENSE_CONCEPTS)).flatten()
    known = known[taught[flat_labels[known]]]
    known = known[torch.multinomial(crops.weight[flat_labels[known]], min(384, len(known)))]
    losses["words"] = arguments.word_weight * word_loss(
        flat[known], flat_labels[known], text, masks
    )
    losses["photos"] = arguments.word_weight * word_loss(single, extra_concept, text, masks)
    picked = labelled.usable_rows[torch.randint(len(labelled.usable_rows), (256,))]
    rows = labelled.rows[picked] + torch.randn(256, FINAL_CHANNELS) * arguments.row_noise
    projected = F.normalize(heads.image.general(rows[:, :, None, None]).flatten(1), dim=-1)
    losses["rows"] = arguments.word_weight * word_loss(
        projected, labelled.row_concept[picked], text, masks
    )
    return losses


def votes(labels: Tensor) -> Tensor:
    """One of each token's 4 x 4 labels at random: [B, 56, 56] to [B, S]."""
    count, side, _ = labels.shape
    cells = labels.view(count, side // 4, 4, side // 4, 4).permute(0, 1, 3, 2, 4)
    cells = cells.reshape(count, -1, 16).long()
    return cells.gather(2, torch.randint(16, (*cells.shape[:2], 1))).squeeze(2)


def parser() -> argparse.ArgumentParser:
    """Command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", type=Path, required=True)
    p.add_argument("--cache", type=Path, required=True)
    p.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"))
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--parts", nargs="+", default=["train"])
    p.add_argument("--leave-out", nargs="*", default=[], help="names to train without")
    p.add_argument("--shards", type=int)
    p.add_argument("--start", type=Path, help="heads of an earlier round to go on from")
    p.add_argument("--steps", type=int, default=1500)
    p.add_argument("--batch", type=int, default=20)
    p.add_argument("--extra", type=int, default=12)
    p.add_argument("--tokens", type=int, default=98, help="tokens of a crop in the losses")
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--decay", type=float, default=0.1)
    p.add_argument("--channels", type=int, default=224)
    p.add_argument("--blocks", type=int, default=2)
    p.add_argument("--text-noise", type=float, default=0.3)
    p.add_argument("--row-noise", type=float, default=0.3)
    p.add_argument("--silence", type=float, default=0.15)
    p.add_argument("--word-weight", type=float, default=0.3)
    p.add_argument("--seed", type=int, default=0)
    return p


def main() -> None:
    """Trains and writes the heads."""
    arguments = parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    heads = train(arguments)
    stored = {name: value.half().contiguous() for name, value in heads.state_dict().items()}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    meta = {"channels": str(arguments.channels), "blocks": str(arguments.blocks)}
    save_file(stored, arguments.out, metadata=meta)


if __name__ == "__main__":
    main()
