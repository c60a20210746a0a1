"""Prompts to embeddings with an open_clip text tower, without the padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn


class OpenClipText(nn.Module):
    """Text tower of an `open_clip.CLIP` with its tokenizer.

    CLIP pads every prompt to 77 tokens, reads its embedding at the end mark and lets a token see
    only those before it, so the padding changes nothing. Most prompts have about a dozen tokens:
    cutting the batch after its last end mark gives the same numbers in a fraction of the time.
    """

    def __init__(self, model: nn.Module, tokenizer: Callable[[list[str]], Tensor]) -> None:
        """Args:
        model: an `open_clip.CLIP`, or another module with `encode_text(tokens)`, used as it is.
        tokenizer: texts to token numbers [P, context].
        """
        super().__init__()
        self.model: Any = model  # to a type checker, attributes of a module may be tensors
        self.tokenizer = tokenizer
        self._causal = (
            getattr(model, "text_pool_type", None) == "argmax"
            and isinstance(getattr(model, "text_projection", None), nn.Parameter)
            and getattr(model, "attn_mask", None) is not None
        )

    def forward(self, prompts: Sequence[str]) -> Tensor:
        """[P, E] embeddings, not normalized."""
        model = self.model
        device = next(model.parameters()).device
        tokens = self.tokenizer(list(prompts)).to(device)  # [P, 77]
        if not self._causal:
            embeddings: Tensor = model.encode_text(tokens)
            return embeddings
        ends = tokens.argmax(dim=1)  # the end mark has the highest number
        length = int(ends.max()) + 1
        x = model.token_embedding(tokens[:, :length]) + model.positional_embedding[:length]
        x = model.transformer(x, attn_mask=model.attn_mask[:length, :length])
        at_end = model.ln_final(x)[torch.arange(len(x), device=device), ends]  # [P, D]
        projected: Tensor = at_end @ model.text_projection
        return projected
