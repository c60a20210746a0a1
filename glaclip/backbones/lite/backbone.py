"""The embedded default backbone: a small dual encoder that needs no weights from a hub.

Image side: EfficientNet-Lite2, its last stages trained on by this project, and an image head. Text
side: all-MiniLM-L6-v2 and a text head. Both end in one joint space of unit vectors.
Keys come from the same maps and the values, on the values' grid, through a key head.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from glaclip.backbones.base import BackboneError, Grid, Identity, Tokens
from glaclip.backbones.lite.heads import Heads, odd_grid, resize, stack_maps
from glaclip.backbones.lite.keys import KeyHead, accompanied, apart
from glaclip.backbones.lite.lexicon import Lexicon, WordMixer, read_table
from glaclip.backbones.lite.sentences import TextTower
from glaclip.backbones.lite.towers import ImageTower, broken
from glaclip.settings import AttentionSettings, WindowSettings
from glaclip.support.cache import digest as hash_of
from glaclip.vocabulary import ASSETS

WEIGHTS = ASSETS / "lite" / "heads.safetensors"
LEXICON = WEIGHTS.with_name("lexicon.gz")
#: Beside a lexicon: see `lexicon.read_table`.
TABLE_NAME = "sentences.safetensors"
KEYS = WEIGHTS.with_name("keys.safetensors")
TOWER = WEIGHTS.with_name("tower.safetensors")
TITLE = "Lite (embedded: EfficientNet-Lite2 + MiniLM)"
#: The best of the sets that training/templates.py compares on validation photos.
TEMPLATES = ("{}", "a photo of a {}.", "a photo of the {}.", "the {}", "a {} in the scene.")
ATTENTION = AttentionSettings(threshold=0.8, scale=700.0, gamma=10.0)
#: Counts how tokens are made of one set of weights; part of the fingerprint.
_RECIPE = "4"
#: Most that a forward pass holds at a time, float32, measured: the widest block's maps and keys.
_BYTES_PER_PIXEL = 400


class LiteBackbone:
    """Implements `Backbone`. Towers load on first use; every method is safe between threads."""

    name = "lite"
    title = TITLE
    dtype_why = ""
    pixel_multiple = 16
    batch_size = 8
    key_sources: tuple[str, ...] = ("fine", "coarse")
    baselines: tuple[str, ...] = ("identity",)
    default_attention = ATTENTION
    default_windows = WindowSettings()

    def __init__(
        self,
        heads: Heads,
        key_head: KeyHead,
        fingerprint: str,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        lexicon: Lexicon | None = None,
        templates: tuple[str, ...] = TEMPLATES,
        tower: Path | None = None,
        table: Tensor | None = None,
    ) -> None:
        """Args:
        heads: trained heads.
        key_head: trained keys.
        fingerprint: names heads, keys, tower, lexicon, type and templates.
        device: where to compute.
        dtype: of the image tower.
        lexicon: helps words that were never trained; without it they stand alone.
        templates: prompt templates with one `{}`.
        tower: weights of the image tower's last stages; None leaves ImageNet's.
        table: sentence vectors of the lexicon's trained words.
        """
        self.templates = templates
        self._tower_weights = tower
        self.device = device
        self.dtype = dtype
        self.fingerprint = fingerprint
        self._heads = heads.eval().requires_grad_(False).to(device)
        self._key_head = key_head.eval().requires_grad_(False).to(device)
        self._lock = threading.Lock()
        self._image: ImageTower | None = None
        self._text: TextTower | None = None
        self._mixer: WordMixer | None = None
        if lexicon is not None:
            self._mixer = WordMixer(lexicon, self.templates, self._sentences, table)

    def prepare(self) -> None:
        """See `Backbone`."""
        self._image_tower()
        self._text_tower()

    @torch.inference_mode()
    def encode_windows(self, pixels: Tensor) -> Tokens:
        """Tokens of windows.

        Args:
            pixels: [B, 3, h, w] float32 RGB in 0..1, on `device`; h and w multiples of 16.

        Returns:
            Unit keys [B, S, 128] and values [B, S, E], both on the grid (h / 8 - 1, w / 8 - 1).

        Raises:
            ValueError: the shape is not that of a batch of windows.
        """
        self._check(pixels)
        tower = self._image_tower()
        with torch.autocast(
            self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32
        ):
            maps = tower(pixels)
            final = tower.final(maps[-1])
        maps = tuple(m.float() for m in maps)
        stacked = stack_maps(maps)
        values = self._heads.image(stacked, final.float())  # [B, E, 2 gh, 2 gw]
        keys = F.normalize(self._key_head(stacked, values), dim=1)  # [B, Dk, 2 gh, 2 gw]
        grid = odd_grid((int(keys.shape[2]), int(keys.shape[3])))
        return Tokens(
            keys=_tokens(F.normalize(resize(keys, grid), dim=1)),
            key_grid=grid,
            values=_tokens(resize(values, grid)),
            value_grid=grid,
        )

    def keys(self, tokens: Tokens, source: str) -> tuple[tuple[Tensor, Grid], ...]:
        """One attention: of keys on the values' grid, or of keys at half the resolution.

        "coarse" has less than a quarter of the tokens, so attention costs a seventeenth;
        MODEL_CARD.md tells what is lost.
        """
        (grid,) = self.key_grids(tokens, source)
        keys = tokens.keys
        if grid != tokens.key_grid:
            maps = F.normalize(keys, dim=-1).transpose(1, 2)
            maps = maps.reshape(*maps.shape[:2], *tokens.key_grid)
            keys = _tokens(resize(maps, grid))
        return ((accompanied(apart(keys), grid), grid),)

    def key_grids(self, tokens: Tokens, source: str) -> tuple[Grid, ...]:
        """See `Backbone`."""
        if source not in self.key_sources:
            raise ValueError(f"source must be one of {self.key_sources}; received {source!r}")
        rows, columns = odd_grid(tokens.key_grid)
        if source == "fine":
            return ((rows, columns),)
        return (odd_grid(((rows + 1) // 2, (columns + 1) // 2)),)

    def blank_tokens(self, crop: int) -> Tokens:
        """See `Backbone`."""
        grid = odd_grid((2 * crop // self.pixel_multiple,) * 2)
        key_size, joint = self._key_head.basis.shape[1], self._heads.image.linear.out_channels
        return Tokens(
            keys=torch.empty(1, math.prod(grid), key_size, device="meta"),
            key_grid=grid,
            values=torch.empty(1, math.prod(grid), joint, device="meta"),
            value_grid=grid,
        )

    def forward_bytes(self, crop: int) -> int:
        """See `Backbone`."""
        return _BYTES_PER_PIXEL * crop * crop

    def project(self, values: Tensor) -> Tensor:
        """[..., E] averaged values to unit vectors [..., E]; the heads are linear at their end."""
        return F.normalize(values.float(), dim=-1)

    def baseline(self, name: str, tokens: Tokens) -> tuple[Tensor, Grid]:
        """See `Backbone`."""
        mixing = self.mixing(name, tokens)
        return mixing.features(), mixing.grid

    def mixing(self, name: str, tokens: Tokens) -> Identity:
        """Every patch keeps its own value: each window alone, without attention."""
        if name not in self.baselines:
            raise ValueError(f"name must be one of {self.baselines}; received {name!r}")
        return Identity(self.project, tokens)

    @torch.inference_mode()
    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        """[P, E] unit vectors of prompts, float32; untrained words lean on trained ones."""
        texts = [prompt.strip().lower() for prompt in prompts]
        if self._mixer is not None and texts:
            return self._mixer(texts, self._heads.text)
        vectors: Tensor = self._heads.text(self._sentences(texts))
        return vectors

    def _sentences(self, texts: Sequence[str]) -> Tensor:
        return self._text_tower()(texts)

    def _check(self, pixels: Tensor) -> None:
        multiple = self.pixel_multiple
        if (
            pixels.ndim != 4
            or pixels.shape[1] != 3
            or min(pixels.shape[2:]) < multiple
            or any(side % multiple for side in pixels.shape[2:])
        ):
            raise ValueError(
                f"pixels must be [B, 3, h, w] with sides multiples of {multiple}; "
                f"received {list(pixels.shape)}"
            )

    def _image_tower(self) -> ImageTower:
        with self._lock:
            if self._image is None:
                self._image = ImageTower(self._tower_weights).to(self.device)
            return self._image

    def _text_tower(self) -> TextTower:
        with self._lock:
            if self._text is None:
                self._text = TextTower(self.device)
            return self._text


def _tokens(maps: Tensor) -> Tensor:
    return maps.flatten(2).transpose(1, 2).contiguous()  # [B, C, gh, gw] -> [B, S, C]


@contextlib.contextmanager
def _broken_in_a_sentence(what: str, path: Path) -> Iterator[None]:
    """Turns what reading a missing or foreign file raises into a BackboneError."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise BackboneError(
            f"The trained {what} {path.name} are missing or broken: "
            "restore assets/lite from the repository."
        ) from error


