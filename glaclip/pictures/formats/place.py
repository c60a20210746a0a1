"""Where a photo lies on a map: world files and GeoTIFF tags."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glaclip.photo import open_picture, orientation_of

_SCALE, _TIE_POINTS, _MATRIX, _KEYS = 33550, 33922, 34264, 34735
#: GeoKeys: whether a pixel's place is its corner or its middle; the coordinate systems.
_RASTER_TYPE, _GEOGRAPHIC, _PROJECTED = 1025, 2048, 3072
_PIXEL_IS_POINT, _USER_DEFINED = 2, 32767


@dataclass(frozen=True)
class MapPlace:
    """An affine map from pixels to map coordinates.

    Attributes:
        matrix: (a, b, c, d, e, f): X = a x + b y + c, Y = d x + e y + f, with x, y counted from
            the photo's upper left corner.
        epsg: number of the coordinate system, or 0 when the file does not say.
    """

    matrix: tuple[float, float, float, float, float, float]
    epsg: int = 0

    def of(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map coordinates [N, 2] of pixels [N, 2]."""
        a, b, c, d, e, f = self.matrix
        x, y = points[:, 0], points[:, 1]
        return np.stack([a * x + b * y + c, d * x + e * y + f], axis=1)


def place_of(path: Path) -> MapPlace | None:
    """The place of a photo, from a world file beside it or its own GeoTIFF tags.

    A photo that is turned by its EXIF orientation has none: both speak of stored pixels.
    """
    try:
        with open_picture(path) as image:
            if orientation_of(image) != 1:
                return None
            tags = dict(getattr(image, "tag_v2", {}))
    except Exception:  # a photo that cannot be read is refused where it is read
        return None
    return _world_file(path, _epsg(tags)) or _geo_tiff(tags)


def _world_file(path: Path, epsg: int) -> MapPlace | None:
    """a.jgw, a.jpgw, a.wld: six numbers, the place of the middle of the upper left pixel."""
    ending = path.suffix.lower().lstrip(".")
    short = f"{ending[:1]}{ending[-1:]}w"
    names = {f".{name}" for name in (short, f"{ending}w", "wld", "tfw" if ending == "tiff" else "")}
    for other in sorted(path.parent.glob(f"{_escaped(path.stem)}.*")):
        if other.suffix.lower() not in names:
            continue
        try:
            numbers = [float(word) for word in other.read_text(encoding="ascii").split()]
        except (OSError, ValueError):
            continue
        if len(numbers) == 6 and all(map(math.isfinite, numbers)):
            a, d, b, e, c, f = numbers
            return MapPlace((a, b, c - (a + b) / 2, d, e, f - (d + e) / 2), epsg)
    return None


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _geo_tiff(tags: dict[int, object]) -> MapPlace | None:
    keys = _geo_keys(tags)
    half = 0.5 if keys.get(_RASTER_TYPE) == _PIXEL_IS_POINT else 0.0
    matrix, scale, tie = (_numbers(tags.get(tag)) for tag in (_MATRIX, _SCALE, _TIE_POINTS))
    if len(matrix) == 16:
        a, b, _, c, d, e, _, f = matrix[:8]
    elif len(scale) >= 2 and len(tie) >= 6:
        a, b, c = scale[0], 0.0, tie[3] - scale[0] * tie[0]
        d, e, f = 0.0, -scale[1], tie[4] + scale[1] * tie[1]
    else:
        return None
    return MapPlace((a, b, c - half * (a + b), d, e, f - half * (d + e)), _epsg(tags))


def _numbers(value: object) -> list[float]:
    found = [float(v) for v in value] if isinstance(value, tuple) else []
    return found if all(map(math.isfinite, found)) else []


def _geo_keys(tags: dict[int, object]) -> dict[int, int]:
    """GeoKeys whose value stands in the directory itself."""
    values = [int(v) for v in _numbers(tags.get(_KEYS))]
    rows = [values[i : i + 4] for i in range(4, len(values) - 3, 4)]
    return {key: value for key, location, _, value in rows if location == 0}


def _epsg(tags: dict[int, object]) -> int:
    keys = _geo_keys(tags)
    found = keys.get(_PROJECTED) or keys.get(_GEOGRAPHIC) or 0
    return 0 if found == _USER_DEFINED else found
