"""A script that runs in the browser before Gradio's own."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEAD = b"<head>"


class EarlyScript:
    """Middleware that puts a script first into the page; Gradio's `head` and `js` come later."""

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
                if "content-length" in headers:
                    headers["content-length"] = str(len(body))
                await send(start)
                await send({"type": "http.response.body", "body": body})

        page = scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/"
        await self.app(scope, receive, rewritten if page else send)
