"""A result as files: label maps with their palette, overlays, and what made them, as JSON.

Nothing here names a path or a file of the person who made the result.
"""

from __future__ import annotations

import dataclasses
import io
import json
import math
import zipfile
from collections.abc import Mapping
from typing import Any

from PIL import Image

from glaclip.backbones.base import Backbone
from glaclip.pictures.drawing import Colors
from glaclip.pictures.encoding import ZIP_EPOCH, png_bytes
from glaclip.pictures.label_pictures import comparison, label_png, overlay
from glaclip.pictures.numbers import percent
from glaclip.segmenter import Method, Segmentation
from glaclip.segmenter.seams import seam_rate
from glaclip.support.version import __version__

#: The two sides of every result, as file and JSON names.
SIDES = ("baseline", "glaclip")

CITATION = """\
The method:
Lee, Seong, Hyun, Park, Moon, Heo. "Looking Beyond the Window: Global-Local Aligned CLIP for
Training-free Open-Vocabulary Semantic Segmentation" (GLA-CLIP). CVPR 2026. arXiv:2603.23030.
"""
_CLIP_CITATIONS = """
The backbone builds on:
Radford et al. "Learning Transferable Visual Models From Natural Language Supervision" (CLIP).
ICML 2021. arXiv:2103.00020.
Lan et al. "ProxyCLIP: Proxy Attention Improves CLIP for Open-Vocabulary Segmentation". ECCV 2024.
arXiv:2408.04883.
"""
README = """\
Label maps: the value of a pixel is the index of its class in legend.json; up to 256 classes have \
their colors in the file.
settings.json says what made them; baseline and glaclip are the two sides that were compared.
"""


def citation(backbone: Backbone) -> str:
    """What to cite: the paper, and CLIP and ProxyCLIP when the backbone is a CLIP."""
    return CITATION + (_CLIP_CITATIONS if "clip" in backbone.name.lower() else "")


def method_document(method: Method) -> dict[str, Any]:
    """A method as JSON: its title, and its settings or the baseline's name."""
    return {
        "title": method.title,
        "baseline": method.baseline or None,
        "key_source": method.key_source or None,
        "attention": dataclasses.asdict(method.settings) if method.settings else None,
    }


def seam_rate_of(result: Segmentation) -> float | None:
    """The seam rate of a result; None with a single window."""
    encoded = result.encoded
    rate = seam_rate(result.labels, encoded.boxes, encoded.size, encoded.windows.stride)
    return rate if math.isfinite(rate) else None


def disagreement_of(result: Segmentation) -> float | None:
    """The window disagreement of a result; None where no windows overlap."""
    return result.disagreement if math.isfinite(result.disagreement) else None


def legend_document(
    left: Segmentation, right: Segmentation, colors: Colors
) -> list[dict[str, Any]]:
    """Classes in order: index, name, synonyms, color, and the share each side gives them."""
    vocabulary = right.vocabulary
    return [
        {
            "index": index,
            "name": entry.name,
            "synonyms": list(entry.prompts),
            "color": "#{:02x}{:02x}{:02x}".format(*(int(c) for c in colors[index])),
            "background": index == vocabulary.background,
            "area": {
                side: round(float(result.areas[index]), 6)
                for side, result in zip(SIDES, (left, right), strict=True)
            },
        }
        for index, entry in enumerate(vocabulary.classes)
    ]


def result_document(
    left: Segmentation,
    right: Segmentation,
    backbone: Backbone,
    colors: Colors,
    *,
    point: tuple[float, float] | None = None,
    encode_seconds: float | None = None,
) -> dict[str, Any]:
    """Everything about a result but its pixels, ready for JSON.

    Args:
        left: the baseline's result.
        right: GLA-CLIP's, of the same photo and vocabulary.
        backbone: that made both.
        colors: [C, 3].
        point: (x, y) in photo pixels whose attention was asked for.
        encode_seconds: time of encoding the photo, if it was measured.
    """
    encoded, vocabulary = right.encoded, right.vocabulary
    sides: Mapping[str, Segmentation] = dict(zip(SIDES, (left, right), strict=True))
    return {
        "program": {"name": "glaclip-demo", "version": __version__},
        "backbone": {"name": backbone.name, "title": backbone.title},
        "photo": {"width": encoded.photo_size[1], "height": encoded.photo_size[0]},
        "windows": {
            **dataclasses.asdict(encoded.windows),
            "resized_to": {"width": encoded.size[1], "height": encoded.size[0]},
            "rows": encoded.grid[0],
            "columns": encoded.grid[1],
        },
        "methods": {side: method_document(result.method) for side, result in sides.items()},
        "background_threshold": (
            vocabulary.background_threshold if vocabulary.background is not None else None
        ),
        "logit_scale": vocabulary.logit_scale,
        "area_threshold": vocabulary.area_threshold,
        "notes": list(vocabulary.notes),
        "classes": legend_document(left, right, colors),
        "seam_rate": {side: _rounded(seam_rate_of(result)) for side, result in sides.items()},
        "disagreement": {side: _rounded(disagreement_of(result)) for side, result in sides.items()},
        "seconds": {
            "encode": _rounded(encode_seconds),
            **{
                side: {step: _rounded(value) for step, value in result.seconds.items()}
                for side, result in sides.items()
            },
        },
        "point": {"x": point[0], "y": point[1]} if point else None,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def comparison_of(
    photo: Image.Image, left: Segmentation, right: Segmentation, colors: Colors
) -> Image.Image:
    """`render.comparison` of two results, with their seam rates."""

    def note(result: Segmentation) -> str:
        rate = seam_rate_of(result)
        return "" if rate is None else f"seam rate {percent(rate)}"

    return comparison(
        photo,
        left.labels,
        right.labels,
        right.classes,
        colors,
        titles=("Photo", left.method.title, right.method.title),
        notes=(right.encoded.windows.unlike_the_paper, note(left), note(right)),
    )


def result_files(
    left: Segmentation,
    right: Segmentation,
    backbone: Backbone,
    colors: Colors,
    photo: Image.Image,
    *,
    opacity: float = 0.55,
    panels: Image.Image | None = None,
    document: Mapping[str, Any] | None = None,
) -> dict[str, bytes]:
    """All files of a result by name.

    Args:
        left: the baseline's result.
        right: GLA-CLIP's.
        backbone: that made both.
        colors: [C, 3].
        photo: the photo.
        opacity: of the labels in the overlays.
        panels: `render.attention_panels` of a point, if one was asked for.
        document: `result_document` if it was made already.
    """
    document = document or result_document(left, right, backbone, colors)
    settings = {key: value for key, value in document.items() if key != "classes"}
    files: dict[str, bytes] = {}
    for side, result in zip(SIDES, (left, right), strict=True):
        files[f"labels_{side}.png"] = png_bytes(label_png(result.labels, colors))
        tinted = overlay(photo, result.labels, colors, opacity)
        files[f"overlay_{side}.png"] = png_bytes(tinted)
    files["comparison.png"] = png_bytes(comparison_of(photo, left, right, colors))
    if panels is not None:
        files["attention.png"] = png_bytes(panels)
    files["legend.json"] = _json(document["classes"])
    files["settings.json"] = _json(settings)
    files["CITATION.txt"] = citation(backbone).encode()
    files["README.txt"] = README.encode()
    return files


def _json(document: object) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def zip_files(files: Mapping[str, bytes]) -> bytes:
    """Files as a zip archive; the same files give the same bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, ZIP_EPOCH)
            # PNGs are deflated already.
            stored = name.endswith(".png")
            info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return stream.getvalue()
