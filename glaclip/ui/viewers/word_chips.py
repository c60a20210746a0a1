"""Words that may be added with a press, and where the words of a photo come from."""

from __future__ import annotations

from typing import Any

from glaclip.ui.viewers.drawn import Drawn, source


class WordChips(Drawn):
    """A line on proposed words and buttons with more of them; `.select` gives what was pressed.

    The value is {"note": sentence, "former": [words], "next": [words]}: a button takes the former
    words back, and one for each next word adds it. `select` gives `value`: a list of words that
    replace all, or one word.
    """

    triggers = ("select",)

    def __init__(self, value: Any = None, **kwargs: Any) -> None:
        super().__init__(
            value=value,
            html_template='<div class="chips"></div>',
            css_template=source("word_chips.css"),
            js_on_load=source("word_chips.js"),
            apply_default_css=False,
            **kwargs,
        )
