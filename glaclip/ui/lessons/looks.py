"""Lesson: why plain CLIP's last layer looks away from the patch it is asked for, and the cures."""

from __future__ import annotations

from glaclip.ui.lessons.lab import Lab
from glaclip.ui.lessons.lesson import Facts, Lesson, Part, View

PHOTO = "camels"


def measure(lab: Lab) -> Part:
    """The view alone: what is looked at is asked of the page's own model, see live.py."""
    return Part(facts={}, figure={}, view=View(PHOTO, {}, lab.example(PHOTO).point, "attention"))


def text(n: Facts) -> tuple[str, ...]:
    """What CLIP was trained for, what follows from two matrices, and what each baseline changes."""
    return (
        "CLIP was trained to give one vector for a whole picture, read from one extra token, CLS. "
        "Nothing ever asked its last layer that a patch keep to its own place.",
        "There a patch sends a query q, and each token answers with a key k. Two different "
        "matrices make q and k, so nothing says that a patch's own key, or that of a patch like "
        "it, fits its query best. Attention may go anywhere, also to CLS, which is no place: the "
        "patch then speaks of something else than what it shows.",
        "The cures need no training; they only change who asks whom. Keys ask keys, k kᵀ (NACLIP, "
        "which also favors near patches); queries ask queries, q qᵀ (ClearCLIP); both (SCLIP); "
        "each patch asks itself alone, the identity (MaskCLIP); or another model's keys ask, which "
        "know better what is alike: ProxyCLIP, and GLA-CLIP across windows. With real CLIP, each "
        "is a Left side under Advanced.",
    )


LESSON = Lesson(
    slug="looks",
    short="Looks away",
    title="Why plain CLIP looks away",
    measure=measure,
    text=text,
    formulas=(
        "plain: weight_{ij} = softmax_{j}(q_{i} · k_{j} / √d)",
        "cures: k_{i} · k_{j}, or q_{i} · q_{j}, or weight_{ii} = 1",
    ),
    symbols=(
        ("q_{i}, k_{i}", "W_{q} x_{i} and W_{k} x_{i}, of token x_{i}"),
        ("d", "numbers in a query or key of one head"),
    ),
    try_label="Open this point in Attention",
    note="The bars are a drawing: five made-up patches whose queries are their keys, turned.",
    live=True,
)
