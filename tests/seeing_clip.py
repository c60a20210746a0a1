"""A tiny CLIP that knows the shipped photos by heart: a stand-in for weights that are right.

Trained for some seconds on the very photos that `verify` asks about, which real weights never saw.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glaclip.backbones.clip.backbone import ClipBackbone
from glaclip.backbones.clip.models import ClipModel, untrained_clip
from glaclip.backbones.clip.vfm import normalize
from glaclip.evaluation.verify.behavior import middle
from glaclip.evaluation.verify.photos import asked_words, subject_photos, truth_photos
from glaclip.photo import load_photo
from glaclip.settings import WindowSettings
from glaclip.vocabulary import LOGIT_SCALE
from glaclip.windows import boxes, crops, resize_photo, working_size

_STEPS = 80
_IGNORED = -1


def seeing_clip(model: ClipModel) -> tuple[nn.Module, nn.Module]:
    """(CLIP with its text tower, VFM), trained."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        backbone = untrained_clip(model)
        text: Any = backbone._encode_text
        clip: nn.Module = text.model
        clip.requires_grad_(True)
        _train(backbone, clip)
    assert backbone.vfm is not None
    return clip.requires_grad_(False), backbone.vfm.model


def _train(backbone: ClipBackbone, clip: nn.Module) -> None:
    whole = torch.stack([middle(each.photo(), 64) for each in subject_photos()])
    asked = asked_words()
    subjects = torch.tensor([asked.index(each.subject) for each in subject_photos()])
    parts = [_tokens(index) for index in range(len(truth_photos()))]
    names = tuple(dict.fromkeys((*asked, *(n for p in truth_photos() for n in p.vocabulary.names))))
    normalized = normalize(whole, backbone.clip_normalization)
    dice = random.Random(0)
    optimizer = torch.optim.AdamW(clip.parameters(), lr=3e-3, weight_decay=0)
    for _ in range(_STEPS):
        templates = ("a photo of a {}.", dice.choice(backbone.templates))
        prompts = [each.replace("{}", name) for each in templates for name in names]
        text = F.normalize(backbone._encode_text(prompts), dim=-1).view(2, len(names), -1).mean(0)
        words = dict(zip(names, F.normalize(text, dim=-1), strict=True))
        known = torch.stack([words[name] for name in asked]).T
        logits = LOGIT_SCALE * F.normalize(backbone.visual(normalized), dim=-1) @ known
        loss = F.cross_entropy(logits, subjects)
        for (windows, labels), photo in zip(parts, truth_photos(), strict=True):
            entering = backbone._entering_last_block(windows)
            features = backbone.last_block.project(backbone.last_block.values(entering))
            classes = torch.stack([words[name] for name in photo.vocabulary.names])
            scores = LOGIT_SCALE * features.flatten(0, 1) @ classes.T
            loss = loss + F.cross_entropy(scores, labels, ignore_index=_IGNORED)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _tokens(index: int) -> tuple[Tensor, Tensor]:
    """Four windows of a photo with truth, and the class of each patch's center."""
    photo, settings = truth_photos()[index], WindowSettings()
    image = load_photo(photo.path)
    size = working_size(image.height, image.width, settings)
    truth = torch.from_numpy(np.ascontiguousarray(photo.truth)).float()
    scaled = F.interpolate(truth[None, None], size, mode="nearest")[0]  # [1, h, w]
    chosen = boxes(size, settings)[::2]
    windows = crops(resize_photo(image, size), chosen)
    labels = torch.stack([scaled[0, b.top : b.bottom, b.left : b.right] for b in chosen])
    return windows, labels[:, 8::16, 8::16].long().flatten()
