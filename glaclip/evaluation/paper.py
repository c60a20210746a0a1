"""The paper's Table 1, and when a score may be put beside it (method, section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from glaclip.backbones.base import Backbone
from glaclip.evaluation.datasets import Dataset
from glaclip.methods import NamedMethod
from glaclip.settings import AttentionSettings, WindowSettings


@dataclass(frozen=True)
class PaperRow:
    """A row of the paper's Table 1 (CLIP ViT-B/16) and what it takes to run it here.

    Attributes:
        title: as in the paper.
        kind: "off", "on" or a baseline's name.
        key_source: of "off" and "on".
        windows: (short side, crop, stride); the short side is 560 for Cityscapes.
        values: mIoU by preset.
    """

    title: str
    kind: str
    key_source: str
    windows: tuple[int, int, int]
    values: Mapping[str, float]


_COLUMNS = (
    "voc21", "context60", "coco_object", "voc20", "context59", "coco_stuff", "cityscapes", "ade20k",
)  # fmt: skip


def _row(
    title: str, kind: str, key_source: str, windows: tuple[int, int, int], *values: float
) -> PaperRow:
    return PaperRow(title, kind, key_source, windows, dict(zip(_COLUMNS, values, strict=True)))


_PROXY, _SCLIP, _CLEAR = (448, 336, 112), (336, 224, 112), (448, 448, 224)
#: mIoU of Table 1, Lee et al., CVPR 2026 (method, section 5).
PAPER_TABLE = (
    _row("ClearCLIP", "clearclip", "", _CLEAR, 51.8, 32.6, 33.0, 80.9, 35.9, 23.9, 30.0, 16.7),
    _row("ClearCLIP + GLA", "on", "clearclip", _CLEAR,
         55.6, 33.2, 34.6, 79.7, 36.5, 24.6, 32.7, 17.4),
    _row("ProxyCLIP", "off", "vfm", _PROXY, 61.3, 35.3, 37.5, 80.3, 39.1, 26.5, 38.1, 20.2),
    _row("ProxyCLIP", "proxyclip", "", _PROXY, 61.3, 35.3, 37.5, 80.3, 39.1, 26.5, 38.1, 20.2),
    _row("ProxyCLIP + GLA, same setting", "on", "vfm", _PROXY,
         63.2, 35.8, 37.7, 81.5, 39.7, 26.8, 38.5, 20.3),
    _row("SCLIP", "sclip", "", _SCLIP, 59.1, 30.4, 30.5, 80.4, 34.2, 22.4, 32.2, 16.1),
    _row("SCLIP + GLA", "on", "sclip", _SCLIP, 59.8, 32.0, 32.8, 80.5, 35.1, 24.2, 35.1, 18.0),
    _row("ProxyCLIP + GLA", "on", "vfm", _SCLIP, 66.3, 36.1, 37.7, 84.2, 39.9, 26.9, 40.8, 20.0),
)  # fmt: skip
PAPER_BACKBONE = "clip-b16"


def paper_row(
    dataset: Dataset, backbone: Backbone, method: NamedMethod, windows: WindowSettings
) -> tuple[PaperRow | None, str]:
    """The row of the paper's table that a score may be put beside, or the reason why none.

    The class words are not in the paper; they are published with the authors' code. The presets'
    synonyms are this project's own, so even a matching row is a target and not the same experiment.
    """
    if not dataset.benchmark:
        return None, "not the whole validation set of one of the paper's benchmarks"
    if backbone.name != PAPER_BACKBONE:
        return None, f"the paper's backbone is {PAPER_BACKBONE}"
    kind, source = method.baseline, ""
    if method.settings is not None:
        source = method.key_source or backbone.key_sources[0]
        kind = _switch_kind(method.settings)
    geometry = (windows.short_side, windows.crop, windows.stride)
    candidates = [r for r in PAPER_TABLE if (r.kind, r.key_source) == (kind, source)]
    for row in candidates:
        road = dataset.benchmark == "cityscapes"
        if geometry == ((560, *row.windows[1:]) if road else row.windows):
            return row, ""
    if candidates:
        shapes = " or ".join("/".join(map(str, row.windows)) for row in candidates)
        return None, f"the paper's windows are {shapes}"
    return None, "the paper's table has no such method"


def _switch_kind(settings: AttentionSettings) -> str:
    if settings == settings.off():
        paper = AttentionSettings(beta=settings.beta, gamma=settings.gamma)
        return "off" if paper == AttentionSettings() else ""
    return "on" if settings == AttentionSettings() else ""
