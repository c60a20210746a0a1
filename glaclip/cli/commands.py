"""What each command reads of what was typed, and what it does with it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from glaclip.cli.benchmark import BenchmarkOptions, run_benchmark
from glaclip.cli.doctor import DoctorOptions, run_doctor
from glaclip.cli.evaluate import run_evaluate
from glaclip.cli.evaluate_arguments import EvaluateOptions
from glaclip.cli.segment import BackbonesOptions, SegmentOptions, run_backbones, run_segment
from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.run.store import StoreError
from glaclip.photo import PhotoError
from glaclip.settings import SettingsError
from glaclip.support.processor import ProcessorError
from glaclip.vocabulary import VocabularyError

#: By the command's name: arguments to options, and what runs with options, loader and console.
COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], Any], Callable[..., None]]] = {
    "segment": (SegmentOptions.of, run_segment),
    "evaluate": (EvaluateOptions.of, run_evaluate),
    "benchmark": (BenchmarkOptions.of, run_benchmark),
    "backbones": (BackbonesOptions.of, run_backbones),
    "doctor": (DoctorOptions.of, run_doctor),
}
#: What a person can mend: reported as one sentence.
FORESEEN = (PhotoError, VocabularyError, SettingsError, DatasetError, StoreError, ProcessorError)
