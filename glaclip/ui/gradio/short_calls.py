"""Calls over plain HTTP that leave out the last values of an endpoint, as Python's callers may.

Gradio 6.31.0 refuses them, so each new input would end programs that were written before it; no
issue is known. Needless once `Blocks.validate_inputs` knows the defaults of an endpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from glaclip.ui.gradio.quick import gr


def take_short_calls(page: gr.Blocks, defaults: Mapping[str, Sequence[Any]]) -> gr.Blocks:
    """The page, whose endpoints take values that were left out from their defaults.

    Args:
        page: its endpoints are known by their `api_name`.
        defaults: one for each input, in order, by endpoint.
    """
    own = page.validate_inputs

    def validate(endpoint: Any, inputs: list[Any]) -> None:
        inputs.extend(defaults.get(str(endpoint.api_name), ())[len(inputs) :])
        own(endpoint, inputs)

    page.validate_inputs = validate
    return page
