from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.wire.pacing import Pacer, Timing


@dataclass
class FakeTime:
    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    @property
    def timing(self) -> Timing:
        return Timing(lambda: self.now, lambda: self.now, self.sleep, lambda: 0.0)


def departures(pacer: Pacer, time: FakeTime, idle: list[float]) -> list[float]:
    """Take a token after each idle time; return when each was given."""
    gone = []
    for seconds in idle:
        time.now += seconds
        pacer.take()
        gone.append(time.now)
    return gone


@given(
    rate=st.integers(2, 100),
    share=st.floats(0, 1),
    idle=st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.3, 2.0]), max_size=200),
)
def test_no_second_holds_more_requests_than_the_rate(
    rate: int, share: float, idle: list[float]
) -> None:
    time = FakeTime()
    pacer = Pacer(rate, max(1, int((rate - 1) * share)), time.timing)

    gone = departures(pacer, time, idle)

    for start in gone:
        assert sum(start <= moment < start + 1 - 1e-6 for moment in gone) <= rate


def test_a_few_requests_do_not_wait() -> None:
    time = FakeTime()

    departures(Pacer(25, 3, time.timing), time, [0.0] * 3)

    assert time.slept == []


def test_nobody_leaves_while_the_vendor_asks_to_wait() -> None:
    time = FakeTime()
    pacer = Pacer(25, 3, time.timing)

    pacer.slow_down(30)
    gone = departures(pacer, time, [0.0] * 4)

    assert gone[0] >= 30


def test_429_halves_the_pace_and_good_answers_bring_it_back() -> None:
    time = FakeTime()
    pacer = Pacer(25, 3, time.timing)

    pacer.slow_down(0)
    slow = departures(pacer, time, [0.0] * 200)

    assert slow[1] - slow[0] == pytest.approx(1 / 11, rel=0.05)
    assert slow[-1] - slow[-2] == pytest.approx(1 / 22)


def test_429_answers_to_requests_under_way_together_count_once() -> None:
    time = FakeTime()
    pacer = Pacer(25, 3, time.timing)

    for _ in range(20):
        pacer.slow_down(0)
    gone = departures(pacer, time, [0.0] * 2)

    assert gone[1] - gone[0] == pytest.approx(1 / 11, rel=0.05)


def test_endless_429_answers_do_not_stop_the_clock() -> None:
    time = FakeTime()
    pacer = Pacer(25, 3, time.timing)

    for _ in range(100):
        pacer.slow_down(0)
        time.now += 2
    gone = departures(pacer, time, [0.0] * 10)

    assert gone[-1] - gone[-2] < 1


def test_a_shorter_wait_does_not_cut_a_longer_one_short() -> None:
    time = FakeTime()
    pacer = Pacer(25, 3, time.timing)

    pacer.slow_down(30)
    pacer.slow_down(1)
    pacer.take()

    assert time.now >= 30


def test_threads_share_one_pace() -> None:
    time = FakeTime()
    pacer = Pacer(25, 3, time.timing)

    def take_twenty() -> None:
        for _ in range(20):
            pacer.take()

    threads = [threading.Thread(target=take_twenty) for _ in range(10)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert time.now == pytest.approx(197 / 22)


@pytest.mark.parametrize(("rate", "burst"), [(5, 5), (5, 0), (1, 2)])
def test_a_pace_that_could_never_send_is_refused(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="burst"):
        Pacer(rate, burst, FakeTime().timing)
