"""`evaluate --merge`: the scores of what shards and earlier runs left in folders."""

from __future__ import annotations

import argparse

from glaclip.cli.console import Console
from glaclip.cli.evaluate_set import show, write_results
from glaclip.evaluation.data.classes import DatasetError
from glaclip.evaluation.paper.table import TABLES
from glaclip.evaluation.report.document import Document, evaluation_document, paper_document
from glaclip.evaluation.run.evaluate import Evaluation, absent_photos, evaluation_of
from glaclip.evaluation.run.store import read_counts


def run_merge(args: argparse.Namespace, console: Console) -> None:
    """Adds up the counts of all folders and reports them as one run would.

    Raises:
        StoreError: a folder without counts.
        DatasetError: --strict, and photos are not there.
    """
    evaluations = [evaluation_of(counts) for counts in read_counts(args.merge)]
    for evaluation in evaluations:
        _say_absent(evaluation, args.strict, console)
    documents = [evaluation_document(evaluation) for evaluation in evaluations]
    document = _joined(documents, args)
    show(document, args.per_class, console)
    write_results(document, args.out or args.merge[0], args.json, {}, console)


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


def _joined(documents: list[Document], args: argparse.Namespace) -> Document:
    """One run as it is; several as a table, of the paper where their methods are its rows."""
    if len(documents) == 1 and not args.paper:
        return documents[0]
    names = {method["name"] for document in documents for method in document["methods"]}
    fitting = [name for name, rows in TABLES.items() if names & {row.name for row in rows}]
    chosen = args.paper or (fitting[0] if fitting else next(iter(TABLES)))
    return paper_document(chosen, "as they ran", "as they ran", documents)
