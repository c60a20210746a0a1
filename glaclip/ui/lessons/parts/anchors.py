"""Lesson 5: the mean-shift step of proxy anchors on real tokens."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.ui.lessons.lesson import Part, View
from glaclip.ui.lessons.parts.lab import Lab, Spot, pack, pack_bits, photo_file, stage

PHOTO = "china"
SPOTS = (
    Spot("Roof", (206, 72)),
    Spot("Walls", (200, 190)),
    Spot("Sky", (475, 60)),
    Spot("Lake", (470, 250)),
    Spot("Tree", (598, 227)),
    Spot("Bushes", (440, 370)),
)


def build(lab: Lab) -> Part:
    """Sets, anchors and cosines of a few places; the one whose anchor moves most comes first."""
    example, encoded = lab.example(PHOTO), lab.encoded(PHOTO)
    keys = F.normalize(lab.keys(PHOTO).flatten(0, 1).float(), dim=1)  # [N, Dk]
    center, axes, kept = principal_axes(keys)
    rho, rounds = lab.attention.threshold, lab.attention.iterations
    spots: list[dict[str, Any]] = []
    for spot in SPOTS:
        maps = lab.segmenter.attention(encoded, spot.point, lab.attention)
        row, column = maps.token
        token = maps.window * maps.key_grid[0] * maps.key_grid[1]
        token += row * maps.key_grid[1] + column
        queries, members = mean_shift(keys, token, rho, rounds)
        # As in the maps of the page; else the figure would teach another method.
        assert int(members[rounds].sum()) == maps.rungs[-1].set_size
        cosines = queries @ keys.T  # [T + 1, N]
        window = torch.arange(len(keys)) // (maps.key_grid[0] * maps.key_grid[1])
        last = members[rounds]
        spots.append(
            {
                "label": spot.label,
                "point": list(spot.point),
                "token": token,
                "own": maps.window,
                "path": ((queries - center) @ axes).tolist(),
                "cosines": [pack(row.cpu().double().numpy(), -1.0, 1.0) for row in cosines],
                "members": [pack_bits(row.numpy()) for row in members[1:]],
                "sizes": [int(row.sum()) for row in members[1:]],
                "outside": float((last & (window != maps.window)).sum() / last.sum()),
                "moved": float(queries[0] @ queries[-1]),
            }
        )
    spots.sort(key=lambda spot: float(spot["moved"]))
    first = spots[0]
    places = ((keys - center) @ axes).cpu().double().numpy()
    low, high = float(places.min()), float(places.max())
    name, data = photo_file(example)
    return Part(
        facts={
            "rho": rho,
            "rounds": rounds,
            "tokens": len(keys),
            "kept": kept,
            "first": first["sizes"][0],
            "last": first["sizes"][-1],
            "outside": first["outside"],
            "moved": first["moved"],
        },
        names={"point": str(first["label"]).lower()},
        figure={
            **stage(example, encoded),
            "rho": rho,
            "places": pack(places, low, high),
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
