"""The soak's short form: a few visitors for seconds, with the toy backbone."""

from __future__ import annotations

from tests.soak import CACHE, soak


def test_visitors_get_their_own_answers_and_nothing_is_lost() -> None:
    report = soak("toy", visitors=3, minutes=0.05, photos=4)
    assert report.lost == []
    assert report.wrong == 0
    assert len(report.seconds) >= 3
    assert report.cache <= CACHE
    assert "worst latency" in report.table()
