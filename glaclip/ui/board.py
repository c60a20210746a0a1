"""The page's widgets by name: what an event reads and writes is said in names, not positions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glaclip.ui.gradio.quick import gr
from glaclip.ui.refusals import faults_hidden

#: A hidden widget that stands for what an event is at where nothing shows it. With each message of
#: an event the browser copies all that every widget holds which may show progress, and that is each
#: widget that any event writes unless another is named: pictures and controls, 100 ms a round trip.
QUIET = "quiet"
#: Hidden widgets that bring along when a person did what an event is about, as events that are
#: computed side by side may start in another order, and the name of the photo that the page has:
#: it is not sent again.
AT, HELD = "at", "held"
_AT = """(...values) =>
    [...values.slice(0, -2), performance.now(), document.glaclipPhotos?.name ?? ""]"""


@dataclass(frozen=True)
class Event:
    """One event on one open page.

    Attributes:
        page: identifies the open page.
        values: of the widgets that the event reads, by name.
        query: the parameters of the address that the page was opened with.
        picked: what a `select` event says was chosen.
        progress: shows how far a run is, see `gr.Progress`.
        at: when it happened, by the clock of the open page, of events `in_order`.
        held: name of the photo that the page had then, see `ShownPhoto`.
        keep: gives a `gr.State` a value at once, so that events find it that come meanwhile. A
            handler that yields would do, but gradio's browser side loses values now and then when
            two messages for a widget come close together.
    """

    page: str
    values: Mapping[str, Any]
    query: Mapping[str, str]
    picked: Mapping[str, Any]
    progress: Callable[..., Any]
    at: float | None = None
    held: str = ""
    keep: Callable[[str, Any], None] = lambda name, value: None

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


#: New values of widgets by name; what is not named stays as it is.
Changes = dict[str, Any]
Handler = Callable[[Event], Changes | None]


class Board:
    """Widgets of a page by name, and what happens when they are used."""

    def __init__(self, page: gr.Blocks) -> None:
        self.page = page
        self._widgets: dict[str, Any] = {}

    def add(self, **widgets: Any) -> None:
        """Puts widgets on the board.

        Raises:
            ValueError: a name that is taken.
        """
        if taken := self._widgets.keys() & widgets.keys():
            raise ValueError(f"each widget needs a name of its own; taken: {sorted(taken)}")
        self._widgets |= widgets

    def __getitem__(self, name: str) -> Any:
        return self._widgets[name]

    def on(
        self,
        events: Any,
        do: Handler,
        reads: Sequence[str] = (),
        writes: Sequence[str] = (),
        *,
        picks: bool = False,
        in_order: bool = False,
        **options: Any,
    ) -> Any:
        """Calls a handler on the server.

        Args:
            events: a listener such as `button.click` or `event.then`, or a list of listeners.
            do: takes an `Event` and gives new values by name.
            reads: names of the widgets whose values the handler gets.
            writes: names of the widgets that it may change.
            picks: whether the event carries a choice.
            in_order: whether it carries its time, and the photo's name.
            options: of gradio's listeners; by default nothing is shown as in progress.

        Returns:
            The event, to go on with `.then` or `.success`.
        """

        def answer(
            request: gr.Request, progress: gr.Progress, values: Sequence[Any], picked: Any
        ) -> Any:
            page = request.session_hash or ""
            *given, at, held = values if in_order else (*values, None, "")
            event = Event(
                page=page,
                values=dict(zip(reads, given, strict=True)),
                query=dict(request.query_params),
                picked=picked,
                progress=progress,
                at=at,
                held=held or "",
                keep=lambda name, value: self._keep(page, name, value),
            )
            with faults_hidden():
                changes = do(event) or {}  # a handler that was stopped gives nothing
            if unknown := changes.keys() - set(writes):
                raise KeyError(f"the event does not write {sorted(unknown)}")
            found = tuple(changes.get(name, gr.skip()) for name in writes)
            return found[0] if len(found) == 1 else found or None

        # Gradio reads from a handler's signature what else it wants.
        def plain(
            request: gr.Request,
            progress: gr.Progress = gr.Progress(),  # noqa: B008 (gradio looks for it here)
            *values: Any,
        ) -> Any:
            return answer(request, progress, values, {})

        def picking(
            event: gr.EventData,
            request: gr.Request,
            progress: gr.Progress = gr.Progress(),  # noqa: B008
            *values: Any,
        ) -> Any:
            return answer(request, progress, values, event._data)

        handler = picking if picks else plain
        if in_order:
            return self._listen(events, handler, (*reads, AT, HELD), writes, {"js": _AT, **options})
        return self._listen(events, handler, reads, writes, options)

    def _keep(self, page: str, name: str, value: Any) -> None:
        self.page.state_holder[page][self[name]._id] = value

    def in_browser(
        self,
        events: Any,
        script: str,
        reads: Sequence[str] = (),
        writes: Sequence[str] = (),
        **options: Any,
    ) -> Any:
        """Calls a function of the browser with the values read; it returns those written."""
        return self._listen(events, None, reads, writes, options | {"js": script})

    def _listen(
        self,
        events: Any,
        fn: Callable[..., Any] | None,
        reads: Sequence[str],
        writes: Sequence[str],
        options: dict[str, Any],
    ) -> Any:
        # A single listener keeps gradio's own ways, such as `change` running the last change.
        listen: Any = (
            (lambda *a, **o: gr.on(events, *a, **o)) if isinstance(events, list) else events
        )
        inputs, outputs = ([self[name] for name in names] for names in (reads, writes))
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        if "show_progress" not in options and (nothing := self._widgets.get(QUIET)):
            quiet["show_progress_on"] = [nothing]
        return listen(fn, inputs, outputs, **quiet | options)
