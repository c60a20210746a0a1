"""Attention over windows for one backbone, with what is kept of it: features, anchors, points."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from glaclip.attention.anchors import Queries
from glaclip.attention.point import (
    AttentionMaps,
    attention_ladder,
    needs_mean_query,
    token_at,
    window_views,
)
from glaclip.attention.precision import attend_and_mean_query, mean_query
from glaclip.attention.rows import Resizing
from glaclip.backbones.base import Backbone, Grid
from glaclip.segmenter.fusion import SPLICE, WHOLE
from glaclip.segmenter.joining import aggregated, as_one_window, places, spliced
from glaclip.segmenter.method import Method
from glaclip.segmenter.progress import WAITING, Progress
from glaclip.segmenter.results import Encoded, to_working
from glaclip.settings import FAST, AttentionSettings
from glaclip.support.cache import ByteCache
from glaclip.support.interruptible import Interruptible
from glaclip.windows import own_window

#: Unit features [L, S, E] with their grid; or a mean query [Dk] with that of its keys.
Features = tuple[Tensor, Grid]


class Attending:
    """From tokens to features and to the attention of a point; methods are complete here."""

    def __init__(self, backbone: Backbone, cache_bytes: int) -> None:
        """Args:
        backbone: whose tokens these are.
        cache_bytes: of which it takes three eighths and a sixty-fourth.
        """
        self._backbone = backbone
        self._features = ByteCache[Features](
            cache_bytes * 5 // 16, lambda f: f[0].numel() * f[0].element_size()
        )
        # Most of attention's cost, and the same whatever the normalization is.
        self._anchors = ByteCache[Queries](cache_bytes // 16, lambda q: q.nbytes)
        # Of a point; words, and the switches of the photo's labels, change nothing about it.
        self._maps = ByteCache[AttentionMaps](cache_bytes // 64, lambda maps: maps.nbytes)
        self.caches = self._features, self._anchors, self._maps

    def features(
        self, encoded: Encoded, method: Method, progress: Progress
    ) -> tuple[Features, bool]:
        """See `Segmenter.features`; of a method before its fusion."""
        return self._features.get(
            (encoded.key, method),
            lambda: self._compute(encoded, method, progress),
            lambda: progress(WAITING, 0, 1),
        )

    def knows_features(self, encoded: Encoded, method: Method) -> bool:
        """Whether `features` would answer from the cache."""
        return self._features.peek((encoded.key, method.before_fusion)) is not None

    def knows_anchors(self, encoded: Encoded, method: Method) -> bool:
        """Whether `features` would take the proxy anchors from the cache."""
        if method.settings is None or method.settings.precision != FAST:
            return False
        return self._anchors.peek(_anchor_key(encoded, method, 0, 0)) is not None

    def known_mean_query(self, encoded: Encoded, method: Method) -> dict[Hashable, Features]:
        """The mean query under its key, where a click need not compare all of them first."""
        key = _mean_key(encoded, method)
        known = self._features.peek(key)
        return {} if known is None else {key: known}

    def keep(self, features: Mapping[Hashable, Features]) -> None:
        """Puts what was computed elsewhere where this one would look for it."""
        for key, found in features.items():
            self._features.put(key, found)

    def _compute(self, encoded: Encoded, method: Method, progress: Progress) -> tuple[Tensor, Grid]:
        if method.fusion == WHOLE:
            encoding = functools.partial(progress, "encode", 0, 1)
            encoding()
            with torch.inference_mode(), Interruptible(encoding):
                whole = as_one_window(self._backbone, encoded)
            return self._compute(whole, replace(method, fusion=""), progress)
        tokens = encoded.tokens
        count = len(encoded.boxes)
        progress("attention", 0, count)
        before, after = (
            Interruptible(functools.partial(progress, "attention", done, count))
            for done in (0, count)
        )
        step = functools.partial(progress, "attention")
        with torch.inference_mode():
            if method.settings is None:
                with before:
                    return self._backbone.baseline(method.baseline, tokens)
            with before:
                key_sets = self._backbone.keys(tokens, method.key_source)
            grid = key_sets[0][1]
            outputs, means = [], []
            for index, (keys, key_grid) in enumerate(key_sets):
                resizing = Resizing.between(keys, tokens.values, key_grid, tokens.value_grid)

                def known(
                    first: int, compute: Callable[[], Queries], index: int = index
                ) -> Queries:
                    key = _anchor_key(encoded, method, index, first)
                    return self._anchors.get(key, compute, lambda: progress(WAITING, 0, 1))[0]

                output, mean = attend_and_mean_query(
                    keys, tokens.values, method.settings, resizing, progress=step, known=known
                )
                outputs.append(output)
                means.append(mean)
            if method.settings.cross_window and method.settings.proxy_anchors:
                # A click needs this mean of the first key set; here it comes for nothing.
                self._features.put(_mean_key(encoded, method), (means[0], grid))
            mixed = functools.reduce(torch.add, outputs)
            with after:
                if method.fusion != SPLICE:
                    return self._backbone.project(mixed), grid
                place = encoded.boxes, encoded.size, grid, places(encoded.size, encoded.boxes, grid)
                keys, values = (spliced(maps, *place) for maps in (key_sets[0][0], mixed))
                joined = aggregated(keys, values, method.settings.beta)
                return self._backbone.project(joined)[None], place[-1]

    def at_point(
        self, encoded: Encoded, point: tuple[float, float], method: Method, note: Progress
    ) -> AttentionMaps:
        """The rungs of the ladder for a point (x, y) in photo pixels, by attention over windows."""
        assert method.settings is not None
        return self._maps.get(
            (encoded.key, method.key_source, method.settings.off(), point),
            lambda: self._attention(encoded, point, method, note),
            lambda: note(WAITING, 0, 1),
        )[0]

    def _attention(
        self, encoded: Encoded, point: tuple[float, float], method: Method, note: Progress
    ) -> AttentionMaps:
        base = method.settings
        assert base is not None
        x, y = to_working(point, encoded)
        window = own_window((x, y), encoded.boxes)
        step = functools.partial(note, "attention", 0, 1)
        with torch.inference_mode(), Interruptible(step):
            keys, grid = self._backbone.keys(encoded.tokens, method.key_source)[0]
            row, column = token_at((x, y), encoded.boxes[window], grid)
            # The fixed normalization needs a mean over all queries: once a photo, not a click.
            averaged = next(filter(needs_mean_query, AttentionSettings.ladder(base)))
            (mean, _), _ = self._features.get(
                _mean_key(encoded, method),
                lambda: (mean_query(keys, averaged, step), grid),
                lambda: note(WAITING, 0, 1),
            )
            token = row * grid[1] + column
            rungs = attention_ladder(keys, window, token, base, query_mean=mean)
            views = window_views(keys, (x, y), encoded.boxes, grid, base)
        return AttentionMaps(
            point=point,
            window=window,
            token=(row, column),
            key_grid=grid,
            rungs=rungs,
            boxes=encoded.boxes,
            grid=encoded.grid,
            views=views,
        )


def _mean_key(encoded: Encoded, method: Method) -> Hashable:
    """Key of the mean anchor over all windows of the first key set, whatever features see."""
    assert method.settings is not None
    settings = replace(method.settings, cross_window=True).of_anchors()
    return "mean query", encoded.key, method.key_source, settings


def _anchor_key(encoded: Encoded, method: Method, keys: int, first: int) -> Hashable:
    """Key of the anchors of the windows from `first` on, of one key set."""
    assert method.settings is not None
    return encoded.key, method.key_source, method.settings.of_anchors(), keys, first
