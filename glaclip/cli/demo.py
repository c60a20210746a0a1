"""The command `glaclip-demo` (and app.py): arguments, environment, launch."""

from __future__ import annotations

import argparse
import importlib.util
import os
import socket
from collections.abc import MutableMapping, Sequence

from glaclip.cli.arguments import DTYPES
from glaclip.cli.console import Console, UsageError
from glaclip.cli.main import BAD_INPUT, INTERRUPTED, NO_BACKBONE, OK

_STREAM = socket.SOCK_STREAM
#: Set before gradio and torch are imported: both read it once.
ENVIRONMENT = {
    # The page asks no other host for anything.
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # A summary of all events so far, which nothing here reads, would be made anew after each.
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "100000",
    # torch's threads wait for one another without rest, which makes a step ten times as slow as
    # soon as anything else wants a core. A short wait costs nothing elsewhere.
    "GOMP_SPINCOUNT": "10000",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Serves the page until it is interrupted, and returns an exit code.

    Args:
        argv: arguments; those of the process when left out.

    Returns:
        0 after it ran, 2 for arguments that cannot be used, 3 where the page or its backbone
        cannot start.
    """
    arguments = _parser().parse_args(argv)
    console = Console()
    try:
        if importlib.util.find_spec("gradio") is None:
            console.error('The page needs Gradio: pip install "glaclip-demo[demo]".')
            return NO_BACKBONE
        arguments.port = free_port(arguments.host, arguments.port)
        prepare(arguments.host, os.environ)

        from glaclip.backbones.base import BackboneError
        from glaclip.serving.limits import LimitError
        from glaclip.support.processor import ProcessorError
        from glaclip.ui.launch import serve

        try:
            serve(**vars(arguments))
        except (LimitError, ProcessorError) as error:
            raise UsageError(str(error)) from error
        except BackboneError as error:
            console.error(str(error))
            return NO_BACKBONE
    except UsageError as error:
        console.error(str(error))
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    return OK


def prepare(host: str, environment: MutableMapping[str, str]) -> None:
    """Completes the environment that gradio and torch read.

    Gradio asks its own server whether it is there, which a proxy could not tell.
    """
    for name, value in ENVIRONMENT.items():
        environment.setdefault(name, value)
    known = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    entries = [*known.split(","), "localhost", "127.0.0.1", "::1", host]
    direct = ",".join(dict.fromkeys(entry.strip() for entry in entries if entry.strip()))
    environment["no_proxy"] = environment["NO_PROXY"] = direct


def free_port(host: str, port: int | None) -> int:
    """The port to serve on.

    Args:
        host: address to listen on.
        port: the one asked for; the first free one from 7860 when left out.

    Raises:
        UsageError: a port that something else has, or an address that is not this computer's.
    """
    for candidate in range(7860, 7960) if port is None else (port,):
        try:
            for name in (host.strip("[]"), "127.0.0.1"):  # Gradio wants it at both
                family, kind, *_, address = socket.getaddrinfo(name, candidate, type=_STREAM)[0]
                with socket.socket(family, kind) as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(address)
            return candidate
        except OSError as error:
            reason = error
    asked = "on any port from 7860 to 7959" if port is None else f"on port {port}"
    raise UsageError(
        f"The page cannot be served at {host} {asked}: {reason.strerror}. Choose another with "
        "--port or --host."
    )


def _port(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"must be a number from 1 to 65535; received {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Serve the GLA-CLIP demo.")
    environment = os.environ.get
    parser.add_argument("--host", default=environment("GRADIO_SERVER_NAME", "127.0.0.1"))
    parser.add_argument(
        "--port",
        type=_port,
        default=environment("GRADIO_SERVER_PORT") or None,
        help="first free from 7860 when left out",
    )
    parser.add_argument(
        "--backbone",
        default=environment("GLACLIP_BACKBONE", "auto"),
        help="what the page starts with: auto, lite, clip-b16 ... (default: %(default)s)",
    )
    parser.add_argument("--weights", help="folder with CLIP weights")
    parser.add_argument(
        "--device", default="auto", help="auto, cpu, cuda, cuda:1, mps ... (default: %(default)s)"
    )
    parser.add_argument(
        "--dtype",
        default="auto",
        choices=DTYPES,
        help="type of the towers; auto is what this computer is quick at, if labels were measured "
        "to stay (default: %(default)s)",
    )
    return parser
