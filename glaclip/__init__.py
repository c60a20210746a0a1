"""GLA-CLIP: training-free open-vocabulary segmentation across windows, as a demo and a library.

from glaclip import Segmenter, load_backbone, parse_vocabulary

segmenter = Segmenter(load_backbone("lite"))
encoded = segmenter.encode(photo)
result = segmenter.segment(encoded, parse_vocabulary("sky, grass, person; man; woman"))
"""

from glaclip.backbones import load as load_backbone
from glaclip.segmenter import Segmenter
from glaclip.settings import AttentionSettings, WindowSettings
from glaclip.vocabulary import parse_vocabulary

__version__ = "0.1.0"

__all__ = [
    "AttentionSettings",
    "Segmenter",
    "WindowSettings",
    "load_backbone",
    "parse_vocabulary",
]
