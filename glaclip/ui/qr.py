"""QR codes of the page's own addresses, which bring phones to what a lecture shows."""

from __future__ import annotations

import io

import segno
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

#: Longer addresses make codes that no phone reads from the last row.
MOST = 1500


def qr(request: Request) -> Response:
    """Answers /qr.svg: the code of the address `to`, as SVG; 400 where it is no web address."""
    to = request.query_params.get("to", "")
    if not to.startswith(("http://", "https://")) or len(to) > MOST:
        return PlainTextResponse(f"`to` must be an address of at most {MOST} characters.", 400)
    drawn = io.BytesIO()
    segno.make_qr(to, error="l").save(drawn, kind="svg", border=2, light="white", scale=8)
    return Response(drawn.getvalue(), media_type="image/svg+xml")
