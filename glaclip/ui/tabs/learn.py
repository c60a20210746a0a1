"""The tab with the lessons, which open views of the page."""

from __future__ import annotations

from glaclip.ui.actions.address import show_link
from glaclip.ui.actions.run import run_on
from glaclip.ui.actions.show import VIEW, show
from glaclip.ui.board import Board, Changes, Event
from glaclip.ui.demo import ASKED, Demo
from glaclip.ui.gradio.quick import gr
from glaclip.ui.lessons.book import LATER, LessonBook, view_of
from glaclip.ui.lessons.build import book_value
from glaclip.ui.lessons.live import rows_of_baselines
from glaclip.ui.tabs.tab import Tab, opened

# The opened view comes into sight from its top, and the keyboard goes to its picture.
_TO_VIEW = """async () => {
  const views = ['#viewer', '#attention-viewer', '#films'];
  const shown = () =>
    views.map((view) => document.querySelector(view)).find((view) => view?.offsetHeight);
  for (let turn = 0; turn < 100 && !shown(); turn++) await new Promise((go) => setTimeout(go, 50));
  if (!shown()) return [];
  const parts = [...shown().querySelectorAll('[tabindex="0"]')];
  const picture = parts.find((part) => part.offsetHeight) ?? shown();
  if (picture === shown()) picture.tabIndex = -1;
  window.scrollTo({top: 0, behavior: 'instant'});
  picture.focus({preventScroll: true});
  const {top} = picture.getBoundingClientRect();
  if (top > 0.6 * innerHeight) picture.scrollIntoView({block: 'center', behavior: 'instant'});
  return [];
}"""


def _build(board: Board, first: Changes) -> None:
    # They are as large as the rest of the page: who opens them waits for them, and nobody else.
    board.add(lessons=LessonBook(LATER if book_value() else None, elem_id="lessons", padding=False))


def _connect(demo: Demo, board: Board) -> None:
    def try_it(event: Event) -> Changes:
        view = view_of(event.picked)
        if view is None:
            raise gr.Error("This lesson has nothing to open.", print_exception=False)
        shown = show(demo, event.page, view.example, view.changes, view.point, event.at)
        return shown | {"tabs": gr.Tabs(selected=view.tab)}

    lessons = book_value()
    board.on(opened(board, TAB), lambda event: {"lessons": lessons}, (), ["lessons"])
    lesson = board["lessons"].select
    tried = board.on(lesson, try_it, (), ["tabs", *VIEW], picks=True, in_order=True)
    show_link(board, tried)
    board.in_browser(tried.success, _TO_VIEW)

    def ask(event: Event) -> Changes:
        told = rows_of_baselines(demo, event, forced=event.picked.get("forced") is True)
        return {"lessons": gr.update(live=told | {"turn": event.picked.get("turn")})}

    board.on(
        board["lessons"].ask, ask, ASKED, ["lessons"], picks=True, concurrency_limit=4,
        trigger_mode="always_last",
    )  # fmt: skip
    run_on(demo, board, tried.success, always=True)


TAB = Tab("learn", "Learn", _build, _connect, waits=True)
