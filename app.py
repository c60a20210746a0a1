"""Opens the demo: arguments, build, launch."""

from __future__ import annotations

import argparse
import os

# Before gradio is imported: the page asks no other host for anything.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# A summary of all events so far, which nothing here reads, would be made anew after each of them.
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "100000")
# Before torch is imported: its threads wait for one another without rest, which makes a step ten
# times as slow as soon as anything else wants a core. A short wait costs nothing elsewhere.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")


def main() -> None:
    """Parses arguments and serves the page until it is interrupted."""
    parser = argparse.ArgumentParser(description="Serve the GLA-CLIP demo.")
    parser.add_argument("--host", default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=None, help="first free from 7860 when left out")
    parser.add_argument(
        "--backbone",
        default=os.environ.get("GLACLIP_BACKBONE", "auto"),
        help="what the page starts with: auto, lite, clip-b16 ... (default: %(default)s)",
    )
    parser.add_argument("--weights", default=None, help="folder with CLIP weights")
    parser.add_argument(
        "--device", default="auto", help="auto, cpu, cuda, cuda:1, mps ... (default: %(default)s)"
    )
    parser.add_argument(
        "--dtype",
        default="auto",
        choices=("auto", "float32", "float16", "bfloat16"),
        help="type of the towers; auto is what this computer is quick at, if labels were measured "
        "to stay (default: %(default)s)",
    )
    arguments = parser.parse_args()

    from glaclip.ui.launch import serve

    serve(**vars(arguments))


if __name__ == "__main__":
    main()
