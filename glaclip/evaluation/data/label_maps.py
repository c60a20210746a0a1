"""Label maps as people's tools write them: one reader for page, API and command line.

What a file stores is read first, whatever its depth and mode; then what each value means; then
whether the map fits the photo. Values that belong to no class are counted, never lost in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from glaclip.evaluation.data.class_lists import Color
from glaclip.evaluation.data.classes import DatasetError
from glaclip.photo import MAX_PIXELS, deep_samples
from glaclip.support.unchanging import frozen_array

#: Sides may differ in proportion by this much, for maps that were made at another size.
_SHAPE_TOLERANCE = 0.02
_ORIENTATION = 0x0112
#: What Pillow does to turn a picture with an EXIF orientation upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LARGEST_VALUE = 65535
