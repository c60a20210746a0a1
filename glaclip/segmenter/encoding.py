"""A photo to tokens, a batch of windows at a time."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import torch
from PIL import Image
from torch import Tensor

from glaclip.backbones.base import Backbone, Tokens, sees_photos
from glaclip.segmenter.progress import Progress
from glaclip.segmenter.results import Encoded
from glaclip.segmenter.whole_view import WholeView
from glaclip.settings import BY_WINDOW, WHOLE_PHOTO, SettingsError, WindowSettings
from glaclip.support.interruptible import Interruptible
from glaclip.windows import Box, boxes, crops, resize_photo, window_grid, working_size


def check_windows(backbone: Backbone, settings: WindowSettings) -> None:
    """Refuses windows that a backbone cannot take.

    Raises:
        SettingsError: a sentence.
    """
    multiple = backbone.pixel_multiple
    if settings.crop % multiple:
        raise SettingsError(
            f"crop must be a multiple of {multiple} for {backbone.title}; received {settings.crop}"
        )
    if settings.vfm_view == WHOLE_PHOTO and not sees_photos(backbone):
        raise SettingsError(
            f"vfm_view must be {BY_WINDOW} for {backbone.title}, which has no vision model of its "
            f"own for keys; received {settings.vfm_view!r}"
        )


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
    # The VFM's look at the whole photo, which comes first, is counted as all windows once more.
    ahead = len(windows) if settings.vfm_view == WHOLE_PHOTO else 0
    progress("encode", 0, ahead + len(windows))
    pixels = resize_photo(image, size, settings.resampling)
    parts = _batches(backbone, pixels, windows, ahead, progress)
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
    backbone: Backbone, pixels: Tensor, windows: Sequence[Box], ahead: int, progress: Progress
) -> Iterator[Tokens]:
    """Windows are cut out a batch at a time: together they hold each pixel many times."""
    total, view = ahead + len(windows), None
    if ahead:
        assert sees_photos(backbone)  # see `check_windows`
        with torch.inference_mode(), Interruptible(functools.partial(progress, "encode", 0, total)):
            view = WholeView(backbone, pixels)
        progress("encode", ahead, total)
    step = windows_per_batch(backbone, windows[0].bottom - windows[0].top)
    for done in range(0, len(windows), step):
        some = windows[done : done + step]
        batch = crops(pixels, some).to(backbone.device)
        look = functools.partial(progress, "encode", ahead + done, total)
        with torch.inference_mode(), Interruptible(look):
            part = view.encode(batch, some) if view else backbone.encode_windows(batch)
        yield part
        progress("encode", ahead + min(done + step, len(windows)), total)


def windows_per_batch(backbone: Backbone, crop: int) -> int:
    """The backbone's own number, and fewer of windows larger than its own: a batch's memory."""
    own = backbone.default_windows.crop
    return max(1, min(backbone.batch_size, backbone.batch_size * own * own // (crop * crop)))
