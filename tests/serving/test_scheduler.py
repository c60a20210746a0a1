"""Fair turns between runs, models loaded beside them, and work that ends when nobody waits."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from glaclip.backbones.base import BackboneError
from glaclip.serving.limits import LimitError, Limits
from glaclip.serving.models import Models
from glaclip.serving.runs import Runs, StoppedError
from glaclip.serving.scheduler import PASSED, Turns
from glaclip.serving.service import Service
from glaclip.ui.launch import health_of
from tests.serving.test_service import photo, request
from tests.toy import ColorBackbone


def nothing() -> None:
    pass


def refuse() -> None:
    raise StoppedError


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The scheduler's time, which stands still until a test moves it."""
    now = [0.0]
    stopped = SimpleNamespace(perf_counter=lambda: now[0])
    monkeypatch.setattr("glaclip.serving.scheduler.time", stopped)
    return now


def test_a_short_run_passes_a_long_one() -> None:
    turns, order = Turns(100), []
    with turns.run(1, nothing) as long:
        long.work()
        long.debt = 50.0  # it has computed for long already
        waits = threading.Event()

        def short() -> None:
            with turns.run(1, waits.set) as turn:
                turn.work()
                order.append("short")

        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(short)
            assert waits.wait(30)
            long.work()
            order.append("long")
            done.result(30)
    assert order == ["short", "long"]


def test_new_runs_do_not_keep_an_older_one_waiting_for_ever(clock: list[float]) -> None:
    turns = Turns(100)
    with turns.run(1, nothing) as first, turns.run(1, nothing) as old:
        first.work()
        clock[0] += 1  # `first` has computed more than `old`
        turns.queue.append(old)
        old.starts_waiting()
        for _ in range(20):  # each new run comes with a head start and is over before it is used
            with turns.run(1, nothing) as new:
                passed = not turns.another_first(new)
            clock[0] += 1
        assert not passed
        turns.queue.remove(old)


def test_a_run_waits_for_memory_unless_it_is_alone() -> None:
    turns = Turns(100)
    with turns.run(70, nothing):
        with pytest.raises(StoppedError), turns.run(40, refuse):
            pass
        with turns.run(30, refuse):
            pass
    with turns.run(500, refuse):
        assert len(turns.runs) == 1
    assert turns.runs == turns.queue == []


def test_small_runs_do_not_keep_a_large_one_from_its_memory(clock: list[float]) -> None:
    turns, waits = Turns(100), threading.Event()

    def large() -> list[float]:
        with turns.run(80, waits.set) as turn:
            return [other.megabytes for other in turns.runs if other is not turn]

    with ThreadPoolExecutor(1) as pool:
        with turns.run(60, nothing):
            found = pool.submit(large)
            assert waits.wait(30)
            with turns.run(40, refuse):
                pass  # it takes what the large one could not use
            clock[0] += PASSED + 1
            with pytest.raises(StoppedError), turns.run(40, refuse):
                pass  # it would keep the large one waiting
        assert found.result(30) == []
    with turns.run(40, refuse):
        pass
    assert turns.runs == turns.queue == []


def test_memory_goes_to_the_run_that_came_first() -> None:
    turns, order = Turns(100), []

    def ask(name: str, waits: threading.Event) -> None:
        with turns.run(60, waits.set) as turn:
            order.append(name)
            turn.work()

    with ThreadPoolExecutor(4) as pool, turns.run(60, nothing):
        for name in "abcd":
            waits = threading.Event()
            pool.submit(ask, name, waits)
            assert waits.wait(30)
    assert order == ["a", "b", "c", "d"]


def test_a_run_that_waits_for_a_photo_of_another_lets_it_compute() -> None:
    """Two visitors bring the same photo; neither waits for the other's turn for ever."""
    backbone = ColorBackbone()
    service = Service(lambda name: backbone)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: service.answer(photo("red"), request()), range(6)))
    assert len({id(result.encoded) for result in found}) == 1
    assert service.turns.runs == []


@pytest.mark.parametrize("at", ["encode", "words", "attention", "labels"])
def test_a_run_ends_at_every_stage(at: str) -> None:
    service, runs, seen = Service(lambda name: ColorBackbone()), Runs(), []
    check = runs.start("page")

    def step(name: str, done: int, total: int) -> None:
        seen.append(name)
        if name == at:
            runs.stop("page")
        check()

    with pytest.raises(StoppedError):
        service.answer(photo("red"), request(), None, step)
    assert seen[-1] == at
    assert service.turns.runs == [], "the place is free again"
    assert service.answer(photo("red"), request()).right.labels.shape == (96, 128)


