"""Gradio, imported in little more than half its time: the one place where the page gets it from.

For editors, Gradio parses the source of each component class when the class is made, and writes a
stub beside it: a second and a half of every start. No setting leaves that out, but it goes on
without a stub where a class has no source file.

Seen in Gradio 6.31.0; asked for in https://github.com/gradio-app/gradio/issues/7791. Needless once
Gradio ships its stubs, and `import gradio` writes none.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from typing import Any
from unittest import mock

_META = "gradio.component_meta"


def _import_without_stubs() -> None:
    getfile = inspect.getfile

    def source(thing: Any) -> str:
        if sys._getframe(1).f_globals.get("__name__") == _META:
            raise OSError("no stubs")
        return getfile(thing)

    with mock.patch.object(inspect, "getfile", source):
        importlib.import_module("gradio")
    # Classes of this project are made later.
    meta = sys.modules.get(_META)
    if meta is not None:
        meta.__dict__["create_or_modify_pyi"] = lambda *_: None


_import_without_stubs()

import gradio as gr  # noqa: E402

__all__ = ["gr"]
