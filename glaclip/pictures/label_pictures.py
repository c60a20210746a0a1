"""Labels on photos: overlays, label files, both sides beside each other (Pillow).

Labels are [H, W] class indices; colors are uint8 [C, 3] sRGB, one a class. Every function returns
a new picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from glaclip.pictures.drawing import Colors, fit, font, rounded, scaled_to, theme_of
from glaclip.pictures.legend import draw_legend, legend_entries
from glaclip.segmenter.labels import resize_labels
from glaclip.segmenter.seams import Labels


def overlay(
    photo: Image.Image, labels: Labels, colors: Colors, opacity: float = 0.55
) -> Image.Image:
    """The photo with every pixel tinted in its class's color.

    Args:
        photo: the photo, any size.
        labels: [h, w] class indices; resized to the photo (nearest neighbor) where needed.
        colors: [C, 3].
        opacity: 0 shows the photo alone, 1 the labels alone.

    Raises:
        ValueError: opacity outside 0..1.
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must be a number from 0 to 1; received {opacity!r}")
    tint = Image.fromarray(colors[resize_labels(labels, (photo.height, photo.width))])
    return Image.blend(photo.convert("RGB"), tint, opacity)


def label_png(labels: Labels, colors: Colors) -> Image.Image:
    """Labels as a picture whose pixel values are the class indices.

    Args:
        labels: [H, W] class indices.
        colors: [C, 3].

    Returns:
        Mode "P" with the colors as its palette for up to 256 classes, 16-bit gray ("I;16") beyond.
    """
    if len(colors) <= 256:
        picture = Image.fromarray(labels.astype(np.uint8)).convert("L")
        picture.putpalette(colors.astype(np.uint8).tobytes())
        return picture
    return Image.fromarray(labels.astype(np.uint16))


def comparison(
    photo: Image.Image,
    left: Labels,
    right: Labels,
    names: Sequence[str],
    colors: Colors,
    *,
    titles: tuple[str, str, str] = ("Photo", "Each window alone", "GLA-CLIP"),
    notes: tuple[str, str, str] = ("", "", ""),
    opacity: float = 0.6,
    panel: int = 720,
) -> Image.Image:
    """One picture: the photo, the baseline, GLA-CLIP, and a legend with areas of both sides.

    Args:
        photo: the photo.
        left: [H, W] labels of the baseline.
        right: [H, W] labels of GLA-CLIP.
        names: C shown names.
        colors: [C, 3].
        titles: above the three panels.
        notes: small, right of the titles.
        opacity: of the label colors.
        panel: longest side of a panel in pixels.
    """
    look = theme_of("light")
    small = scaled_to(photo, panel, panel)
    panels = [small, *(overlay(small, labels, colors, opacity) for labels in (left, right))]
    text = max(13, round(small.width / 34))
    margin, gap, head = round(text * 1.4), round(text * 0.9), round(text * 2.3)
    width = 3 * small.width + 2 * gap + 2 * margin
    sides = [np.bincount(x.ravel(), minlength=len(names)) / x.size for x in (left, right)]
    entries, hidden = legend_entries(names, colors, sides)
    remark = "Shares of the photo: left → right."
    legend = draw_legend(entries, hidden, width - 2 * margin, look, text, remark)
    height = margin + head + small.height + gap + legend.height + margin
    sheet = Image.new("RGB", (width, height), look.paper)
    draw = ImageDraw.Draw(sheet)
    bold, plain = font(text, bold=True), font(round(text * 0.9))
    for index, (picture, title, note) in enumerate(zip(panels, titles, notes, strict=True)):
        x = margin + index * (small.width + gap)
        baseline = margin + head * 0.62
        note_width = plain.getlength(note) + text if note else 0
        title = fit(title, bold, small.width - note_width)
        draw.text((x, baseline), title, look.ink, bold, anchor="ls")
        draw.text((x + small.width, baseline), note, look.muted, plain, anchor="rs")
        sheet.paste(rounded(picture, look.paper, text // 3), (x, margin + head))
    sheet.paste(legend, (margin, margin + head + small.height + gap))
    return sheet
