"""What weights see in the shipped photos: whole photos among words, and their parts."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from glaclip.backbones.clip.backbone import ClipBackbone
from glaclip.backbones.clip.text import OpenClipText
from glaclip.evaluation.score.counts import Score, score_of
from glaclip.evaluation.verify.check import Check
from glaclip.evaluation.verify.photos import (
    TruthPhoto,
    asked_words,
    subject_photos,
    truth_photos,
)
from glaclip.photo import load_photo
from glaclip.segmenter import Progress, Segmenter
from glaclip.segmenter.progress import unheard
from glaclip.vocabulary import LOGIT_SCALE

#: Photos of twelve whose subject must come first.
_SHARE = 10 / 12
#: How far mIoU must be above what labels without a photo reach.
_ABOVE = 0.1
#: By how much subjects must be likelier with an activation for it to be the right one, and with the
#: other for it to be the wrong one: twelve photos tell no finer.
_RIGHT, _WRONG = 0.01, 0.1


def whole_photos(backbone: ClipBackbone, photos: Sequence[Image.Image]) -> Tensor:
    """[P, E] unit vectors of photos as CLIP was trained to see them: one square in the middle."""
    side = backbone.visual.image_size[0]
    squares = [middle(photo, side) for photo in photos]
    return torch.cat([backbone.embed(square[None].to(backbone.device)) for square in squares])


def middle(photo: Image.Image, side: int) -> Tensor:
    """[3, side, side] in 0..1: the short side resized, then the middle cut out."""
    scale = side / min(photo.size)
    width, height = (max(side, round(length * scale)) for length in photo.size)
    resized = photo.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - side) // 2, (height - side) // 2
    square = resized.crop((left, top, left + side, top + side))
    return torch.from_numpy(np.array(square)).permute(2, 0, 1).float() / 255


def word_vectors(backbone: ClipBackbone, words: Sequence[str], templates: Sequence[str]) -> Tensor:
    """[W, E] unit vectors of words, each the mean over prompt templates."""
    rows = [
        backbone.encode_text([each.replace("{}", word) for each in templates]) for word in words
    ]
    return F.normalize(torch.stack([row.mean(0) for row in rows]), dim=-1)


def log_shares(backbone: ClipBackbone, templates: Sequence[str]) -> Tensor:
    """[P, W] log-probabilities of the asked words for each shipped photo."""
    photos = whole_photos(backbone, [each.photo() for each in subject_photos()])
    words = word_vectors(backbone, asked_words(), templates)
    return (LOGIT_SCALE * photos @ words.T).log_softmax(dim=-1).cpu()


def subject_check(shares: Tensor) -> Check:
    """Whether the photos' subjects come first among the words."""
    known = subject_photos()
    words = asked_words()
    first = [words[int(index)] for index in shares.argmax(dim=-1)]
    hits = sum(word == photo.subject for word, photo in zip(first, known, strict=True))
    missed = [
        f"{photo.path.stem} as {word}"
        for word, photo in zip(first, known, strict=True)
        if word != photo.subject
    ]
    least = round(_SHARE * len(known))
    said = f"{hits} of {len(known)}" + (f"; {', '.join(missed[:3])}" if missed else "")
    return Check(
        f"subject first among {len(words)} words",
        f"at least {least} of {len(known)} photos",
        said,
        hits >= least,
    )


def activation_checks(backbone: ClipBackbone, own: Tensor) -> Iterator[Check]:
    """Which activation the towers have, and whether their weights fit it better than the other.

    Args:
        backbone: its towers.
        own: log-probabilities of the asked words by the plain prompt, as the towers are.
    """
    kind = activation(backbone.visual)
    other = "GELU" if kind == "QuickGELU" else "QuickGELU"
    swapped = with_activation(backbone, other)
    words = asked_words()
    truth = torch.tensor([words.index(photo.subject) for photo in subject_photos()])
    means = [
        float(shares.gather(1, truth[:, None]).mean())
        for shares in (own, log_shares(swapped, ("a photo of a {}.",)))
    ]
    ahead = means[0] - means[1]
    yield Check(
        f"activation of the towers ({kind})",
        f"subjects likelier than with {other}",
        f"mean log-probability {means[0]:.4f}, with {other} {means[1]:.4f}",
        True if ahead > _RIGHT else False if ahead < -_WRONG else None,
    )


def activation(module: nn.Module) -> str:
    """The name of the activation that a tower has, QuickGELU or GELU."""
    kinds = {type(each).__name__ for each in module.modules()} & {"QuickGELU", "GELU"}
    return kinds.pop() if len(kinds) == 1 else "neither GELU nor QuickGELU"


def with_activation(backbone: ClipBackbone, kind: str) -> ClipBackbone:
    """A copy with another activation that shares all weights with the original."""
    from open_clip.transformer import QuickGELU

    text = backbone._encode_text
    assert isinstance(text, OpenClipText)
    shared = {id(each): each for each in (*text.model.parameters(), *text.model.buffers())}
    model: Any = copy.deepcopy(text.model, shared)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child).__name__ in ("QuickGELU", "GELU"):
                setattr(parent, name, QuickGELU() if kind == "QuickGELU" else nn.GELU())
    return ClipBackbone(model.visual, OpenClipText(model, text.tokenizer))


# ---------------------------------------------------------------------------------------------
# Parts of photos


def part_checks(segmenter: Segmenter, progress: Progress | None = None) -> Iterator[Check]:
    """Measures mIoU on the photos with truth, beside labels made blindly, and seams on and off."""
    known, note = truth_photos(), progress or unheard
    base = segmenter.backbone.default_attention
    on: list[Score] = []
    off: list[Score] = []
    for done, photo in enumerate(known):
        note("photos with truth", done, len(known))
        encoded = segmenter.encode(load_photo(photo.path))
        for scores, settings in ((on, base.on()), (off, base.off())):
            result = segmenter.segment(encoded, photo.vocabulary, settings)
            scores.append(score_of(result, photo.truth))
    note("photos with truth", len(known), len(known))
    miou = float(np.mean([score.miou for score in on]))
    least = float(np.mean([blind_miou(photo) for photo in known])) + _ABOVE
    yield Check(
        f"mIoU on {len(known)} photos with truth",
        f"at least {least:.2f}, {_ABOVE:g} above labels made without the photo",
        f"{miou:.2f}",
        miou >= least,
    )
    seams = [float(np.mean([score.seam_rate for score in scores])) for scores in (on, off)]
    yield Check(
        "seams, all switches on",
        f"below those of each window alone ({seams[1]:.2%})",
        f"{seams[0]:.2%}",
        seams[0] < seams[1],
    )


def blind_miou(photo: TruthPhoto) -> float:
    """The better mIoU of two ways that do not look: labels drawn evenly, or the largest class."""
    values = photo.truth[photo.truth >= 0]
    shares: NDArray[np.float64] = np.bincount(values) / values.size
    shares = shares[shares > 0]
    drawn = 1 / len(photo.vocabulary.classes)
    evenly = np.mean(shares * drawn / (shares + drawn - shares * drawn))
    return float(max(evenly, shares.max() / len(shares)))
