"""The lessons' words. Numbers are never typed here: they are measured, see `build`."""

from __future__ import annotations

from glaclip.ui.lessons.lesson import Lesson

WINDOWS = Lesson(
    slug="windows",
    short="Windows",
    title="Why windows",
    text=(
        "CLIP learned from small square pictures, and it is at its best with pictures of that "
        "size. So a photo is resized until its short side has {short:.0f} pixels, and cut into "
        "overlapping squares, the windows. This photo gives {windows:.0f} windows of {crop:.0f} "
        "pixels, a new one every {stride:.0f} pixels.",
        "Each window is encoded on its own and becomes {tokens:.0f} tokens, one for each patch of "
        "about {patch:.0f} by {patch:.0f} pixels. What lies outside a window cannot change them.",
        "Most places lie in more than one window; here it is {shared:p} of the photo, and up to "
        "{most:.0f} windows see the same place. Each compares it with your words; the answers are "
        "averaged. But each of them saw other surroundings.",
    ),
    formulas=("score(pixel, word) = mean_{ℓ} cos(feature_{ℓ}(pixel), word)",),
    symbols=(("ℓ", "the windows that cover the pixel"),),
    try_label="See each window's own answer",
    note="Point at the photo, or use the arrow keys on it. The slider walks through the windows.",
)

SEAMS = Lesson(
    slug="seams",
    short="Seams",
    title="What a seam is",
    text=(
        "A wall does not end where a window ends. But when every window decides alone, labels can "
        "change there: a straight break along a window's edge. That is a seam.",
        "Seams can be counted without knowing the truth. Take all pairs of pixels that face each "
        "other across a window edge, and count those with different labels. Real borders cross "
        "edges too, so subtract the same share on control lines half a stride away.",
        "Here {off_edges:p} of the pairs on edges and {off_control:p} of those on control lines "
        "differ: a seam rate of {off:p}. With the three switches on, it {off->on:p}. This is the "
        "shipped photo with the largest gain. Over all {photos:.0f} the average "
        "{mean_off->mean_on:p}; it is lower on {better:.0f} of them.",
    ),
    formulas=("seam rate = d_{edges} / n_{edges} − d_{control} / n_{control}",),
    symbols=(("d", "pairs whose two labels differ"), ("n", "all facing pairs")),
    try_label="Compare both sides on this photo",
    note="The lens shows single pixels on both sides of an edge; each yellow bar is a pair that "
    "differs.",
)

BIAS = Lesson(
    slug="bias",
    short="Window bias",
    title="Attention stays at home",
    text=(
        "Let every token look at the tokens of all windows, and it still prefers those of its own. "
        "Part of this is right: what is near is often alike. But tokens of one window were encoded "
        "together, and that makes them more alike than the picture alone would. This is window "
        "bias.",
        "The meter compares two shares: how much attention stays in the own window, and how many "
        "of the visible tokens are there, which is what even attention would leave. Over all "
        "{photos:.0f} photos, {context:p} stays at home with context alone, where even attention "
        "would leave {even:p}.",
        "With proxy anchors the share {context->anchors:p}; with dynamic normalization on top it "
        "{anchors->all:p}: it sharpens or widens attention, and is not meant to lower this share.",
    ),
    formulas=("own mass_{i} = sum_{j in own window} weight_{ij}", "even share = 1 / L"),
    symbols=(("i", "a query token"), ("j", "a token it sees"), ("L", "number of windows")),
    try_label="See where attention goes",
    note="The mark on each bar is the share that even attention would leave.",
)

CONTEXT = Lesson(
    slug="context",
    short="All windows",
    title="Global keys and values",
    text=(
        "In attention a token sends a query. Every token it sees has a key, which says how well it "
        "fits the query, and a value, which is what gets averaged.",
        "Cross-window context leaves the queries as they are and gives each of them the keys and "
        "values of all windows: {all_tokens:,.0f} tokens here instead of {own_tokens:,.0f}. Two "
        "windows that cut one object now average much the same values, so their answers move "
        "closer together.",
        "For the point “{point}”, {reached:.0f} of {windows:.0f} windows receive more than 1 % of "
        "the attention, and {own:p} stays in its own window. Attention shows where weight goes; "
        "it does not show why a label was chosen.",
    ),
    formulas=("output_{i} = sum_{j} weight_{ij} v_{j}",),
    symbols=(
        ("weight_{ij}", "softmax of how well key j fits query i"),
        ("v_{j}", "value of token j, of any window"),
    ),
    try_label="Open this point in Attention",
    note="Every tile is one window, in its place. The teal frame is the query's own window.",
)

