"""What the attention viewer shows, as a value that travels to the browser. No gradio here."""

from __future__ import annotations

import base64
from typing import NotRequired, TypedDict

import numpy as np
from torch import Tensor

from glaclip.attention.point import AttentionMaps, RowAttention, WindowView
from glaclip.pictures.baseline_row import own_words
from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import class_colors, hex_of
from glaclip.pictures.weights import COLLAPSED, brightest, visible_tokens, weight_scales
from glaclip.segmenter import BaselineAttention, Encoded, Segmentation
from glaclip.segmenter.labels import class_probabilities
from glaclip.segmenter.method import baseline_title
from glaclip.settings import CAPTIONS, STAGES

#: A window counts as receiving attention above this share.
NOTABLE_SHARE = 0.01
#: Classes named in a window's answer.
_ANSWERS = 3


class PanelValue(TypedDict):
    """One panel: `weights` is base64 of uint16 [L * S], each times `unit` is in even attentions.

    Even attention would give each visible token the same weight. On raw weights the own window's
    rung, which has fewest tokens to share among, would leave the others nearly black. `top` is what
    is drawn brightest, in the same unit. `context`: all windows are in sight. `key_grid` and
    `token` are those of the left side's panel, whose patches may be other than the rungs'.
    """

    title: str
    help: str
    weights: str
    unit: float
    top: float
    context: bool
    collapsed: bool
    note: str
    own_mass: float
    own_share: float
    windows: int
    key_grid: NotRequired[list[int]]
    token: NotRequired[list[int]]


class AnswerValue(TypedDict):
    """A class and its probability. `name` is untrusted text."""

    name: str
    color: str
    probability: float


class ViewValue(TypedDict):
    """The point seen from one window alone; `weights` [S] as in `PanelValue`."""

    window: int
    token: list[int]
    weights: str
    unit: float
    top: float
    answers: list[AnswerValue]


class AttentionValue(TypedDict):
    """The viewer's value. Sizes are [height, width]; boxes are in pixels of `working_size`.

    `photo` names the picture that the comparison shows; it is not sent again.
    `shared` tells whether all panels have one scale, and `scale_note` why not. `views` starts with
    the own window, then comes the one whose answer differs most from it. The first `steps` panels
    are the ladder's; the left side's follows where it has a row of its own.
    """

    photo: str
    photo_size: list[int]
    working_size: list[int]
    point: list[int]
    boxes: list[list[int]]
    grid: list[int]
    key_grid: list[int]
    own: int
    token: list[int]
    shared: bool
    scale_note: str
    panels: list[PanelValue]
    steps: NotRequired[int]
    sentence: str
    views: list[ViewValue]
    views_sentence: str


def _packed(weights: Tensor, visible: int) -> tuple[str, float]:
    values = weights.cpu().double().numpy().ravel() * visible
    unit = max(float(values.max()), 1e-12) / 65535
    return base64.b64encode(np.round(values / unit).astype("<u2").tobytes()).decode(), unit


def receiving_windows(rung: RowAttention) -> int:
    """Windows that receive more than 1 % of the attention."""
    return int((rung.weights.sum(dim=1) > NOTABLE_SHARE).sum())


def attention_sentence(maps: AttentionMaps) -> str:
    """|P_i|, u, w_i and the windows reached, in words."""
    last = maps.rungs[-1]
    reached = receiving_windows(last)
    similar = "1 token is" if last.set_size == 1 else f"{last.set_size:,} tokens are"
    similar = f"{similar} similar to this patch (|P| = {last.set_size:,})"
    if last.collapsed:
        return (
            f"{similar}, but once {last.shift:.2f} times the mean score is subtracted (u = "
            f"{last.shift:.2f}), no score is left above zero; the best token alone is kept."
        )
    windows = "1 window receives" if reached == 1 else f"{reached} windows receive"
    return (
        f"{similar}. The mean score is multiplied by u = {last.shift:.2f} before it is subtracted, "
        f"and the scores are scaled by w = {last.scale:.2f}. {windows} more than 1 % of the "
        "attention."
    )


def _panel(index: int, rung: RowAttention, top: float) -> PanelValue:
    packed, unit = _packed(rung.weights, visible_tokens(rung))
    help_ = STAGES[index - 1].help if index else "A patch looks at the patches of its own window."
    return PanelValue(
        title=CAPTIONS[index],
        help=help_,
        weights=packed,
        unit=unit,
        top=top,
        context=rung.settings.cross_window,
        collapsed=rung.collapsed,
        note=COLLAPSED if rung.collapsed else "",
        own_mass=rung.own_mass,
        own_share=rung.own_share,
        windows=receiving_windows(rung),
    )