def load_heads(path: Path) -> tuple[Heads, str]:
    """Heads and the hash of their file.

    Raises:
        BackboneError: the file is missing or is not what this program wrote.
    """
    from safetensors import safe_open

    with _broken_in_a_sentence("heads", path):
        digest = _sha(path.read_bytes())
        with safe_open(path, framework="pt") as file:
            meta = file.metadata() or {}
            heads = Heads(int(meta["channels"]), int(meta["blocks"]), detail=int(meta["detail"]))
            heads.load_state_dict({name: file.get_tensor(name).float() for name in file.keys()})  # noqa: SIM118
    return heads, digest


def load_keys(path: Path) -> tuple[KeyHead, str]:
    """The key head and the hash of its file.

    Raises:
        BackboneError: the file is missing or is not what this program wrote.
    """
    from safetensors.torch import load

    head = KeyHead()
    with _broken_in_a_sentence("keys", path):
        content = path.read_bytes()
        head.load_state_dict({name: tensor.float() for name, tensor in load(content).items()})
    return head, _sha(content)


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _digest(tower: Path) -> str:
    try:
        return _sha(tower.read_bytes())
    except OSError as error:
        raise broken(tower) from error


def load_lite(
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    weights: Path = WEIGHTS,
    lexicon: Path | None = LEXICON,
    keys: Path = KEYS,
    templates: tuple[str, ...] = TEMPLATES,
    tower: Path = TOWER,
) -> LiteBackbone:
    """Reads the trained heads, keys and the lexicon; the towers wait for their first use.

    Args:
        device: where to compute.
        dtype: float32, the measured default, or bfloat16 for the image tower.
        weights: the heads' file.
        lexicon: the lexicon's file; None leaves untrained words to themselves.
        keys: the key head's file.
        templates: prompt templates with one `{}`.
        tower: the file of the image tower's last stages.

    Raises:
        BackboneError: with the one thing to install or restore.
    """
    heads, digest = load_heads(weights)
    key_head, key_digest = load_keys(keys)
    words = None if lexicon is None else Lexicon.read(lexicon)
    table = None
    if lexicon is not None and words is not None:
        table = read_table(lexicon.with_name(TABLE_NAME), words)
    made_of = (digest, key_digest, _digest(tower), words.digest[:16] if words else "plain")
    kind = str(dtype).removeprefix("torch.")
    name = "-".join(("lite", _RECIPE, *made_of, kind, hash_of(templates)[:8]))
    place = torch.device(device)
    return LiteBackbone(heads, key_head, name, place, dtype, words, templates, tower, table)
