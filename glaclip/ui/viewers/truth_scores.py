"""Scores of a whole set on the page: a scores.json of `evaluate`, shown as its report shows it."""

from __future__ import annotations

from pathlib import Path

from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.report.document import read_document
from glaclip.evaluation.report.tables import document_html
from glaclip.photo import PhotoError
from glaclip.ui.board import Board, Changes, Event
from glaclip.ui.gradio.quick import gr
from glaclip.ui.refusals import refusals_as_toasts

_LARGEST = 20 * 2**20  # bytes; all runs of the paper's table need about one megabyte
_STYLE = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
_REFUSED = "This file holds no scores; choose a scores.json that evaluate --out wrote"


def scores_html(path: str | Path) -> str:
    """The tables of a scores.json with their look; every word of it is escaped.

    Raises:
        PhotoError: another file; the sentence names no path.
    """
    if Path(path).stat().st_size > _LARGEST:
        raise PhotoError(f"{_REFUSED}, of at most {_LARGEST // 2**20} MB.")
    try:
        return f"<style>{_STYLE}</style>{document_html(read_document(path))}"
    except (
        DatasetError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        RecursionError,
    ) as error:
        raise PhotoError(f"{_REFUSED}.") from error


def build_scores(board: Board) -> None:
    """A file to drop and the room for its tables."""
    with gr.Accordion("Scores of a whole set", open=False, elem_id="set-scores-fold"):
        gr.Markdown(
            "`python -m glaclip evaluate` measures a whole set. Drop the `scores.json` that it "
            "wrote with `--out`: mIoU, BER and disagreement of every method, and the IoU of every "
            "class, are shown here.",
            elem_classes="hint",
        )
        scores_file = gr.File(
            label="scores.json", file_types=[".json"], type="filepath", elem_id="scores-file"
        )
        set_scores = gr.HTML("", elem_id="set-scores")
    board.add(scores_file=scores_file, set_scores=set_scores)


@refusals_as_toasts()
def _shown(event: Event) -> Changes:
    return {"set_scores": scores_html(event["scores_file"])}


def connect_scores(board: Board) -> None:
    """Shows a file's tables when it is dropped."""
    board.on(board["scores_file"].upload, _shown, ["scores_file"], ["set_scores"])
    board.on(board["scores_file"].clear, lambda event: {"set_scores": ""}, (), ["set_scores"])
