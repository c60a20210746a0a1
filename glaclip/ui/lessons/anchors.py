"""Lesson: the mean-shift step of proxy anchors on real tokens."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.pictures.numbers import percent
from glaclip.ui.lessons.lab import Lab, pack, pack_bits, photo_file, stage
from glaclip.ui.lessons.lesson import Facts, Lesson, Part, View

PHOTO = "china"
SPOTS = {
    "Roof": (206, 72),
    "Walls": (200, 190),
    "Sky": (475, 60),
    "Lake": (470, 250),
    "Tree": (598, 227),
    "Bushes": (440, 370),
}


def measure(lab: Lab) -> Part:
    """Sets, anchors and cosines of a few places; the one whose anchor moves most comes first."""
    example, encoded = lab.example(PHOTO), lab.encoded(PHOTO)
    unit = F.normalize(lab.keys(PHOTO).float(), dim=2)  # [L, S, Dk]
    keys, size = unit.flatten(0, 1), unit.shape[1]
    center, axes, kept = principal_axes(keys)
    rho, rounds = lab.attention.threshold, lab.attention.iterations
    spots: list[dict[str, Any]] = []
    for label, point in SPOTS.items():
        maps = lab.click(PHOTO, point)
        row, column = maps.token
        token = maps.window * size + row * maps.key_grid[1] + column
        queries, members = mean_shift(keys, token, rho, rounds)
        # As in the maps of the page; else the figure would teach another method.
        assert int(members[rounds].sum()) == maps.rung("on").set_size
        last = members[rounds]
        spots.append(
            {
                "label": label,
                "point": list(point),
                "token": token,
                "own": maps.window,
                "path": ((queries - center) @ axes).tolist(),
                "cosines": [
                    pack(row.cpu().double().numpy(), -1.0, 1.0) for row in queries @ keys.T
                ],
                "members": [pack_bits(row.numpy()) for row in members[1:]],
                "sizes": [int(row.sum()) for row in members[1:]],
                "outside": 1 - float(last.view(-1, size)[maps.window].sum() / last.sum()),
                "moved": float(queries[0] @ queries[-1]),
            }
        )
    spots.sort(key=lambda spot: float(spot["moved"]))
    first = spots[0]
    places = ((keys - center) @ axes).cpu().double().numpy()
    name, data = photo_file(example)
    return Part(
        facts={
            "point": str(first["label"]).lower(),
            "rho": rho,
            "rounds": rounds,
            "tokens": len(keys),
            "kept": kept,
            "first": first["sizes"][0],
            "last": first["sizes"][-1],
            "outside": first["outside"],
            "moved": first["moved"],
        },
        figure={
            **stage(example, encoded),
            "rho": rho,
            "places": pack(places, float(places.min()), float(places.max())),
            "spots": spots,
        },
        view=View(
            PHOTO,
            {"cross_window": True, "proxy_anchors": True, "dynamic_normalization": False},
            (first["point"][0], first["point"][1]),
            "attention",
        ),
        files={name: data},
    )


def mean_shift(
    keys: Tensor, token: int, threshold: float, iterations: int
) -> tuple[Tensor, Tensor]:
    """Anchors and sets of one query, step by step (method, section 2).

    Args:
        keys: [N, Dk] unit keys.
        token: the query.
        threshold: rho.
        iterations: T.

    Returns:
        Queries [T + 1, Dk], the first the token's own key, and sets [T + 1, N], the first the
        token alone.
    """
    query = keys[token]
    alone = torch.zeros(len(keys), dtype=torch.bool)
    alone[token] = True
    queries, sets = [query], [alone]
    for _ in range(iterations):
        members = keys @ query > threshold
        if not members.any():
            members = alone
        query = F.normalize(keys[members].mean(dim=0), dim=0)
        queries.append(query)
        sets.append(members)
    return torch.stack(queries), torch.stack(sets)


def principal_axes(keys: Tensor) -> tuple[Tensor, Tensor, float]:
    """Center [Dk], the two directions [Dk, 2] of largest variance, and the share they keep."""
    center = keys.mean(dim=0)
    values, vectors = torch.linalg.eigh((keys - center).T @ (keys - center))
    axes = vectors[:, [-1, -2]]
    # An eigenvector's sign is arbitrary; fixed, the map does not flip between builds.
    axes = axes * axes.gather(0, axes.abs().argmax(dim=0, keepdim=True)).sign()
    return center, axes, float(values[-2:].sum() / values.sum())


def text(n: Facts) -> tuple[str, ...]:
    """The step, the map, one place as an example."""
    return (
        "A query carries the view of its own window. A proxy anchor replaces it by what similar "
        "tokens of all windows have in common: take the tokens whose cosine with the query is "
        f"above ρ = {n.rho:.2g}, average their keys, make the result unit length again. That is "
        f"one mean-shift step; {n.rounds} of them are done.",
        f"Each dot is one of this photo's {n.tokens:,} tokens. The map keeps only "
        f"{percent(n.kept)} of their variation, so nearness on it is a hint; membership is decided "
        "by the true cosines below.",
        f"For “{n.point}” the set has {n.first:,} tokens at first and {n.last:,} in the last step; "
        f"{percent(n.outside)} of them lie outside the query's own window. The anchor ends at a "
        f"cosine of {n.moved:.2f} with the query it started from.",
    )


LESSON = Lesson(
    slug="anchors",
    short="Anchors",
    title="Proxy anchors",
    measure=measure,
    text=text,
    formulas=(
        "P_{i}^{(t)} = { j : q_{i}^{(t−1)} · k_{j} > ρ }",
        "q_{i}^{(t)} = normalize( mean of k_{j} over P_{i}^{(t)} )",
    ),
    symbols=(
        ("k_{j}", "key of token j, unit length"),
        ("q_{i}^{(0)}", "the query's own key k_{i}"),
        ("ρ", "the threshold"),
    ),
    try_label="Open this point with anchors on",
    note="Move the slider: the large dot is the query, lit dots and lit patches are its set.",
)
