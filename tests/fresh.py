"""Processes of their own that start at once: all that they import was imported once, before."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.context import ForkServerContext

# Before gradio is imported anywhere: both are read once.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"

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
