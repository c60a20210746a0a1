"""Whether weights are the right ones: all that can be told here, or the part that takes seconds."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

import torch

from glaclip.backbones.base import Backbone, BackboneError
from glaclip.backbones.clip.backbone import ClipBackbone
from glaclip.backbones.clip.models import CLIP_MODELS, ClipModel
from glaclip.backbones.clip.weights import find, weights_folder
from glaclip.evaluation.verify import behavior
from glaclip.evaluation.verify.check import Check, wrong
from glaclip.evaluation.verify.files import (
    FoundFile,
    file_checks,
    neighbor_checks,
    numbers_check,
)
from glaclip.segmenter import Progress, Segmenter
from glaclip.segmenter.progress import unheard
from glaclip.support.cache import digest
from glaclip.support.files import atomic_write, cache_folder

#: One prompt for what is asked quickly.
PLAIN = ("a photo of a {}.",)


@dataclass(frozen=True)
class Verification:
    """What was found out about weights.

    Attributes:
        backbone: registry name.
        files: of the CLIP and of the VFM.
        checks: in the order in which they were made.
    """

    backbone: str
    files: tuple[FoundFile, ...]
    checks: tuple[Check, ...]

    @property
    def wrong(self) -> tuple[Check, ...]:
        """Checks that do not fit the right weights."""
        return wrong(self.checks)


def verify(
    backbone: Backbone, weights: str | Path | None = None, progress: Progress | None = None
) -> Verification:
    """Looks at files, numbers and behavior of a real CLIP.

    Args:
        backbone: from the registry, in float32.
        weights: the folder that it was loaded with.
        progress: called as (what is looked at, done, all).

    Raises:
        BackboneError: not a real CLIP of the registry, or its files are not on this computer.
    """
    clip, model = _real(backbone)
    paths = _paths(model, weights)
    note = progress or unheard
    files: list[FoundFile] = []
    for done, (file, path) in enumerate(zip(model.files, paths, strict=True)):
        note("files", done, len(paths))
        files.append(FoundFile.of(file.repo, path))
    note("files", len(paths), len(paths))
    checks = list(file_checks(model, (files[0], files[1])))
    checks += numbers_check(model.clip, paths[0])
    with torch.inference_mode():
        checks.append(behavior.subject_check(behavior.log_shares(clip, clip.templates)))
        checks += behavior.activation_checks(clip, behavior.log_shares(clip, PLAIN))
    checks += behavior.part_checks(Segmenter(clip), progress)
    return Verification(model.name, tuple(files), tuple(checks))


def quick_checks(backbone: Backbone, weights: str | Path | None = None) -> tuple[Check, ...]:
    """What takes seconds: neighbors of the files, numbers, whole photos with one prompt.

    Raises:
        BackboneError: see `verify`.
    """
    clip, model = _real(backbone)
    paths = _paths(model, weights)
    checks: list[Check] = []
    for tower, path in zip((model.clip, model.vfm), paths, strict=True):
        checks += neighbor_checks(tower, path)
    checks += numbers_check(model.clip, paths[0])
    with torch.inference_mode():
        checks.append(behavior.subject_check(behavior.log_shares(clip, PLAIN)))
    return tuple(checks)


def doubt(backbone: Backbone, weights: str | Path | None = None) -> str:
    """A sentence of warning about weights that "auto" took; empty where nothing is wrong.

    The quick checks run once for each weights; what came out is kept in the user's cache folder.
    """
    if not isinstance(backbone, ClipBackbone) or backbone.name not in CLIP_MODELS:
        return ""
    folder = cache_folder()
    kept = None
    if folder is not None:
        kept = folder / "verified" / f"{digest(backbone.fingerprint)[:32]}.txt"
    if kept is not None and kept.is_file():
        return kept.read_text(encoding="utf-8")
    found = wrong(quick_checks(backbone, weights))
    said = ""
    if found:
        reasons = "; ".join(f"{c.name}: {c.seen}, expected {c.expected}" for c in found)
        said = (
            f"The weights of {backbone.title} do not look right ({reasons}). "
            f"`python -m glaclip verify --backbone {backbone.name}` looks at all."
        )
    if kept is not None:
        with contextlib.suppress(OSError):
            kept.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(kept, said.encode())
    return said


def _real(backbone: Backbone) -> tuple[ClipBackbone, ClipModel]:
    model = CLIP_MODELS.get(backbone.name)
    if model is None or not isinstance(backbone, ClipBackbone):
        raise BackboneError(
            f"Only weights of real CLIP are verified, and {backbone.title} has its own; name one "
            f"of {', '.join(CLIP_MODELS)} with --backbone."
        )
    return backbone, model


def _paths(model: ClipModel, weights: str | Path | None) -> tuple[Path, ...]:
    folder = weights_folder(weights)
    found = tuple(path for file in model.files if (path := find(file, folder)) is not None)
    if len(found) < len(model.files):
        raise BackboneError(f"The files of {model.title} are no longer on this computer.")
    return found
