"""What a lesson's figure shows of the model that the page runs, asked for when it is opened.

Nothing of it is kept: each open page asks for its own photo and point, in a turn like any click.
"""

from __future__ import annotations

from typing import Any

from glaclip.backbones.clip.models import CLIP_MODELS, UNTRAINED
from glaclip.pictures.baseline_row import mean_picture, own_words
from glaclip.pictures.encoding import picture_uri
from glaclip.segmenter.method import baseline_title
from glaclip.serving.estimate import ExpensiveError, cheap_only
from glaclip.serving.runs import StoppedError
from glaclip.ui.board import Event
from glaclip.ui.demo import Demo, asked, follow, point_in
from glaclip.ui.refusals import REFUSALS, sentence

#: The baseline that only a CLIP has: its own last block.
_PLAIN = "clip"
#: Pixels of a panel.
_SIDE = 190


def rows_of_baselines(demo: Demo, event: Event, *, forced: bool = False) -> dict[str, Any]:
    """Every baseline's attention row at the page's point, or what is missing, for `looks.js`.

    Args:
        demo: the page.
        event: with the page's controls.
        forced: whether a person asked for it, however long it takes within the limits.

    Returns:
        `said`, a sentence; `panels`, each with `title`, `note` and `picture`; `press`, what a
        button says that asks again, or "".
    """
    told: dict[str, Any] = {"panels": [], "press": ""}
    try:
        photo, form, request = asked(demo, event)
        backbone = demo.backbone(form)
        if _PLAIN not in backbone.baselines:
            return told | {"said": _needed(demo, backbone.title)}
        point = point_in(event, photo.image)
        if point is None:
            return told | {"said": "Click a point of the photo in Compare first."}
        step = follow(event, demo.runs.start(event.page, "lesson"))
        rows = demo.service.baseline_rows(
            photo, point, request, backbone.baselines, step, unless=cheap_only(not forced)
        )
    except StoppedError:
        return told | {"said": "Stopped.", "press": "Ask again"}
    except ExpensiveError as error:
        return told | {"said": f"{error} ", "press": "Ask the model"}
    except REFUSALS as error:
        return told | {"said": sentence(error)}
    said = f"Point {point[0]}, {point[1]} in its own window, by {backbone.title}; "
    said += "each on its own scale."
    if backbone.title.endswith(UNTRAINED):
        said += " Random weights: where they look means nothing."
    panels = [
        {
            "title": baseline_title(row.baseline),
            "note": own_words(row),
            "picture": picture_uri(
                mean_picture(photo.image, row).resize((_SIDE, _SIDE)), "JPEG", quality=86
            ),
        }
        for row in rows
    ]
    # The point may be another one by the time that a person comes back.
    return told | {"said": f"{said} ", "panels": panels, "press": "Ask again"}


def _needed(demo: Demo, title: str) -> str:
    """The way to a model that has such a layer."""
    here = f"{title} answers here, and has no such layer."
    if any(name in CLIP_MODELS for name in demo.backbones):
        return f"{here} Choose a real CLIP as Backbone under Advanced, and come back."
    return (
        f"{here} Start the page with real CLIP, as in python app.py --backbone clip-b16 "
        "(docs/real-clip.md says how its weights come here), and this shows its attention at your "
        "point, by each method."
    )
