"""Encode a photo once, then segment it with any words and settings, or look at its attention."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glaclip.attention.point import AttentionMaps
from glaclip.backbones.base import Backbone
from glaclip.segmenter.attending import Attending, Features
from glaclip.segmenter.baseline_attention import BaselineAttention, baseline_attention
from glaclip.segmenter.computed import Computed
from glaclip.segmenter.encoding import check_windows, encode
from glaclip.segmenter.hashed import AnyPhoto, HashedPhoto
from glaclip.segmenter.method import Method, complete
from glaclip.segmenter.progress import WAITING, Progress, unheard
from glaclip.segmenter.results import Encoded, Segmentation, labels_and_scores, scored_boxes
from glaclip.segmenter.suggestions import candidates, coarse, likeliest, rivals
from glaclip.segmenter.word_store import WordStore
from glaclip.segmenter.words import Words
from glaclip.settings import AttentionSettings, SettingsError, WindowSettings
from glaclip.support.cache import ByteCache, digest
from glaclip.vocabulary import Vocabulary

DEFAULT_CACHE_BYTES = 2 * 2**30


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
        self._encoded = ByteCache[Encoded](cache_bytes // 2, lambda e: e.nbytes)
        self._attending = Attending(backbone, cache_bytes)
        self._words = Words(backbone, cache_bytes // 16, word_store)
        # Labels and scores, not the Segmentation: it would keep the photo's tokens alive as well.
        self._labels = ByteCache[tuple[NDArray[np.int16], Tensor]](
            cache_bytes * 3 // 64, lambda r: r[0].nbytes + r[1].numel() * r[1].element_size()
        )

    def encode(
        self,
        photo: AnyPhoto,
        windows: WindowSettings | None = None,
        progress: Progress | None = None,
    ) -> Encoded:
        """Cuts a photo into windows and encodes them.

        Args:
            photo: PIL image, uint8 array [H, W, 3], path of a picture file, or a hashed photo.
            windows: the backbone's default when left out.
            progress: called as ("encode", windows done, windows); a VFM's look at the whole photo
                counts as all windows once more.

        Raises:
            PhotoError: a photo that cannot be used.
            SettingsError: a window that the backbone cannot take.
        """
        return self.encode_with_origin(photo, windows, progress)[0]

    def encode_with_origin(
        self,
        photo: AnyPhoto,
        windows: WindowSettings | None = None,
        progress: Progress | None = None,
    ) -> tuple[Encoded, bool]:
        """`encode`, and whether the tokens came from the cache."""
        settings = windows or self.backbone.default_windows
        check_windows(self.backbone, settings)
        hashed = HashedPhoto.of(photo)
        key = self._encoding_key(hashed, settings)
        note = progress or unheard
        return self._encoded.get(
            key,
            lambda: encode(self.backbone, key, hashed.image, settings, note),
            lambda: note(WAITING, 0, 1),
        )

    def method(
        self,
        settings: AttentionSettings | Method | None = None,
        baseline: str | None = None,
        key_source: str | None = None,
    ) -> Method:
        """Checks and completes what `segment` was asked for.

        Raises:
            SettingsError: a baseline or key source this backbone does not have.
        """
        return complete(self.backbone, settings, baseline, key_source)

    def segment(
        self,
        encoded: Encoded,
        vocabulary: Vocabulary,
        settings: AttentionSettings | Method | None = None,
        *,
        baseline: str | None = None,
        key_source: str | None = None,
        progress: Progress | None = None,
    ) -> Segmentation:
        """Labels every pixel of the photo with one of the words.

        Args:
            encoded: from `encode` with the same backbone.
            vocabulary: from `parse_vocabulary`.
            settings: the backbone's default when left out; or a whole method, which stands alone.
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
        note = progress or unheard
        with _timed(seconds, "words"), torch.inference_mode():
            words, all_known = self._words.features(vocabulary.prompts, note)
        with _timed(seconds, "attention"):
            (features, grid), known = self.features(encoded, method, note)
        with _timed(seconds, "labels"), torch.inference_mode():
            (labels, scores), done = self._labels.get(
                (encoded.key, method, vocabulary),
                lambda: labels_and_scores(encoded, features, grid, words, vocabulary, method, note),
                lambda: note(WAITING, 0, 1),
            )
        for step, known_before in (("words", all_known), ("attention", known), ("labels", done)):
            if known_before:
                cached.add(step)
                seconds[step] = 0.0

        def others() -> Tensor:
            found = torch.stack(list(self._candidates(unheard).values()))
            return rivals(features, grid, words, found)

        return Segmentation(
            labels, vocabulary, method, scores, encoded, seconds, frozenset(cached), others
        )

    def suggest(
        self,
        encoded: Encoded,
        limit: int = 12,
        settings: AttentionSettings | Method | None = None,
        *,
        progress: Progress | None = None,
    ) -> tuple[str, ...]:
        """Words for what may be in the photo, likeliest first, at least one.

        Args:
            encoded: from `encode` with the same backbone.
            limit: most words.
            settings: of `segment`; with those of a result, its features are used again.
            progress: called as ("words" | "attention", done, total).

        Raises:
            SettingsError: a limit below 1, or a method this backbone does not have.
            ValueError: tokens of another backbone.
        """
        return self.ranked(encoded, limit, settings, progress=progress)[0]

    def ranked(
        self,
        encoded: Encoded,
        limit: int = 12,
        settings: AttentionSettings | Method | None = None,
        *,
        progress: Progress | None = None,
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """`suggest`, and the candidates that come next, likeliest first."""
        if limit < 1:
            raise SettingsError(f"limit must be at least 1; received {limit}")
        canvas = self.candidate_scores(encoded, settings, progress=progress)
        return likeliest(canvas, candidates(), limit)

    def candidate_scores(
        self,
        encoded: Encoded,
        settings: AttentionSettings | Method | None = None,
        *,
        progress: Progress | None = None,
    ) -> Tensor:
        """[Q, h, w] fused cosines of the prompts that `suggest` looks for; see `coarse`."""
        note = progress or unheard
        with torch.inference_mode():
            words = torch.stack(list(self._candidates(note).values()))
        method = self.method(settings)
        features, grid = self.features(encoded, method, note)[0]
        with torch.inference_mode():
            scores = torch.stack([words @ window.T for window in features])  # [L, Q, S]
            scores = scores.reshape(*scores.shape[:2], *grid)
            boxes = scored_boxes(encoded, method)
            return coarse(scores, boxes, encoded.size)

    def features(
        self, encoded: Encoded, method: Method, progress: Progress | None = None
    ) -> tuple[Features, bool]:
        """Unit features [L, S, E] with their grid, and whether they came from the cache.

        A method that joins windows (`Method.joins`) has one map of the whole photo, [1, M, E].

        Raises:
            ValueError: tokens of another backbone.
        """
        self._require_own(encoded)
        method, note = self.method(method).before_fusion, progress or unheard
        return self._attending.features(encoded, method, note)

    def known_encoding(self, photo: HashedPhoto, windows: WindowSettings) -> Encoded | None:
        """What `encode` would return at once, or None when it would have to compute."""
        return self._encoded.peek(self._encoding_key(photo, windows))

    @property
    def _one_template(self) -> tuple[str, ...]:
        # A list this long under all of CLIP's templates would take longer than the photo.
        return self.backbone.templates[:1]

    def _candidates(self, note: Progress) -> dict[str, Tensor]:
        """Features [E] by prompt of what `suggest` looks for."""
        prompts = candidates().vocabulary.prompts
        words, _ = self._words.features(prompts, note, self._one_template)
        return dict(zip(prompts, words, strict=True))

    def unknown_candidates(self) -> int:
        """How many texts `suggest` would have to embed."""
        prompts = candidates().vocabulary.prompts
        return len(prompts) - len(self._words.known(prompts, self._one_template))

    def knows_features(self, encoded: Encoded, method: Method) -> bool:
        """Whether `features` would answer from the cache."""
        return self._attending.knows_features(encoded, method)

    def knows_labels(self, encoded: Encoded, method: Method, vocabulary: Vocabulary) -> bool:
        """Whether `segment` would take its labels from the cache."""
        return self._labels.peek((encoded.key, method, vocabulary)) is not None

    def knows_anchors(self, encoded: Encoded, method: Method) -> bool:
        """Whether `features` would take the proxy anchors from the cache."""
        return self._attending.knows_anchors(encoded, method)

    def knows_mean_query(self, encoded: Encoded, method: Method) -> bool:
        """Whether `attention` would compare one query only, not all of them first."""
        return bool(self._attending.known_mean_query(encoded, method))

    def unknown_words(self, prompts: Sequence[str]) -> tuple[str, ...]:
        """Those of these prompts that are not embedded yet."""
        known = self._words.known(prompts)
        return tuple(prompt for prompt in prompts if prompt not in known)

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
        return self._encoded, self._words.cache, self._labels, *self._attending.caches

    def _require_own(self, encoded: Encoded) -> None:
        if encoded.backbone != self.backbone.fingerprint:
            raise ValueError(
                "These tokens were encoded by another backbone, or by other weights of it; call "
                f"encode of this segmenter first ({self.backbone.title})."
            )

    def _encoding_key(self, photo: HashedPhoto, windows: WindowSettings) -> str:
        return digest(photo.content, windows, self.backbone.fingerprint)

    def compute(
        self,
        photo: AnyPhoto | None,
        windows: WindowSettings,
        methods: Sequence[Method] = (),
        prompts: tuple[str, ...] = (),
        suggested: int | None = None,
    ) -> Computed:
        """The long steps of a run, for another segmenter of the same backbone to `keep`.

        Args:
            photo: None leaves out the photo and the methods.
            windows: how it is cut.
            methods: whose features are computed.
            prompts: whose features are computed.
            suggested: also the features of what `suggest` looks for and, with a photo, of as many
                words as it suggests by the first method.
        """
        seconds: dict[str, float] = {}
        features: dict[Hashable, Features] = {}
        encoded = None
        if photo is not None:
            with _timed(seconds, "encode"):
                encoded = self.encode(photo, windows)
            with _timed(seconds, "attention"):
                for method in methods:
                    features[encoded.key, method.before_fusion] = self.features(encoded, method)[0]
                    if method.settings is not None:
                        features |= self._attending.known_mean_query(encoded, method)
        candidates: dict[str, Tensor] = {}
        with _timed(seconds, "words"), torch.inference_mode():
            if suggested is not None:
                candidates = self._candidates(unheard)
                if encoded is not None and suggested:
                    prompts = (*prompts, *self.suggest(encoded, suggested, methods[0]))
            words = self._words.features(prompts, unheard)[0] if prompts else ()
        known = dict(zip(prompts, words, strict=True))
        return Computed(encoded, features, known, seconds, candidates)

    def keep(self, computed: Computed) -> None:
        """Puts what another segmenter computed where this one would look for it."""
        if (encoded := computed.encoded) is not None:
            self._require_own(encoded)
            self._encoded.put(encoded.key, encoded)
        self._attending.keep(computed.features)
        self._words.keep(computed.words)
        self._words.keep(computed.candidates, self._one_template)

    def text_features(self, prompts: tuple[str, ...]) -> Tensor:
        """[P, E] unit features of prompts; see `Words.features`."""
        with torch.inference_mode():
            return self._words.features(prompts, unheard)[0]

    @overload
    def attention(
        self,
        encoded: Encoded,
        point: tuple[float, float],
        settings: AttentionSettings | Method | None = None,
        *,
        baseline: None = None,
        key_source: str | None = None,
        progress: Progress | None = None,
    ) -> AttentionMaps: ...

    @overload
    def attention(
        self,
        encoded: Encoded,
        point: tuple[float, float],
        *,
        baseline: str,
        per_head: bool = False,
        progress: Progress | None = None,
    ) -> BaselineAttention: ...

    def attention(
        self,
        encoded: Encoded,
        point: tuple[float, float],
        settings: AttentionSettings | Method | None = None,
        *,
        baseline: str | None = None,
        per_head: bool = False,
        key_source: str | None = None,
        progress: Progress | None = None,
    ) -> AttentionMaps | BaselineAttention:
        """Where the attention of one point goes, window by window, at each rung of the ladder.

        Args:
            encoded: from `encode`.
            point: (x, y) in photo pixels.
            settings: gives the constants, or with a method the keys too; switches are not used.
            baseline: the one row of a method of `backbone.baselines` instead.
            per_head: with a baseline, also the weights of each head.
            key_source: one of `backbone.key_sources`; with several key sets, the first is shown.
            progress: called as ("attention", 0, 1) before each piece of work.

        Returns:
            The rungs of the ladder, or with a baseline its `BaselineAttention`.

        Raises:
            SettingsError: a point outside the photo, a baseline as a method, or an unknown one.
            ValueError: tokens of another backbone.
        """
        self._require_own(encoded)
        method = self.method(settings, baseline, key_source)
        if baseline:
            (progress or unheard)("attention", 0, 1)
            return baseline_attention(
                self.backbone, encoded, point, method.baseline, per_head=per_head
            )
        if method.settings is None:
            raise SettingsError(
                "a point's method must be attention, or its baseline named by baseline=; received "
                f"{method.baseline}"
            )
        return self._attending.at_point(encoded, point, method, progress or unheard)


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - start
