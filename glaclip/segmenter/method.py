"""Ways to segment by a short name, for command lines and tables: off, on, context+anchors, clip."""

from __future__ import annotations

from dataclasses import dataclass

from glaclip.backbones.base import Backbone
from glaclip.segmenter.segmenter import Method
from glaclip.settings import STAGE_NAMES, AttentionSettings, SettingsError

#: Baselines for people; one that is not named here goes by its registered name.
BASELINE_TITLES = {
    "identity": "No attention (each patch alone)",
    "clip": "Plain CLIP",
    "maskclip": "MaskCLIP",
    "sclip": "SCLIP",
    "clearclip": "ClearCLIP",
    "proxyclip": "ProxyCLIP",
}


@dataclass(frozen=True)
class NamedMethod:
    """A method under its short name.

    Attributes:
        name: what the person typed, e.g. "context+anchors" or "on@q".
        title: for people.
        settings: attention over windows, or None for a baseline.
        baseline: the backbone's baseline, or empty.
        key_source: the backbone's key source, or empty for its first.
    """

    name: str
    title: str
    settings: AttentionSettings | None
    baseline: str = ""
    key_source: str = ""


def parse_method(
    text: str, backbone: Backbone, base: AttentionSettings | None = None
) -> NamedMethod:
    """Reads a method's short name.

    Args:
        text: "off", "on", switches joined by "+" ("context+anchors"), or one of the backbone's
            baselines. "@" and a key source may follow all but baselines ("on@q").
        backbone: whose baselines and key sources are meant.
        base: the constants; the backbone's default when left out.

    Raises:
        SettingsError: an unknown name; the message lists the known ones.
    """
    base = base or backbone.default_attention
    name = text.strip()
    switches, _, source = name.partition("@")
    if name in backbone.baselines:
        return NamedMethod(name, baseline_title(name), None, baseline=name)
    chosen = {"off": (), "on": STAGE_NAMES}.get(switches, tuple(switches.split("+")))
    unknown = [word for word in chosen if word not in STAGE_NAMES]
    if unknown or (source and source not in backbone.key_sources):
        raise SettingsError(
            f"a method must be off, on, switches joined by + ({', '.join(STAGE_NAMES)}), or one of "
            f"the baselines of {backbone.title} ({', '.join(backbone.baselines)}), with @ and a "
            f"key source ({', '.join(backbone.key_sources)}) if wanted; received {text!r}"
        )
    settings = base.with_stages(chosen)
    title = method_title(Method(settings, key_source=source))
    return NamedMethod(name, f"{title}, keys {source}" if source else title, settings, "", source)


def baseline_title(name: str) -> str:
    """A baseline for people."""
    return BASELINE_TITLES.get(name, name)


def method_title(method: Method) -> str:
    """A method for people: "Each window alone", "With context", "GLA-CLIP", a baseline's name."""
    if method.settings is None:
        return baseline_title(method.baseline)
    on = method.settings.stages
    if len(on) == len(STAGE_NAMES):
        return "GLA-CLIP"
    if not on:
        return "Each window alone"
    return "With " + " and ".join(on)