def test_clicks_and_charts_can_be_stopped() -> None:
    service = Service(lambda name: ColorBackbone())

    def stop(name: str, done: int, total: int) -> None:
        if name == "attention":
            raise StoppedError

    with pytest.raises(StoppedError):
        service.attention(photo("red"), (3, 3), request(), stop)
    with pytest.raises(StoppedError):
        service.summaries(photo("red"), request(), stop)
    with pytest.raises(StoppedError):
        service.key_colors(photo("red"), request(), stop)
    turns = []
    service.key_colors(photo("red"), request(), lambda *_: turns.append(service.turns.computing))
    assert turns
    assert None not in turns
    assert len(service.attention(photo("red"), (3, 3), request()).rungs) == 4


def test_a_main_run_ends_the_others_of_its_page_but_downloads() -> None:
    runs = Runs()
    charts, download = runs.start("page", "charts"), runs.start("page", "download")
    other = runs.start("other", "charts")
    runs.start("page")()
    with pytest.raises(StoppedError):
        charts()
    download()
    other()
    runs.stop("page")
    with pytest.raises(StoppedError):
        download()


def test_limits_hold_at_the_service() -> None:
    few = Service(lambda name: ColorBackbone(), limits=Limits(windows=2))
    with pytest.raises(LimitError, match="would take 6 windows; at most 2"):
        few.answer(photo("red"), request())
    with pytest.raises(LimitError, match="6 windows"):
        few.attention(photo("red"), (1, 1), request())
    with pytest.raises(LimitError, match="6 windows"):
        few.summaries(photo("red"), request())
    lean = Service(lambda name: ColorBackbone(), limits=Limits(memory=1))
    with pytest.raises(LimitError, match="MB of memory; at most 1 MB"):
        lean.answer(photo("red"), request())
    lite = Service(lambda name: ColorBackbone(), limits=Limits(backbones=("lite",)))
    with pytest.raises(LimitError, match="must be one of auto, lite"):
        lite.answer(photo("red"), request(backbone="clip-h14"))
    brief = Service(lambda name: ColorBackbone(), limits=Limits(seconds=0.2))
    with pytest.raises(LimitError, match="was ended; at most"):
        brief.answer(photo("red"), request(), None, lambda *_: threading.Event().wait(0.15) or None)


# ---------------------------------------------------------------------- models


def test_a_slow_load_keeps_nobody_from_another_model() -> None:
    gate = threading.Event()

    def load(name: str) -> ColorBackbone:
        if name == "slow":
            assert gate.wait(30)
        return ColorBackbone()

    service = Service(load)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.answer, photo("red"), request(backbone="slow"))
        assert service.answer(photo("blue"), request(backbone="quick")).right.labels.shape == (
            96,
            128,
        )
        assert not waiting.done()
        assert health_of(service)["loading"] == ["slow"]
        gate.set()
        assert waiting.result(30).right.labels.shape == (96, 128)


def test_a_visitor_can_leave_while_a_model_loads() -> None:
    gate = threading.Event()

    def fetch(name: str, progress: object) -> None:
        progress("download", 3, 90)  # type: ignore[operator]
        assert gate.wait(30)

    def leave(name: str, done: int, total: int) -> None:
        assert (name, done, total) == ("download", 3, 90)
        raise StoppedError

    service = Service(lambda name: ColorBackbone(), fetch=fetch)
    with pytest.raises(StoppedError):
        service.answer(photo("red"), request(), None, leave)
    gate.set()
    assert service.models.get("auto") is service.models.get("auto")


def test_two_names_of_a_model_load_it_once() -> None:
    loaded: list[str] = []

    def load(name: str) -> ColorBackbone:
        loaded.append(name)
        return ColorBackbone()

    models = Models(load, resolve=lambda name: "lite" if name == "auto" else name)
    assert models.get("auto") is models.get("lite")
    assert loaded == ["lite"]


def test_a_model_that_is_ready_as_the_wait_for_it_ends_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late, wait = threading.Event(), Future.result

    def load(name: str) -> ColorBackbone:
        assert late.wait(30)
        return ColorBackbone()

    def result(future: Future[object], timeout: float | None = None) -> object:
        try:
            return wait(future, timeout)
        except TimeoutError:
            late.set()  # it becomes ready between the time-out and the next look
            wait(future, 30)
            raise

    monkeypatch.setattr(Future, "result", result)
    assert isinstance(Models(load).get("lite").backbone, ColorBackbone)


def test_the_least_used_model_leaves() -> None:
    models = Models(lambda name: ColorBackbone(), most=2)
    first = models.get("a")
    models.get("b")
    assert models.get("a") is first
    models.get("c")
    assert models.names == ("a", "c")


def test_a_load_that_fails_unforeseen_gets_a_sentence() -> None:
    def load(name: str) -> ColorBackbone:
        raise OSError("/secret/path is broken")

    with pytest.raises(BackboneError, match="could not be loaded on this server") as caught:
        Models(load).get("lite")
    assert "/secret" not in str(caught.value)


def test_health_tells_nothing_of_visitors() -> None:
    service = Service(lambda name: ColorBackbone())
    service.answer(photo("red"), request())
    answer = health_of(service)
    assert answer["status"] == "ok"
    assert answer["models"] == ["auto"]
    assert answer["runs"] == 0
