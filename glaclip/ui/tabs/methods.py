"""The tab with up to six methods beside each other, one of them from a file."""

from __future__ import annotations

import dataclasses

from glaclip.backbones.base import Backbone
from glaclip.evaluation.data.foreign_side import side_from_file
from glaclip.segmenter import Method, Segmentation
from glaclip.serving.estimate import ExpensiveError, cheap_only
from glaclip.serving.runs import StoppedError
from glaclip.settings import RUNGS, AttentionSettings, SettingsError
from glaclip.ui import answers
from glaclip.ui.board import Board, Changes, Event
from glaclip.ui.controls import Choices, choices_of
from glaclip.ui.demo import ASKED, Demo, asked, follow, point_in
from glaclip.ui.gradio.quick import gr
from glaclip.ui.refusals import REFUSALS, about, refusals_as_toasts, sentence
from glaclip.ui.tabs.tab import Tab, due
from glaclip.ui.viewers.methods import MethodsViewer
from glaclip.ui.viewers.methods_value import MOST_METHODS, methods_value

#: What a fresh page shows: the ladder.
_FIRST = tuple(rung.name for rung in RUNGS)
_GIVEN = ("method_names", "foreign", "foreign_name")


def offered(backbone: Backbone | None) -> Choices:
    """(label, name) of the ladder and of all that may stand on the left side."""
    settings = AttentionSettings()
    ladder = [Method(settings.with_stages(rung.stages)) for rung in RUNGS]
    found = {method.name: method.title for method in ladder}
    found |= {name: title for title, name in choices_of(backbone)["baseline"]}
    return [(title, name) for name, title in found.items()]


def _build(board: Board, first: Changes) -> None:
    with gr.Row(equal_height=False, elem_id="methods-given"):
        names = gr.Dropdown(
            choices=offered(None),
            value=list(_FIRST),
            multiselect=True,
            max_choices=MOST_METHODS,
            allow_custom_value=True,
            label=f"Methods, up to {MOST_METHODS}",
            info="The names are those of the command line: off, on, clip, naclip, off/splice ...",
            scale=5,
            min_width=260,
            elem_id="method-names",
        )
        show = gr.Button(
            "Show them", variant="primary", size="sm", scale=1, min_width=120,
            elem_id="show-methods",
        )  # fmt: skip
    said = gr.HTML("", elem_id="methods-said")
    empty = "Choose methods to see them beside each other."
    viewer = MethodsViewer(None, empty=empty, elem_id="methods-viewer")
    with gr.Row(equal_height=False, elem_id="foreign-given"):
        foreign = gr.File(
            label="Label map (PNG)",
            file_types=[".png", ".gif", ".bmp", ".tif", ".tiff"],
            type="filepath",
            height=116,
            scale=3,
            min_width=220,
            elem_id="foreign",
        )
        name = gr.Textbox(
            label="Its name", max_length=60, scale=2, min_width=180, elem_id="foreign-name"
        )
        left = gr.Button("Put it on the left side", size="sm", scale=1, elem_id="foreign-left")
    gr.Markdown(
        "A label map of any other method joins them: its values count the words from 0, in their "
        "order; values that are none of them are background, where Background is on.",
        elem_classes="hint",
    )
    board.add(method_names=names, foreign=foreign, foreign_name=name, foreign_left=left)
    board.add(show_methods=show)
    board.add(methods_said=said, methods=viewer)


def methods(demo: Demo, event: Event, *, only_if_cheap: bool = False) -> Changes:
    """The photo by the chosen methods and the file, or what is wrong.

    Opening a tab is no wish for minutes of work, choosing a method is.
    """
    try:
        photo, form, request = asked(demo, event)
        names = list(dict.fromkeys(map(str, event["method_names"] or ())))
        most = MOST_METHODS - bool(event["foreign"])
        if len(names) > most:
            raise SettingsError(f"methods must be at most {most} here; received {len(names)}")
        step = follow(event, demo.runs.start(event.page, "methods"))
        choices = gr.update(choices=offered(demo.backbone(form)))
        results: list[Segmentation] = demo.service.by_methods(
            photo, request, names or ["on"], step, unless=cheap_only(only_if_cheap)
        )
        beside, results = results[0], results if names else []
        if event["foreign"]:
            results.append(side_from_file(event["foreign"], event["foreign_name"] or "", beside))
    except StoppedError:
        return {}
    except ExpensiveError:
        return {"methods": None, "methods_said": "<p>These take a while: press Show them.</p>"}
    except REFUSALS as error:
        return {"methods_said": answers.problem(sentence(error), about(error))}
    value = methods_value(demo.picture(event["photo"]), results) if results else None
    return {"methods": value, "methods_said": "", "method_names": choices}


@refusals_as_toasts()
def on_the_left(demo: Demo, event: Event) -> Changes:
    """The file in the place of the left side in Compare, until the next run."""
    if not event["foreign"]:
        raise SettingsError("the left side must be a label map; choose its file first")
    photo, _, request = asked(demo, event)
    step = follow(event, demo.runs.start(event.page, "left side"))
    point = point_in(event, photo.image)
    result = demo.service.answer(photo, request, point, step)
    left = side_from_file(event["foreign"], event["foreign_name"] or "", result.right)
    result = dataclasses.replace(result, left=left)
    picture = demo.picture(event["photo"])
    return {
        "viewer": answers.compare_value(photo.image, picture, result, point, event.held),
        "readout": answers.readout(result, point) if point else "",
        "tabs": gr.Tabs(selected="compare"),
        "tab": "compare",
    }


def _connect(demo: Demo, board: Board) -> None:
    """The tab follows choices and, while it is open, new results."""

    def follow_page(event: Event) -> Changes:
        return methods(demo, event, only_if_cheap=True) if event["tab"] == TAB.id else {}

    def chosen(event: Event) -> Changes:
        # A file that another photo has put away is no choice.
        return methods(demo, event) if event["tab"] == TAB.id else {}

    choices = [board["method_names"].input, board["foreign"].change, board["foreign_name"].submit]
    for events, answer in (
        (due(board, TAB), follow_page),
        ([*choices, board["show_methods"].click], chosen),
    ):
        board.on(
            events,
            answer,
            ("tab", *_GIVEN, *ASKED),
            ("methods", "methods_said", "method_names"),
            trigger_mode="always_last",
            show_progress="minimal",
            show_progress_on=[board["run_state"]],
            concurrency_limit=4,
        )
    board.on(
        board["foreign_left"].click,
        lambda event: on_the_left(demo, event),
        (*_GIVEN, *ASKED),
        ("viewer", "readout", "tabs", "tab"),
        in_order=True,
        concurrency_limit=4,
    )
    # Another photo: the file is no longer about what is shown.
    for event in (board["photo"].upload, board["strip"].select):
        board.in_browser(event, "() => [null, '']", (), ("foreign", "foreign_name"))


TAB = Tab("methods", "Methods", _build, _connect, waits=True)
