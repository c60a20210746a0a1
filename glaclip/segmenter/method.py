"""One value for what turns tokens into features, and its short names: off, context+anchors."""

from __future__ import annotations

from dataclasses import dataclass, replace

from glaclip.backbones.base import Backbone
from glaclip.segmenter.fusion import FUSIONS, JOINS, SPLICE
from glaclip.settings import STAGE_NAMES, AttentionSettings, SettingsError, brief

#: Baselines for people; one that is not named here goes by its registered name.
BASELINE_TITLES = {
    "identity": "No attention (each patch alone)",
    "clip": "Plain CLIP",
    "maskclip": "MaskCLIP",
    "sclip": "SCLIP",
    "clearclip": "ClearCLIP",
    "naclip": "NACLIP",
    "proxyclip": "ProxyCLIP",
}


@dataclass(frozen=True)
class Method:
    """Attention over windows, or a baseline. It travels whole, and is the key of what it gives.

    Attributes:
        settings: switches and constants of attention, or None for a baseline.
        key_source: the backbone's key source, or empty for its first.
        baseline: the backbone's baseline, or empty.
        fusion: one of `FUSIONS`, or empty for the average of the windows over a pixel.
    """

    settings: AttentionSettings | None
    key_source: str = ""
    baseline: str = ""
    fusion: str = ""

    @property
    def name(self) -> str:
        """The short name that `parse_method` reads."""
        name = self.baseline
        if self.settings is not None:
            rung = self.settings.rung
            name = rung.name if rung else "+".join(self.settings.stages)
            name += f"@{self.key_source}" if self.key_source else ""
        return f"{name}/{self.fusion}" if self.fusion else name

    @property
    def title(self) -> str:
        """For people: "Each window alone", "With context", "GLA-CLIP", a baseline's name."""
        if self.fusion:
            return f"{replace(self, fusion='').title}, {FUSIONS[self.fusion]}"
        if self.settings is None:
            return baseline_title(self.baseline)
        on = self.settings.stages
        if len(on) == len(STAGE_NAMES):
            return "GLA-CLIP"
        return f"With {' and '.join(on)}" if on else "Each window alone"

    @property
    def joins(self) -> bool:
        """Whether windows are one before there are scores: features are of the whole photo."""
        return self.fusion in JOINS

    @property
    def own_row(self) -> str:
        """The baseline whose row shows where a point looks.

        Empty of attention over windows, which has rungs, and of windows that are joined.
        """
        return "" if self.joins else self.baseline

    @property
    def before_fusion(self) -> Method:
        """What gives the features: the same without a way of fusing them, but for one that joins.

        Blending is a matter of scores, and all blends share their features.
        """
        return self if self.joins else replace(self, fusion="")

    def with_keys(self, source: str | None) -> Method:
        """The same with the keys of `source` where attention names none of its own."""
        if self.settings is None or self.key_source or not source:
            return self
        return replace(self, key_source=source)


def baseline_title(name: str) -> str:
    """A baseline for people."""
    return BASELINE_TITLES.get(name, name)


def complete(
    backbone: Backbone,
    asked: AttentionSettings | Method | None = None,
    baseline: str | None = None,
    key_source: str | None = None,
) -> Method:
    """The method that was asked for, with the backbone's defaults for what was left out.

    Args:
        backbone: whose baselines and key sources are meant.
        asked: settings of attention, or a whole method.
        baseline: instead of attention over windows.
        key_source: of attention over windows.

    Raises:
        SettingsError: a baseline or key source the backbone does not have, or one beside a method.
    """
    if isinstance(asked, Method):
        if baseline or key_source:
            given = brief(baseline or key_source)
            raise SettingsError(f"a method must be given alone, it names its own; received {given}")
        plain = complete(backbone, asked.settings, asked.baseline, asked.key_source)
        return _fused(plain, asked.fusion)
    if baseline:
        _require_known("baseline", baseline, backbone.baselines)
        return Method(None, baseline=baseline)
    source = key_source or backbone.key_sources[0]
    _require_known("key_source", source, backbone.key_sources)
    return Method(asked or backbone.default_attention, source)


def _fused(method: Method, fusion: str) -> Method:
    if fusion == SPLICE and method.settings is None:
        raise SettingsError(
            f"a method with /{SPLICE} must be attention over windows, such as off/{SPLICE}; "
            f"received {method.name}/{fusion}"
        )
    return replace(method, fusion=fusion)


def _require_known(field: str, received: str, known: tuple[str, ...]) -> None:
    if received not in known:
        raise SettingsError(
            f"{field} must be one of {', '.join(known)}; received {brief(received)}"
        )


def parse_method(text: str, backbone: Backbone, base: AttentionSettings | None = None) -> Method:
    """Reads a method's short name.

    Args:
        text: "off", "on" (or "gla"), switches joined by "+" ("context+anchors"), or one of the
            backbone's baselines. "@" and a key source may follow all but baselines ("on@q"), and
            last "/" and one of `FUSIONS` ("on/gauss").
        backbone: whose baselines and key sources are meant.
        base: the constants; the backbone's default when left out.

    Raises:
        SettingsError: an unknown name; the message lists the known ones.
    """
    name, joined, fusion = text.strip().partition("/")
    switches, _, source = name.partition("@")
    if joined and fusion in FUSIONS:
        return _fused(parse_method(name, backbone, base), fusion)
    if name in backbone.baselines and not joined:
        return Method(None, baseline=name)
    chosen = {"off": (), "on": STAGE_NAMES, "gla": STAGE_NAMES}.get(
        switches, tuple(switches.split("+"))
    )
    unknown = [word for word in chosen if word not in STAGE_NAMES]
    if joined or unknown or (source and source not in backbone.key_sources):
        raise SettingsError(
            f"a method must be off, on (or gla), switches joined by + ({', '.join(STAGE_NAMES)}), "
            f"or one of the baselines of {backbone.title} ({', '.join(backbone.baselines)}), with "
            f"@ and a key source ({', '.join(backbone.key_sources)}) and / and a way of fusing "
            f"windows ({', '.join(FUSIONS)}) if wanted; received {text!r}"
        )
    return Method((base or backbone.default_attention).with_stages(chosen), source)
