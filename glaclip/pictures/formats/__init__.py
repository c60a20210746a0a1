"""Labels in the formats that other tools read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from glaclip.pictures.encoding import png_bytes
from glaclip.pictures.formats.annotation_tools import cvat_files, label_studio_files
from glaclip.pictures.formats.coco import coco_files, panoptic_files
from glaclip.pictures.formats.item import LabeledPhoto
from glaclip.pictures.formats.place import MapPlace, place_of
from glaclip.pictures.formats.polygon_files import geojson_files, labelme_files
from glaclip.pictures.label_pictures import label_png

__all__ = ["FORMATS", "Format", "LabeledPhoto", "MapPlace", "place_of"]

#: Photos -> (file name, content) of every file, one after the other.
Writer = Callable[[Iterable[LabeledPhoto]], Iterator[tuple[str, bytes]]]


@dataclass(frozen=True)
class Format:
    """A format: its title, and what writes it."""

    title: str
    files: Writer


def _png_files(photos: Iterable[LabeledPhoto]) -> Iterator[tuple[str, bytes]]:
    classes: tuple[str, ...] = ()
    for photo in photos:
        classes = photo.classes
        yield f"labels/{photo.stem}.png", png_bytes(label_png(photo.labels, photo.colors))
    yield "labels/classes.txt", "".join(f"{i} {n}\n" for i, n in enumerate(classes)).encode()


FORMATS: Mapping[str, Format] = {
    "png": Format("Indexed PNG: values are class indices", _png_files),
    "coco": Format("COCO: run lengths, one annotation a class", coco_files),
    "panoptic": Format("COCO panoptic: pictures of segments and their JSON", panoptic_files),
    "labelme": Format("LabelMe: polygons, a JSON file a photo", labelme_files),
    "geojson": Format("GeoJSON: polygons in pixels or map coordinates", geojson_files),
    "label-studio": Format("Label Studio: tasks with brush labels", label_studio_files),
    "cvat": Format("CVAT: Segmentation mask 1.1", cvat_files),
}
