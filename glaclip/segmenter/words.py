"""Words to features of the joint space, each embedded once."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.backbones.base import Backbone
from glaclip.segmenter.progress import Progress
from glaclip.segmenter.word_store import WordStore
from glaclip.support.cache import ByteCache
from glaclip.support.interruptible import Interruptible

_TEXTS_PER_BATCH = 128


class Words:
    """Text features of a backbone: in memory, and those of shipped lists on disk."""

    def __init__(self, backbone: Backbone, cache_bytes: int, store: WordStore | None) -> None:
        """Args:
        backbone: whose text tower and templates are used.
        cache_bytes: memory for all of them.
        store: where embeddings of shipped word lists are kept between two starts.
        """
        self.cache = ByteCache[Tensor](cache_bytes, lambda t: t.numel() * t.element_size())
        self._backbone, self._store = backbone, store

    def known(
        self, prompts: Sequence[str], templates: tuple[str, ...] | None = None
    ) -> dict[str, Tensor]:
        """Features [E] of those prompts that are in memory or, of a shipped list, on disk."""
        where = self._backbone.fingerprint, templates or self._backbone.templates
        known: dict[str, Tensor] = {}
        for prompt in prompts:
            if (feature := self.cache.peek((*where, prompt))) is not None:
                known[prompt] = feature
        missing = [prompt for prompt in prompts if prompt not in known]
        if missing and self._store is not None:
            found = self._store.read(*where, missing)
            for prompt, feature in found.items():
                self.cache.put((*where, prompt), feature.to(self._backbone.device))
            known |= {p: found[p].to(self._backbone.device) for p in missing if p in found}
        return known

    def keep(
        self, features: Mapping[str, Tensor], templates: tuple[str, ...] | None = None
    ) -> None:
        """Features [E] by prompt that were computed elsewhere."""
        where = self._backbone.fingerprint, templates or self._backbone.templates
        for prompt, feature in features.items():
            self.cache.put((*where, prompt), feature)

    def features(
        self, prompts: tuple[str, ...], progress: Progress, templates: tuple[str, ...] | None = None
    ) -> tuple[Tensor, bool]:
        """[P, E] mean over templates of unit embeddings, unit again; and whether all were known.

        Args:
            prompts: words.
            progress: called before each batch.
            templates: the backbone's when left out.
        """
        templates = templates or self._backbone.templates
        where = self._backbone.fingerprint, templates
        features = self.known(prompts, templates)
        missing = [prompt for prompt in prompts if prompt not in features]
        step = max(1, _TEXTS_PER_BATCH // len(templates))
        for done in range(0, len(missing), step):
            progress("words", done, len(missing))
            batch = missing[done : done + step]
            texts = [template.replace("{}", prompt) for prompt in batch for template in templates]
            with Interruptible(functools.partial(progress, "words", done, len(missing))):
                embedded = self._backbone.encode_text(texts)
            means = F.normalize(embedded.view(len(batch), len(templates), -1).mean(dim=1), dim=1)
            for prompt, feature in zip(batch, means, strict=True):
                features[prompt] = feature
                self.cache.put((*where, prompt), feature)
        if missing and self._store is not None:
            self._store.write(*where, prompts, features)
        return torch.stack([features[prompt] for prompt in prompts]), not missing
