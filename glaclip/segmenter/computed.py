"""What a run leaves behind, as a value that travels between processes and segmenters."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glaclip.backbones.base import Grid
from glaclip.segmenter.results import Encoded


@dataclass(frozen=True)
class Computed:
    """The long steps of a run; labels and clicks take what is left, on any device.

    Attributes:
        encoded: the photo's tokens; None where they were known.
        features: those of methods, and mean queries, by the segmenter's own keys.
        words: features [E] by prompt.
        seconds: of each step.
        candidates: features [E] by prompt of what `Segmenter.suggest` looks for.
    """

    encoded: Encoded | None
    features: Mapping[Hashable, tuple[Tensor, Grid]]
    words: Mapping[str, Tensor]
    seconds: Mapping[str, float]
    candidates: Mapping[str, Tensor] = field(default_factory=dict)

    def packed(self) -> Computed:
        """The same with arrays for tensors.

        A tensor would travel through shared memory, of which a container may have little.
        """
        packed: Computed = _mapped(
            self, lambda value: value.cpu().numpy() if torch.is_tensor(value) else value
        )
        return packed

    def unpacked(self) -> Computed:
        """The tensors of `packed`, on the CPU."""
        unpacked: Computed = _mapped(
            self, lambda value: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        )
        return unpacked


def _mapped(value: Any, change: Any) -> Any:
    """The same nest of dataclasses, mappings and tuples with every leaf changed."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = (field.name for field in dataclasses.fields(value))
        return dataclasses.replace(
            value, **{name: _mapped(getattr(value, name), change) for name in names}
        )
    if isinstance(value, Mapping):
        return {key: _mapped(each, change) for key, each in value.items()}
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(_mapped(each, change) for each in value)
    return change(value)
