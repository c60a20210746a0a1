"""Label maps of example photos from hand-drawn outlines: assets/ground_truth/polygons.json to PNGs.

`python -m training.data.draw_ground_truth` writes the PNGs and index.json beside polygons.json.
Nothing is learned and no photo is read: the same outlines always give the same label maps.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glaclip.pictures.palette import BACKGROUND, palette

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "ground_truth"
IGNORE = 255
#: The name that outlines use for pixels of no class, or of a class that nobody can tell.
UNSURE = "unsure"


def inside(points: list[list[float]], height: int, width: int) -> NDArray[np.bool_]:
    """[H, W] pixels whose center lies inside a closed outline (even-odd rule).

    Args:
        points: x, y of the corners; 0, 0 is the top left corner of the top left pixel.
        height: rows.
        width: columns.
    """
    mask = np.zeros((height, width), dtype=np.bool_)
    rows = np.arange(height) + 0.5
    columns = np.arange(width) + 0.5
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        hit = (rows >= min(y0, y1)) & (rows < max(y0, y1))
        if y0 != y1 and hit.any():
            cut = x0 + (rows[hit] - y0) * (x1 - x0) / (y1 - y0)
            mask[hit] ^= columns[None, :] >= cut[:, None]
    return mask


def near(points: list[list[float]], line: float, height: int, width: int) -> NDArray[np.bool_]:
    """[H, W] pixels whose center lies on an open line of the given width."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    mask = np.zeros((height, width), dtype=np.bool_)
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        along = (x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)
        share = np.clip(along / ((x1 - x0) ** 2 + (y1 - y0) ** 2), 0, 1)
        offset = (x - x0 - share * (x1 - x0)) ** 2 + (y - y0 - share * (y1 - y0)) ** 2
        mask |= offset <= (line / 2) ** 2
    return mask


def borders(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """[H, W] pixels within two pixels (steps left, right, up, down) of another label."""
    height, width = labels.shape
    padded = np.pad(labels, 2, mode="edge")
    steps = [(i, j) for i in range(-2, 3) for j in range(-2, 3) if 0 < abs(i) + abs(j) <= 2]
    mask = np.zeros(labels.shape, dtype=np.bool_)
    for i, j in steps:
        mask |= padded[2 + i : 2 + i + height, 2 + j : 2 + j + width] != labels
    return mask


def draw(photo: dict[str, Any], *, band: bool = True) -> NDArray[np.uint8]:
    """The label map [H, W] of one entry of polygons.json.

    Args:
        photo: "size" (width, height), "classes" and "shapes". Each shape covers those before it;
            with "line" it is an open line that wide, otherwise a closed outline.
        band: whether a band along the borders becomes `IGNORE`.
    """
    width, height = photo["size"]
    values = {name: index for index, name in enumerate(photo["classes"])} | {UNSURE: IGNORE}
    labels = np.full((height, width), IGNORE, dtype=np.uint8)
    for shape in photo["shapes"]:
        if "line" in shape:
            mask = near(shape["points"], shape["line"], height, width)
        else:
            mask = inside(shape["points"], height, width)
        labels[mask] = values[shape["class"]]
    if band:
        labels[borders(labels)] = IGNORE
    return labels


def picture(labels: NDArray[np.uint8], classes: int) -> Image.Image:
    """An indexed picture in the colors of the demo; unsure pixels in its background gray."""
    colors = np.zeros((256, 3), dtype=np.uint8)
    colors[:classes] = palette(classes)
    colors[IGNORE] = BACKGROUND
    image = Image.fromarray(labels).convert("L")
    image.putpalette(colors.tobytes())
    return image


def main() -> None:
    """Writes one PNG for each photo, and index.json."""
    photos = json.loads((FOLDER / "polygons.json").read_text(encoding="utf-8"))
    index = []
    for name, photo in photos.items():
        labels = draw(photo)
        file = Path(name).with_suffix(".png").name
        picture(labels, len(photo["classes"])).save(FOLDER / file, optimize=True)
        classes = ", ".join(photo["classes"])
        index.append({"photo": name, "map": file, "classes": classes, "ignore": IGNORE})
        shares = {c: float(np.mean(labels == i)) for i, c in enumerate(photo["classes"])}
        shares[UNSURE] = float(np.mean(labels == IGNORE))
        print(file, ", ".join(f"{key} {share:.1%}" for key, share in shares.items()))
    text = json.dumps(index, indent=2) + "\n"
    (FOLDER / "index.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
