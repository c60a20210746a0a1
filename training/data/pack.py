"""Writes a small copy of the training photos, for a machine that a thin line leads to.

The copy is read as the folder itself: names and splits are the same. Photos that are never trained
on are empty files, photos that are trained on keep a short side of 336 pixels.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from PIL import Image

from training.data.photos import HELD_OUT, DensePhoto, dense_photos, labelled_photos

#: Short sides in pixels, and how good the copies are, of 100.
SIDE, LABELLED_SIDE, QUALITY = 336, 224, 55


def _size(image: Image.Image, side: int) -> tuple[int, int]:
    factor = min(1.0, side / min(image.size))
    return round(image.width * factor), round(image.height * factor)


def copy_dense(photo: DensePhoto, data: Path, out: Path) -> None:
    """Photo and mask of a dense set."""
    image, mask = (out / path.relative_to(data) for path in (photo.image, photo.mask))
    for path in (image, mask):
        path.parent.mkdir(parents=True, exist_ok=True)
    if photo.part != "train":
        image.touch()
        return
    with Image.open(photo.image) as opened, Image.open(photo.mask) as classes:
        size = _size(opened, SIDE)
        small = opened.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        # Readers go by what a file holds, not by its name's end.
        small.save(image, "WEBP", quality=QUALITY, method=6)
        classes.resize(size, Image.Resampling.NEAREST).save(mask, optimize=True)


def copy_labelled(path: Path, data: Path, out: Path) -> None:
    """A photo with one label."""
    there = out / path.relative_to(data)
    there.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(path) as opened:
        small = opened.convert("RGB").resize(_size(opened, LABELLED_SIDE), Image.Resampling.LANCZOS)
        small.save(there, "WEBP", quality=QUALITY, method=6)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    data, out = arguments.data, arguments.out
    dense = [photo for name in HELD_OUT for photo in dense_photos(data, name)]
    labelled = [photo.image for photo in labelled_photos(data)]
    with ProcessPoolExecutor() as pool:
        list(pool.map(partial(copy_dense, data=data, out=out), dense, chunksize=32))
        list(pool.map(partial(copy_labelled, data=data, out=out), labelled, chunksize=32))
    table = Path("labelled") / "imagenet1k_sample" / "labels.csv"
    (out / table).write_bytes((data / table).read_bytes())


if __name__ == "__main__":
    main()
