"""A photo to tokens, a batch of windows at a time."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import torch
from PIL import Image
from torch import Tensor

from glaclip.backbones.base import Backbone, Tokens
from glaclip.segmenter.progress import Progress
from glaclip.segmenter.results import Encoded
from glaclip.settings import WindowSettings
from glaclip.support.interruptible import Interruptible
from glaclip.windows import Box, boxes, crops, resize_photo, window_grid, working_size


def encode(
    backbone: Backbone,
    key: str,
    image: Image.Image,
    settings: WindowSettings,
    progress: Progress,
) -> Encoded:
    """Cuts a photo into windows and encodes them; `key` names the result."""
    photo_size = (image.height, image.width)
    size = working_size(*photo_size, settings)
    windows = boxes(size, settings)
    progress("encode", 0, len(windows))
    pixels = resize_photo(image, size, settings.resampling)
    parts = _batches(backbone, pixels, windows, progress)
    return Encoded(
        key=key,
        backbone=backbone.fingerprint,
        windows=settings,
        photo_size=photo_size,
        size=size,
        boxes=windows,
        grid=window_grid(size, settings),
        tokens=Tokens.gathered(parts, len(windows)),
        pixels=(255 * pixels).round().byte(),
    )


def _batches(
    backbone: Backbone, pixels: Tensor, windows: Sequence[Box], progress: Progress
) -> Iterator[Tokens]:
    """Windows are cut out a batch at a time: together they hold each pixel many times."""
    step = windows_per_batch(backbone, windows[0].bottom - windows[0].top)
    for done in range(0, len(windows), step):
        batch = crops(pixels, windows[done : done + step]).to(backbone.device)
        look = functools.partial(progress, "encode", done, len(windows))
        with torch.inference_mode(), Interruptible(look):
            part = backbone.encode_windows(batch)
        yield part
        progress("encode", min(done + step, len(windows)), len(windows))


def windows_per_batch(backbone: Backbone, crop: int) -> int:
    """The backbone's own number, and fewer of windows larger than its own: a batch's memory."""
    own = backbone.default_windows.crop
    return max(1, min(backbone.batch_size, backbone.batch_size * own * own // (crop * crop)))
