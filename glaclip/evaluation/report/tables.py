"""A document's numbers as tables, and tables as Markdown, LaTeX, HTML and CSV."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape

from glaclip.evaluation.data.label_maps import absent_sentence, outside_sentence
from glaclip.evaluation.paper.comparison import windows_text
from glaclip.evaluation.paper.table import BENCHMARKS
from glaclip.evaluation.report.document import Document
from glaclip.settings import BY_WINDOW, WindowSettings
from glaclip.support.text import csv_text


@dataclass(frozen=True)
class Table:
    """Cells as text, the first column left and the others right.

    Attributes:
        title: what it shows.
        heads: of the columns.
        rows: cells.
        notes: sentences below it.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def share(value: float | None, digits: int = 1) -> str:
    """A share of 1 as percent without the sign."""
    return "–" if value is None else f"{100 * value:.{digits}f}"


# ---------------------------------------------------------------------------------------------
# Tables of a document


def tables_of(document: Document) -> list[Table]:
    """Scores of a run, or a table of the paper and the scores of its runs."""
    if "runs" not in document:
        return [scores_table(document)]
    return [paper_table(document), *(scores_table(run) for run in document["runs"])]


def scores_table(run: Document) -> Table:
    """One line a method, and why a figure of the paper is not beside it."""
    rows, notes = [], []
    for method in run["methods"]:
        paper = method["paper_miou"]
        differs = method["differences"]
        rows.append(
            (
                f"{method['title']} ({method['name']})",
                share(method["miou"]),
                share(method["pixel_accuracy"]),
                share(method["ber"], 2),
                share(method["seam_rate"], 2),
                share(method.get("disagreement"), 2),  # not in files of earlier versions
                "not comparable" if paper is None else f"{paper:.1f}{' ≠' if differs else ''}",
            )
        )
        notes += [f"≠ {method['title']}: {difference}." for difference in differs]
        if only := method.get("only_predicted"):
            classes = "1 class" if only == 1 else f"{only} classes"
            notes.append(
                f"{method['title']}: {classes} that no ground truth here has were predicted; "
                f"counted with an IoU of 0, as MMSegmentation counts, mIoU is "
                f"{share(method['miou_with_predicted'])}."
            )
        if method["not_comparable"]:
            notes.append(f"Not comparable with the paper: {method['not_comparable']}.")
    return Table(
        f"{run['dataset']} with {run['backbone']['title']}, windows {_shape(run)}",
        ("percent", "mIoU", "accuracy", "BER", "seam rate", "disagreement", "mIoU in the paper"),
        tuple(rows),
        (*_about(run), *dict.fromkeys(notes)),
    )


def _about(run: Document) -> list[str]:
    cost = run["cost"]
    lines = [
        f"mIoU over {photos_text(run['photos'])} together, not a mean of photos. "
        f"Windows {_shape(run)}, words of {run['words']}."
    ]
    if run["skipped"] or run["photos"] < run["photos_in_set"]:
        out = f"{run['photos_in_set'] - run['photos']} of {run['photos_in_set']} photos are not in "
        first = run["skipped"][0] if run["skipped"] else None
        why = f"; the first left out is {first['stem']}: {first['reason']}" if first else ""
        lines.append(f"{out}these numbers{why}.")
    if truth := run.get("ground_truth"):  # older files have none
        sentences = (
            outside_sentence(truth["no_class"], truth["pixels"]),
            absent_sentence(truth["absent"] if run["photos"] else ()),
        )
        lines += filter(None, sentences)
    if cost["photos"]:
        processes = f" in {cost['processes']} processes" if cost["processes"] > 1 else ""
        gpu = f", {cost['gpu_gigabytes']:.1f} GB on the GPU" if cost["gpu_gigabytes"] else ""
        lines.append(
            f"{photos_text(cost['photos'])} took {cost['seconds']:.0f} s{processes} "
            f"({cost['encode_seconds']:.0f} s of encoding) and {cost['gigabytes']:.1f} GB{gpu}."
        )
    if any(method["paper_miou"] is not None for method in run["methods"]):
        lines.append("The paper's numbers: Table 1.")
    return lines


def _shape(run: Document) -> str:
    return windows_text(WindowSettings(**run["windows"]))


def photos_text(count: int) -> str:
    """How many photos, for people."""
    return "1 photo" if count == 1 else f"{count} photos"


def classes_table(run: Document) -> Table:
    """IoU of every class."""
    methods = run["methods"]
    names = list(methods[0]["iou"]) if methods else []
    rows = tuple((name, *(share(method["iou"][name]) for method in methods)) for name in names)
    heads = ("IoU, percent", *(method["name"] for method in methods))
    return Table(f"Classes of {run['dataset']}, windows {_shape(run)}", heads, rows)


