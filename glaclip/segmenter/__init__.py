"""Encode a photo once, ask many times."""

from glaclip.segmenter.segmenter import Encoded, Method, Segmentation, Segmenter

__all__ = ["Encoded", "Method", "Segmentation", "Segmenter"]
