"""Taking everything away: both sides, the attention and what made them, as one zip file."""

from __future__ import annotations

from glaclip.pictures.everything import everything
from glaclip.pictures.export import result_document, result_files, zip_files
from glaclip.pictures.mosaics import attention_panels
from glaclip.pictures.palette import class_colors
from glaclip.ui.board import Board, Changes, Visit
from glaclip.ui.demo import ASKED, Demo, asked, follow, point_in
from glaclip.ui.gradio.served_files import save_to_cache
from glaclip.ui.refusals import refusals_as_toasts

_PRESS = """() => {
  // The file's address arrives with the next rendering of the hidden button.
  setTimeout(() => document.querySelector('#result-file').click(), 150);
  return [];
}"""


@refusals_as_toasts()
def download(demo: Demo, visit: Visit) -> Changes:
    """The zip file, in gradio's own cache, where its clean-up finds it."""
    photo, form, request = asked(demo, visit)
    step = follow(visit, demo.runs.start(visit.page, "download"))
    result = demo.service.compare(photo, request, step)
    backbone = demo.backbone(form)
    point = point_in(visit, photo)
    maps = demo.service.attention(photo, point, request, step) if point else None
    panels = attention_panels(maps, photo) if maps else None
    vocabulary = request.vocabulary
    colors = class_colors(vocabulary.names, vocabulary.background)
    sides = (result.left, result.right)
    document = result_document(*sides, backbone, colors, point=point)
    files = result_files(*sides, backbone, colors, photo, panels=panels, document=document)
    files |= everything(sides, photo, colors, link=visit["link"], maps=maps)
    return {"file": save_to_cache(zip_files(files), f"gla-clip-{visit['example'] or 'photo'}.zip")}


def connect(demo: Demo, board: Board) -> None:
    """The button below the results."""
    ready = board.on(
        board["download"].click,
        lambda visit: download(demo, visit),
        (*ASKED, "link"),
        ["file"],
        show_progress="full",
        concurrency_limit=4,
    )
    board.in_browser(ready.success, _PRESS)
