"""COCO: one annotation a class and photo as compressed run lengths; and the panoptic form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from PIL import Image

from glaclip.pictures.encoding import json_bytes, png_bytes
from glaclip.pictures.formats.item import LabeledPhoto
from glaclip.pictures.formats.rle import Mask, coco_counts


def coco_files(photos: Iterable[LabeledPhoto]) -> Iterator[tuple[str, bytes]]:
    """coco.json, for pycocotools and what reads its files."""
    document = _Document()
    for photo in photos:
        image = document.add(photo)
        for index, mask in photo.masks():
            document.annotations.append(
                {
                    "id": len(document.annotations) + 1,
                    "image_id": image,
                    "category_id": index + 1,
                    "segmentation": {"size": list(photo.size), "counts": coco_counts(mask)},
                    **_extent(mask),
                    "iscrowd": 0,
                }
            )
    yield "coco.json", document.content()


def panoptic_files(photos: Iterable[LabeledPhoto]) -> Iterator[tuple[str, bytes]]:
    """panoptic.json, and a picture a photo whose colors are numbers of segments."""
    document = _Document(isthing=0)
    for photo in photos:
        image = document.add(photo)
        segments = [
            {"id": index + 1, "category_id": index + 1, **_extent(mask), "iscrowd": 0}
            for index, mask in photo.masks()
        ]
        name = f"{photo.stem.replace('/', '__')}.png"
        document.annotations.append(
            {"image_id": image, "file_name": name, "segments_info": segments}
        )
        # red + 256 green + 65536 blue is the segment's number, 0 for none
        numbers = photo.labels.astype(np.int64) + 1
        colors = np.stack([numbers & 255, numbers >> 8 & 255, numbers >> 16], axis=-1)
        yield f"panoptic/{name}", png_bytes(Image.fromarray(colors.astype(np.uint8)))
    yield "panoptic.json", document.content()


def _extent(mask: Mask) -> dict[str, Any]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    box = [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top]
    return {"area": int(mask.sum()), "bbox": box}


class _Document:
    """What both forms share: photos and categories, numbered from 1."""

    def __init__(self, **of_category: int) -> None:
        self.annotations: list[dict[str, Any]] = []
        self._images: list[dict[str, Any]] = []
        self._categories: list[dict[str, Any]] = []
        self._of_category = of_category

    def add(self, photo: LabeledPhoto) -> int:
        """Adds a photo and returns its number."""
        height, width = photo.size
        number = len(self._images) + 1
        self._images.append(
            {"id": number, "file_name": photo.photo, "width": width, "height": height}
        )
        self._categories = [
            {
                "id": index + 1,
                "name": name,
                "supercategory": "",
                "color": [int(c) for c in photo.colors[index]],
                **self._of_category,
            }
            for index, name in enumerate(photo.classes)
        ]
        return number

    def content(self) -> bytes:
        """The file."""
        return json_bytes(
            {
                "images": self._images,
                "annotations": self.annotations,
                "categories": self._categories,
            }
        )
