"""Scoring sets, and what is said, printed and written about them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from glaclip.cli.console import Console, table
from glaclip.cli.evaluate_arguments import EvaluateOptions
from glaclip.cli.options import output_folder, write
from glaclip.evaluation.data.classes import field_prompts
from glaclip.evaluation.data.datasets import Dataset
from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.data.pairs import Skip
from glaclip.evaluation.data.photo_inputs import PhotoFile
from glaclip.evaluation.report.document import Document, evaluation_document, worst_photos
from glaclip.evaluation.report.html_report import report_files
from glaclip.evaluation.report.kept import with_kept
from glaclip.evaluation.report.tables import classes_table, photos_text, tables_of
from glaclip.evaluation.report.worst import WorstPhoto, worst_pictures
from glaclip.evaluation.run.evaluate import Evaluation, Task, evaluate_together
from glaclip.evaluation.run.labeling import LabelFolder, Labeling
from glaclip.evaluation.run.setting import Entry, Run
from glaclip.evaluation.run.store import Store
from glaclip.evaluation.run.team import Team
from glaclip.segmenter import Segmenter
from glaclip.segmenter.word_store import WordStore
from glaclip.settings import WindowSettings

#: Photos that are named when they are left out; all of them are in scores.json.
_NAMED = 10


@dataclass(frozen=True)
class SetRun:
    """A set and how it is scored; counts are kept in the folder, if there is one."""

    dataset: Dataset
    methods: Sequence[Entry]
    windows: WindowSettings
    folder: Path | None


class Scorer:
    """Scores sets with the processes there are; `worst` keeps the pictures asked for, by run."""

    def __init__(self, options: EvaluateOptions, console: Console, team: Team) -> None:
        """Args:
        options: part of the set, strictness, number of pictures.
        console: for progress and remarks.
        team: the processes that share the photos.
        """
        self._options, self._console, self._team = options, console, team
        self.reports = team.rank == 0
        self.worst: dict[str, list[WorstPhoto]] = {}
        self._photos: list[PhotoFile] = []
        self._folders: dict[str, LabelFolder] = {}

    def score(self, segmenter: Segmenter, scored: Sequence[SetRun]) -> list[Document]:
        """Scores sets from the counts in their folders on; nothing but for the first process.

        Args:
            segmenter: with the backbone.
            scored: sets that share photos and windows, or one.

        Raises:
            DatasetError: --strict, and a photo is missing or broken.
            StoreError: a folder holds counts of another run.
        """
        tasks = [self._task(segmenter, each) for each in scored]
        self._console.errors_of_process(self._team.rank)
        evaluations = evaluate_together(
            segmenter,
            tasks,
            team=self._team,
            strict=self._options.strict,
            progress=self._console.progress,
        )
        documents = []
        for each, evaluation in zip(scored, evaluations, strict=True):
            self._say_evaluation(each.dataset, evaluation)
            if self._team.rank == 0:
                document = evaluation_document(evaluation)
                documents.append(document)
                if self._options.worst:
                    self.worst[document["run"]] = self._pictures(
                        segmenter, each.dataset, evaluation
                    )
        return documents

    def _task(self, segmenter: Segmenter, each: SetRun) -> Task:
        dataset, shard, rank = each.dataset, self._options.shard, self._team.rank
        self._say_skipped(dataset.missing)
        if self._options.strict and dataset.missing:
            raise DatasetError(
                f"--strict: of {dataset.name} {photos_text(len(dataset.missing))} cannot be used"
            )
        store = None
        if each.folder is not None:
            run = Run.of(dataset, segmenter.backbone, each.windows)
            store = Store(each.folder, run, shard.file_name(rank))
        samples = shard.of(dataset.samples)
        part = f", of which part {shard.index} of {shard.count} here: {len(samples)}"
        measured = f", of which the part {dataset.part} is measured" if dataset.part else ""
        self._console.say(
            f"{dataset.name}{measured}: {photos_text(len(dataset.samples))}, "
            f"{len(dataset.vocabulary.classes)} classes{part if shard.count > 1 else ''}"
        )
        folders = self._label_folders(segmenter, each)
        return Task(dataset, each.methods, each.windows, store, samples, folders)

    def _say_evaluation(self, dataset: Dataset, evaluation: Evaluation) -> None:
        self._say_skipped(evaluation.skipped[len(dataset.missing) :])
        for guess in evaluation.guessed[:_NAMED]:
            self._console.say(f"{guess.stem}: {guess.reason}")
        if len(evaluation.guessed) > _NAMED:
            self._console.say(f"and {len(evaluation.guessed) - _NAMED} more photos like these")

    def _label_folders(self, segmenter: Segmenter, each: SetRun) -> dict[str, LabelFolder]:
        """Where --save labels keeps what each method says."""
        dataset, folder = each.dataset, each.folder
        if folder is None or not self._options.save:
            return {}
        name = self._options.shard.file_name(self._team.rank).replace("photos", "labels", 1)
        self._photos = [PhotoFile.of(sample) for sample in dataset.samples]
        self._folders = {
            entry.name: LabelFolder(
                folder / entry.name.replace("/", "-"),
                Labeling(segmenter, dataset.vocabulary, entry.method, each.windows),
                name,
                self._console.say,
            )
            for entry in each.methods
        }
        return self._folders

    def write_labels(self) -> None:
        """Writes class lists and other formats beside the label maps of --save labels."""
        for labels in self._folders.values():
            labels.read()
            for name, content in labels.files(self._options.formats, self._photos):
                write(labels.folder / name, content)
            self._console.say(f"Kept label maps in {labels.folder}")

    def _say_skipped(self, skipped: Sequence[Skip]) -> None:
        """Lists photos that are left out."""
        if not skipped:
            return
        lines = [f"  {skip.stem}: {skip.reason}" for skip in skipped[:_NAMED]]
        if len(skipped) > _NAMED:
            lines.append(f"  and {len(skipped) - _NAMED} more")
        are = "is" if len(skipped) == 1 else "are"
        heading = f"{photos_text(len(skipped))} {are} left out (--strict stops instead):"
        self._console.say("\n".join([heading, *lines]))

    def _pictures(
        self, segmenter: Segmenter, dataset: Dataset, evaluation: Evaluation
    ) -> list[WorstPhoto]:
        """Pictures of the worst photos."""
        stems = [entry["photo"] for entry in worst_photos(evaluation, self._options.worst)]
        if stems:
            self._console.say(f"Drawing the {len(stems)} worst photos")
        method = evaluation.methods[-1]
        return worst_pictures(segmenter, dataset, evaluation.run.windows, method, stems)


def word_store() -> WordStore | None:
    """Where words are kept between two starts: those of the shipped lists, the field's too."""
    return WordStore.of_this_user(field_prompts())


