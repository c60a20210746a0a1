"""What was typed, as frozen values: argparse's namespace ends here. PyTorch is not imported."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from glaclip.cli.arguments import CONSTANTS, WINDOWS
from glaclip.cli.console import Console, UsageError
from glaclip.settings import ATTENTION_PRESETS, AttentionSettings, WindowSettings
from glaclip.support.files import atomic_write

if TYPE_CHECKING:
    from glaclip.backbones.base import Backbone

#: Starts a backbone: (name, device, dtype, weights folder). Tests pass their own.
Loader = Callable[[str, str, str, "str | None"], "Backbone"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a command needs of what was typed; each field has the name of its argument."""

    @classmethod
    def of(cls, args: argparse.Namespace, **derived: Any) -> Self:
        """The fields as argparse read them, but for those that were derived.

        Raises:
            UsageError: what does not go together.
        """
        typed = {field.name: getattr(args, field.name, None) for field in dataclasses.fields(cls)}
        return cls(**{**typed, **derived})


@dataclass(frozen=True, kw_only=True)
class BackboneOptions(Options):
    """Which backbone, where its weights are, where it runs; see `add_backbone`."""

    backbone: str
    weights: str | None
    device: str
    dtype: str
    key_source: str | None

    def load(self, load: Loader, name: str = "", dtype: str = "") -> Backbone:
        """The backbone asked for, or another one or of another type at its place."""
        # The embedded one is refused a folder only by whoever named both.
        weights = None if name == "lite" else self.weights
        return load(name or self.backbone, self.device, dtype or self.dtype, weights)

    def start(
        self, load: Loader, console: Console, loaded: Callable[[], Backbone] | None = None
    ) -> Backbone:
        """Starts the backbone asked for and says which.

        Args:
            load: starts a backbone.
            console: hears which.
            loaded: starts it instead, in a type of its own.

        Raises:
            UsageError: a key source it does not have.
        """
        backbone = loaded() if loaded else self.load(load)
        console.say(f"Backbone: {described(backbone)}")
        if self.backbone == "auto" and (said := _doubt(backbone, self.weights)):
            console.say(said)
        if self.key_source is not None and self.key_source not in backbone.key_sources:
            raise UsageError(
                f"--key-source must be one of {', '.join(backbone.key_sources)} for "
                f"{backbone.title}; received {self.key_source!r}"
            )
        return backbone


@dataclass(frozen=True, kw_only=True)
class RunOptions(BackboneOptions):
    """A backbone, constants of attention and windows, those that were typed by their fields."""

    constants: str
    precision: str
    typed_constants: dict[str, float]
    typed_windows: dict[str, Any]

    @classmethod
    def of(cls, args: argparse.Namespace, **derived: Any) -> Self:
        """See `Options`."""
        typed = {name: value for name, value in vars(args).items() if value is not None}
        parts = {
            "typed_constants": {f: typed[f] for _, f, _, _ in CONSTANTS if f in typed},
            "typed_windows": {f: typed[f] for f in WINDOWS if f in typed},
        }
        return super().of(args, **parts, **derived)

    def start(
        self, load: Loader, console: Console, loaded: Callable[[], Backbone] | None = None
    ) -> Backbone:
        """See `BackboneOptions`; says where the windows are not the paper's way.

        Raises:
            UsageError, SettingsError: what the backbone does not have or cannot take.
        """
        from glaclip.segmenter.encoding import check_windows

        backbone = super().start(load, console, loaded)
        windows = self.windows(backbone)
        check_windows(backbone, windows)
        if windows.unlike_the_paper:
            console.say(f"Keys: {windows.unlike_the_paper}")
        return backbone

    def attention(self, backbone: Backbone) -> AttentionSettings:
        """The constants asked for, on the backbone's or a preset's."""
        base = ATTENTION_PRESETS.get(self.constants, backbone.default_attention)
        typed: dict[str, Any] = {**self.typed_constants, "precision": self.precision}
        return dataclasses.replace(base, **typed)

    def windows(self, backbone: Backbone) -> WindowSettings:
        """The windows asked for, on the backbone's."""
        return dataclasses.replace(backbone.default_windows, **self.typed_windows)


def _doubt(backbone: Backbone, weights: str | None) -> str:
    """What is wrong with weights that nobody named, at their first start; mostly nothing."""
    from glaclip.evaluation.verify.verify import doubt

    return doubt(backbone, weights)


def load_registered(name: str, device: str, dtype: str, weights: str | None) -> Backbone:
    """Starts a backbone of the registry; "auto" as device takes the best one there is.

    Raises:
        BackboneError: it cannot start, or `weights` could not be used.
    """
    from glaclip.backbones.base import BackboneError
    from glaclip.backbones.registry import LITE, load
    from glaclip.backbones.zero_gpu import default_device

    if name == LITE and weights is not None:
        raise BackboneError("--weights is for real CLIP; the weights of lite are in its packages.")

    place = default_device() if device == "auto" else device
    if place == "cuda":  # torchrun's processes take a GPU each
        place = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return load(name, place, dtype, weights)


def untrained(name: str, device: str, dtype: str, weights: str | None) -> Backbone:
    """`load_registered` of a real CLIP with random weights."""
    from glaclip.backbones.registry import load_untrained
    from glaclip.backbones.zero_gpu import default_device

    place = default_device() if device == "auto" else device
    return load_untrained(name, place, dtype)


def described(backbone: Backbone) -> str:
    """A backbone's title and, in brackets, name, device and type."""
    return f"{backbone.title} ({backbone.name}, {backbone.device}, {type_described(backbone)})"


def type_name(backbone: Backbone) -> str:
    """The type it computes in, such as "float32"."""
    return str(backbone.dtype).removeprefix("torch.")


def type_described(backbone: Backbone) -> str:
    """The type it computes in, and why if somebody chose."""
    kind = type_name(backbone)
    return f"{kind}: {backbone.dtype_why}" if backbone.dtype_why else kind


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
    """Writes a file of results, and its folder where that is missing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, content)
    except OSError as error:
        raise UsageError(f"{path.name} cannot be written: {error.strerror}") from error
