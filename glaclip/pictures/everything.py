"""What the page's download holds beside a result: the photo, its link, attention as numbers,
and what every window says before fusion.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from glaclip.attention.point import AttentionMaps
from glaclip.pictures.drawing import Colors
from glaclip.pictures.encoding import npz_bytes, png_bytes
from glaclip.pictures.export import SIDES
from glaclip.pictures.label_pictures import label_png
from glaclip.segmenter import Segmentation
from glaclip.settings import RUNG_NAMES


def everything(
    sides: Sequence[Segmentation],
    photo: Image.Image,
    colors: Colors,
    *,
    link: str = "",
    maps: AttentionMaps | None = None,
) -> dict[str, bytes]:
    """Files by name.

    Args:
        sides: the baseline's result and GLA-CLIP's.
        photo: the photo.
        colors: [C, 3].
        link: query string that reopens the view.
        maps: attention of a point, if one was asked for.
    """
    files = {"photo.png": png_bytes(photo.convert("RGB"))}
    if link:
        files["link.txt"] = f"Put this behind the page's address:\n?{link}\n".encode()
    if maps is not None:
        files["attention.npz"] = attention_npz(maps)
    for side, result in zip(SIDES, sides, strict=True):
        for index in range(len(result.encoded.boxes)):
            picture = label_png(result.window_labels(index), colors)
            files[f"windows_{side}/{index + 1:03d}.png"] = png_bytes(picture)
    return files


def attention_npz(maps: AttentionMaps) -> bytes:
    """Attention of a point as arrays.

    `weights` [rungs, L, rows, columns] float32, `rungs` their names, `boxes` [L, 4] (top, left,
    bottom, right) in pixels of the resized photo, `window` and `token` (row, column) of the query,
    `point` (x, y) in photo pixels.
    """
    weights = np.stack([rung.weights.float().cpu().numpy() for rung in maps.rungs])
    return npz_bytes(
        weights=weights.reshape(*weights.shape[:2], *maps.key_grid),
        rungs=np.array(RUNG_NAMES),
        boxes=np.array(maps.boxes),
        window=np.array(maps.window),
        token=np.array(maps.token),
        point=np.array(maps.point),
    )
