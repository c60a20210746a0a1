"""Starting the server."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from glaclip.ui import launch


def test_a_server_that_is_interrupted_waits_for_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that is no daemon keeps the process until the models are loaded."""
    before, found = set(threading.enumerate()), []

    def interrupted(**options: object) -> None:
        found.extend(thread for thread in threading.enumerate() if thread not in before)
        raise KeyboardInterrupt

    page = SimpleNamespace(launch=interrupted)
    monkeypatch.setattr(launch, "build_page", lambda *given: page)
    try:
        with pytest.raises(KeyboardInterrupt):
            launch.serve(backbone="lite")
        assert found
        assert all(thread.daemon for thread in found)
    finally:
        for thread in found:
            thread.cancel()
