"""The last block of CLIP's image tower, and what attention may take from it as keys.

Nothing is encoded again: `Tokens.extras["last_block"]` holds what enters the block,
[L, 1 + S, D] with CLS first. What each baseline makes of it is in baselines.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from glaclip.backbones.base import BackboneError, Grid, Tokens

#: Name of the last block's input in `Tokens.extras`.
INPUT = "last_block"


@dataclass(frozen=True)
class LastBlock:
    """An open_clip image tower's last block and its way to the joint space, read and never changed.

    Attributes:
        block: the tower's last residual block as a whole.
        ln_1: normalization before its attention.
        attention: its attention, whose in_proj makes q, k and v and whose out_proj mixes heads.
        ln_post: normalization after the block.
        proj: [D, E] to the joint space.
    """

    block: nn.Module
    ln_1: nn.Module
    attention: nn.MultiheadAttention
    ln_post: nn.Module
    proj: Tensor

    @classmethod
    def of(cls, visual: nn.Module) -> LastBlock:
        """The last block of an open_clip `VisionTransformer`.

        Raises:
            BackboneError: a tower of another kind.
        """
        tower: Any = visual  # to a type checker, a module's attributes may be tensors
        try:
            block = tower.transformer.resblocks[-1]
            last = cls(block, block.ln_1, block.attn, tower.ln_post, tower.proj)
            pooled = tower.attn_pool is not None
        except AttributeError as error:
            raise BackboneError(
                "The image tower must be an open_clip VisionTransformer (transformer.resblocks, "
                f"ln_post, proj); received {type(visual).__name__}."
            ) from error
        if not isinstance(last.attention, nn.MultiheadAttention):
            raise BackboneError(
                "The image tower's attention must be torch.nn.MultiheadAttention; "
                f"received {type(last.attention).__name__}."
            )
        if last.proj is None or pooled or not last.attention.batch_first:
            raise BackboneError(
                "The image tower must have a projection, batches first and no attention pooling."
            )
        return last

    def qkv(self, entering: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values with heads side by side: [L, T, D] -> 3 x [L, T, D]."""
        weight, bias = self.attention.in_proj_weight, self.attention.in_proj_bias
        q, k, v = F.linear(self.ln_1(entering), weight, bias).chunk(3, dim=-1)
        return q, k, v

    def values(self, entering: Tensor) -> Tensor:
        """Values of the patches alone: [L, 1 + S, D] -> [L, S, D]."""
        rows = slice(2 * self.attention.embed_dim, None)  # in_proj holds q, k and v in this order
        bias = self.attention.in_proj_bias
        return F.linear(
            self.ln_1(entering[:, 1:]),
            self.attention.in_proj_weight[rows],
            None if bias is None else bias[rows],
        )

    def project(self, values: Tensor) -> Tensor:
        """Averaged values [..., D] -> unit vectors [..., E], float32: out_proj, ln_post, proj."""
        mixed = self.attention.out_proj(values.to(self.proj.dtype))
        return self.leave(mixed)

    def leave(self, block_output: Tensor) -> Tensor:
        """What leaves the block [..., D] -> unit vectors [..., E], float32: ln_post, proj."""
        joint: Tensor = self.ln_post(block_output) @ self.proj
        return F.normalize(joint.float(), dim=-1)

    def split_heads(self, tokens: Tensor) -> Tensor:
        """[L, T, D] -> [L, H, T, D / H]."""
        return tokens.view(*tokens.shape[:2], self.attention.num_heads, -1).transpose(1, 2)


@dataclass(frozen=True)
class KeySource:
    """What GLA as a plug-in may use as keys (method, end of section 3).

    Attributes:
        keys: keys [L, S', Dk] with their grid, one for each attention.
        grids: the grids alone, without computing any key.
    """

    keys: Callable[[LastBlock, Tokens], tuple[tuple[Tensor, Grid], ...]]
    grids: Callable[[Tokens], tuple[Grid, ...]]


#: By the method they come from.
KEY_SOURCES: dict[str, KeySource] = {
    "vfm": KeySource(
        lambda last, tokens: ((tokens.keys, tokens.key_grid),), lambda tokens: (tokens.key_grid,)
    ),
    "clearclip": KeySource(
        lambda last, tokens: (_patches(last.qkv(tokens.extras[INPUT])[0], tokens),),
        lambda tokens: (tokens.value_grid,),
    ),
    "sclip": KeySource(
        lambda last, tokens: tuple(
            _patches(part, tokens) for part in last.qkv(tokens.extras[INPUT])[:2]
        ),
        lambda tokens: (tokens.value_grid,) * 2,
    ),
}


def _patches(with_cls: Tensor, tokens: Tokens) -> tuple[Tensor, Grid]:
    """[L, 1 + S, D] -> [L, S, D] and its grid; a copy, so that q does not hold k and v alive."""
    return with_cls[:, 1:].contiguous(), tokens.value_grid
