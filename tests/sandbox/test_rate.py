from __future__ import annotations

import pytest

from reconciler.sandbox.rate import Bucket, take


def waits(rate: float, times: list[float]) -> list[float]:
    bucket: Bucket | None = None
    found: list[float] = []
    for now in times:
        bucket, wait = take(bucket, rate, now)
        found.append(wait)
    return found


@pytest.mark.parametrize("rate", [0.5, 1, 25, 100])
def test_a_paced_client_never_waits(rate: float) -> None:
    times = [number / rate for number in range(500)]

    assert set(waits(rate, times)) == {0.0}


def test_a_burst_passes_up_to_the_rate_and_then_waits() -> None:
    found = waits(25, [0.0] * 26)

    assert found[:25] == [0.0] * 25
    assert found[25] == pytest.approx(1 / 25)


def test_who_waits_as_told_passes() -> None:
    burst = [0.0] * 4
    (wait,) = waits(4, [*burst, 0.0])[4:]

    assert waits(4, [*burst, wait])[4] == 0.0
