"""The paper's Table 1 and ablation as facts: rows, figures, window settings, words (method, 5).

Two named settings say how a row is run, since the paper's text and the released programs differ:
"paper", the windows of the text and rho 0.6, and "released", the windows of each method's own
released program and the rho of 0.55 that the authors' program runs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from glaclip.evaluation.paper.names import SETTINGS, TABLE_NAMES
from glaclip.evaluation.run.setting import Entry
from glaclip.segmenter import Method
from glaclip.settings import (
    ATTENTION_PRESETS,
    RUNGS,
    STAGE_NAMES,
    AttentionSettings,
    SettingsError,
    WindowSettings,
)

PAPER_BACKBONE = "clip-b16"
#: Always so, whatever the settings: worth a line under every comparison.
STANDING_DIFFERENCE = (
    "In every row photos are resized with antialiasing here and without it in the released program."
)


@dataclass(frozen=True)
class Benchmark:
    """A set of the paper's.

    Attributes:
        title: short name.
        download: what to fetch for it, about how large, and from where.
    """

    title: str
    download: str


_VOC = "VOCtrainval_11-May-2012.tar, 2.0 GB, from host.robots.ox.ac.uk/pascal/VOC/voc2012"
_CONTEXT = (
    "VOCtrainval_03-May-2010.tar, 1.3 GB, from host.robots.ox.ac.uk/pascal/VOC/voc2010, with the "
    "maps of PASCAL-Context as MMSegmentation converts them (SegmentationClassContext)"
)
_COCO = (
    "val2017.zip, 0.8 GB, from cocodataset.org, and stuffthingmaps_trainval2017.zip, 0.7 GB, from "
    "github.com/nightrome/cocostuff"
)
_CITY = (
    "leftImg8bit_trainvaltest.zip, 11 GB, and gtFine_trainvaltest.zip, 0.2 GB, from "
    "cityscapes-dataset.com (free account)"
)
_ADE = "ADEChallengeData2016.zip, 0.9 GB, from sceneparsing.csail.mit.edu"
#: By the preset with their classes, in the order of the table's columns.
BENCHMARKS = {
    "voc21": Benchmark("VOC21", _VOC),
    "context60": Benchmark("PC60", _CONTEXT),
    "coco_object": Benchmark("C-Obj", _COCO),
    "voc20": Benchmark("VOC20", _VOC),
    "context59": Benchmark("PC59", _CONTEXT),
    "coco_stuff": Benchmark("C-Stf", _COCO),
    "cityscapes": Benchmark("City", _CITY),
    "ade20k": Benchmark("ADE", _ADE),
}


class Able(Protocol):
    """What of a backbone a plan needs: a backbone itself, or what is known of it without weights.

    Attributes:
        title: name for people.
        key_sources: what attention may use as keys.
        baselines: its baselines.
        pixel_multiple: window sides must be a multiple of this many pixels.
    """

    title: str
    key_sources: tuple[str, ...]
    baselines: tuple[str, ...]
    pixel_multiple: int


#: Windows as (short side, crop, stride): "" is every set, a preset's name that set alone.
_Windows = Mapping[str, tuple[int, int, int]]
_CLEAR: dict[str, _Windows] = {
    "paper": {"": (448, 448, 224)},
    "released": {"": (448, 448, 224), "cityscapes": (448, 224, 224)},
}
_PROXY: dict[str, _Windows] = {
    "paper": {"": (448, 336, 112)},
    "released": {"": (336, 336, 112), "cityscapes": (448, 224, 112), "ade20k": (448, 336, 112)},
}
_SCLIP: dict[str, _Windows] = {
    "paper": {"": (336, 224, 112), "cityscapes": (560, 224, 112)},
    "released": {"": (336, 224, 112), "cityscapes": (560, 224, 112), "coco_stuff": (448, 224, 112)},
}
_GLA: dict[str, _Windows] = dict.fromkeys(SETTINGS, _SCLIP["paper"])


@dataclass(frozen=True)
class PaperRow:
    """A row of the paper (CLIP ViT-B/16) and what it takes to run it here.

    Attributes:
        name: short name, of files and methods.
        title: as in the paper.
        baseline: the backbone's baseline, or empty for attention over windows.
        stages: the switches that are on, when it is attention over windows.
        key_source: of attention over windows.
        windows: by settings, then by set.
        synonyms: whether the words of classes have synonyms; else one name a class.
        values: mIoU by preset, where the paper gives them.
        average: mIoU over the eight sets, where the paper gives no others.
        plain: softmax of the bare cosines, no normalization of any kind.
    """

    name: str
    title: str
    baseline: str
    stages: tuple[str, ...]
    key_source: str
    windows: Mapping[str, _Windows]
    synonyms: bool
    values: Mapping[str, float]
    average: float | None = None
    plain: bool = False

    def window_settings(self, settings: str, preset: str) -> WindowSettings:
        """How photos of a set are cut."""
        by_set = self.windows[settings]
        return WindowSettings(*by_set.get(preset, by_set[""]))

    def words(self, preset: str) -> str:
        """The field's word list for this row, as `class_words` takes it."""
        bare = preset in ("voc21", "voc20", "coco_object") and not self.synonyms
        return f"field/{preset}{'_names' if bare else ''}"

    def attention(self, settings: str) -> AttentionSettings | None:
        """Constants and switches; None for a baseline."""
        if self.baseline:
            return None
        base = ATTENTION_PRESETS["released-program" if settings == "released" else "paper"]
        if self.plain:
            base = dataclasses.replace(base, beta=0.0, gamma=1.0)
        return base.with_stages(self.stages)

    def entry(self, backbone: Able, settings: str) -> Entry:
        """The row as a method of a backbone.

        Raises:
            SettingsError: the backbone has no such baseline or keys.
        """
        if self.baseline and self.baseline not in backbone.baselines:
            raise SettingsError(f"{backbone.title} has no baseline {self.baseline}")
        source = self.key_source
        if source and source not in backbone.key_sources:
            if source != "vfm":
                raise SettingsError(f"{backbone.title} has no keys {source}")
            source = backbone.key_sources[0]  # whatever stands for the VFM there
        attention = self.attention(settings)
        return Entry(self.name, self.title, Method(attention, source, self.baseline))


