"""What the widgets share that scripts of this project draw."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, ClassVar

from glaclip.ui.gradio.quick import gr

_HERE = Path(__file__).parent


@functools.cache
def source(*names: str) -> str:
    """Files of this folder, one after the other."""
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)


class Drawn(gr.HTML):  # type: ignore[misc]
    """A widget drawn by a script, quick to build.

    Gradio builds a widget anew for each message of each event that may write it, also where it
    stays as it is, and looks through the whole script for each attribute that a widget lacks.
    """

    #: What the script triggers.
    triggers: ClassVar[tuple[str, ...]] = ()

    def __getattr__(self, name: str) -> Any:
        if name in type(self).triggers:
            return super().__getattr__(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def api_info(self) -> dict[str, Any]:
        """The value is a JSON object."""
        return {"type": "object"}
