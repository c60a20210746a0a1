"""GLA-CLIP: training-free open-vocabulary segmentation across windows, as a demo and a library."""

__version__ = "0.1.0"
