"""Convolutions by channel that stay as they are, so that training need not wait for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class _Frozen(torch.autograd.Function):
    """A depthwise convolution whose gradient is one too: of its input alone.

    A CPU takes three times as long for the gradient of the weights as for all the rest.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, padding: int, dilation: int) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.how = padding, dilation
        return F.conv2d(x, weight, None, 1, padding, dilation, len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (weight,) = ctx.saved_tensors
        padding, dilation = ctx.how
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        back = F.conv2d(gradient, weight.flip(2, 3), None, 1, padding, dilation, len(weight))
        return back, None, None, None


class FrozenDepthwise(nn.Module):
    """Stands in for a depthwise `Conv2d` of stride 1 whose output is as large as its input."""

    weight: Tensor

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        weight = conv.weight.detach().contiguous(memory_format=torch.channels_last)
        self.register_buffer("weight", weight)
        self.padding, self.dilation = int(conv.padding[0]), conv.dilation[0]

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, h, w] to the same shape."""
        # Typed by hand: some versions of torch leave `apply` without types.
        convolve: Callable[..., Tensor] = _Frozen.apply
        return convolve(x, self.weight.to(x.dtype), self.padding, self.dilation)
