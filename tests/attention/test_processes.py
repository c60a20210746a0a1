"""The same numbers in every process: beside busy ones, and with clocks that lie."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import time
import timeit
from multiprocessing.connection import Connection

import torch

from glaclip.attention import attend
from glaclip.backbones import registry
from glaclip.benchmark.dense import clustered_tokens
from glaclip.settings import PRECISIONS, AttentionSettings
from tests.fresh import fresh

CLOCKS = ("perf_counter", "monotonic", "time", "process_time", "thread_time")


def answer(seed: int, say: Connection) -> None:
    """Says hashes of attention in both precisions, and the embedded backbone's fingerprint."""
    steps = random.Random(seed)
    now = itertools.accumulate(map(steps.expovariate, itertools.repeat(1)))
    for clock in CLOCKS:
        setattr(time, clock, lambda: next(now))
        setattr(time, f"{clock}_ns", lambda: int(1e9 * next(now)))
    timeit.default_timer = time.perf_counter
    torch.set_num_threads(1)
    keys, values = clustered_tokens((2, 400, 64, 16))
    found = []
    for precision in PRECISIONS:
        settings = AttentionSettings(threshold=0.55, precision=precision)
        numbers = attend(keys, values, settings).numpy().tobytes()
        found.append(hashlib.sha256(numbers).hexdigest())
    say.send((*found, registry.load("lite").fingerprint))


def be_busy() -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        pass


def test_six_processes_beside_busy_ones_give_one_answer() -> None:
    context = fresh()
    busy = [context.Process(target=be_busy, daemon=True) for _ in range(2)]
    heard, spoken = context.Pipe(duplex=False)
    asked = [context.Process(target=answer, args=(seed, spoken)) for seed in range(6)]
    for process in (*busy, *asked):
        process.start()
    spoken.close()
    try:
        answers = {heard.recv() for _ in asked}
    finally:
        for process in (*busy, *asked):
            process.kill()
            process.join()
    assert len(answers) == 1
