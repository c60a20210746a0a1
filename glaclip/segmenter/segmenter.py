"""Encode a photo once, then segment it with any words and settings, or look at its attention."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from glaclip.attention.anchors import Queries
from glaclip.attention.chunks import Resizing
from glaclip.attention.point import (
    AttentionMaps,
    attention_ladder,
    needs_mean_query,
    token_at,
    window_views,
)
from glaclip.attention.rows import attend_and_mean_query, mean_query
from glaclip.backbones.base import Backbone, Grid, Tokens
from glaclip.photo import PhotoSource, as_photo
from glaclip.segmenter.disagreement import window_disagreement
from glaclip.segmenter.labels import class_probabilities, label_map
from glaclip.segmenter.places import alone, joined
from glaclip.segmenter.seams import Pairs
from glaclip.segmenter.word_store import WordStore
from glaclip.settings import FAST, AttentionSettings, SettingsError, WindowSettings, brief
from glaclip.support.cache import ByteCache, digest
from glaclip.support.interruptible import Interruptible
from glaclip.vocabulary import Vocabulary
from glaclip.windows import Box, Size, boxes, crops, own_window, stitch, window_grid, working_size

#: Called with (step, done, total) before and between pieces of work, and as (WAITING, 0, 1) while
#: another thread does that work; raising from it stops the work, and nothing half done is kept.
Progress = Callable[[str, int, int], None]

WAITING = "waiting"
DEFAULT_CACHE_BYTES = 2 * 2**30
_TEXTS_PER_BATCH = 128


def _unheard(step: str, done: int, total: int) -> None:
    """Progress that nobody follows."""


@dataclass(frozen=True)
class Encoded:
    """A photo as tokens. It depends on the photo, the backbone and the window settings only.

    Attributes:
        key: hash of exactly what it depends on.
        backbone: fingerprint of the backbone whose tokens these are.
        windows: how the photo was cut.
        photo_size: (height, width) of the photo as given.
        size: (height, width) the photo was resized to before cutting.
        boxes: L windows in pixels of `size`, row by row.
        grid: (rows, columns) of windows.
        tokens: keys [L, S', Dk], values [L, S, Dv] and what the baselines need.
    """

    key: str
    backbone: str
    windows: WindowSettings
    photo_size: Size
    size: Size
    boxes: tuple[Box, ...]
    grid: tuple[int, int]
    tokens: Tokens


@dataclass(frozen=True)
class Method:
    """What turns tokens into features: attention over windows, or a baseline by name."""

    settings: AttentionSettings | None
    key_source: str = ""
    baseline: str = ""


@dataclass(frozen=True)
class Segmentation:
    """Labels of a photo.

    Attributes:
        labels: int16 [H, W] at the photo's size, index into `classes`.
        vocabulary: the words used.
        method: the settings or baseline used.
        window_scores: [L, Q, gh, gw] float32 cosines of each window before fusion.
        encoded: the photo's tokens.
        seconds: time of each step; 0 for a step that came from the cache.
        cached: the steps that came from the cache.
    """

    labels: NDArray[np.int16]
    vocabulary: Vocabulary
    method: Method
    window_scores: Tensor
    encoded: Encoded
    seconds: Mapping[str, float]
    cached: frozenset[str]

    @property
    def classes(self) -> tuple[str, ...]:
        """Shown names; `labels` index into them."""
        return self.vocabulary.names

    @functools.cached_property
    def areas(self) -> NDArray[np.float64]:
        """[C] share of the photo that each class covers, sums to 1."""
        counts = np.bincount(self.labels.ravel(), minlength=len(self.classes))
        return counts / self.labels.size

    def canvas(self) -> Tensor:
        """[Q, h, w] cosines of all prompts at the working size, fused over windows."""
        return stitch(self.window_scores, self.encoded.boxes, self.encoded.size)

    def probabilities(self, size: Size | None = None) -> NDArray[np.float32]:
        """[C, height, width] class probabilities, a class taking its synonyms' maximum.

        Args:
            size: (height, width); the photo's size when left out.
        """
        size = size or self.encoded.photo_size
        canvas = F.interpolate(self.canvas()[None], size, mode="bilinear", align_corners=False)
        probabilities: NDArray[np.float32] = (
            class_probabilities(canvas[0], self.vocabulary).float().cpu().numpy()
        )
        return probabilities

    def probabilities_at(self, point: tuple[float, float]) -> NDArray[np.float32]:
        """[C] class probabilities at a point (x, y) in photo pixels; computes that point alone."""
        x, y = _to_working(point, self.encoded)
        scores = torch.zeros(self.window_scores.shape[1], device=self.window_scores.device)
        covered = 0
        for window, b in zip(self.window_scores, self.encoded.boxes, strict=True):
            if not (b.left <= x < b.right and b.top <= y < b.bottom):
                continue
            where = window.new_tensor(
                [
                    2 * (x - b.left) / (b.right - b.left) - 1,
                    2 * (y - b.top) / (b.bottom - b.top) - 1,
                ]
            )
            sampled = F.grid_sample(
                window[None], where.view(1, 1, 1, 2), padding_mode="border", align_corners=False
            )
            scores += sampled[0, :, 0, 0]
            covered += 1
        result: NDArray[np.float32] = (
            class_probabilities(scores / covered, self.vocabulary).float().cpu().numpy()
        )
        return result

    def window_labels(self, window: int) -> NDArray[np.int16]:
        """int16 [crop, crop]: what one window says before fusion."""
        box = self.encoded.boxes[window]
        side = (box.bottom - box.top, box.right - box.left)
        return label_map(self.window_scores[window], self.vocabulary, side)

    @functools.cached_property
    def _compared(self) -> tuple[Pairs, NDArray[np.uint8]]:
        boxes = self.encoded.boxes
        with torch.inference_mode():
            said = [self.window_labels(window) for window in range(len(boxes))]
        return window_disagreement(said, boxes, self.encoded.size, len(self.classes))

    @property
    def window_pairs(self) -> Pairs:
        """Pairs of windows at all pixels that both hold; add those of many photos."""
        return self._compared[0]

    @property
    def disagreement(self) -> float:
        """Share of `window_pairs` that differ before fusion; NaN when no two windows overlap.

        Window bias itself, without ground truth: no way of fusing windows changes it (method,
        section 4).
        """
        return self.window_pairs.rate

    def contradictions(self) -> NDArray[np.uint8]:
        """uint8 [h, w] at the working size: how many windows over a pixel contradict the most."""
        return self._compared[1]


def _to_working(point: tuple[float, float], encoded: Encoded) -> tuple[float, float]:
    """Center of a photo pixel (x, y) in pixels of the resized photo."""
    x, y = point
    height, width = encoded.photo_size
    if not (0 <= x < width and 0 <= y < height):
        raise SettingsError(
            f"The point must lie inside the photo, x from 0 to {width - 1} and y from 0 to "
            f"{height - 1}; received ({x:g}, {y:g})."
        )
    return (x + 0.5) * encoded.size[1] / width, (y + 0.5) * encoded.size[0] / height


def resize_photo(photo: Image.Image, size: Size) -> Tensor:
    """[3, h, w] float32 in 0..1. Pillow's bilinear with antialiasing is the one resampling used."""
    if photo.size != (size[1], size[0]):
        photo = photo.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(photo)).permute(2, 0, 1).float() / 255


