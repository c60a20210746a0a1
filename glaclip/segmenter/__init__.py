"""Encode a photo once, ask many times."""

from glaclip.segmenter.baseline_attention import BaselineAttention
from glaclip.segmenter.computed import Computed
from glaclip.segmenter.hashed import AnyPhoto, HashedPhoto
from glaclip.segmenter.method import Method
from glaclip.segmenter.progress import WAITING, Progress
from glaclip.segmenter.results import Encoded, Segmentation
from glaclip.segmenter.segmenter import Segmenter

__all__ = [
    "WAITING",
    "AnyPhoto",
    "BaselineAttention",
    "Computed",
    "Encoded",
    "HashedPhoto",
    "Method",
    "Progress",
    "Segmentation",
    "Segmenter",
]
