"""What the viewer of many methods shows, as a value that travels to the browser. No gradio here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from glaclip.pictures.encoding import data_uri
from glaclip.pictures.export import disagreement_of, seam_rate_of
from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import class_colors, hex_of
from glaclip.segmenter import Segmentation
from glaclip.segmenter.labels import resize_labels
from glaclip.ui.viewers.comparison_value import ClassValue, packed_labels
from glaclip.ui.viewers.shown_photo import ShownPhoto

#: Columns that fit a screen.
MOST_METHODS = 6


class MethodValue(TypedDict):
    """One picture. `labels` is as in `SideValue`; `title` and `note` are untrusted text."""

    title: str
    note: str
    labels: str


class MethodsValue(TypedDict):
    """The viewer's value. `photo_name` names the picture that the comparison shows.

    `size` is [height, width] of the labels.
    """

    photo_name: str
    size: list[int]
    wide: bool
    classes: list[ClassValue]
    methods: list[MethodValue]


def methods_value(picture: ShownPhoto, results: Sequence[Segmentation]) -> MethodsValue:
    """Builds the value of `MethodsViewer`.

    Args:
        picture: the photo as it is shown.
        results: of one photo with one vocabulary, a method each.
    """
    vocabulary = results[0].vocabulary
    colors = hex_of(class_colors(vocabulary.names, vocabulary.background))
    wide = len(vocabulary.names) > 256
    return MethodsValue(
        photo_name=picture.name,
        size=list(picture.size),
        wide=wide,
        classes=[
            ClassValue(name=name, color=color)
            for name, color in zip(vocabulary.names, colors, strict=True)
        ],
        methods=[
            MethodValue(
                title=result.method.title,
                note=_note(result),
                labels=data_uri(
                    packed_labels(resize_labels(result.labels, picture.size), wide), "png"
                ),
            )
            for result in results
        ],
    )


def _note(result: Segmentation) -> str:
    """Seams and contradictions, those that can be told."""
    rates = {"seams": seam_rate_of(result), "contradictions": disagreement_of(result)}
    return ", ".join(f"{name} {percent(rate)}" for name, rate in rates.items() if rate is not None)
