"""Choosing words: typed, pasted, from a ready list, with or without a background."""

from __future__ import annotations

from glaclip.serving.runs import StoppedError
from glaclip.ui.actions.run import compare, run_on, shown_by
from glaclip.ui.board import Board, Changes, Event
from glaclip.ui.demo import Demo
from glaclip.ui.form import split_words
from glaclip.ui.gradio.quick import gr
from glaclip.vocabulary import load_preset

#: Changes a hidden widget when `split` may find several words in a tag, or white space.
_PASTED = r"""(words, pasted) => {
  const plain = (tag) => tag && !/[,\n\r\uff0c\u3001\x1c-\x1f\x85]|^\s|\s$|\s\s|[^\S ]/.test(tag);
  return [(words ?? []).every(plain) ? pasted : String(performance.now())];
}"""


def put_words(words: list[str]) -> Changes:
    """New words put there by the page, which are no edit of a person."""
    return {"words": gr.update(choices=words, value=words), "known_words": words}


def split(event: Event) -> Changes:
    """Splits pasted lists, which changes the words again."""
    tags = event["words"] or []
    words = split_words(tags)
    return {} if words == tags else {"words": put_words(words)["words"]}


def changed(demo: Demo, event: Event) -> Changes:
    """Runs with words that a person has changed; those that the page has put there are no edit.

    The words are known before the run: the next change may come in its middle.
    """
    words = event["words"] or []
    if split_words(words) != words or words == list(event["known_words"]):
        return {}
    try:
        demo.runs.start(event.page, at=event.at)
    except StoppedError:
        return {}  # a later change was quicker
    event.keep("known_words", words)
    if not words:  # about to be typed anew
        return {}
    return compare(demo, event, only_if_cheap=True)


def _preset_chosen(event: Event) -> Changes:
    if not event["preset"]:
        return {}
    vocabulary = load_preset(event["preset"]).vocabulary
    background = vocabulary.background
    words = [
        "; ".join(entry.prompts)
        for index, entry in enumerate(vocabulary.classes)
        if index != background
    ]
    if background is None:
        return {**put_words(words), "background": False, "background_words": ""}
    return {
        **put_words(words),
        "background": True,
        "background_words": ", ".join(vocabulary.classes[background].prompts[1:]),
        "background_threshold": vocabulary.background_threshold,
    }


def connect(demo: Demo, board: Board) -> None:
    """Words, ready lists and background run at once, if that is cheap."""
    known = ["words", "known_words"]
    # The browser emits `input` for some ways to edit tags only, `change` for all of them.
    # A run that wrote the words, even to leave them alone, could undo what is typed as it ends.
    shown_by(board, board["words"].change, lambda event: changed(demo, event), ("known_words",))
    board.in_browser(board["words"].change, _PASTED, ["words", "pasted"], ["pasted"])
    board.on(board["pasted"].change, split, ["words"], ["words"])
    background = ["background", "background_words", "background_threshold"]
    chosen = board.on(board["preset"].input, _preset_chosen, ["preset"], [*known, *background])
    run_on(demo, board, chosen.then)
    run_on(demo, board, [board["background"].input, board["background_words"].submit])
