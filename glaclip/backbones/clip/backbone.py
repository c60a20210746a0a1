"""CLIP with the keys of a vision foundation model: open_clip's own towers and timm's.

The towers are used as their libraries made them: nothing is patched, no hook is registered, and a
forward pass changes neither module nor setting. The image tower runs to its last block here, whose
parts (`in_proj`, `out_proj`, `ln_1`) and exit (`ln_post`, `proj`) are read in last_block.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glaclip.backbones.base import Grid, Mixing, Tokens
from glaclip.backbones.clip.baselines import BASELINES
from glaclip.backbones.clip.last_block import INPUT, KEY_SOURCES, KeySource, LastBlock
from glaclip.backbones.clip.positions import resized_positions
from glaclip.backbones.clip.vfm import IMAGENET, Normalization, Vfm, normalize
from glaclip.settings import ANTIALIASED, AttentionSettings, SettingsError, WindowSettings
from glaclip.support import onednn
from glaclip.support.cache import digest
from glaclip.vocabulary import imagenet_templates

#: CLIP's pixel normalization, of OpenAI, OpenCLIP and MetaCLIP alike.
CLIP_NORMALIZATION: Normalization = (
    (0.48145466, 0.4578275, 0.40821073),
    (0.26862954, 0.26130258, 0.27577711),
)
#: Values of each tensor that enter the fingerprint, evenly spread.
_FINGERPRINT_SAMPLES = 256
#: Tensors of a block's input's size alive at a time in a forward pass, measured.
_TENSORS_PER_BLOCK = 14


class ClipBackbone:
    """Real CLIP as a `Backbone`. See `glaclip.backbones.base.Backbone` for its attributes.

    With a VFM its tokens are the keys, as in the paper. Without one the keys are CLIP's own last
    queries, heads side by side (ClearCLIP + GLA). `key_sources` names what attention may use:
    "vfm", "clearclip" (q) and "sclip" (q and k, whose outputs are summed).
    """

    dtype_why = ""
    default_attention = AttentionSettings()
    default_windows = WindowSettings()

    def __init__(
        self,
        visual: nn.Module,
        encode_text: Callable[[Sequence[str]], Tensor],
        vfm: nn.Module | None = None,
        *,
        name: str = "clip-custom",
        title: str = "CLIP (given modules)",
        templates: tuple[str, ...] | None = None,
        batch_size: int | None = None,
        clip_normalization: Normalization = CLIP_NORMALIZATION,
        vfm_normalization: Normalization = IMAGENET,
        positions: str = ANTIALIASED,
    ) -> None:
        """Takes modules as they are; device and type are those of their parameters.

        Args:
            visual: open_clip `VisionTransformer`, in evaluation mode.
            encode_text: prompts to embeddings [P, E], normalized or not; see text.py.
            vfm: timm `VisionTransformer`, in evaluation mode, on the same device.
            name: registry name.
            title: name for people.
            templates: prompt templates with one `{}`; CLIP's 80 ImageNet templates if left out.
            batch_size: windows per forward pass; 2 on a CPU and 16 elsewhere if left out.
            clip_normalization: pixel normalization of `visual`.
            vfm_normalization: pixel normalization of `vfm`.
            positions: how position embeddings are resized for other windows than the towers' own:
                "antialiased" as open_clip and timm do, or "plain" as the released programs of the
                baselines do, see positions.py.

        Raises:
            BackboneError: modules of another kind.
        """
        self.name, self.title = name, title
        tower: Any = visual  # to a type checker, attributes of a module may be tensors
        self.visual = tower
        self.last_block = LastBlock.of(visual)
        self.positions = positions
        self.vfm = Vfm(vfm, vfm_normalization, positions) if vfm is not None else None
        self.clip_normalization = clip_normalization
        self._encode_text = encode_text
        self.device = self.last_block.proj.device
        self.dtype = self.last_block.proj.dtype
        self.patch: Grid = tuple(tower.patch_size)
        self.key_patch: Grid = self.vfm.patch if self.vfm else self.patch
        self.pixel_multiple = math.lcm(*self.patch, *self.key_patch)
        self.batch_size = batch_size or (2 if self.device.type == "cpu" else 16)
        self.templates = templates if templates is not None else imagenet_templates()
        self.key_sources = tuple(s for s in KEY_SOURCES if self.vfm or s != "vfm")
        self.baselines = tuple(b for b in BASELINES if self.vfm or b != "proxyclip")
        #: Whether linear layers go to oneDNN, see `registry.quickened`.
        self.onednn = False
        self.fingerprint = self._fingerprint()

    def _fingerprint(self) -> str:
        """Hash of a sample of every weight, with name, shape and type, and of the options."""
        heads = self.last_block.attention.num_heads  # neither in weights nor in shapes
        parts: list[object] = [
            self.pixel_multiple,
            self.clip_normalization,
            heads,
            self.templates,
        ]
        if self.positions != ANTIALIASED:
            parts.append(self.positions)
        modules: list[nn.Module] = [self.visual]
        if self.vfm:
            modules.append(self.vfm.model)
            parts.append(self.vfm.normalization)
        if isinstance(self._encode_text, nn.Module):
            modules.append(self._encode_text)
        else:
            parts.append(self.encode_text(["a photo of a cat."]).cpu().numpy().tobytes())
        for module in modules:
            parts.append(repr(module))  # the kinds of layers, QuickGELU or GELU
            for name, tensor in module.state_dict().items():
                step = max(1, tensor.numel() // _FINGERPRINT_SAMPLES)
                sample = tensor.detach().flatten()[::step].float().cpu().numpy().tobytes()
                parts += [name, tuple(tensor.shape), str(tensor.dtype), sample]
        return digest(*parts)

    def _entering_last_block(self, pixels: Tensor) -> Tensor:
        """[B, 3, h, w] in 0..1 -> [B, 1 + S, D], CLS first: what enters the last block."""
        visual = self.visual
        x: Tensor = visual.conv1(normalize(pixels, self.clip_normalization).to(self.dtype))
        grid = (x.shape[-2], x.shape[-1])
        x = x.flatten(2).transpose(1, 2)  # [B, D, gh, gw] -> [B, S, D]
        cls = visual.class_embedding.to(x.dtype).expand(len(x), 1, -1)
        own: Grid = tuple(visual.grid_size)
        positions = resized_positions(visual.positional_embedding, own, grid, self.positions)
        x = torch.cat([cls, x], dim=1) + positions.to(x.dtype)
        x = visual.ln_pre(x)
        for block in visual.transformer.resblocks[:-1]:
            x = block(x)
        return x

    def with_positions(self, positions: str) -> ClipBackbone:
        """The same towers with position embeddings resized in another way; see `__init__`."""
        return ClipBackbone(
            self.visual,
            self._encode_text,
            self.vfm.model if self.vfm else None,
            name=self.name,
            title=self.title,
            templates=self.templates,
            batch_size=self.batch_size,
            clip_normalization=self.clip_normalization,
            vfm_normalization=self.vfm.normalization if self.vfm else IMAGENET,
            positions=positions,
        )

    def prepare(self) -> None:
        """See `Backbone`. All was read when it was made."""

    @torch.no_grad()
    def photo_keys(self, pixels: Tensor) -> tuple[Tensor, Grid]:
        """See `SeesPhotos`."""
        assert self.vfm is not None  # asked by `sees_photos`
        with onednn.linear_layers(self.onednn):
            return self.vfm.keys(pixels)

    @torch.no_grad()
    def encode_windows(self, pixels: Tensor, keys: tuple[Tensor, Grid] | None = None) -> Tokens:
        """See `SeesPhotos`. Sides that are no multiple of `pixel_multiple` are refused, not padded.

        Raises:
            SettingsError: windows of a size that the patches do not divide.
        """
        height, width = pixels.shape[-2:]
        if height % self.pixel_multiple or width % self.pixel_multiple:
            raise SettingsError(
                f"window sides must be multiples of {self.pixel_multiple} pixels for {self.title}; "
                f"received {height} x {width}"
            )
        grid = (height // self.patch[0], width // self.patch[1])
        with onednn.linear_layers(self.onednn):
            entering = self._entering_last_block(pixels)
            values = self.last_block.values(entering)
            if keys is None and self.vfm is not None:
                keys = self.vfm.keys(pixels)
            elif keys is None:
                keys = self.last_block.qkv(entering)[0][:, 1:].clone(), grid
        return Tokens(keys[0], keys[1], values, grid, extras={INPUT: entering})

    @torch.no_grad()
    def embed(self, pixels: Tensor) -> Tensor:
        """CLIP's own embedding of whole pictures, of its class token: unit vectors, float32.

        Args:
            pixels: [B, 3, h, w] RGB in 0..1 of the side that the tower was trained with.
        """
        normalized = normalize(pixels, self.clip_normalization).to(self.dtype)
        embedding: Tensor = self.visual(normalized)  # [B, E]
        return F.normalize(embedding.float(), dim=-1)

    @torch.no_grad()
    def keys(self, tokens: Tokens, source: str) -> tuple[tuple[Tensor, Grid], ...]:
        """See `Backbone`."""
        return self._key_source(source).keys(self.last_block, tokens)

    def key_grids(self, tokens: Tokens, source: str) -> tuple[Grid, ...]:
        """See `Backbone`."""
        return self._key_source(source).grids(tokens)

    def blank_tokens(self, crop: int) -> Tokens:
        """See `Backbone`."""
        grid = (crop // self.patch[0], crop // self.patch[1])
        width = self.last_block.proj.shape[0]
        key_grid = (crop // self.key_patch[0], crop // self.key_patch[1])
        key_size = self.vfm.width if self.vfm is not None else width

        def empty(tokens: int, size: int) -> Tensor:
            return torch.empty(1, tokens, size, dtype=self.dtype, device="meta")

        patches = grid[0] * grid[1]
        return Tokens(
            keys=empty(key_grid[0] * key_grid[1], key_size),
            key_grid=key_grid,
            values=empty(patches, width),
            value_grid=grid,
            extras={INPUT: empty(1 + patches, width)},
        )

    def forward_bytes(self, crop: int) -> int:
        """See `Backbone`. A block holds its input, q, k, v and the feed-forward's four widths."""
        tokens = self.blank_tokens(crop)
        widest = max(tokens.keys.nbytes, tokens.values.nbytes)
        return _TENSORS_PER_BLOCK * widest + 12 * 4 * crop * crop

    def _key_source(self, source: str) -> KeySource:
        if source not in self.key_sources:
            raise SettingsError(
                f"key_source must be one of {', '.join(self.key_sources)}; received {source!r}"
            )
        return KEY_SOURCES[source]

    @torch.no_grad()
    def project(self, values: Tensor) -> Tensor:
        """See `Backbone`."""
        return self.last_block.project(values)

    @torch.no_grad()
    def baseline(self, name: str, tokens: Tokens) -> tuple[Tensor, Grid]:
        """See `Backbone`."""
        mixing = self.mixing(name, tokens)
        return mixing.features(), mixing.grid

    def mixing(self, name: str, tokens: Tokens) -> Mixing:
        """See `Backbone`; the names and their formulas are in baselines.py."""
        if name not in self.baselines:
            raise SettingsError(
                f"baseline must be one of {', '.join(self.baselines)}; received {name!r}"
            )
        return BASELINES[name](self.last_block, tokens)

    @torch.no_grad()
    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        """See `Backbone`."""
        with onednn.linear_layers(self.onednn):
            return F.normalize(self._encode_text(prompts).float(), dim=-1)
