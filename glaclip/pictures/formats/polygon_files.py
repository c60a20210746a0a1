"""Polygons: LabelMe's JSON, and GeoJSON in map coordinates where the photo has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from glaclip.pictures.encoding import json_bytes
from glaclip.pictures.formats.item import LabeledPhoto
from glaclip.pictures.formats.outlines import Ring, area_of, polygons

#: The version of LabelMe whose files these are like.
_LABELME = "5.5.0"


def labelme_files(photos: Iterable[LabeledPhoto]) -> Iterator[tuple[str, bytes]]:
    """A JSON file a photo, to lie beside it.

    LabelMe's polygons have no holes. What lies in a hole has an outline of its own, which is
    smaller: the largest come first, and later ones cover them.
    """
    for photo in photos:
        outer = [(rings[0], index) for index, mask in photo.masks() for rings in polygons(mask)]
        outer.sort(key=lambda entry: -abs(area_of(entry[0])))
        shapes: list[dict[str, Any]] = [
            {
                "label": photo.classes[index],
                "points": _rounded(ring[:-1]),
                "group_id": None,
                "description": "",
                "shape_type": "polygon",
                "flags": {},
                "mask": None,
            }
            for ring, index in outer
        ]
        document: dict[str, Any] = {
            "version": _LABELME,
            "flags": {},
            "shapes": shapes,
            "imagePath": PurePosixPath(photo.photo).name,
            "imageData": None,
            "imageHeight": photo.size[0],
            "imageWidth": photo.size[1],
        }
        yield f"{photo.stem}.json", json_bytes(document)


def geojson_files(photos: Iterable[LabeledPhoto]) -> Iterator[tuple[str, bytes]]:
    """A GeoJSON file a photo, one feature a class."""
    for photo in photos:
        features = []
        for index, mask in photo.masks():
            shapes = [[_geo_ring(photo, ring, n) for n, ring in enumerate(rings)]
                      for rings in polygons(mask)]  # fmt: skip
            features.append(
                {
                    "type": "Feature",
                    "properties": {
                        "class": photo.classes[index],
                        "index": index,
                        "color": "#{:02x}{:02x}{:02x}".format(*map(int, photo.colors[index])),
                        "pixels": int(mask.sum()),
                    },
                    "geometry": {"type": "MultiPolygon", "coordinates": shapes},
                }
            )
        document: dict[str, Any] = {"type": "FeatureCollection", "features": features}
        place = photo.place
        if place is None:
            document["coordinates"] = "pixels from the upper left corner, y downwards"
        elif place.epsg:
            name = f"urn:ogc:def:crs:EPSG::{place.epsg}"
            document["crs"] = {"type": "name", "properties": {"name": name}}
        yield f"{photo.stem}.geojson", json_bytes(document)


def _geo_ring(photo: LabeledPhoto, ring: Ring, number: int) -> list[list[float]]:
    """Outer rings turn to the left and holes to the right, in the coordinates that are written."""
    placed = photo.place.of(ring) if photo.place else ring
    turns_left = area_of(placed) > 0
    if turns_left != (number == 0):
        placed = placed[::-1]
    return _rounded(placed, 9 if photo.place else 2)


def _rounded(ring: Ring, digits: int = 2) -> list[list[float]]:
    points: list[list[float]] = np.round(ring, digits).tolist()
    return points
