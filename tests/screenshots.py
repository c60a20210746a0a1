"""Rebuilds the pictures of the README from the running page: `python -m tests.screenshots`.

With `--all DIR` it also takes every tab at 1280 and 390 pixels, light and dark, to look at.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1")

import torch
from PIL import Image, ImageDraw, ImageOps
from playwright.sync_api import Browser, Page

from glaclip.backbones.registry import load
from glaclip.benchmark.page import browser as chromium
from glaclip.pictures.drawing import font
from glaclip.pictures.export import comparison_of
from glaclip.pictures.palette import class_colors
from glaclip.serving.service import Service
from glaclip.ui.examples import example_form, examples
from glaclip.ui.form import Form
from glaclip.ui.launch import launch_options
from glaclip.ui.page import build_page

README = Path(__file__).resolve().parent.parent / "assets" / "readme"
TABS = ("Compare", "Attention", "Windows", "Learn", "Ground truth")
_WIDTH = 1280
#: Pixels around a part of the page.
_MARGIN = 20


@contextmanager
def served(service: Service) -> Iterator[str]:
    """Address of the page."""
    demo = build_page(service)
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    yield url
    demo.close()


def open_page(browser: Browser, url: str, width: int, scheme: str) -> Page:
    """The page with its first screen drawn."""
    page = browser.new_page(viewport={"width": width, "height": 720}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(url)
    page.locator("#viewer .lv[data-ready=true]").wait_for(timeout=60_000)
    return page


def show_tab(page: Page, tab: str) -> None:
    """Opens a tab and waits for what it computes."""
    shown = page.get_by_role("tab", name=tab, exact=True)
    if shown.count():
        shown.click()
    else:  # on a phone the last tabs are in a menu
        page.locator("#tabs .overflow-menu button").first.click()
        page.locator(".overflow-dropdown button", has_text=tab).click()
    if tab == "Windows":
        page.locator(".film").first.wait_for(timeout=120_000)
        page.locator("#compute-charts").click()
        page.locator("#set-sizes img:visible").wait_for(timeout=120_000)
    if tab == "Ground truth":
        page.locator("#shipped-truth").get_by_label("Pavilion above a lake").check()
        page.locator("table.scores").wait_for(timeout=120_000)
    page.wait_for_timeout(1200)


def four_steps(page: Page, path: Path) -> None:
    """The attention of a point at each step, a mosaic each, without the page around them."""
    page.set_viewport_size({"width": _WIDTH, "height": 2000})
    page.wait_for_timeout(500)
    title, panels = (page.locator(f".av .{name}") for name in ("av-title", "av-panels"))
    top, box = title.first.bounding_box(), panels.bounding_box()
    assert top
    assert box
    clip = {
        "x": box["x"] - _MARGIN,
        "y": top["y"] - _MARGIN,
        "width": box["width"] + 2 * _MARGIN,
        "height": box["y"] + box["height"] - top["y"] + 2 * _MARGIN,
    }
    page.screenshot(path=path, clip=clip)  # type: ignore[arg-type]


def comparison(service: Service) -> None:
    """The picture at the top of the README, by the program itself."""
    first = examples()[0]
    backbone = service.segmenter("lite").backbone
    start = Form().with_defaults(backbone)
    request = example_form(start, first).request()
    result = service.answer(first.photo(), request)
    colors = class_colors(request.vocabulary.names)
    picture = comparison_of(first.photo(), result.left, result.right, colors)
    picture.thumbnail((1600, 1600), Image.Resampling.LANCZOS)
    # What social networks show of a page that is linked to.
    card(picture).save(README / "thumbnail.jpg", quality=90)
    # In full color: a palette chosen for the photo would change the legend's.
    picture.convert("RGB").save(README / "comparison.png", optimize=True)


def card(picture: Image.Image) -> Image.Image:
    """The comparison under a headline, in the size that social networks show."""
    sheet = ImageOps.pad(picture, (1200, 630), Image.Resampling.LANCZOS, "white", (0.5, 0.65))
    draw = ImageDraw.Draw(sheet)
    draw.text(
        (600, 75), "Segment a photo with your own words", "#1b2430", font(44, bold=True), "mm"
    )
    return sheet.convert("RGB")


def main() -> None:
    """Takes the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="DIR", help="every tab, size and theme")
    arguments = parser.parse_args()
    README.mkdir(exist_ok=True)
    service = Service(lambda name: load(name, dtype=torch.float32))
    comparison(service)
    with served(service) as url, chromium() as browser:
        page = open_page(browser, url, _WIDTH, "light")
        page.wait_for_timeout(1200)
        page.screenshot(path=README / "compare.png")
        show_tab(page, "Attention")
        four_steps(page, README / "attention.png")
        page.close()
        for width in (_WIDTH, 390) if arguments.all else ():
            for scheme in ("light", "dark"):
                page = open_page(browser, url, width, scheme)
                for tab in TABS:
                    show_tab(page, tab)
                    name = f"{tab.lower().replace(' ', '-')}-{width}-{scheme}.png"
                    page.screenshot(path=arguments.all / name, full_page=True)
                    sys.stderr.write(f"{name}\n")
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
