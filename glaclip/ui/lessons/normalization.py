"""Lesson: what dynamic normalization does to a token that few resemble and one that many do."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glaclip.attention import method
from glaclip.attention.anchors import Keys
from glaclip.attention.point import RowAttention, attention_row
from glaclip.attention.rows import queries_of
from glaclip.pictures.numbers import percent
from glaclip.segmenter import Encoded
from glaclip.ui.lessons.lab import Lab, pack, photo_file, stage, to_photo
from glaclip.ui.lessons.lesson import Facts, Lesson, Part, View, change

#: Places of each photo that are asked for the averages.
GRID = (7, 5)
#: Tokens of each photo with the smallest sets: among them is the one that the scale changes most.
CANDIDATES = 12
#: Tokens this near to the photo's border, in steps, are left out: little resembles a corner.
MARGIN = 2
#: A scale w that can be noticed; smaller ones bend a curve by less than its line is wide.
NOTABLE_SCALE = 1.5


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
    """The place of all photos that the scale changes most, and one of that photo with a large set.

    Their scores travel along, so that the browser can apply the formula itself.
    """
    rare = [
        place(lab, photo.name, token)
        for photo in lab.photos
        for token in islice(by_set_size(lab, photo.name), CANDIDATES)
    ]
    small = max(rare, key=lambda found: found.sharpening)
    common = (place(lab, small.photo, t) for t in by_set_size(lab, small.photo)[::-97])
    # Where everything collapses, any place does: the figure then shows that.
    large = next((found for found in common if not found.row.collapsed), small)
    scales = [1 + lab.attention.scale / set_sizes(lab, photo.name) for photo in lab.photos]
    example, encoded = lab.example(small.photo), lab.encoded(small.photo)
    name, data = photo_file(example)
    spots = [_spot(lab, found, letter) for found, letter in ((small, "A"), (large, "B"))]
    return Part(
        facts={
            **_averages(lab),
            "scale": lab.attention.scale,
            "notable": float(np.mean([np.mean(w > NOTABLE_SCALE) for w in scales])),
            "notable_scale": NOTABLE_SCALE,
            **{
                f"{kind}_{fact}": value
                for kind, found in (("small", small), ("large", large))
                for fact, value in (
                    ("set", found.row.set_size),
                    ("w", found.row.scale),
                    ("half", found.half),
                    ("half_plain", found.half_plain),
                )
            },
        },
        figure={
            **stage(example, encoded),
            "spots": spots,
            "scale": lab.attention.scale,
            "u": method.shift(len(encoded.boxes), lab.attention),
        },
        view=View(small.photo, {}, (spots[0]["point"][0], spots[0]["point"][1]), "attention"),
        files={name: data},
    )


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


def centers(encoded: Encoded) -> NDArray[np.float64]:
    """[N, 2] (x, y) of every token's middle, in working pixels."""
    rows, columns = encoded.tokens.key_grid
    y, x = np.meshgrid((np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns)
    shares = np.stack([y.T.ravel(), x.T.ravel()], axis=1)[:, ::-1]
    return np.concatenate(
        [shares * (b.right - b.left, b.bottom - b.top) + (b.left, b.top) for b in encoded.boxes]
    )


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
    """The two rules, what the shift does everywhere, what the scale does where sets are small."""
    if n.small_half < n.large_half:
        sharper = "So the place that little resembles has the sharper attention."
    else:
        sharper = "Even so, A has the wider attention of the two: w is not all that decides."
    failing = (
        f"In {n.collapsed} of the {n.points} places all scores fall below zero and the best token "
        "alone is kept: there the rule subtracts too much."
        if n.collapsed
        else f"In none of the {n.points} places do all scores fall below zero."
    )
    return (
        "Scores become weights in two steps: subtract about an average, then multiply; what falls "
        "below zero is dropped. A fixed rule does the same for every token. Dynamic normalization "
        "subtracts more, the more windows are visible: over "
        f"{n.points} places of the {n.photos} photos, the share of tokens that keep any weight "
        f"{change(n.kept_fixed, n.kept)}.",
        "And it multiplies by w: the fewer similar tokens the anchors found, the larger w, the "
        f"sharper the attention. {_about(n, 'A', 'small')} {_about(n, 'B', 'large')} {sharper}",
        f"A is where w does most in all photos; it exceeds {n.notable_scale} for "
        f"{percent(n.notable)} of the tokens. {failing}",
    )


def _about(n: Facts, letter: str, kind: str) -> str:
    similar, w, half, plain = (
        vars(n)[f"{kind}_{fact}"] for fact in ("set", "w", "half", "half_plain")
    )
    spread = f"is on {half:,}" if half == plain else f"narrows from {plain:,} to {half:,}"
    return (
        f"Place {letter} has {similar:,} similar tokens, so w = {w:.2f}: half of its attention "
        f"{spread} {'token' if half == 1 else 'tokens'}."
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
