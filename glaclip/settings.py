"""Settings are values: frozen, validated, hashable, passed down and never changed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar


class SettingsError(ValueError):
    """A setting outside its range; the message names the field, the range and what was received."""

    def named(self, labels: Mapping[str, str]) -> str:
        """The message with the field called as where the person set it.

        Args:
            labels: by field name, such as {"short_side": "Short side"} or "--short-side".
        """
        field, verb, rest = str(self).partition(" must be ")
        return f"{labels.get(field, field)}{verb}{rest}"


def brief(received: object) -> str:
    """What was received, as Python writes it, cut where it is long."""
    text = repr(received)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _require(ok: bool, field: str, accepted: str, received: object) -> None:
    if not ok:
        raise SettingsError(f"{field} must be {accepted}; received {brief(received)}")


def _require_int(field: str, value: object, low: int, high: int, note: str = "") -> None:
    ok = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    _require(ok, field, f"a whole number from {low} to {high}{note}", value)


def _require_number(field: str, value: object, low: float, high: float) -> None:
    ok = False
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        ok = math.isfinite(value) and low <= value <= high
    _require(ok, field, f"a number from {low:g} to {high:g}", value)


def _require_one_of(field: str, value: object, names: tuple[str, ...]) -> None:
    known = isinstance(value, str) and value in names
    _require(known, field, f"one of {', '.join(names)}", value)


def _require_bool(field: str, value: object) -> None:
    _require(isinstance(value, bool), field, "True or False", value)


#: How photos are resized: smoothed where they shrink, or as OpenCV's bilinear does, plain.
ANTIALIASED, PLAIN = RESAMPLINGS = ("antialiased", "plain")
#: What the VFM sees: each window as CLIP does, or the photo once. The second is not the paper's.
BY_WINDOW, WHOLE_PHOTO = VFM_VIEWS = ("windows", "whole")


@dataclass(frozen=True)
class WindowSettings:
    """How a photo is resized and cut into windows (method, section 1). All lengths are pixels.

    Attributes:
        short_side: length of the photo's short side after resizing.
        crop: side of the square window.
        stride: distance between the starts of neighboring windows.
        long_side_limit: the long side is never resized beyond this.
        resampling: "antialiased", or "plain" for bilinear resizing without smoothing, which is what
            the released programs do.
        vfm_view: "windows", or "whole" for a VFM that sees the photo once, so that a place has one
            key in all windows. It is quicker, and not the paper's.
    """

    short_side: int = 336
    crop: int = 224
    stride: int = 112
    long_side_limit: int = 2048
    resampling: str = ANTIALIASED
    vfm_view: str = BY_WINDOW

    def __post_init__(self) -> None:
        _require_one_of("resampling", self.resampling, RESAMPLINGS)
        _require_one_of("vfm_view", self.vfm_view, VFM_VIEWS)
        _require_int("crop", self.crop, 32, 1024)
        note = ", and not below the side of a window"
        _require_int("short_side", self.short_side, self.crop, 2048, note)
        _require_int("stride", self.stride, 16, self.crop, ", the side of a window")
        _require_int("long_side_limit", self.long_side_limit, self.short_side, 8192)

    def __repr__(self) -> str:
        """Like that of any dataclass, without a way of doing things where it is the usual one.

        Keys of what is kept on disk are made of this: what was kept before there was a choice
        stays known.
        """
        values = [(field, getattr(self, field.name)) for field in dataclasses.fields(self)]
        shown = [
            f"{field.name}={value!r}"
            for field, value in values
            if isinstance(value, int) or value != field.default
        ]
        return f"WindowSettings({', '.join(shown)})"

    @property
    def unlike_the_paper(self) -> str:
        """In which way this is another method than the paper's, for people; mostly empty."""
        if self.vfm_view == BY_WINDOW:
            return ""
        return "vision model on the whole photo (not the paper's)"


@dataclass(frozen=True)
class Stage:
    """One switch of the method, and the rung of the ladder that it adds.

    Attributes:
        name: short name, in command lines and method names.
        field: the switch in `AttentionSettings`.
        title: what the page calls the switch.
        caption: what it adds, as a rung of the ladder.
        help: what it does, one sentence.
    """

    name: str
    field: str
    title: str
    caption: str
    help: str


#: The method's switches in the paper's order. Names, captions, rungs, command line options, links
#: and widgets all follow from these lines.
STAGES = (
    Stage(
        "context",
        "cross_window",
        "Cross-window context",
        "+ Context",
        "Every patch may look at the patches of all windows, not just its own.",
    ),
    Stage(
        "anchors",
        "proxy_anchors",
        "Proxy anchors",
        "+ Anchors",
        "A patch asks with the average of the patches like it, from all windows.",
    ),
    Stage(
        "normalization",
        "dynamic_normalization",
        "Dynamic normalization",
        "+ Normalization",
        "Small objects get sharper attention, large ones broader attention.",
    ),
)
STAGE_NAMES = tuple(stage.name for stage in STAGES)


@dataclass(frozen=True)
class Rung:
    """A step of the ladder: all stages up to one.

    Attributes:
        name: short name: "off", "context", "context+anchors", "on".
        caption: for people.
        stages: names of the stages that are on.
    """

    name: str
    caption: str
    stages: tuple[str, ...]


