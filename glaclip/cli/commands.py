"""What each command reads of what was typed, and what it does with it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from glaclip.cli.benchmark import BenchmarkOptions, run_benchmark
from glaclip.cli.compare import CompareOptions, run_compare
from glaclip.cli.console import Console
from glaclip.cli.doctor import DoctorOptions, run_doctor
from glaclip.cli.evaluate import run_evaluate
from glaclip.cli.evaluate_arguments import EvaluateOptions
from glaclip.cli.label_studio import LabelStudioOptions, run_label_studio
from glaclip.cli.options import Loader
from glaclip.cli.segment import BackbonesOptions, SegmentOptions, run_backbones, run_segment
from glaclip.cli.segment_many import run_many
from glaclip.cli.verify import VerifyOptions, run_verify
from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.data.photo_inputs import is_one_photo
from glaclip.evaluation.run.store import StoreError
from glaclip.photo import PhotoError
from glaclip.settings import SettingsError
from glaclip.support.processor import ProcessorError
from glaclip.vocabulary import VocabularyError


def _run_segment(options: SegmentOptions, load: Loader, console: Console) -> None:
    """One photo with all its files, or labels of many."""
    run = run_segment if is_one_photo(options.photos) else run_many
    run(options, load, console)


#: By the command's name: arguments to options, and what runs with options, loader and console.
COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], Any], Callable[..., None]]] = {
    "segment": (SegmentOptions.of, _run_segment),
    "compare": (CompareOptions.of, run_compare),
    "evaluate": (EvaluateOptions.of, run_evaluate),
    "benchmark": (BenchmarkOptions.of, run_benchmark),
    "backbones": (BackbonesOptions.of, run_backbones),
    "verify": (VerifyOptions.of, run_verify),
    "doctor": (DoctorOptions.of, run_doctor),
    "label-studio": (LabelStudioOptions.of, run_label_studio),
}
#: What a person can mend: reported as one sentence.
FORESEEN = (PhotoError, VocabularyError, SettingsError, DatasetError, StoreError, ProcessorError)
