"""What was typed, as settings, backbones and files; shared by all commands."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glaclip.backbones.base import Backbone
from glaclip.cli.console import Console, UsageError
from glaclip.evaluation.data.classes import DatasetError
from glaclip.evaluation.run.store import StoreError
from glaclip.photo import PhotoError
from glaclip.settings import ATTENTION_PRESETS, AttentionSettings, SettingsError, WindowSettings
from glaclip.support.files import write_whole
from glaclip.vocabulary import VocabularyError

if TYPE_CHECKING:
    pass

#: What a person can mend: reported as one sentence.
FORESEEN = (PhotoError, VocabularyError, SettingsError, DatasetError, StoreError)

#: Starts a backbone: (name, device, dtype, weights folder). Tests pass their own.
Loader = Callable[[str, str, str, str | None], Backbone]


def load_registered(name: str, device: str, dtype: str, weights: str | None) -> Backbone:
    """Starts a backbone of the registry; "auto" as device takes the best one there is."""
    from glaclip.backbones.registry import load
    from glaclip.backbones.zero_gpu import default_device

    place = default_device() if device == "auto" else device
    if place == "cuda":  # torchrun's processes take a GPU each
        place = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return load(name, place, dtype, weights)


def untrained(name: str, device: str, dtype: str, weights: str | None) -> Backbone:
    """`load_registered` of a real CLIP with random weights."""
    from glaclip.backbones.registry import load_untrained
    from glaclip.backbones.zero_gpu import default_device

    return load_untrained(name, default_device() if device == "auto" else device, dtype)


def described(backbone: Backbone) -> str:
    """A backbone's title and, in brackets, name, device and type."""
    return f"{backbone.title} ({backbone.name}, {backbone.device}, {type_described(backbone)})"


def type_described(backbone: Backbone) -> str:
    """The type it computes in, and why if somebody chose."""
    kind = str(backbone.dtype).removeprefix("torch.")
    return f"{kind}: {backbone.dtype_why}" if backbone.dtype_why else kind


def _given(args: argparse.Namespace, *fields: str) -> dict[str, Any]:
    values = {field: getattr(args, field) for field in fields}
    return {field: value for field, value in values.items() if value is not None}


def attention_of(args: argparse.Namespace, backbone: Backbone) -> AttentionSettings:
    """The constants asked for, on the backbone's or a preset's."""
    base = ATTENTION_PRESETS.get(args.constants, backbone.default_attention)
    fields = ("threshold", "iterations", "shift", "scale", "beta", "gamma", "precision")
    return dataclasses.replace(base, **_given(args, *fields))


def windows_of(args: argparse.Namespace, backbone: Backbone) -> WindowSettings:
    """The windows asked for, on the backbone's."""
    return dataclasses.replace(
        backbone.default_windows, **_given(args, "short_side", "crop", "stride")
    )


def start_backbone(args: argparse.Namespace, load: Loader, console: Console) -> Backbone:
    """Starts the backbone asked for and says which.

    Raises:
        UsageError: a key source it does not have.
    """
    backbone = load(args.backbone, args.device, args.dtype, args.weights)
    console.say(f"Backbone: {described(backbone)}")
    if args.key_source is not None and args.key_source not in backbone.key_sources:
        raise UsageError(
            f"--key-source must be one of {', '.join(backbone.key_sources)} for "
            f"{backbone.title}; received {args.key_source!r}"
        )
    return backbone


def output_folder(path: Path) -> Path:
    """Makes a folder for results."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder for results cannot be made: {error.strerror}") from error
    return path


def check_writable(path: Path) -> None:
    """Refuses a file that cannot be written, before the long work and not after it."""
    try:
        path.open("ab").close()
    except OSError as error:
        raise UsageError(f"{path.name} cannot be written: {error.strerror}") from error


def write(path: Path, content: bytes) -> None:
    """Writes a file of results."""
    try:
        write_whole(path, content)
    except OSError as error:
        raise UsageError(f"{path.name} cannot be written: {error.strerror}") from error
