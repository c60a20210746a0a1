"""Checkpoints as tensors by name: read without running anything in them, and refused in words.

Files are safetensors, or PyTorch's own read with weights_only=True. Around the tensors of a tower
there may be what training programs add: an entry "state_dict" or "model" that holds them, and one
prefix before every name.
"""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from glaclip.backbones.base import BackboneError
from glaclip.backbones.clip.torchscript import conversion, is_torchscript

#: Entries of a dictionary that hold the tensors.
_WRAPPERS = ("state_dict", "model")
#: What may stand before every name: of DistributedDataParallel, of a module that holds the tower
#: as its "model", and of torch.compile.
PREFIXES = ("module.", "model.", "_orig_mod.")
#: Tensors beside a tower's own: three numbers of OpenAI's archives, DINOv2's mask of its training.
_BESIDE = frozenset({"input_resolution", "context_length", "vocab_size", "mask_token"})
_NAMED = 3


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a checkpoint by name, on the CPU, without wrapper and prefix.

    Raises:
        BackboneError: a TorchScript archive; with the command that converts it.
        Exception: a damaged file, or one that holds more than weights; see `in_a_sentence`.
    """
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        found: Any = load_file(path)
    elif is_torchscript(path):
        raise BackboneError(
            f"{path.name} is a TorchScript archive, a program around OpenAI's weights, and is not "
            f"run here. If it comes from OpenAI, `{conversion(path)}` writes its weights beside it."
        )
    else:
        found = torch.load(path, map_location="cpu", weights_only=True)
    for wrapper in _WRAPPERS:
        if isinstance(found, dict) and isinstance(found.get(wrapper), dict):
            found = found[wrapper]
    if not isinstance(found, dict):
        raise TypeError(f"it holds a {type(found).__name__}")
    return without_prefix(found)


def without_prefix(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The entries with the prefixes that all names share left out."""
    found = dict(tensors)
    for prefix in PREFIXES:
        if found and all(name.startswith(prefix) for name in found):
            found = {name.removeprefix(prefix): value for name, value in found.items()}
    return found


def load_into(module: nn.Module, path: Path, repo: str, again: str) -> None:
    """Replaces all parameters and buffers of a tower by those of a file.

    Args:
        module: the tower.
        path: the file.
        repo: the hub's name of the model that it should be of, for the message.
        again: what to download instead, for the message.

    Raises:
        BackboneError: a damaged file, or one of another model; it names the first differences.
    """
    with in_a_sentence(path, repo, again):
        tensors = read_tensors(path)
        if said := difference(shapes(module.state_dict()), shapes(tensors)):
            raise BackboneError(
                f"{path.name} is not of the model {repo}: {said}. Needed is {again}."
            )
        kept = {name: tensor for name, tensor in tensors.items() if name not in _BESIDE}
        scale = kept.get("logit_scale")
        if scale is not None:  # a number in some files, a list of one in others
            kept["logit_scale"] = scale.reshape(module.state_dict()["logit_scale"].shape)
        module.load_state_dict(kept)


def shapes(tensors: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Shapes by name; () for what is no tensor."""
    return {name: tuple(getattr(value, "shape", ())) for name, value in tensors.items()}


def difference(
    expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]
) -> str:
    """In which names or shapes a checkpoint differs from a tower first; empty if in none."""
    known = {name: shape for name, shape in found.items() if name not in _BESIDE}
    missing = [name for name in expected if name not in known]
    foreign = [name for name in known if name not in expected]
    other = [
        f"{name} is {list(known[name])} instead of {list(shape)}"
        for name, shape in expected.items()
        if name in known and known[name] != shape and name != "logit_scale"
    ]
    parts = []
    if kind := naming(known):
        parts.append(f"it has the names of {kind}")
    if missing:
        parts.append(f"it lacks {_some(missing)}")
    if foreign:
        parts.append(f"it has {_some(foreign)}, which the model has not")
    if other:
        parts.append(_some(other))
    return "; ".join(parts)


def naming(names: Collection[str]) -> str:
    """Who names tensors in this way, in a few words; empty for the towers' own libraries."""
    if any(name.startswith(("vision_model.", "text_model.")) for name in names):
        return "transformers' CLIP, not open_clip's"
    if any(name.startswith(("encoder.layer.", "vit.encoder.layer.")) for name in names):
        return "transformers' ViT, not timm's"
    if {"student", "teacher"} <= set(names):
        return "DINO's full checkpoint; its authors publish the backbone alone too"
    return ""


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


@contextlib.contextmanager
def in_a_sentence(path: Path, repo: str, again: str) -> Iterator[None]:
    """Turns what reading a damaged or foreign file raises into a BackboneError."""
    from safetensors import SafetensorError

    try:
        yield
    except (
        SafetensorError,
        pickle.UnpicklingError,
        RuntimeError,
        LookupError,
        OSError,
        EOFError,
        ValueError,
        TypeError,
        AttributeError,
    ) as error:
        if isinstance(error, BackboneError):
            raise
        raise BackboneError(
            f"{path.name} cannot be read as the weights of {repo}: it is damaged, incomplete, or "
            f"holds more than weights. Download it again: {again}."
        ) from error
