"""Starts the server: backbones, page, queue, limits."""

from __future__ import annotations

import importlib.util
import logging
import threading

import torch
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from glaclip.backbones.base import Backbone
from glaclip.evaluation.verify.verify import doubt
from glaclip.segmenter import Progress
from glaclip.segmenter.word_store import WordStore
from glaclip.serving.lending import Lender
from glaclip.serving.limits import Limits
from glaclip.serving.measuring import SteadyLoad
from glaclip.serving.service import Service
from glaclip.support.processor import processor
from glaclip.support.version import __version__
from glaclip.ui.examples import PHOTOS
from glaclip.ui.gradio.page_answer import PageAnswer
from glaclip.ui.gradio.quick import gr
from glaclip.ui.page import CSS, FRAMES, JS, build_page
from glaclip.ui.qr import qr
from glaclip.vocabulary import ASSETS

_LOG = logging.getLogger(__name__)
#: Uploads are refused above this by the server, before they are read.
MAX_UPLOAD = "30mb"


def theme() -> gr.themes.Base:
    """Quiet grays, one blue; system fonts, so that no other host is asked for one."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.slate,
        font=["ui-sans-serif", "system-ui", "Segoe UI", "Roboto", "DejaVu Sans", "sans-serif"],
        font_mono=["ui-monospace", "DejaVu Sans Mono", "monospace"],
        radius_size=gr.themes.sizes.radius_md,
        text_size=gr.themes.sizes.text_md,
    ).set(
        body_background_fill="#ffffff",
        # The default's gray has too little contrast for text this small (WCAG asks for 4.5 : 1).
        body_text_color_subdued="#586272",
        body_text_color_subdued_dark="#a4aebd",
        block_info_text_color="#586272",
        block_info_text_color_dark="#a4aebd",
        block_title_text_color="#3a4352",
        block_title_text_color_dark="#d3d9e2",
        body_background_fill_dark="#12151b",
        block_border_width="1px",
        block_shadow="none",
        button_primary_background_fill="#2d5ac3",
        button_primary_background_fill_hover="#2449a3",
        button_primary_background_fill_dark="#3f6fdc",
        button_primary_text_color="#ffffff",
        color_accent="#2d5ac3",
    )


def launch_options(service: Service | None = None) -> dict[str, object]:
    """What every start of the page passes to `launch`, tests included.

    Args:
        service: answers /health, for hosts that ask whether a server is well.
    """
    routes = [
        Route("/health", lambda request: JSONResponse(health_of(service))),
        Route("/qr.svg", qr),
    ]
    return {
        "app_kwargs": {"routes": routes, "middleware": [Middleware(PageAnswer, FRAMES)]},
        "theme": theme(),
        "css": CSS,
        "js": JS,
        "footer_links": ["api", "settings"],
        "ssr_mode": False,
        "run_history": False,  # the default keeps what visitors did in their browsers
        # What nobody foresaw is for the log; sentences meant for people are shown either way.
        "show_error": False,
        "max_file_size": MAX_UPLOAD,
        "allowed_paths": [str(PHOTOS), str(ASSETS / "ground_truth")],
    }


def health_of(service: Service | None) -> dict[str, object]:
    """What /health answers: that the server answers, what it runs, and nothing of a visitor."""
    answer: dict[str, object] = {"status": "ok", "version": __version__}
    if service is not None:
        answer |= {
            "models": list(service.models.names),
            "loading": list(service.models.loading),
            "runs": len(service.turns.runs),
            "cache_megabytes": round(service.models.cached_bytes / 2**20),
        }
    return answer


def warm_up(service: Service, backbone: str, starting: str, weights: str | None) -> None:
    """Loads what the first visitor would wait for, and looks at weights that nobody named.

    Args:
        service: of the page.
        backbone: what was asked for.
        starting: the registry name that it stands for.
        weights: the folder of weights that was named.
    """
    service.warm_up("auto")
    if backbone == "auto" and starting in service.models.names:
        said = doubt(service.segmenter(starting).backbone, weights)
        if said:
            _LOG.warning("%s", said)


def serve(
    host: str = "127.0.0.1",
    port: int | None = None,
    backbone: str = "auto",
    weights: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
) -> None:
    """Builds the page and serves it until it is interrupted.

    Args:
        host: address to listen on.
        port: the first free one from 7860 when left out.
        backbone: what "auto" on the page stands for.
        weights: folder with weights of CLIP backbones.
        device: where models run; "auto" is a GPU where there is one.
        dtype: of their towers, "auto" or PyTorch's name of a type.

    Raises:
        BackboneError: an unknown backbone or type, a device or a folder that is not here.
    """
    from glaclip.backbones import registry
    from glaclip.backbones.dtypes import type_named
    from glaclip.backbones.zero_gpu import default_device, is_zero_gpu

    lender = Lender() if is_zero_gpu() else None
    if lender:  # what comes back from the lent GPU is gone on with here, to the same numbers
        device, dtype = "cpu", "float32"
    place = default_device() if device == "auto" else registry.checked_device(device)
    starting = registry.resolve(backbone, weights)  # an unknown name ends here, not on the page
    registry.check_used(starting, weights)
    kind = type_named(dtype) or "auto"

    limits = Limits.from_environment()
    entries = registry.available(weights)
    if lender:
        ready = [entry.name for entry in entries if entry.ready and limits.allows(entry.name)]
        limits = lender.limits({starting, registry.LITE, *ready}, limits)
    processor()  # a name that is none is refused now, not when a visitor comes

    def folder(name: str) -> str | None:
        # The folder is for the backbone that the page starts with; a visitor's choice may have its
        # files elsewhere.
        return weights if name == starting or registry.uses(name, weights) else None

    def load(name: str, kind: torch.dtype | str = kind) -> Backbone:
        return registry.load(name, place, kind, folder(name))

    def resolve(name: str) -> str:
        return registry.resolve(backbone if name == "auto" else name, weights)

    def fetch(name: str, progress: Progress) -> None:
        # What whoever starts the server names may be downloaded; a visitor's choice if allowed.
        registry.fetch(
            name,
            folder(name),
            lambda done, total: progress("download", done, total),
            downloads=limits.downloads or name == backbone,
        )

    choices = [("Automatic", "auto")] + [
        (entry.title if entry.ready else f"{entry.title} (weights not here yet)", entry.name)
        for entry in entries
        if limits.allows(entry.name) and (entry.ready or limits.downloads)
    ]
    word_store = WordStore.of_this_user()
    service = Service(
        SteadyLoad(load, folder) if kind == "auto" else load,
        fetch=fetch,
        resolve=resolve,
        limits=limits,
        word_store=word_store,
        lender=lender,
    )
    if lender:
        lender.start(service.models, limits.backbones, registry.twin_on_gpu)
    demo = build_page(service, choices)
    if lender:
        with demo:  # records differ on whether a Space counts functions that no event calls
            gr.Button(visible=False).click(lender.call, api_visibility="private")

    # Well after the page is up: loading models takes the processor from the first visitor's screen,
    # which shows results that are there already.
    timer = threading.Timer(8, warm_up, (service, backbone, starting, weights))
    timer.daemon = True  # a server that is interrupted ends at once
    timer.start()
    demo.launch(
        server_name=host,
        server_port=port,
        mcp_server=importlib.util.find_spec("mcp") is not None,
        **launch_options(service),
    )
