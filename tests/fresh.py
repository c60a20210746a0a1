"""Processes of their own that start at once: all that they import was imported once, before."""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerContext

_IMPORTED = (
    "glaclip.ui.launch",
    "glaclip.ui.precompute",
    "glaclip.cli.main",
    "glaclip.benchmark.ratios",
    "glaclip.backbones.lite.backbone",
    "timm",
    "gradio_client",
    "tests.clip_towers",
    "tests.toy",
)


def fresh() -> ForkServerContext:
    """Each is forked from one process that has computed nothing yet, and has its environment."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_IMPORTED))
    return context