def paper_table(document: Document) -> Table:
    """Ours | the paper's, a column a set; letters say what differs."""
    presets = [p for p in BENCHMARKS if any(p in row["cells"] for row in document["rows"])]
    letters: dict[str, str] = {}
    rows = []
    several = len({row["backbone"] for row in document["rows"]}) > 1
    for row in document["rows"]:
        title = f"{row['title']} [{row['backbone']}]" if several else row["title"]
        cells = [_paper_cell(row["cells"].get(preset), letters) for preset in presets]
        average = "–" if row["average"] is None else share(row["average"])
        cells.append(_beside(average, row["paper_average"]))
        rows.append((title, *cells))
    notes = [
        f"Ours | the paper's, mIoU in percent; settings: {document['settings']}, words: "
        f"{document['words']}.",
        *(f"({letter}) {difference}." for difference, letter in letters.items()),
        document["standing_difference"],
        "An average is given when all eight sets were run whole with the paper's backbone.",
    ]
    heads = (document["table"], *(BENCHMARKS[preset].title for preset in presets), "average")
    return Table(f"{document['table']} of the paper", heads, tuple(rows), tuple(notes))


def _paper_cell(cell: Document | None, letters: dict[str, str]) -> str:
    if cell is None:
        return "–"
    marks = ""
    for difference in cell["differences"]:
        letter = letters.setdefault(difference, _letter(len(letters)))
        marks += f"({letter})"
    return _beside(share(cell["miou"]) + marks, cell["paper_miou"])


def _letter(index: int) -> str:
    return chr(ord("a") + index) if index < 26 else f"a{index}"


def _beside(ours: str, paper: float | None) -> str:
    return ours if paper is None else f"{ours} | {paper:.1f}"


# ---------------------------------------------------------------------------------------------
# Forms


def markdown(table: Table) -> str:
    """A table of GitHub's Markdown with its title and notes."""
    lines = [f"### {table.title}", ""]
    for index, row in enumerate([table.heads, *table.rows]):
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
        if index == 0:
            lines.append("|---|" + "---:|" * (len(row) - 1))
    return "\n".join([*lines, "", *(f"{note}  " for note in table.notes), ""])


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "–": "--", "≠": r"$\neq$", "ρ": r"$\rho$", "|": r"$\mid$",
}  # fmt: skip


def _latex_text(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)


def latex(table: Table) -> str:
    """Rows of a `tabular` with booktabs rules; notes as comments."""
    lines = [f"% {table.title}", *(f"% {note}" for note in table.notes)]
    lines.append(f"\\begin{{tabular}}{{l{'r' * (len(table.heads) - 1)}}}")
    lines.append("\\toprule")
    for index, row in enumerate([table.heads, *table.rows]):
        lines.append(" & ".join(map(_latex_text, row)) + r" \\")
        if index == 0:
            lines.append("\\midrule")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def html(table: Table) -> str:
    """A `<table class='scores'>` with a caption, and its notes; every text is escaped."""
    heads = "".join(f"<th scope='col'>{escape(head)}</th>" for head in table.heads)
    rows = "".join(
        f"<tr><th scope='row'>{escape(row[0])}</th>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in table.rows
    )
    notes = "".join(f"<p class='note'>{escape(note)}</p>" for note in table.notes)
    return (
        f"<div class='wide'><table class='scores'><caption>{escape(table.title)}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{notes}"
    )


def document_html(document: Document) -> str:
    """All tables of a document as HTML, for the page and for reports."""
    runs = document.get("runs", [document])
    classes = [classes_table(run) for run in runs]
    folded = (
        f"<details><summary>{escape(table.title)}</summary>{html(table)}</details>"
        for table in classes
    )
    return "".join([*map(html, tables_of(document)), *folded])


def scores_csv(document: Document) -> str:
    """A line for every method of every run, with all that it takes to run it again."""
    lines = []
    for run in document.get("runs", [document]):
        for method in run["methods"]:
            lines.append(
                {
                    "dataset": run["dataset"],
                    "preset": run["preset"],
                    "method": method["name"],
                    **_chosen(method, "title", "miou", "pixel_accuracy", "ber", "seam_rate"),
                    "disagreement": method.get("disagreement"),
                    "paper_miou_percent": method["paper_miou"],
                    "differences": "; ".join(
                        [*method["differences"], *filter(None, [method["not_comparable"]])]
                    ),
                    "photos": method["photos"],
                    "photos_in_set": run["photos_in_set"],
                    "skipped": len(run["skipped"]),
                    "backbone": run["backbone"]["name"],
                    "fingerprint": run["backbone"]["fingerprint"],
                    "words": run["words"],
                    "background_threshold": run["background_threshold"],
                    **_chosen(run["windows"], "short_side", "crop", "stride"),
                    "vfm_view": run["windows"].get("vfm_view", BY_WINDOW),
                    "attention": json.dumps(method["attention"]) if method["attention"] else "",
                    "baseline": method["baseline"] or "",
                    "key_source": method["key_source"] or "",
                    "seconds_attention": method["seconds"],
                    "seconds_run": run["cost"]["seconds"],
                    **_chosen(run["cost"], "gigabytes", "gpu_gigabytes", "processes"),
                    "versions": " ".join(f"{k}={v}" for k, v in run["versions"].items()),
                    "made": run["made"],
                }
            )
    return csv_text(list(lines[0]) if lines else [], [list(line.values()) for line in lines])


def _chosen(record: Document, *names: str) -> Document:
    return {name: record[name] for name in names}


def classes_csv(document: Document) -> str:
    """A line for every class of every run and method."""
    rows = [
        [run["dataset"], run["backbone"]["name"], run["words"], method["name"], name, value]
        for run in document.get("runs", [document])
        for method in run["methods"]
        for name, value in method["iou"].items()
    ]
    return csv_text(["dataset", "backbone", "words", "method", "class", "iou"], rows)
