"""Dense features of a photo as arrays, for who goes on with them: 3-D maps, clustering, retrieval.

Encoding and words stand apart: a place's score for any word is the dot product of its feature and
the word's, so new words need no photo and no attention.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glaclip.segmenter.joining import places, spliced
from glaclip.segmenter.method import Method
from glaclip.segmenter.results import Encoded, scored_boxes
from glaclip.segmenter.segmenter import Segmenter
from glaclip.settings import AttentionSettings
from glaclip.vocabulary import Vocabulary

#: How features lie in the arrays: as windows see them, or on one map.
WINDOWS, STITCHED = LAYOUTS = ("windows", "stitched")


def dense_features(
    segmenter: Segmenter,
    encoded: Encoded,
    method: AttentionSettings | Method | None = None,
    layout: str = WINDOWS,
) -> dict[str, NDArray[Any]]:
    """Features of a photo by a method, with what says where they are.

    Args:
        segmenter: that encoded the photo.
        encoded: from `encode`.
        method: as `Segmenter.segment` takes it.
        layout: "windows", or "stitched" for the mean of the windows over each place.

    Returns:
        `features`: float32 [L, S, E] unit vectors, or stitched [E, H, W], whose length is below 1
        where windows differ; `grid` (rows, columns) of S, or of H and W; `boxes` [L, 4] top, left,
        bottom, right of the windows in pixels of `size`; `size` and `photo_size` (height, width);
        `method` and `backbone`, names.

    Raises:
        ValueError: another layout, or tokens of another backbone.
        SettingsError: a method this backbone does not have.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}; received {layout!r}")
    whole = segmenter.method(method)
    (features, grid), _ = segmenter.features(encoded, whole)
    boxes = scored_boxes(encoded, whole)
    if layout == STITCHED:
        onto = places(encoded.size, boxes, grid)
        with torch.inference_mode():
            features = spliced(features, boxes, encoded.size, grid, onto).T.reshape(-1, *onto)
        grid = onto
    return {
        "features": features.float().cpu().numpy(),
        "grid": np.array(grid),
        "boxes": np.array(boxes),
        "size": np.array(encoded.size),
        "photo_size": np.array(encoded.photo_size),
        "method": np.array(whole.name),
        "backbone": np.array(segmenter.backbone.name),
    }


def text_arrays(segmenter: Segmenter, vocabulary: Vocabulary) -> dict[str, NDArray[Any]]:
    """Words for the dot product with `dense_features`.

    Returns:
        `text`: float32 [Q, E] unit vectors of all prompts; `prompts` [Q]; `prompt_class` [Q], the
        class each stands for, which takes the best of its prompts; `classes` [C], names.
    """
    owner = [index for index, entry in enumerate(vocabulary.classes) for _ in entry.prompts]
    return {
        "text": segmenter.text_features(vocabulary.prompts).float().cpu().numpy(),
        "prompts": np.array(vocabulary.prompts),
        "prompt_class": np.array(owner),
        "classes": np.array(vocabulary.names),
    }


def features_npz(
    segmenter: Segmenter,
    encoded: Encoded,
    method: Method,
    vocabulary: Vocabulary,
    layout: str = WINDOWS,
) -> bytes:
    """`dense_features` and `text_arrays` as a file."""
    stream = io.BytesIO()
    save: Any = np.savez  # whose own arguments some versions type as if they were arrays
    arrays = dense_features(segmenter, encoded, method, layout)
    save(stream, **arrays, **text_arrays(segmenter, vocabulary))
    return stream.getvalue()
