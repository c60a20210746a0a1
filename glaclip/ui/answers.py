"""What the page says about a result, as escaped HTML and plain sentences."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from PIL import Image

from glaclip.backbones.base import Backbone
from glaclip.pictures.encoding import data_uri, encoded
from glaclip.pictures.export import disagreement_of, seam_rate_of
from glaclip.pictures.numbers import percent
from glaclip.segmenter import Segmentation
from glaclip.serving.service import Answer, best_classes
from glaclip.ui.viewers.attention_value import attention_value
from glaclip.ui.viewers.comparison_value import Side, viewer_value
from glaclip.ui.viewers.shown_photo import ShownPhoto


def status(result: Answer, backbone: Backbone, waited: float | None = None) -> str:
    """The line below the viewers: backbone, windows, time; and folded away how it was computed.

    Args:
        result: what is shown.
        backbone: that computed it.
        waited: seconds from the press to the result, where more than the result was asked for.
    """
    kind = str(backbone.dtype).removeprefix("torch.")
    why = f" title='{escape(backbone.dtype_why)}'" if backbone.dtype_why else ""
    rows, columns = result.encoded.grid
    origin = " (photo from cache)" if result.encoded_cached and waited is None else ""
    seconds = result.seconds if waited is None else waited
    line = [
        f"<span class='badge' title='{escape(backbone.title)}'>{escape(backbone.title)}</span>",
        f"<span><b>{rows * columns}</b> windows, {rows} × {columns}</span>",
        f"<span><b>{seconds:.2f} s</b>{origin}</span>",
    ]
    if unlike := result.encoded.windows.unlike_the_paper:
        line.insert(2, f"<span>{escape(unlike)}</span>")
    steps = [f"<span{why}>{kind}</span>"]
    for name, label in (("words", "words"), ("attention", "attention"), ("labels", "labels")):
        cached = name in result.right.cached
        value = "from cache" if cached else f"{result.right.seconds[name]:.2f} s"
        if name == "attention" and (settings := result.right.method.settings):
            value += f", {settings.precision}"
        steps.append(f"<span>{label} {value}</span>")
    problems = "".join(
        f"<p class='problem'>{escape(note)}</p>" for note in result.right.vocabulary.notes
    )
    costs = f"<details><summary>How computed</summary>{''.join(steps)}</details>"
    return f"{problems}<div class='line'>{''.join(line)}{costs}</div>"


def problem(sentence: str, about: str = "") -> str:
    """A refusal in the status line; the browser also puts it beside the controls it is about."""
    return f"<p class='problem' role='alert' data-about='{about}'>{escape(sentence)}</p>"


#: What is said on a phone, where the words and the line above their chips are in a sheet.
PROPOSED = (
    "<p class='look on-phone'>The words were proposed for this photo: change them, or take the "
    "former ones back, under Words.</p>"
)
#: What is said when one word alone has switched the background on.
ALONE = (
    "<p class='look'>One word alone leaves nothing to choose from: Background is on, for what "
    "the word does not fit.</p>"
)

#: What is said when the embedded model has answered for one that was lent no GPU.
EMBEDDED = "<p class='look'>Lite has answered, and is chosen under Advanced from now on.</p>"


def compare_value(
    photo: Image.Image,
    picture: ShownPhoto,
    result: Answer,
    point: tuple[int, int] | None,
    held: str = "",
) -> dict[str, Any]:
    """Value of the linked viewer, without a photo that the page has, by its name."""
    photo_tokens, vocabulary = result.encoded, result.right.vocabulary
    known = {"photo": ""} if held == picture.name else {}
    sides = (
        Side(
            part.labels,
            part.method.title,
            seam_rate=seam_rate_of(part),
            disagreement=disagreement_of(part),
            contradictions=part.contradictions(),
        )
        for part in (result.left, result.right)
    )
    return dict(
        viewer_value(
            photo,
            *sides,
            classes=vocabulary.names,
            background=vocabulary.background,
            windows=photo_tokens.boxes,
            working_size=photo_tokens.size,
            point=point,
            picture=picture,
            presence=result.right.presence.tolist(),
        )
    ) | {**known, "answer": star(result, point) if point else None}


def star(result: Answer, point: tuple[int, int]) -> dict[str, Any]:
    """How sure both sides are of what the picture shows at a point, for the card at the star.

    The background's pixels are those that no word is sure of, so it has no probability.
    """

    def chance(part: Segmentation) -> float | None:
        label = int(part.labels[point[1], point[0]])
        if label == part.vocabulary.background:
            return None
        return float(part.probabilities_at(point)[label])

    return {
        "point": list(point),
        "probabilities": [chance(part) for part in (result.left, result.right)],
    }


def scores(result: Answer, label: int, shown: str) -> dict[str, Any]:
    """How probable a word is at each place on both sides, as the viewer draws it.

    Args:
        result: of the page's photo and words.
        label: the word's class.
        shown: names what the browser shows, which goes back with the maps.
    """

    def picture(part: Segmentation) -> str:
        levels = (255 * part.score(label)).round().astype(np.uint8)
        return data_uri(encoded(Image.fromarray(levels), "PNG"), "png")

    maps = [picture(part) for part in (result.left, result.right)]
    return {"result": shown, "label": label, "maps": maps}


def look(picture: ShownPhoto, result: Answer, point: tuple[int, int] | None) -> dict[str, Any]:
    """What a point shows: its attention, and both sides' classes; nothing without a point."""
    if point is None or result.maps is None or result.alone is None:
        return {"attention": None, "readout": ""}
    value = attention_value(
        picture.name, result.encoded, result.maps, result.alone, result.left_row
    )
    return {"attention": dict(value), "readout": readout(result, point)}


def readout(result: Answer, point: tuple[int, int]) -> str:
    """The five most probable classes at a point on both sides, as a table."""

    def cell(ranked: list[tuple[str, float]]) -> str:
        return "".join(
            f"<span><span class='word'>{escape(name)}</span><span>{percent(p)}</span></span>"
            for name, p in ranked
        )

    parts = (result.left, result.right)
    heads = "".join(f"<th>{escape(part.method.title)}</th>" for part in parts)
    cells = "".join(
        f"<td>{cell(best_classes(part.probabilities_at(point), part.classes))}</td>"
        for part in parts
    )
    return (
        f"<table><caption>Point {point[0]}, {point[1]}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody><tr>{cells}</tr></tbody></table>"
    )
