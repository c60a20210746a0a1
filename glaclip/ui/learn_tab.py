"""The tab with the lessons, which open views of the page."""

from __future__ import annotations

import gradio as gr

from glaclip.ui.actions.address import show_link
from glaclip.ui.actions.run import run_on
from glaclip.ui.actions.show import VIEW, show
from glaclip.ui.board import Board, Changes, Visit
from glaclip.ui.demo import Demo
from glaclip.ui.lessons.book import learn_tab, view_of
from glaclip.ui.tab import Tab

# The view takes the lesson's place: its beginning is shown, and keys go on from its tab.
_TO_VIEW = """() => {
  window.scrollTo(0, 0);
  document.querySelector('#tabs [role=tab][aria-selected=true]')?.focus();
  return [];
}"""


def _build(board: Board, first: Changes) -> None:
    board.add(lessons=learn_tab())


def _connect(demo: Demo, board: Board) -> None:
    def try_it(visit: Visit) -> Changes:
        view = view_of(visit.picked)
        if view is None:
            raise gr.Error("This lesson has nothing to open.", print_exception=False)
        shown = show(demo, visit.page, view.example, view.changes, view.point)
        return shown | {"tabs": gr.Tabs(selected=view.tab)}

    tried = board.on(board["lessons"].select, try_it, (), ["tabs", *VIEW], picks=True)
    show_link(board, tried)
    board.in_browser(tried.success, _TO_VIEW)
    run_on(demo, board, tried.success, always=True)


TAB = Tab("learn", "Learn", _build, _connect)
