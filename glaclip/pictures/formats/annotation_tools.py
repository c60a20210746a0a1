"""What Label Studio and CVAT import: a task a photo with brush labels; a zip of colored masks."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glaclip.pictures.drawing import Colors
from glaclip.pictures.encoding import ZIP_EPOCH, json_bytes, png_bytes
from glaclip.pictures.formats.item import LabeledPhoto
from glaclip.pictures.formats.rle import brush_rle

#: Names of the two elements of the labeling interface.
BRUSH, IMAGE = "labels", "image"
MODEL_VERSION = "gla-clip"


def label_studio_files(photos: Iterable[LabeledPhoto]) -> Iterator[tuple[str, bytes]]:
    """Tasks with predictions, and the labeling interface that they fit.

    Photos are named as Label Studio's local storage serves them.
    """
    tasks, interface = [], b""
    for photo in photos:
        tasks.append(
            {
                "data": {IMAGE: f"/data/local-files/?d={photo.photo}"},
                "predictions": [prediction_of(photo)],
            }
        )
        interface = interface or labeling_interface(photo.classes, photo.colors)
    yield "label_studio.json", json_bytes(tasks)
    yield "label_studio.xml", interface


def prediction_of(
    photo: LabeledPhoto, from_name: str = BRUSH, to_name: str = IMAGE
) -> dict[str, Any]:
    """One prediction, as tasks hold it and a model server answers.

    Args:
        photo: its labels.
        from_name: name of the interface's brush.
        to_name: name of its image.
    """
    height, width = photo.size
    results = [
        {
            "id": hashlib.sha256(f"{photo.photo} {index}".encode()).hexdigest()[:10],
            "type": "brushlabels",
            "from_name": from_name,
            "to_name": to_name,
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": {
                "format": "rle",
                "rle": brush_rle(mask),
                "brushlabels": [photo.classes[index]],
            },
        }
        for index, mask in photo.masks()
    ]
    return {"model_version": MODEL_VERSION, "result": results}


def labeling_interface(classes: Iterable[str], colors: Colors) -> bytes:
    """The labeling interface for these classes."""
    labels = "".join(
        f"    <Label value={quoteattr(name)} background="
        f'"#{int(red):02x}{int(green):02x}{int(blue):02x}"/>\n'
        for name, (red, green, blue) in zip(classes, colors, strict=True)
    )
    return (
        f'<View>\n  <Image name="{IMAGE}" value="${IMAGE}"/>\n'
        f'  <BrushLabels name="{BRUSH}" toName="{IMAGE}">\n{labels}  </BrushLabels>\n</View>\n'
    ).encode()


def cvat_files(photos: Iterable[LabeledPhoto]) -> Iterator[tuple[str, bytes]]:
    """cvat.zip, CVAT's "Segmentation mask 1.1": a color a class, and labelmap.txt."""
    stream = io.BytesIO()
    stems, labelmap = [], ""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:

        def put(name: str, content: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), content, zipfile.ZIP_DEFLATED)

        for photo in photos:
            colors = _distinct(photo.colors)
            painted = png_bytes(Image.fromarray(colors[photo.labels]))
            # One object a class: its picture is that of the classes.
            put(f"SegmentationClass/{photo.stem}.png", painted)
            put(f"SegmentationObject/{photo.stem}.png", painted)
            stems.append(photo.stem)
            labelmap = labelmap or _labelmap(photo.classes, colors)
        put("ImageSets/Segmentation/default.txt", "".join(f"{s}\n" for s in stems).encode())
        put("labelmap.txt", labelmap.encode())
    yield "cvat.zip", stream.getvalue()


def _distinct(colors: Colors) -> NDArray[np.uint8]:
    """[C + 1, 3] a color for each class that no other has, and black, for what has none, last."""
    taken = {(0, 0, 0)}
    found = []
    for color in colors:
        red, green, blue = (int(c) for c in color)
        while (red, green, blue) in taken:
            blue = (blue + 1) % 256
            green = green if blue else (green + 1) % 256
        taken.add((red, green, blue))
        found.append((red, green, blue))
    return np.array([*found, (0, 0, 0)], dtype=np.uint8)


def _labelmap(classes: Iterable[str], colors: NDArray[np.uint8]) -> str:
    lines = ["# label:color_rgb:parts:actions"]
    names = list(classes)
    if "background" not in names:
        lines.append("background:0,0,0::")
    for name, color in zip(names, colors, strict=False):
        lines.append(f"{name.replace(':', ' ')}:{','.join(str(int(c)) for c in color)}::")
    return "\n".join(lines) + "\n"
