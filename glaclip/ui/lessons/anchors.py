"""Lesson: the mean-shift step of proxy anchors on real tokens."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.pictures.numbers import percent
from glaclip.segmenter import Encoded
from glaclip.settings import AttentionSettings
from glaclip.ui.lessons.card import averages
from glaclip.ui.lessons.lab import Lab, centers, pack, pack_bits, photo_file, stage
from glaclip.ui.lessons.lesson import Facts, Lesson, Part, View, change

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
                "beyond": float((last & beyond(encoded, maps.window)).sum() / last.sum()),
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
            "beyond": first["beyond"],
            "paper_rho": AttentionSettings().threshold,
            "photos": len(lab.photos),
            "before": lab.average_disagreement("context"),
            "after": lab.average_disagreement("context+anchors"),
            "miou_before": averages()["context"][0],
            "miou_after": averages()["context+anchors"][0],
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


def beyond(encoded: Encoded, window: int) -> Tensor:
    """[N] whether a token's middle lies outside a window's frame, whoever encoded it."""
    box, places = encoded.boxes[window], centers(encoded)
    left_top, right_bottom = (box.left, box.top), (box.right, box.bottom)
    return torch.from_numpy(((places < left_top) | (places >= right_bottom)).any(axis=1))


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
        f"above ρ, average their keys, make the result unit length again. {n.rounds} such "
        f"mean-shift steps are done. Here ρ = {n.rho:.2g}; the paper's is {n.paper_rho:.2g}, but "
        "this model's keys are more alike than DINO's, and with 0.6 nearly all would be similar.",
        f"For “{n.point}” the set has {n.first:,} tokens at first and {n.last:,} in the last step. "
        f"{percent(n.outside)} of them were encoded by other windows: mostly the same places, "
        f"seen again; {percent(n.beyond)} lie outside the frame. On the map, which keeps "
        f"{percent(n.kept)} of the variation of all {n.tokens:,} tokens, nearness is a hint; the "
        "true cosines are below.",
        f"What it buys: over all {n.photos} photos the share of cases in which two windows "
        f"contradict each other {change(n.before, n.after)}; in the tests of the model's card "
        f"mIoU {change(n.miou_before, n.miou_after)}.",
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
        ("mIoU", "overlap of labels and truth, intersection over union, mean over the words"),
    ),
    try_label="Open this point with anchors on",
    note="Move the slider: the star is the query, lit dots and lit patches are its set. A lit "
    "patch in the frame may be that place as another window encoded it.",
)