ANCHORS = Lesson(
    slug="anchors",
    short="Anchors",
    title="Proxy anchors",
    text=(
        "A query carries the view of its own window. A proxy anchor replaces it by what similar "
        "tokens of all windows have in common: take the tokens whose cosine with the query is "
        "above ρ = {rho:.2g}, average their keys, make the result unit length again. That is one "
        "mean-shift step; {rounds:.0f} of them are done.",
        "Each dot is one of this photo's {tokens:,.0f} tokens. The map keeps only {kept:p} of "
        "their variation, so nearness on it is a hint; membership is decided by the true cosines "
        "below.",
        "For “{point}” the set has {first:,.0f} tokens at first and {last:,.0f} in the last step; "
        "{outside:p} of them lie outside the query's own window. The anchor ends at a cosine of "
        "{moved:.2f} with the query it started from.",
    ),
    formulas=(
        "P_{i}^{(t)} = { j : q_{i}^{(t−1)} · k_{j} > ρ }",
        "q_{i}^{(t)} = normalize( mean of k_{j} over P_{i}^{(t)} )",
    ),
    symbols=(
        ("k_{j}", "key of token j, unit length"),
        ("q_{i}^{(0)}", "the query's own key k_{{i}}"),
        ("ρ", "the threshold"),
    ),
    try_label="Open this point with anchors on",
    note="Move the slider: the large dot is the query, lit dots and lit patches are its set.",
)

NORMALIZATION = Lesson(
    slug="normalization",
    short="Normalization",
    title="Small objects and dynamic normalization",
    text=(
        "Scores become weights in two steps: subtract about an average, then multiply. Scores "
        "below zero are dropped. A fixed rule treats grass and a distant cow the same way, and "
        "with more windows in view, more of what remains has nothing to do with the query.",
        "Dynamic normalization uses the set P that the anchors found. Few similar tokens: a small "
        "object, a larger scale w, sharper attention. Many: w is close to 1. And the more windows "
        "are visible, the larger the subtracted share u.",
        "Here “{small}” has {small_set:,.0f} similar tokens and w = {small_w:.2f}; “{large}” has "
        "{large_set:,.0f} and w = {large_w:.2f}. Half of the attention lies on {small_half:,.0f} "
        "and on {large_half:,.0f} tokens.",
    ),
    formulas=(
        "A_{ij} = w_{i} ( S_{ij} − u · max( mean_{j} S_{ij}, 0 ) )",
        "u = 1 + λ_{1} ln(1 + L),   w_{i} = 1 + λ_{2} / |P_{i}|",
    ),
    symbols=(
        ("S_{ij}", "cosine of anchor i and key j"),
        ("L", "visible windows"),
        ("|P_{i}|", "size of the last set"),
        ("λ_{1}, λ_{2}", "{shift:.2g} and {scale:.2g}"),
    ),
    try_label="Open the small object in Attention",
    note="The curves are computed in your browser from the real scores; move λ₂ and see them bend.",
)

LIMITS = Lesson(
    slug="limits",
    short="Limits",
    title="What it costs and where it fails",
    text=(
        "With context every token meets every other: {pairs_all:.1f} million pairs for "
        "{windows:.0f} windows, {ratio:.0f} times as many as window by window. On {cores:.0f} CPU "
        "cores this photo took {seconds:.1f} s, of which the encoder took {encoder:p}.",
        "Every pixel gets one of the words, also when none fits. We added {words:.0f} words that "
        "are in none of the photos, one at a time, to each of the {photos:.0f}. In {more:.0f} of "
        "these {tries:.0f} tries it took more than 1 % of the picture; the worst is shown: "
        "“{word}” on {area:p}, or {left:p} with the background switched on.",
        "The embedded model is small: it knows fewer things than CLIP, and a patch covers "
        "about {patch:.0f} by {patch:.0f} pixels of this photo. Attention shows where weight goes, "
        "not why.",
    ),
    formulas=("pairs = (L · S)^{2} with context,   L · S^{2} without",),
    symbols=(("L", "windows"), ("S", "tokens of a window")),
    try_label="Segment with the word that is not there",
    note="Seconds were measured by the program that built these lessons, best of {runs:.0f} runs.",
)

LESSONS = (WINDOWS, SEAMS, BIAS, CONTEXT, ANCHORS, NORMALIZATION, LIMITS)