def _left_panel(row: BaselineAttention) -> PanelValue:
    title, visible = baseline_title(row.baseline), row.weights.shape[1]
    packed, unit = _packed(row.weights, visible)
    branch = " This is the attention branch, before residual and feed-forward."
    return PanelValue(
        title=f"Left side: {title}",
        help="The mean over heads, which see the own window alone; CLS is no place."
        + branch * (row.baseline == "clip"),
        weights=packed,
        unit=unit,
        top=brightest(row.weights, visible),
        context=False,
        collapsed=False,
        note=own_words(row),
        own_mass=1 - row.cls,
        own_share=1.0,
        windows=1,
        key_grid=list(row.key_grid),
        token=list(row.token),
    )


def _view(view: WindowView, alone: Segmentation, top: float) -> ViewValue:
    row, column = view.token
    vocabulary = alone.vocabulary
    scores = alone.window_scores[view.window, :, row, column]  # [Q]
    chances = class_probabilities(scores, vocabulary).float().cpu().numpy()
    colors = hex_of(class_colors(vocabulary.names, vocabulary.background))
    packed, unit = _packed(view.row.weights[view.window], visible_tokens(view.row))
    return ViewValue(
        window=view.window,
        token=[row, column],
        weights=packed,
        unit=unit,
        top=top,
        answers=[
            AnswerValue(name=vocabulary.names[i], color=colors[i], probability=float(chances[i]))
            for i in np.argsort(-chances, kind="stable")[:_ANSWERS]
        ],
    )


def _views(maps: AttentionMaps, alone: Segmentation) -> list[ViewValue]:
    """The own window, then the others, those that differ most from its answer first."""
    top = max(weight_scales([view.row for view in maps.views]).tops)
    views = [_view(view, alone, top) for view in maps.views]
    own, best = views[0], views[0]["answers"][0]

    def agreement(view: ViewValue) -> float:
        """How sure a window is of the own window's first word."""
        same = [a["probability"] for a in view["answers"] if a["name"] == best["name"]]
        return (same[0] if same else 0.0) + (view["answers"][0]["name"] == best["name"])

    return [own, *sorted(views[1:], key=agreement)]


def views_sentence(views: list[ViewValue]) -> str:
    """What the windows that hold the point say about it, each by itself."""
    if len(views) < 2:
        return "This point lies in one window only; no other window can contradict it."

    def says(view: ViewValue) -> str:
        best = view["answers"][0]
        return f"window {view['window'] + 1} says {best['name']} ({percent(best['probability'])})"

    words = {view["answers"][0]["name"] for view in views}
    number = len(views)
    if len(words) == 1:
        every = "Both windows" if number == 2 else f"All {number} windows"
        return f"{every} that hold this point agree here, each by itself: {words.pop()}."
    return (
        f"The same point, {number} windows, {len(words)} answers: {says(views[0])}, "
        f"{says(views[1])}. Nothing but the window's edge changed."
    )


def attention_value(
    photo: str,
    encoded: Encoded,
    maps: AttentionMaps,
    alone: Segmentation | None = None,
    left: BaselineAttention | None = None,
) -> AttentionValue:
    """Builds the value of `AttentionViewer`.

    Args:
        photo: its name, see `ShownPhoto`.
        encoded: its tokens.
        maps: attention of one point.
        alone: the photo's labels with all switches off, for what each window says about the point.
        left: the point's attention by the left side's baseline.
    """
    scales = weight_scales(maps.rungs)
    views = _views(maps, alone) if alone is not None and maps.views else []
    value = AttentionValue(
        photo=photo,
        photo_size=list(encoded.photo_size),
        working_size=list(encoded.size),
        point=[int(maps.point[0]), int(maps.point[1])],
        boxes=[list(box) for box in maps.boxes],
        grid=list(maps.grid),
        key_grid=list(maps.key_grid),
        own=maps.window,
        token=list(maps.token),
        shared=scales.shared,
        scale_note=scales.reason,
        panels=[
            _panel(index, rung, top)
            for index, (rung, top) in enumerate(zip(maps.rungs, scales.tops, strict=True))
        ],
        sentence=attention_sentence(maps),
        views=views,
        views_sentence=views_sentence(views) if views else "",
    )
    if left is not None:
        value["steps"] = len(maps.rungs)
        value["panels"].append(_left_panel(left))
    return value
