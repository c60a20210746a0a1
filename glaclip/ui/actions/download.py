"""Taking everything away: both sides, the attention and what made them, as one zip file."""

from __future__ import annotations

from glaclip.pictures.baseline_row import mean_picture, row_npz
from glaclip.pictures.encoding import png_bytes
from glaclip.pictures.everything import everything
from glaclip.pictures.export import SIDES, result_document, result_files, zip_files
from glaclip.pictures.formats import FORMATS, LabeledPhoto
from glaclip.pictures.key_pictures import key_files
from glaclip.pictures.mosaics import attention_panels
from glaclip.pictures.palette import class_colors
from glaclip.pictures.scores import cutouts, score_files
from glaclip.ui.board import Board, Changes, Event
from glaclip.ui.demo import ASKED, Demo, asked, follow, point_in
from glaclip.ui.gradio.served_files import save_to_cache
from glaclip.ui.refusals import refusals_as_toasts

_PRESS = """() => {
  // The file's address arrives with the next rendering of the hidden button.
  setTimeout(() => document.querySelector('#result-file').click(), 150);
  return [];
}"""


@refusals_as_toasts()
def download(demo: Demo, event: Event) -> Changes:
    """The zip file, in gradio's own cache, where its clean-up finds it."""
    photo, form, request = asked(demo, event)
    step = follow(event, demo.runs.start(event.page, "download"))
    point = point_in(event, photo.image)
    result = demo.service.answer(photo, request, point, step)
    backbone, maps = demo.backbone(form), result.maps
    panels = attention_panels(maps, photo.image, left=result.left_row) if maps else None
    vocabulary = request.vocabulary
    colors = class_colors(vocabulary.names, vocabulary.background)
    sides = (result.left, result.right)
    document = result_document(*sides, backbone, colors, point=point)
    files = result_files(*sides, backbone, colors, photo.image, panels=panels, document=document)
    files |= everything(sides, photo.image, colors, link=event["link"], maps=maps)
    encoded = result.encoded
    pictured = demo.service.key_colors(photo, request, step)
    files |= key_files(pictured, encoded.photo_size, encoded.grid)
    if (row := result.left_row) is not None:
        files["attention_left.npz"] = row_npz(row)
        files["attention_left.png"] = png_bytes(mean_picture(photo.image, row))
    for side, part in zip(SIDES, sides, strict=True):
        files |= score_files(part, side)
    files |= dict(cutouts(photo.image, result.right))
    for name in event["formats"] or ():
        if (written := FORMATS.get(name)) is not None:
            labels = result.right.labels
            labeled = LabeledPhoto("photo", "photo.png", labels, vocabulary.names, colors)
            files |= {f"formats/{file}": c for file, c in written.files([labeled])}
    return {"file": save_to_cache(zip_files(files), f"gla-clip-{event['example'] or 'photo'}.zip")}


def connect(demo: Demo, board: Board) -> None:
    """The button below the results."""
    ready = board.on(
        board["download"].click,
        lambda event: download(demo, event),
        (*ASKED, "link", "formats"),
        ["file"],
        show_progress="full",
        concurrency_limit=4,
    )
    board.in_browser(ready.success, _PRESS)
