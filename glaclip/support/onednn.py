"""Linear layers in float32 by oneDNN, where MKL, which PyTorch asks, is slower than it could be.

MKL does not use an AMD processor's AVX-512 in float32; oneDNN, which PyTorch brings too, does. No
setting of PyTorch chooses it for float32 as it is: `torch.backends.mkldnn.matmul` only lets it
round. So a mode around a forward pass hands over the linear layers, and modules know nothing of it;
fast attention asks for its products by `product`.
The operation is the one that PyTorch's compiler takes (private, in 2.0 to 2.15 at least).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from glaclip.support.processor import processor

_ATEN: Any = torch.ops.aten
_LINEAR = "_linear_pointwise"


def gains(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether linear layers of this type on this device are quicker by oneDNN."""
    single = device.type == "cpu" and dtype == torch.float32
    return single and processor().onednn and _is_here(_LINEAR)


@functools.cache
def _is_here(name: str) -> bool:
    """Whether this PyTorch has the operation, takes it as it is called here, and means the same."""
    x = torch.tensor([[1.0, 2.0]])
    try:
        return bool(_linear(name, x, torch.tensor([[3.0, 4.0]]), torch.ones(1)).item() == 12.0)
    except (AttributeError, RuntimeError, TypeError):
        return False


def linear_layers(wanted: bool) -> AbstractContextManager[object]:
    """What a forward pass in inference mode is to be within; results differ in the last digits."""
    return _OneDnnLinear() if wanted else nullcontext()


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Product [..., N] of x [..., K] and weight [N, K], float32, plus bias [N]."""
    return _linear(_LINEAR, x, weight, bias)


def _linear(name: str, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    layer: Any = getattr(torch.ops.mkldnn, name)
    result: Tensor = layer(x.contiguous(), weight, bias, "none", [], "")
    return result


def product(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """Product a @ b.T [M, N] of a [M, K] and b [N, K] by whoever is quicker; `out` may be used."""
    if gains(a.device, a.dtype):
        return linear(a, b)
    return torch.mm(a, b.T, out=out)


class _OneDnnLinear(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # see `Interruptible`

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """See `TorchDispatchMode`."""
        if func is _ATEN.linear.default and _is_single(args[0]):
            return linear(*args, **(kwargs or {}))
        if func is _ATEN._native_multi_head_attention.default and _is_plain(*args):
            return _attention(*args[:9]), None
        return func(*args, **(kwargs or {}))


def _is_single(x: Tensor) -> bool:
    return x.dtype == torch.float32 and x.device.type == "cpu"


def _is_plain(query: Tensor, key: Tensor, value: Tensor, *rest: Any) -> bool:
    """Whether tokens attend to each other without a mask, and nobody asks for the weights."""
    mask, weights_too = rest[6:8] if len(rest) > 7 else (None, True)
    return _is_single(query) and query is key is value and mask is None and not weights_too


def _attention(
    x: Tensor,
    key: Tensor,
    value: Tensor,
    width: int,
    heads: int,
    qkv_weight: Tensor,
    qkv_bias: Tensor,
    out_weight: Tensor,
    out_bias: Tensor,
) -> Tensor:
    """`nn.MultiheadAttention` of x [B, T, D]."""
    parts = linear(x, qkv_weight, qkv_bias).chunk(3, dim=-1)
    q, k, v = (
        part.view(*x.shape[:2], heads, -1).transpose(1, 2) for part in parts
    )  # [B, H, T, D / H]
    mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
    return linear(mixed, out_weight, out_bias)
