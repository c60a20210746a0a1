"""Lesson: what dynamic normalization does to a token that few resemble and one that many do."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray

from glaclip.attention import method
from glaclip.attention.anchors import Keys
from glaclip.attention.point import RowAttention, attention_row
from glaclip.attention.precision import mean_query
from glaclip.attention.rows import queries_of
from glaclip.settings import AttentionSettings
from glaclip.ui.examples import find
from glaclip.ui.lessons.lab import Lab, centers, pack, photo_file, stage, to_photo
from glaclip.ui.lessons.lesson import Facts, Lesson, Part, View, change

#: Places of each photo that are asked for the averages.
GRID = (7, 5)
#: Small objects, by photo: place A is on the one that the scale changes most.
SMALL = {"room": "bottle", "coffee": "spoon"}
#: Tokens of each with the smallest sets, among which place A is.
CANDIDATES = 12
#: Tokens this near to the photo's border, in steps, are left out: little resembles a corner.
MARGIN = 2
#: The slider ends at this many times the backbone's scale.
_ROOM = 2


@dataclass(frozen=True)
class Place:
    """A token of a photo and its attention with all switches on.

    Attributes:
        photo: name of the photo.
        token: index among all tokens of the photo.
        row: its attention.
        half: how many tokens hold half of it.
        half_plain: the same for w = 1.
    """

    photo: str
    token: int
    row: RowAttention
    half: int
    half_plain: int

    @property
    def sharpening(self) -> float:
        """How many times fewer tokens hold half because of w; 0 when a single token has it all."""
        return 0.0 if self.row.collapsed else self.half_plain / self.half


def measure(lab: Lab) -> Part:
    """A place on a small object, and one of that photo with a large set.

    Their scores travel along, so that the browser can apply the formulas itself.
    """
    rare = [
        place(lab, photo, token)
        for photo, word in SMALL.items()
        if find(photo)
        for token in islice(_called(lab, photo, word), CANDIDATES)
    ] or [place(lab, lab.photos[0].name, 0)]  # a backbone that finds none of these things
    small = max(rare, key=lambda found: found.sharpening)
    common = (place(lab, small.photo, t) for t in by_set_size(lab, small.photo)[::-97])
    # Where everything collapses, any place does: the figure then shows that.
    large = next((found for found in common if not found.row.collapsed), small)
    example, encoded = lab.example(small.photo), lab.encoded(small.photo)
    name, data = photo_file(example)
    fixed, keys = lab.settings("context+anchors"), lab.keys(small.photo)
    mean = mean_query(keys, fixed)
    classes = lab.segment(small.photo, "on").classes
    spots: list[dict[str, Any]] = []
    facts: dict[str, float | str] = {}
    for letter, kind, found in (("A", "small", small), ("B", "large", large)):
        spots.append(_spot(lab, found, letter))
        where = divmod(found.token, keys.shape[1])
        of_fixed = attention_row(keys, *where, fixed, query_mean=mean)
        facts |= {
            f"{kind}_set": found.row.set_size,
            f"{kind}_w": found.row.scale,
            f"{kind}_half": found.half,
            f"{kind}_half_plain": found.half_plain,
            f"{kind}_half_fixed": half_count(of_fixed),
            f"{kind}_word": classes[words_of(lab, found.photo)[found.token]],
        }
    return Part(
        facts={
            **_averages(lab),
            **facts,
            "paper_scale": AttentionSettings().scale,
            "scale": lab.attention.scale,
            "gamma": fixed.gamma,
            "beta": fixed.beta,
            "usual_set": float(
                np.median(np.concatenate([set_sizes(lab, p.name) for p in lab.photos]))
            ),
        },
        figure={
            **stage(example, encoded),
            "spots": spots,
            "sliders": {"scale": {"min": 0, "max": _ROOM * lab.attention.scale, "step": 5}},
            "scale": lab.attention.scale,
            "u": method.shift(len(encoded.boxes), lab.attention),
            "fixed": {
                "gamma": fixed.gamma,
                "beta": fixed.beta,
                "mean": float(mean @ F.normalize(keys.flatten(0, 1).float(), dim=1).mean(dim=0)),
            },
        },
        view=View(small.photo, {}, (spots[0]["point"][0], spots[0]["point"][1]), "attention"),
        files={name: data},
    )


def words_of(lab: Lab, photo: str) -> NDArray[np.int64]:
    """[N] what GLA-CLIP calls each token of a photo, in the token's own window."""
    result, (rows, columns) = lab.segment(photo, "on"), lab.encoded(photo).tokens.key_grid
    found = []
    for window in range(len(result.encoded.boxes)):
        labels = result.window_labels(window)
        y, x = (((np.arange(n) + 0.5) * labels.shape[0] / n).astype(int) for n in (rows, columns))
        found.append(labels[np.ix_(y, x)].ravel())
    return np.concatenate(found).astype(np.int64)


def set_sizes(lab: Lab, photo: str) -> NDArray[np.int64]:
    """|P| of every token of a photo."""
    sizes = lab.summary(photo, "on").set_sizes
    assert sizes is not None
    return sizes


def by_set_size(lab: Lab, photo: str) -> NDArray[np.int64]:
    """Tokens of a photo, those with the fewest similar ones first, its border left out."""
    encoded = lab.encoded(photo)
    step = encoded.windows.crop / encoded.tokens.key_grid[0]
    height, width = encoded.size
    places = centers(encoded)
    room = np.concatenate([places, [width, height] - places], axis=1).min(axis=1)
    order = np.argsort(set_sizes(lab, photo), kind="stable")
    inside: NDArray[np.int64] = order[room[order] > MARGIN * step]
    return inside