def write_results(
    documents: Sequence[Document],
    join: Callable[[Sequence[Document]], Document],
    options: EvaluateOptions,
    worst: Mapping[str, Sequence[WorstPhoto]],
    console: Console,
) -> None:
    """Writes the files asked for: these runs as JSON, and in the folder all runs that it holds."""
    write_json(join(documents), options.json)
    if options.out is not None:
        write_files(join(with_kept(documents, options.out)), options.out, worst, console)


def write_json(document: Document, path: Path | None) -> None:
    """Writes the file of --json."""
    if path is not None:
        write(path, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode())


def write_files(
    document: Document, out: Path, worst: Mapping[str, Sequence[WorstPhoto]], console: Console
) -> None:
    """Writes tables and report into a folder."""
    output_folder(out)
    files = report_files(document, worst)
    for name, text in files.items():
        write(out / name, text.encode())
    console.say(f"Wrote {', '.join(files)} to {out}")


def check_measured(documents: Sequence[Document], options: EvaluateOptions) -> None:
    """Refuses to end well when there is no number.

    Raises:
        DatasetError: no pixel of any photo was measured. A shard may be empty.
    """
    measured = any(m["miou"] is not None for document in documents for m in document["methods"])
    if not measured and options.shard.count == 1:
        raise DatasetError("nothing was measured: no pixel of any photo has a class")


def show(document: Document, per_class: bool, console: Console) -> None:
    """Prints the tables."""
    tables = tables_of(document)
    if per_class:
        tables += map(classes_table, document.get("runs", [document]))
    parts = []
    for entry in tables:
        heading = f"{entry.title}\n\n" if len(tables) > 1 else ""
        notes = "\n".join(entry.notes)
        parts.append(f"{heading}{table(entry.heads, entry.rows)}\n\n{notes}".rstrip())
    console.result("\n\n".join(parts))
