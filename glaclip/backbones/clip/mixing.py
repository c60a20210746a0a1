"""How the tokens of a window mix in the last block: what baselines are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.attention import attend
from glaclip.attention.point import attention_row
from glaclip.backbones.base import Grid, Tokens
from glaclip.backbones.clip.last_block import INPUT, LastBlock
from glaclip.settings import AttentionSettings

#: q and k [L, T, D] to those who ask and those who are asked, a pair for each softmax.
Pairs = Callable[[Tensor, Tensor], tuple[tuple[Tensor, Tensor], ...]]


@dataclass(frozen=True)
class HeadMixing:
    """Each head averages its values by softmax(a b^T s + W), s = head_dim^-0.5; see `Mixing`.

    Attributes:
        last: the last block.
        tokens: of L windows.
        pairs: which a and b; what several give is added up.
        nearness: W [T, T], added to the scores of all heads; none when left out.
        whole_block: keeps the residual and the feed-forward of the block.
    """

    last: LastBlock
    tokens: Tokens
    pairs: Pairs
    nearness: Tensor | None = None
    whole_block: bool = False

    @property
    def grid(self) -> Grid:
        """See `Mixing`."""
        return self.tokens.value_grid

    def mixed(self) -> Tensor:
        """What enters out_proj: [L, T, D], CLS first, heads side by side."""
        q, k, v = self.last.qkv(self.tokens.extras[INPUT])
        values, total = self.last.split_heads(v), torch.zeros_like(v)
        for asking, asked in self.pairs(q, k):
            total += (
                F.scaled_dot_product_attention(
                    self.last.split_heads(asking),
                    self.last.split_heads(asked),
                    values,
                    None if self.nearness is None else self.nearness.to(v),
                )
                .transpose(1, 2)  # [L, H, T, D / H] -> [L, T, H, D / H]
                .flatten(2)
            )
        return total

    def features(self) -> Tensor:
        """See `Mixing`."""
        if self.whole_block:
            leaving: Tensor = self.last.block(self.tokens.extras[INPUT])
            return self.last.leave(leaving[:, 1:])
        return self.last.project(self.mixed()[:, 1:])

    def row(self, window: int, token: int) -> Tensor:
        """See `Mixing`. Of several softmaxes their mean, so that a row is together 1."""
        q, k, _ = self.last.qkv(self.tokens.extras[INPUT][window : window + 1])
        rows = []
        for asking, asked in self.pairs(q, k):
            one = self.last.split_heads(asking)[0, :, 1 + token, None].float()  # [H, 1, D / H]
            others = self.last.split_heads(asked)[0].float()  # [H, T, D / H]
            scores = (one @ others.transpose(1, 2))[:, 0] * one.shape[-1] ** -0.5  # [H, T]
            if self.nearness is not None:
                scores += self.nearness[1 + token].to(scores)
            rows.append(scores.softmax(dim=-1))
        return torch.stack(rows).mean(dim=0)


@dataclass(frozen=True)
class KeyMixing:
    """Patches average by the keys of their window, all heads alike; see `Mixing`.

    Attributes:
        last: the last block.
        tokens: of L windows.
        settings: of attention, without context across windows.
    """

    last: LastBlock
    tokens: Tokens
    settings: AttentionSettings

    @property
    def grid(self) -> Grid:
        """See `Mixing`."""
        return self.tokens.key_grid

    def features(self) -> Tensor:
        """See `Mixing`."""
        tokens = self.tokens
        mixed = attend(
            tokens.keys,
            tokens.values,
            self.settings,
            key_grid=tokens.key_grid,
            value_grid=tokens.value_grid,
        )
        return self.last.project(mixed)

    def row(self, window: int, token: int) -> Tensor:
        """See `Mixing`. CLS has no key."""
        own = self.tokens.keys[window : window + 1]
        return F.pad(attention_row(own, 0, token, self.settings).weights, (1, 0))


def nearness(grid: Grid, sigma: float) -> Tensor:
    """W [1 + S, 1 + S] = exp(-d^2 / 2 sigma^2) of patches d apart on their grid; 0 beside CLS."""
    rows, columns = (torch.arange(side, dtype=torch.float32) for side in grid)
    places = torch.cartesian_prod(rows, columns)  # [S, 2]
    away = (places[:, None] - places).square().sum(dim=-1)
    return F.pad((-away / (2 * sigma**2)).exp(), (1, 0, 1, 0))