def _called(lab: Lab, photo: str, word: str) -> Iterator[int]:
    label, words = lab.segment(photo, "on").classes.index(word), words_of(lab, photo)
    return (int(token) for token in by_set_size(lab, photo) if words[token] == label)


def place(lab: Lab, photo: str, token: int) -> Place:
    """Attention of a token with the scale, and without."""
    keys, on = lab.keys(photo), lab.settings("on")
    where = divmod(int(token), keys.shape[1])
    row = attention_row(keys, *where, on)
    plain = attention_row(keys, *where, dataclasses.replace(on, scale=0.0))
    return Place(photo, int(token), row, half_count(row), half_count(plain))


def half_count(row: RowAttention) -> int:
    """How many of the largest weights make up half of the attention."""
    weights = np.sort(row.weights.cpu().double().numpy().ravel())[::-1]
    return int(np.searchsorted(np.cumsum(weights), 0.5 * weights.sum()) + 1)


def _averages(lab: Lab) -> dict[str, float | str]:
    """Over a grid of places on every photo: what keeps any weight, and how often one token does."""
    asked = [
        lab.click(photo.name, (width * (i + 0.5) / GRID[0], height * (j + 0.5) / GRID[1]))
        for photo in lab.photos
        for height, width in (lab.encoded(photo.name).photo_size,)
        for i in range(GRID[0])
        for j in range(GRID[1])
    ]

    def kept(rung: str) -> float:
        return float(np.mean([(maps.rung(rung).weights > 0).float().mean() for maps in asked]))

    return {
        "photos": len(lab.photos),
        "points": len(asked),
        "kept_fixed": kept("context+anchors"),
        "kept": kept("on"),
        "collapsed": sum(maps.rung("on").collapsed for maps in asked),
    }


def _spot(lab: Lab, found: Place, letter: str) -> dict[str, Any]:
    """What the figure draws of a place: where it is, what it is called, its scores."""
    encoded, keys = lab.encoded(found.photo), lab.keys(found.photo)
    seen = Keys(keys.flatten(0, 1))
    queries = queries_of(seen, slice(found.token, found.token + 1), lab.settings("on"))
    point = to_photo(encoded, *centers(encoded)[found.token])
    return {
        "label": f"Place {letter}",
        "point": list(point),
        "set_size": found.row.set_size,
        "half_plain": found.half_plain,
        "half": found.half,
        "scores": pack(seen.cosines(queries.vectors)[0].cpu().double().numpy(), -1.0, 1.0),
    }


def text(n: Facts) -> tuple[str, ...]:
    """The two rules, what the shift does everywhere, what the scale does to a small thing."""
    if n.small_half < n.large_half:
        sharper = "The small thing keeps the sharper attention."
    else:
        sharper = "Even so, A has the wider attention of the two: w is not all that decides."
    failing = (
        f"In {n.collapsed} of the {n.points} places all scores fall below zero and the best token "
        "alone is kept: there the rule subtracts too much."
        if n.collapsed
        else f"In none of the {n.points} places do all scores fall below zero."
    )
    return (
        f"Scores become weights in two steps: subtract about an average, then multiply; what falls "
        f"below zero is dropped. The fixed rule of the steps before, γ = {n.gamma:g} and β = "
        f"{n.beta:g}, is the same for every token. Dynamic normalization subtracts more, the more "
        f"windows are visible: the share of tokens that keep any weight "
        f"{change(n.kept_fixed, n.kept)}. {failing}",
        "It multiplies by w: the fewer similar tokens, the sharper the "
        f"attention. {_about(n, 'A', 'small')} {_about(n, 'B', 'large')} {sharper}",
        f"Here λ₂ = {n.scale:g}; the paper's is {n.paper_scale:g}. With its keys a set has 5 to "
        f"135 tokens, with this model's half of the sets have more than {n.usual_set:,.0f}, and "
        "λ₂ / |P| is what sharpens.",
    )


def _about(n: Facts, letter: str, kind: str) -> str:
    word, similar, w, half, fixed = (
        vars(n)[f"{kind}_{fact}"] for fact in ("word", "set", "w", "half", "half_fixed")
    )
    verb = "narrows" if half < fixed else "widens"
    spread = f"is on {half:,}" if half == fixed else f"{verb} from {fixed:,} to {half:,}"
    return (
        f"Place {letter} ({word}) has {similar:,} similar tokens, so w = {w:.2f}: beside the fixed "
        f"rule half of its attention {spread} {'token' if half == 1 else 'tokens'}."
    )


LESSON = Lesson(
    slug="normalization",
    short="Normalization",
    title="Dynamic normalization",
    measure=measure,
    text=text,
    formulas=(
        "A_{ij} = w_{i} ( S_{ij} − u · max( mean_{j} S_{ij}, 0 ) )",
        "u = 1 + λ_{1} ln(1 + L),   w_{i} = 1 + λ_{2} / |P_{i}|",
    ),
    symbols=(
        ("S_{ij}", "cosine of anchor i and key j"),
        ("L", "visible windows"),
        ("|P_{i}|", "size of the last set of similar tokens"),
    ),
    try_label="Open place A in Attention",
    note="The curves are computed in your browser from the real scores; move λ₂ and see A bend.",
)