def _rungs() -> tuple[Rung, ...]:
    names = STAGE_NAMES
    rungs = [Rung("off", "Alone", ())]
    for count, stage in enumerate(STAGES, 1):
        name = "on" if count == len(STAGES) else "+".join(names[:count])
        rungs.append(Rung(name, stage.caption, names[:count]))
    return tuple(rungs)


#: The ablation in the paper's order: none, + context, + anchors, + normalization.
RUNGS = _rungs()
RUNG_NAMES = tuple(rung.name for rung in RUNGS)
CAPTIONS = tuple(rung.caption for rung in RUNGS)


#: Products as exact as float32, or as fast as the processor multiplies (`glaclip.attention.fast`).
EXACT, FAST = PRECISIONS = ("exact", "fast")


T = TypeVar("T")


def after_anchors(default: T) -> T:
    """A field that proxy anchors do not read; see `AttentionSettings.of_anchors`."""
    return dataclasses.field(default=default, metadata={"anchors": False})


@dataclass(frozen=True)
class AttentionSettings:
    """The three switches and the constants of attention over windows (method, section 2).

    Attributes:
        cross_window: every token sees the tokens of all windows, not just its own window's.
        proxy_anchors: the query is replaced by the mean of the tokens similar to it.
        dynamic_normalization: shift and scale of the scores follow the number of windows and |P_i|.
        threshold: rho, cosine above which a token belongs to a query's set P_i.
        iterations: T, how many times the anchor is recomputed.
        shift: lambda1 in u = 1 + lambda1 ln(1 + L_vis).
        scale: lambda2 in w_i = 1 + lambda2 / |P_i|.
        beta: share of the mean score that is subtracted when dynamic normalization is off.
        gamma: factor on the scores when dynamic normalization is off.
        precision: "exact", or "fast" for products in the processor's fastest float type.
    """

    cross_window: bool = True
    proxy_anchors: bool = after_anchors(True)
    dynamic_normalization: bool = after_anchors(True)
    threshold: float = 0.6
    iterations: int = 2
    shift: float = after_anchors(0.3)
    scale: float = after_anchors(30.0)
    beta: float = after_anchors(1.2)
    gamma: float = after_anchors(3.0)
    precision: str = EXACT

    def __post_init__(self) -> None:
        for stage in STAGES:
            _require_bool(stage.field, getattr(self, stage.field))
        _require_number("threshold", self.threshold, -1.0, 1.0)
        _require_int("iterations", self.iterations, 1, 10)
        _require_number("shift", self.shift, 0.0, 5.0)
        _require_number("scale", self.scale, 0.0, 10000.0)
        _require_number("beta", self.beta, 0.0, 10.0)
        _require_number("gamma", self.gamma, 0.0, 100.0)
        _require_one_of("precision", self.precision, PRECISIONS)

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages that are on, in the paper's order."""
        return tuple(stage.name for stage in STAGES if getattr(self, stage.field))

    def with_stages(self, names: Iterable[str]) -> AttentionSettings:
        """The same constants with exactly these stages on.

        Raises:
            SettingsError: a name that is no stage's.
        """
        wanted = tuple(names)
        for name in wanted:
            _require(name in STAGE_NAMES, "stages", f"among {', '.join(STAGE_NAMES)}", name)
        switches: dict[str, Any] = {stage.field: stage.name in wanted for stage in STAGES}
        return dataclasses.replace(self, **switches)

    def on(self) -> AttentionSettings:
        """All stages on: GLA-CLIP."""
        return self.with_stages(STAGE_NAMES)

    def off(self) -> AttentionSettings:
        """All stages off: each window alone (ProxyCLIP when the keys are a VFM's)."""
        return self.with_stages(())

    def of_anchors(self) -> AttentionSettings:
        """What proxy anchors depend on, for the key of those that are kept.

        The same with every field that says that anchors do not read it at its default; a field
        that says nothing counts as read, so that a new one meets no anchors of another value.
        """
        fields = dataclasses.fields(self)
        unread: dict[str, Any] = {
            field.name: field.default for field in fields if not field.metadata.get("anchors", True)
        }
        return dataclasses.replace(self, **unread)

    @property
    def rung(self) -> Rung | None:
        """The rung of the ladder that the switches stand on, or None between rungs."""
        return next((rung for rung in RUNGS if rung.stages == self.stages), None)

    @classmethod
    def ladder(cls, base: AttentionSettings | None = None) -> tuple[AttentionSettings, ...]:
        """The settings of each of `RUNGS`: none, + context, + anchors, + normalization.

        Args:
            base: where the constants come from; the paper's when left out.
        """
        base = base or cls()
        return tuple(base.with_stages(rung.stages) for rung in RUNGS)


#: The paper says rho = 0.6. The released script names 0.6 too, but the command line in it passes no
#: rho, and the released program's own default is 0.55: so 0.55 is what runs.
ATTENTION_PRESETS = {
    "paper": AttentionSettings(),
    "released-program": AttentionSettings(threshold=0.55),
}
