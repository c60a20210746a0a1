"""The page's HTML on its way out: a script before Gradio's own, and packed.

Seen in Gradio 6.31.0; no issue is known. Needless once Gradio packs its page and frames.js is gone.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import brotli
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEAD = b"<head>"
#: A megabyte takes 8 ms, and half of it is left; the next steps take longer and leave as much.
_QUALITY = 4


class PageAnswer:
    """Middleware that puts a script first into the page; Gradio's `head` and `js` come later.

    Gradio packs its scripts and styles, but not the page, three quarters of all that a first visit
    fetches.
    """

    def __init__(self, app: ASGIApp, script: str) -> None:
        self.app, self.tag = app, f"<script>{script}</script>".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the app does, with the script in the page itself."""
        whole: list[Message] = []

        async def rewritten(message: Message) -> None:
            whole.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                start, *parts = whole
                body = b"".join(part.get("body", b"") for part in parts)
                body = body.replace(_HEAD, _HEAD + self.tag, 1)
                headers = MutableHeaders(scope=start)
                headers.add_vary_header("Accept-Encoding")
                if body and "content-encoding" not in headers and _takes_brotli(scope):
                    body = brotli.compress(body, mode=brotli.MODE_TEXT, quality=_QUALITY)
                    headers["content-encoding"] = "br"
                if "content-length" in headers:
                    headers["content-length"] = str(len(body))
                await send(start)
                await send({"type": "http.response.body", "body": body})

        page = scope["type"] == "http" and scope["method"] == "GET" and _is_page(scope["path"])
        await self.app(scope, receive, rewritten if page else send)


def _is_page(path: str) -> bool:
    """Whether a path is the page's, also behind a proxy that keeps the path it serves it below."""
    root = urlsplit(os.environ.get("GRADIO_ROOT_PATH", "")).path
    return path == "/" or path.rstrip("/") == root.rstrip("/") != ""


def _takes_brotli(scope: Scope) -> bool:
    offered = Headers(scope=scope).get("accept-encoding", "").split(",")
    return "br" in (name.strip() for name in offered)