class Segmenter:
    """The public entry: one backbone, caches by content that visitors may share safely."""

    def __init__(
        self,
        backbone: Backbone,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        word_store: WordStore | None = None,
    ) -> None:
        """Args:
        backbone: from `glaclip.load_backbone`.
        cache_bytes: memory for photos' tokens, features and words together.
        word_store: where embeddings of shipped word lists are kept between two starts.
        """
        self.backbone = backbone
        self._word_store = word_store
        self._encoded = ByteCache[Encoded](cache_bytes // 2, lambda e: e.tokens.nbytes)
        self._features = ByteCache[tuple[Tensor, Grid]](
            cache_bytes * 5 // 16, lambda f: f[0].numel() * f[0].element_size()
        )
        # Most of attention's cost, and the same whatever the normalization is.
        self._anchors = ByteCache[Queries](cache_bytes // 16, lambda q: q.nbytes)
        self._words = ByteCache[Tensor](cache_bytes // 16, lambda t: t.numel() * t.element_size())
        # Labels and scores, not the Segmentation: it would keep the photo's tokens alive as well.
        self._labels = ByteCache[tuple[NDArray[np.int16], Tensor]](
            cache_bytes * 3 // 64, lambda r: r[0].nbytes + r[1].numel() * r[1].element_size()
        )
        # Of a point; words, and the switches of the photo's labels, change nothing about it.
        self._maps = ByteCache[AttentionMaps](cache_bytes // 64, lambda maps: maps.nbytes)

    def encode(
        self,
        photo: PhotoSource,
        windows: WindowSettings | None = None,
        progress: Progress | None = None,
    ) -> Encoded:
        """Cuts a photo into windows and encodes them.

        Args:
            photo: PIL image, or uint8 array [H, W, 3].
            windows: the backbone's default when left out.
            progress: called as ("encode", windows done, windows).

        Raises:
            PhotoError: a photo that cannot be used.
            SettingsError: a window that the backbone cannot take.
        """
        return self.encode_with_origin(photo, windows, progress)[0]

    def encode_with_origin(
        self,
        photo: PhotoSource,
        windows: WindowSettings | None = None,
        progress: Progress | None = None,
    ) -> tuple[Encoded, bool]:
        """`encode`, and whether the tokens came from the cache."""
        settings = windows or self.backbone.default_windows
        multiple = self.backbone.pixel_multiple
        if settings.crop % multiple:
            raise SettingsError(
                f"crop must be a multiple of {multiple} for {self.backbone.title}; "
                f"received {settings.crop}"
            )
        image = as_photo(photo)
        key = self._encoding_key(image, settings)
        note = progress or _unheard
        return self._encoded.get(
            key, lambda: self._encode(key, image, settings, note), lambda: note(WAITING, 0, 1)
        )

    def _encode(
        self, key: str, image: Image.Image, settings: WindowSettings, progress: Progress
    ) -> Encoded:
        photo_size = (image.height, image.width)
        size = working_size(*photo_size, settings)
        windows = boxes(size, settings)
        progress("encode", 0, len(windows))
        parts = self._encode_batches(resize_photo(image, size), windows, progress)
        tokens = Tokens.gathered(parts, len(windows))
        if (grid := tokens.joined_grid) is not None:
            tokens = replace(
                tokens,
                keys=alone(tokens.keys, tokens.key_grid, grid),
                key_grid=grid,
                joined_grid=None,
                shared=joined(tokens.keys, tokens.key_grid, windows, grid),
            )
        return Encoded(
            key=key,
            backbone=self.backbone.fingerprint,
            windows=settings,
            photo_size=photo_size,
            size=size,
            boxes=windows,
            grid=window_grid(size, settings),
            tokens=tokens,
        )

    def _encode_batches(
        self, pixels: Tensor, windows: Sequence[Box], progress: Progress
    ) -> Iterator[Tokens]:
        """Windows are cut out a batch at a time: together they hold each pixel many times."""
        step = windows_per_batch(self.backbone, windows[0].bottom - windows[0].top)
        for done in range(0, len(windows), step):
            batch = crops(pixels, windows[done : done + step]).to(self.backbone.device)
            look = functools.partial(progress, "encode", done, len(windows))
            with torch.inference_mode(), Interruptible(look):
                part = self.backbone.encode_windows(batch)
            yield part
            progress("encode", min(done + step, len(windows)), len(windows))

    def method(
        self,
        settings: AttentionSettings | None = None,
        baseline: str | None = None,
        key_source: str | None = None,
    ) -> Method:
        """Checks and completes what `segment` was asked for.

        Raises:
            SettingsError: a baseline or key source this backbone does not have.
        """
        if baseline:
            _require_known("baseline", baseline, self.backbone.baselines)
            return Method(None, baseline=baseline)
        source = key_source or self.backbone.key_sources[0]
        _require_known("key_source", source, self.backbone.key_sources)
        return Method(settings or self.backbone.default_attention, key_source=source)

    def segment(
        self,
        encoded: Encoded,
        vocabulary: Vocabulary,
        settings: AttentionSettings | None = None,
        *,
        baseline: str | None = None,
        key_source: str | None = None,
        progress: Progress | None = None,
    ) -> Segmentation:
        """Labels every pixel of the photo with one of the words.

        Args:
            encoded: from `encode` with the same backbone.
            vocabulary: from `parse_vocabulary`.
            settings: the backbone's default when left out.
            baseline: a method of `backbone.baselines` instead of attention over windows.
            key_source: one of `backbone.key_sources` instead of the first.
            progress: called as ("words" | "attention" | "labels", done, total).

        Raises:
            SettingsError: a baseline or key source this backbone does not have.
            ValueError: tokens of another backbone.
        """
        self._require_own(encoded)
        method = self.method(settings, baseline, key_source)
        seconds: dict[str, float] = {}
        cached: set[str] = set()
        note = progress or _unheard
        with _timed(seconds, "words"), torch.inference_mode():
            words, all_known = self._text_features(vocabulary.prompts, note)
        with _timed(seconds, "attention"):
            (features, grid), known = self.features(encoded, method, note)
        with _timed(seconds, "labels"), torch.inference_mode():
            (labels, scores), done = self._labels.get(
                (encoded.key, method, vocabulary),
                lambda: _label(encoded, features, grid, words, vocabulary, note),
                lambda: note(WAITING, 0, 1),
            )
        for step, known_before in (("words", all_known), ("attention", known), ("labels", done)):
            if known_before:
                cached.add(step)
                seconds[step] = 0.0
        return Segmentation(labels, vocabulary, method, scores, encoded, seconds, frozenset(cached))

    def features(
        self, encoded: Encoded, method: Method, progress: Progress | None = None
    ) -> tuple[tuple[Tensor, Grid], bool]:
        """Unit features [L, S, E] with their grid, and whether they came from the cache.

        Raises:
            ValueError: tokens of another backbone.
        """
        self._require_own(encoded)
        note = progress or _unheard
        return self._features.get(
            (encoded.key, method),
            lambda: self._compute_features(encoded, method, note),
            lambda: note(WAITING, 0, 1),
        )

    def known_encoding(
        self, photo: PhotoSource, windows: WindowSettings | None = None
    ) -> Encoded | None:
        """What `encode` would return at once, or None when it would have to compute."""
        return self._encoded.peek(
            self._encoding_key(as_photo(photo), windows or self.backbone.default_windows)
        )

    def knows_features(self, encoded: Encoded, method: Method) -> bool:
        """Whether `features` would answer from the cache."""
        return self._features.peek((encoded.key, method)) is not None

    def knows_labels(self, encoded: Encoded, method: Method, vocabulary: Vocabulary) -> bool:
        """Whether `segment` would take its labels from the cache."""
        return self._labels.peek((encoded.key, method, vocabulary)) is not None

    def knows_anchors(self, encoded: Encoded, method: Method) -> bool:
        """Whether `features` would take the proxy anchors from the cache."""
        if method.settings is None or method.settings.precision != FAST:
            return False
        return self._anchors.peek(_anchor_key(encoded, method, 0, 0)) is not None

    def knows_mean_query(self, encoded: Encoded, method: Method) -> bool:
        """Whether `attention` would compare one query only, not all of them first."""
        return self._features.peek(_mean_key(encoded, method)) is not None

    def unknown_words(self, prompts: Sequence[str]) -> int:
        """How many of these prompts are not embedded yet."""
        known = self._known_words(prompts)
        return sum(prompt not in known for prompt in prompts)

    def _known_words(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Embeddings [E] of those prompts that are in memory or, of a shipped list, on disk."""
        where = (self.backbone.fingerprint, self.backbone.templates)
        known: dict[str, Tensor] = {}
        for prompt in prompts:
            if (feature := self._words.peek((*where, prompt))) is not None:
                known[prompt] = feature
        missing = [prompt for prompt in prompts if prompt not in known]
        if missing and self._word_store is not None:
            found = self._word_store.read(*where, missing)
            for prompt, feature in found.items():
                self._words.put((*where, prompt), feature.to(self.backbone.device))
            known |= {p: found[p].to(self.backbone.device) for p in missing if p in found}
        return known

    @property
    def cached_bytes(self) -> int:
        """Bytes that the caches hold now."""
        return sum(cache.nbytes for cache in self._caches)

    def forget(self) -> None:
        """Empties the caches; runs under way keep what they hold."""
        for cache in self._caches:
            cache.clear()

    @property
    def _caches(self) -> tuple[ByteCache[Any], ...]:
        known = self._encoded, self._features, self._anchors, self._words, self._labels
        return *known, self._maps

    def _require_own(self, encoded: Encoded) -> None:
        if encoded.backbone != self.backbone.fingerprint:
            raise ValueError(
                "These tokens were encoded by another backbone, or by other weights of it; call "
                f"encode of this segmenter first ({self.backbone.title})."
            )

    def _encoding_key(self, photo: Image.Image, windows: WindowSettings) -> str:
        return digest(photo.tobytes(), photo.size, windows, self.backbone.fingerprint)

    def _compute_features(
        self, encoded: Encoded, method: Method, progress: Progress
    ) -> tuple[Tensor, Grid]:
        tokens = encoded.tokens
        count = len(encoded.boxes)
        progress("attention", 0, count)
        before, after = (
            Interruptible(functools.partial(progress, "attention", done, count))
            for done in (0, count)
        )

        def step(done: int, total: int) -> None:
            progress("attention", done, total)

        with torch.inference_mode():
            if method.settings is None:
                with before:
                    return self.backbone.baseline(method.baseline, tokens)
            with before:
                seen = tokens.seen(method.settings.cross_window)
                key_sets = self.backbone.keys(seen, method.key_source)
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
            with after:
                return self.backbone.project(functools.reduce(torch.add, outputs)), grid

    def text_features(self, prompts: tuple[str, ...]) -> Tensor:
        """[P, E] unit embeddings of prompts: the mean over the backbone's templates, unit again."""
        return self._text_features(prompts, _unheard)[0]

    def _text_features(self, prompts: tuple[str, ...], progress: Progress) -> tuple[Tensor, bool]:
        """[P, E] mean over templates of unit embeddings, unit again; and whether all were known."""
        templates = self.backbone.templates
        where = (self.backbone.fingerprint, templates)
        features = self._known_words(prompts)
        missing = [prompt for prompt in prompts if prompt not in features]
        step = max(1, _TEXTS_PER_BATCH // len(templates))
        for done in range(0, len(missing), step):
            progress("words", done, len(missing))
            batch = missing[done : done + step]
            texts = [template.replace("{}", prompt) for prompt in batch for template in templates]
            with Interruptible(functools.partial(progress, "words", done, len(missing))):
                embedded = self.backbone.encode_text(texts)
            embedded = embedded.view(len(batch), len(templates), -1)
            for prompt, feature in zip(
                batch, F.normalize(embedded.mean(dim=1), dim=1), strict=True
            ):
                features[prompt] = feature
                self._words.put((*where, prompt), feature)
        if missing and self._word_store is not None:
            self._word_store.write(*where, prompts, features)
        return torch.stack([features[prompt] for prompt in prompts]), not missing

    def attention(
        self,
        encoded: Encoded,
        point: tuple[float, float],
        settings: AttentionSettings | None = None,
        *,
        key_source: str | None = None,
        progress: Progress | None = None,
    ) -> AttentionMaps:
        """Where the attention of one point goes, window by window, at each rung of the ladder.

        Args:
            encoded: from `encode`.
            point: (x, y) in photo pixels.
            settings: gives the constants; its switches are not used.
            key_source: one of `backbone.key_sources`; with several key sets, the first is shown.
            progress: called as ("attention", 0, 1) before each piece of work.

        Raises:
            SettingsError: a point outside the photo.
            ValueError: tokens of another backbone.
        """
        self._require_own(encoded)
        method = self.method(settings, key_source=key_source)
        assert method.settings is not None
        key = encoded.key, method.key_source, method.settings.off(), point
        found, _ = self._maps.get(
            key,
            lambda: self._attention(encoded, point, method, progress or _unheard),
            lambda: (progress or _unheard)(WAITING, 0, 1),
        )
        return found

    def first_keys(self, encoded: Encoded, source: str) -> tuple[dict[bool, Tensor], Grid]:
        """Keys of a source's first attention, by whether a query sees all windows, and their grid.

        Both [L, S, Dk]; the same tensor where the backbone has no keys of places.
        """
        tokens = encoded.tokens
        own, grid = self.backbone.keys(tokens, source)[0]
        if tokens.shared is None:
            return {True: own, False: own}, grid
        return {True: self.backbone.keys(tokens.seen(True), source)[0][0], False: own}, grid

    def _attention(
        self, encoded: Encoded, point: tuple[float, float], method: Method, note: Progress
    ) -> AttentionMaps:
        base = method.settings
        assert base is not None
        x, y = _to_working(point, encoded)
        window = own_window((x, y), encoded.boxes)

        def step() -> None:
            note("attention", 0, 1)

        with torch.inference_mode(), Interruptible(step):
            seen, grid = self.first_keys(encoded, method.key_source)
            keys, own = seen[True], seen[False]
            row, column = token_at((x, y), encoded.boxes[window], grid)
            # The fixed normalization needs a mean over all queries: once a photo, not a click.
            averaged = next(filter(needs_mean_query, AttentionSettings.ladder(base)))
            (mean, _), _ = self._features.get(
                _mean_key(encoded, method),
                lambda: (mean_query(keys, averaged, step), grid),
                lambda: note(WAITING, 0, 1),
            )
            token = row * grid[1] + column
            rungs = attention_ladder(keys, window, token, base, own_keys=own, query_mean=mean)
            views = window_views(own, (x, y), encoded.boxes, grid, base)
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


def windows_per_batch(backbone: Backbone, crop: int) -> int:
    """The backbone's own number, and fewer of windows larger than its own: a batch's memory."""
    own = backbone.default_windows.crop
    return max(1, min(backbone.batch_size, backbone.batch_size * own * own // (crop * crop)))


def _label(
    encoded: Encoded,
    features: Tensor,
    grid: Grid,
    words: Tensor,
    vocabulary: Vocabulary,
    progress: Progress,
) -> tuple[NDArray[np.int16], Tensor]:
    """Labels [H, W] and scores [L, Q, gh, gw] of features [L, S, E] and words [Q, E]."""

    def step() -> None:
        progress("labels", 0, 1)

    count = len(features)
    scores = features.new_empty((count, len(words), *grid))
    for window, target in zip(features, scores.flatten(2), strict=True):
        step()
        torch.mm(words, window.T, out=target)  # [Q, E] @ [E, S] -> [Q, S]
    canvas = stitch(scores, encoded.boxes, encoded.size, step)
    labels = label_map(canvas, vocabulary, encoded.photo_size, step)
    labels.flags.writeable = False  # others may get the same array
    return labels, scores


def _mean_key(encoded: Encoded, method: Method) -> tuple[object, ...]:
    """Of the mean anchor of the first key set in the cache; switches do not change it."""
    assert method.settings is not None
    settings = method.settings
    constants = settings.threshold, settings.iterations, settings.precision
    return encoded.key, method.key_source, *constants


def _anchor_key(encoded: Encoded, method: Method, keys: int, first: int) -> Hashable:
    """Of the anchors of the windows from `first` on, of one key set, in the cache."""
    assert method.settings is not None
    return *_mean_key(encoded, method), method.settings.cross_window, keys, first


def _require_known(field: str, received: str, known: tuple[str, ...]) -> None:
    if received not in known:
        raise SettingsError(
            f"{field} must be one of {', '.join(known)}; received {brief(received)}"
        )


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - start
