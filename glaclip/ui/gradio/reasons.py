"""A reason for calls that gradio itself cannot read.

Gradio 6.31.0 answers them with {"error": null} unless it may show every error, paths of the server
among them; no issue is known. Needless once malformed calls have a sentence of their own.
"""

from __future__ import annotations

import functools
from typing import Any

from glaclip.ui.gradio.quick import gr

UNREADABLE = (
    "The call could not be read. Its data must be a list with a value for each input, in the "
    "order of /gradio_api/info; a file is an object such as "
    '{"path": "https://…", "meta": {"_type": "gradio.FileData"}}.'
)


def give_reasons() -> None:
    """Makes gradio answer with a sentence what it answers with null."""
    if not hasattr(gr.utils.error_payload, "__wrapped__"):
        gr.utils.error_payload = gr.queueing.error_payload = _with_reason(gr.utils.error_payload)


def _with_reason(payload: Any) -> Any:
    @functools.wraps(payload)
    def answered(error: BaseException | None, show_error: bool) -> dict[str, Any]:
        content: dict[str, Any] = payload(error, show_error)
        if error is not None and content.get("error") is None:
            content["error"] = UNREADABLE
        return content

    return answered
