"""Real Chromium against a real server in this process; nothing may leave the machine.

Write `url = serve(build())` in a session or module fixture of your own, and use `page`, or
`new_page(...)` for another window size, and then `page.goto(url)`. A test fails when its page asks
another host, throws, or writes an error to the console.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from glaclip.serving.service import Service
    from glaclip.ui.gradio.quick import gr
    from tests.browser.site import PageBackbone, Site, TwoColors

#: Milliseconds; machines that run the tests are often busy with something else.
PATIENCE = 45_000
#: Tests that share a page: opened again and again, its memory grows. The next page is of the same
#: context, which keeps the files that it has read.
USES = 12

Serve = Callable[..., str]
NewPage = Callable[..., "Page"]


@pytest.fixture(scope="session")
def origins() -> list[str]:
    """Where pages may send requests: what `serve` started."""
    return []


@pytest.fixture(scope="session")
def serve(origins: list[str]) -> Iterator[Serve]:
    """Starts Blocks on a free port and gives the URL; all are closed at the end of the session."""
    from starlette.routing import Route

    from glaclip.ui.gradio.queue import queued
    from glaclip.ui.qr import qr

    started: list[gr.Blocks] = []

    def start(blocks: gr.Blocks, **options: Any) -> str:
        codes = {"routes": [Route("/qr.svg", qr)]}  # a presented component shows one
        options = {"show_error": True, "ssr_mode": False, "app_kwargs": codes, **options}
        _, url, _ = queued(blocks, 64).launch(
            server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **options
        )
        started.append(blocks)
        origins.append(url.rstrip("/"))
        return str(url)

    yield start
    for blocks in started:
        blocks.close(verbose=False)


@pytest.fixture(scope="session")
def toy() -> PageBackbone:
    """The backbone of `page_url`; it counts what it is asked to encode."""
    from tests.browser.site import PageBackbone

    return PageBackbone()


@pytest.fixture(scope="session")
def serve_page(serve: Serve) -> Serve:
    """Starts the whole page of a service as it is launched and gives the URL."""
    from glaclip.ui.launch import launch_options
    from glaclip.ui.page import build_page

    def start(service: Service, *choices: Any) -> str:
        return serve(build_page(service, *choices), **launch_options(service))

    return start


@pytest.fixture(scope="session")
def page_url(serve_page: Serve, toy: PageBackbone) -> str:
    """The whole page as it is launched, with the toy backbone and a second one to choose."""
    from glaclip.backbones.clip.baselines import BASELINES
    from glaclip.serving.service import Service
    from glaclip.settings import WindowSettings
    from tests.browser.site import PageBackbone

    second = PageBackbone()
    # Every registered baseline, and one that has no title yet.
    second.title, second.baselines = "Second", (*BASELINES, "newcomer")
    second.default_windows = WindowSettings(short_side=224, crop=224, stride=112)
    service = Service(lambda name: second if name == "second" else toy)
    choices = [("Automatic", "auto"), ("Second", "second")]
    return serve_page(service, choices)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright import sync_api as api

    from glaclip.benchmark.page import browser as chromium

    api.expect.set_options(timeout=PATIENCE)
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def idle() -> Idle:
    """Blank pages and their uses left, by options: a page loads in a third of a new one's time."""
    return {}


class Watch:
    """Notes what pages should not do: ask another host, throw, write an error to the console."""

    def __init__(self, origins: list[str]) -> None:
        self.origins, self.problems = origins, list[str]()
        self._checks: dict[str, Callable[[Any], None]] = {
            "request": lambda request: self._request(request.url),
            "pageerror": lambda error: self.problems.append(f"page error: {error}"),
            "console": lambda message: self._console(
                message.type, f"{message.text} ({message.location.get('url')})"
            ),
        }

    def _request(self, url: str) -> None:
        if not url.startswith((*self.origins, "data:", "blob:")):
            self.problems.append(f"request to another host: {url}")

    def _console(self, kind: str, text: str) -> None:
        if kind == "error":
            self.problems.append(f"console error: {text}")

    def begin(self, page: Page) -> None:
        for event, check in self._checks.items():
            page.on(event, check)  # type: ignore[call-overload]

    def end(self, page: Page) -> None:
        for event, check in self._checks.items():
            page.remove_listener(event, check)