def _row(
    name: str,
    title: str,
    windows: Mapping[str, _Windows],
    *values: float,
    baseline: str = "",
    keys: str = "",
    stages: tuple[str, ...] = (),
    synonyms: bool = False,
) -> PaperRow:
    figures = dict(zip(BENCHMARKS, values, strict=True))
    return PaperRow(name, title, baseline, stages, keys, windows, synonyms, figures)


#: mIoU of Table 1, Lee et al., CVPR 2026 (method, section 5). Averages are left out: they are the
#: mean of the eight, and the printed one of SCLIP + GLA is not.
TABLE1 = (
    _row("clearclip", "ClearCLIP", _CLEAR,
         51.8, 32.6, 33.0, 80.9, 35.9, 23.9, 30.0, 16.7, baseline="clearclip"),
    _row("clearclip+gla", "ClearCLIP + GLA", _CLEAR,
         55.6, 33.2, 34.6, 79.7, 36.5, 24.6, 32.7, 17.4, keys="clearclip", stages=STAGE_NAMES),
    _row("proxyclip", "ProxyCLIP", _PROXY,
         61.3, 35.3, 37.5, 80.3, 39.1, 26.5, 38.1, 20.2, keys="vfm"),
    _row("proxyclip+gla", "ProxyCLIP + GLA, same setting", _PROXY,
         63.2, 35.8, 37.7, 81.5, 39.7, 26.8, 38.5, 20.3, keys="vfm", stages=STAGE_NAMES),
    _row("sclip", "SCLIP", _SCLIP,
         59.1, 30.4, 30.5, 80.4, 34.2, 22.4, 32.2, 16.1, baseline="sclip", synonyms=True),
    _row("sclip+gla", "SCLIP + GLA", _SCLIP,
         59.8, 32.0, 32.8, 80.5, 35.1, 24.2, 35.1, 18.0,
         keys="sclip", stages=STAGE_NAMES, synonyms=True),
    _row("gla", "ProxyCLIP + GLA", _GLA,
         66.3, 36.1, 37.7, 84.2, 39.9, 26.9, 40.8, 20.0,
         keys="vfm", stages=STAGE_NAMES, synonyms=True),
)  # fmt: skip


def _step(
    name: str,
    title: str,
    stages: tuple[str, ...],
    average: float | None = None,
    *,
    plain: bool = False,
    values: Mapping[str, float] | None = None,
) -> PaperRow:
    return PaperRow(name, title, "", stages, "vfm", _GLA, True, values or {}, average, plain)


#: The ablation, of which the paper gives averages over the eight sets; then this project's ladder.
ABLATION = (
    _step("plain", "Each window alone, no normalization", (), 30.8, plain=True),
    _step("context+normalization", "Context + normalization", ("context", "normalization"), 43.1),
    _step("anchors+normalization", "Anchors + normalization", ("anchors", "normalization"), 43.0),
    _step("on", "All three", STAGE_NAMES, 44.0, values=TABLE1[-1].values),
    *(
        _step(f"ladder:{rung.name}", f"Ladder: {rung.caption}", rung.stages)
        for rung in RUNGS
        if rung.name != "on"
    ),
)
TABLES: Mapping[str, tuple[PaperRow, ...]] = dict(zip(TABLE_NAMES, (TABLE1, ABLATION), strict=True))
