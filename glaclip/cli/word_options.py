"""The words that a person typed, as commands that segment take them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glaclip.cli.arguments import OPTION_NAMES, SCALES, THRESHOLDS
from glaclip.cli.console import UsageError
from glaclip.cli.options import RunOptions
from glaclip.evaluation.data.class_lists import load_class_list
from glaclip.vocabulary import Vocabulary, load_preset, parse_vocabulary


@dataclass(frozen=True, kw_only=True)
class WordOptions(RunOptions):
    """A run with words: at most one of `vocabulary`, `preset` and `vocabulary_file` is given."""

    vocabulary: str | None
    preset: str | None
    vocabulary_file: Path | None
    background: bool | str | None
    background_threshold: float | None
    logit_scale: float | None
    area_threshold: float | None


def vocabulary_of(options: WordOptions, suggested: Sequence[str] = ()) -> Vocabulary:
    """The vocabulary asked for, or that of suggested words.

    Raises:
        UsageError: a file that cannot be read, or a threshold without a background.
        VocabularyError: words that cannot be used.
    """
    background: bool | str = options.background if options.background is not None else False
    if options.preset is not None:
        preset = load_preset(options.preset).vocabulary
        if preset.background is None and background is not False:
            preset = parse_vocabulary(preset.text(), background=background)
        vocabulary = preset
    else:
        text = ", ".join(suggested) or _vocabulary_text(options)
        vocabulary = parse_vocabulary(text, background=background)
    for name in THRESHOLDS:
        if vocabulary.background is None and getattr(options, name) is not None:
            raise UsageError(f"{OPTION_NAMES[name]} needs --background")
    scales = {name: getattr(options, name) for name in SCALES}
    typed = {name: value for name, value in scales.items() if value is not None}
    return dataclasses.replace(vocabulary, **typed)


def _vocabulary_text(options: WordOptions) -> str:
    if options.vocabulary_file is None:
        return str(options.vocabulary)
    # Doubled words are left out and said so, as in the words box.
    return load_class_list(options.vocabulary_file, unique=False).text()