Idle = dict[str, list[tuple["Page", int]]]


def take(browser: Browser, idle: Idle, options: dict[str, Any]) -> tuple[str, Page, int]:
    """A blank page with its key in `idle` and its uses left."""
    size = options.pop("viewport", {"width": 1280, "height": 900})
    media = {
        name: options.pop(name, usual)
        for name, usual in (("color_scheme", "light"), ("reduced_motion", "no-preference"))
    }
    key = json.dumps(options, sort_keys=True)
    waiting = idle.setdefault(key, [])
    if not waiting:
        context = browser.new_context(viewport=size, **options)
        context.set_default_timeout(PATIENCE)
        waiting.append((context.new_page(), USES))
    page, left = waiting.pop()
    if page.is_closed():
        page, left = page.context.new_page(), USES
    page.set_viewport_size(size)
    page.emulate_media(**media)
    return key, page, left - 1


def give_back(idle: Idle, key: str, page: Page, left: int) -> None:
    """Blank and with clean storage again."""
    if page.is_closed():
        idle[key].append((page, 0))
        return
    if page.url.startswith("http"):
        page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
    page.context.clear_cookies()
    page.mouse.move(0, 0)
    page.goto("about:blank")
    if not left:
        page.close()
    idle[key].append((page, left))


@contextmanager
def pages(browser: Browser, idle: Idle, origins: list[str]) -> Iterator[NewPage]:
    """Opens pages, each with clean storage, and at the end says what they should not have done."""
    used: list[tuple[str, Page, int]] = []
    watch = Watch(origins)

    def create(**options: Any) -> Page:
        taken = take(browser, idle, options)
        used.append(taken)
        watch.begin(taken[1])
        return taken[1]

    yield create
    for key, page, left in used:
        watch.end(page)  # requests that end with it are no problem of the page
        give_back(idle, key, page, left)
    assert not watch.problems, watch.problems


@pytest.fixture
def new_page(browser: Browser, idle: Idle, origins: list[str]) -> Iterator[NewPage]:
    """Opens pages: `new_page(viewport=..., has_touch=True, ...)`; storage is clean at each test."""
    with pages(browser, idle, origins) as create:
        yield create


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A page of 1280 x 900."""
    return new_page()


@pytest.fixture
def site(page: Page, page_url: str, toy: PageBackbone) -> Iterator[Site]:
    """The first screen."""
    from tests.browser.site import Site

    yield Site(page, page_url)
    toy.gate.set()


@pytest.fixture(scope="module")
def kept(idle: Idle) -> Iterator[list[tuple[TwoColors, str, int]]]:
    """The page of the module's last test of `two_colors`, its key in `idle`, its uses left."""
    open_page: list[tuple[TwoColors, str, int]] = []
    yield open_page
    for site, key, left in open_page:  # an open page takes time even where nothing happens
        give_back(idle, key, site.page, left)


@pytest.fixture
def two_colors(
    kept: list[tuple[TwoColors, str, int]],
    browser: Browser,
    idle: Idle,
    origins: list[str],
    page_url: str,
    toy: PageBackbone,
) -> Iterator[Site]:
    """Left red, right blue: a photo that no other test used, eight windows, no point.

    The page stays open for the next test if it can be put back to this; else it is loaded anew.
    """
    from tests.browser.site import TwoColors

    watch = Watch(origins)
    site, key, left = kept.pop() if kept else (None, "", 0)
    if site is not None:
        watch.begin(site.page)
        if not left or not site.put_back():
            watch.end(site.page)
            give_back(idle, key, site.page, left)
            site = None
    if site is None:
        key, page, left = take(browser, idle, {})
        watch.begin(page)
        site = TwoColors(page, page_url)
    yield site
    toy.gate.set()
    watch.end(site.page)
    kept.append((site, key, left))
    assert not watch.problems, watch.problems
