"""What each baseline makes of CLIP's last block (method, sections 3 and 6).

A baseline is one small function under `@baseline("name")`. It receives the last block and the
tokens of L windows and says how tokens mix: features and attention rows follow from that.
"""

from __future__ import annotations

from collections.abc import Callable

from glaclip.backbones.base import Identity, Mixing, Tokens
from glaclip.backbones.clip.last_block import LastBlock
from glaclip.backbones.clip.mixing import HeadMixing, KeyMixing, nearness
from glaclip.settings import AttentionSettings

#: Patches over which NACLIP's neighborhood falls off, whatever the grid.
_NACLIP_SIGMA = 5.0

Baseline = Callable[[LastBlock, Tokens], Mixing]

#: Baselines by name, in the order of the method's table.
BASELINES: dict[str, Baseline] = {}


def baseline(name: str) -> Callable[[Baseline], Baseline]:
    """Registers a function as a baseline."""

    def register(function: Baseline) -> Baseline:
        BASELINES[name] = function
        return function

    return register


@baseline("clip")
def _clip(last: LastBlock, tokens: Tokens) -> Mixing:
    """CLIP's own last block as it is: softmax(q k^T s), residual and feed-forward kept."""
    return HeadMixing(last, tokens, lambda q, k: ((q, k),), whole_block=True)


@baseline("maskclip")
def _maskclip(last: LastBlock, tokens: Tokens) -> Mixing:
    """Identity attention: every patch keeps its own value (MaskCLIP, Zhou et al. 2022)."""
    return Identity(last.project, tokens)


@baseline("sclip")
def _sclip(last: LastBlock, tokens: Tokens) -> Mixing:
    """softmax(q q^T s) + softmax(k k^T s) (SCLIP, Wang et al. 2024)."""
    return HeadMixing(last, tokens, lambda q, k: ((q, q), (k, k)))


@baseline("clearclip")
def _clearclip(last: LastBlock, tokens: Tokens) -> Mixing:
    """softmax(q q^T s) (ClearCLIP, Lan et al. 2024)."""
    return HeadMixing(last, tokens, lambda q, k: ((q, q),))


@baseline("naclip")
def _naclip(last: LastBlock, tokens: Tokens) -> Mixing:
    """softmax(k k^T s + W), W a Gaussian of the distance on the grid (NACLIP, Hajimiri 2025)."""
    near = nearness(tokens.value_grid, _NACLIP_SIGMA)
    return HeadMixing(last, tokens, lambda q, k: ((k, k),), near)


@baseline("proxyclip")
def _proxyclip(last: LastBlock, tokens: Tokens) -> Mixing:
    """Attention over windows with all switches off, on the VFM's keys (ProxyCLIP, Lan 2024)."""
    return KeyMixing(last, tokens, AttentionSettings().off())
