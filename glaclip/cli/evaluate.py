"""`evaluate`: a set, the paper's table, or the merging of what other runs left."""

from __future__ import annotations

from dataclasses import replace

from glaclip.backbones.base import Backbone
from glaclip.cli.arguments import OPTION_NAMES, SCALES, THRESHOLDS
from glaclip.cli.console import Console, UsageError
from glaclip.cli.evaluate_arguments import EvaluateOptions
from glaclip.cli.evaluate_paper import run_paper
from glaclip.cli.evaluate_set import (
    Scorer,
    SetRun,
    check_measured,
    show,
    word_store,
    write_files,
    write_json,
    write_results,
)
from glaclip.cli.folder_type import load_for_folder
from glaclip.cli.options import Loader, check_writable, output_folder
from glaclip.evaluation.data.datasets import Dataset, open_dataset
from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.report.document import evaluation_document, joined_document
from glaclip.evaluation.run.evaluate import CACHE_BYTES, Evaluation, absent_photos, evaluation_of
from glaclip.evaluation.run.setting import Entry
from glaclip.evaluation.run.store import read_counts
from glaclip.evaluation.run.team import Team, team_of_environment
from glaclip.segmenter import Segmenter
from glaclip.segmenter.method import parse_method
from glaclip.support.text import TextError, read_text
from glaclip.vocabulary import text_lines


def run_evaluate(options: EvaluateOptions, load: Loader, console: Console) -> None:
    """Scores methods, with all processes that torchrun started."""
    if options.out is not None:
        output_folder(options.out)
    if options.json is not None:
        check_writable(options.json)
    if options.merge:
        _run_merge(options, console)
        return
    team = team_of_environment()
    # One report and one progress line: the other processes speak only of what fails in their part.
    console.follow(team.rank)
    run = run_paper if options.paper else _run_set
    run(options, load, console, Scorer(options, console, team), team)
    team.close()


def _run_set(
    options: EvaluateOptions, load: Loader, console: Console, scorer: Scorer, team: Team
) -> None:
    dataset = _dataset_of(options)
    backbone = options.start(
        load, console, lambda: load_for_folder(options, load, options.out, team)
    )
    methods = _methods_of(options, backbone)
    segmenter = Segmenter(backbone, CACHE_BYTES, word_store())
    windows = options.windows(backbone)
    for document in scorer.score(segmenter, [SetRun(dataset, methods, windows, options.out)]):
        show(document, options.per_class, console)
        write_results([document], joined_document, options, scorer.worst, console)
        scorer.write_labels()
        check_measured([document], options)


def _methods_of(options: EvaluateOptions, backbone: Backbone) -> list[Entry]:
    base = options.attention(backbone)
    entries = (Entry.of(parse_method(name, backbone, base)) for name in options.methods)
    # --key-source changes no name: it is the same for all that name no keys of their own.
    return [
        replace(entry, method=entry.method.with_keys(options.key_source))
        for entry in dict.fromkeys(entries)
    ]


def _dataset_of(options: EvaluateOptions) -> Dataset:
    stems = None
    if options.list is not None:
        try:
            stems = text_lines(read_text(options.list))
        except TextError as error:
            raise UsageError(f"the list of photos {error}") from error
    assert options.dataset is not None
    dataset = open_dataset(
        options.dataset,
        layout=options.layout,
        classes_from=options.classes_from,
        ignore=options.ignore,
        stems=stems,
        limit=options.limit,
    )
    for name in THRESHOLDS:
        if dataset.vocabulary.background is None and getattr(options, name) is not None:
            raise UsageError(f"{OPTION_NAMES[name]} needs a set with a class named background")
    scales = {name: getattr(options, name) for name in SCALES}
    typed = {name: value for name, value in scales.items() if value is not None}
    return replace(dataset, vocabulary=replace(dataset.vocabulary, **typed))


# ---------------------------------------------------------------------------------------------
# --merge


def _run_merge(options: EvaluateOptions, console: Console) -> None:
    """Adds up the counts of all folders and reports them as one run would.

    Raises:
        StoreError: a folder without counts.
        DatasetError: --strict, and photos are not there.
    """
    evaluations = [evaluation_of(counts) for counts in read_counts(options.merge)]
    for evaluation in evaluations:
        _say_absent(evaluation, options.strict, console)
    documents = [evaluation_document(each) for each in evaluations]
    document = joined_document(documents, options.paper)
    show(document, options.per_class, console)
    write_json(document, options.json)
    write_files(document, options.out or options.merge[0], {}, console)
    check_measured(documents, options)


def _say_absent(evaluation: Evaluation, strict: bool, console: Console) -> None:
    absent = absent_photos(evaluation)
    if not absent:
        return
    sentence = (
        f"{len(absent)} of {len(evaluation.run.photos)} photos of {evaluation.run.dataset} are in "
        f"none of the folders, the first is {absent[0]}"
    )
    if strict:
        raise DatasetError(sentence)
    console.say(f"{sentence}; the numbers are of the others. Run the shards that hold them.")
