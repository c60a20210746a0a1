"""GLA-CLIP: training-free open-vocabulary segmentation across windows, as a demo and a library.

from glaclip import Segmenter, load_backbone, parse_vocabulary

segmenter = Segmenter(load_backbone("lite"))
encoded = segmenter.encode("photo.jpg")
result = segmenter.segment(encoded, parse_vocabulary("sky, grass, person; man; woman"))
"""

import importlib
from typing import TYPE_CHECKING, Any

from glaclip.support import notebook
from glaclip.support.version import __version__ as __version__

if TYPE_CHECKING:
    from glaclip.backbones.base import BackboneError
    from glaclip.backbones.clip.backbone import ClipBackbone
    from glaclip.backbones.registry import load as load_backbone
    from glaclip.photo import load_photo
    from glaclip.pictures.notebook import as_html
    from glaclip.segmenter import Segmenter
    from glaclip.settings import AttentionSettings, WindowSettings
    from glaclip.vocabulary import parse_vocabulary

__all__ = [
    "AttentionSettings",
    "BackboneError",
    "ClipBackbone",
    "Segmenter",
    "WindowSettings",
    "as_html",
    "load_backbone",
    "load_photo",
    "parse_vocabulary",
]

#: Where the names live. They are imported when first used (PEP 562), because PyTorch takes seconds
#: and `python -m glaclip --help` needs none of it.
_HOMES = {
    "AttentionSettings": ("glaclip.settings", "AttentionSettings"),
    "BackboneError": ("glaclip.backbones.base", "BackboneError"),
    "ClipBackbone": ("glaclip.backbones.clip.backbone", "ClipBackbone"),
    "Segmenter": ("glaclip.segmenter", "Segmenter"),
    "WindowSettings": ("glaclip.settings", "WindowSettings"),
    "as_html": ("glaclip.pictures.notebook", "as_html"),
    "load_backbone": ("glaclip.backbones.registry", "load"),
    "load_photo": ("glaclip.photo", "load_photo"),
    "parse_vocabulary": ("glaclip.vocabulary", "parse_vocabulary"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


# Pictures stand above the segmenter, whose results a notebook shows by them.
notebook.as_html = lambda result: __getattr__("as_html")(result)
