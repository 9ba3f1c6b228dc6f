from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.wire.profile import Complaint
from reconciler.wire.retrying import (
    ATTEMPTS,
    LONGEST_WAIT,
    Failure,
    retry_after,
    wait_after,
)

NOW = 1_782_000_000.0  # Sun, 21 Jun 2026 00:00:00 GMT


def failure(*, asked: float | None = None, is_retryable: bool = True) -> Failure:
    return Failure("", 503, Complaint(), "", asked, may_have_acted=False, is_retryable=is_retryable)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": " 1.5 "}, 1.5),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "Sun, 21 Jun 2026 00:02:00 GMT"}, 120),
        ({"Retry-After": "Sun, 21 Jun 2026 00:02:00 -0000"}, 120),
        ({"Retry-After": "Sat, 20 Jun 2026 00:00:00 GMT"}, 0),
        (
            {
                "Retry-After": "Wed, 01 Jan 2020 00:00:09 GMT",
                "Date": "Wed, 01 Jan 2020 00:00:00 GMT",
            },
            9,
        ),
        ({"Retry-After": "Sun, 21 Jun 2026 00:00:05 GMT", "Date": "yesterday"}, 5),
        ({}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "1e9"}, None),
        ({"Retry-After": "9" * 400}, None),
        ({"Retry-After": "Sun, 99 Jun 2026 00:02:00 GMT"}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(httpx.Headers(headers), NOW) == seconds


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])), st.text("0123456789:, "))
def test_no_retry_after_breaks_the_retry(text: str, date: str) -> None:
    seconds = retry_after(httpx.Headers({"Retry-After": text, "Date": date}), NOW)

    assert seconds is None or seconds >= 0


chances = st.floats(0, 1, exclude_max=True)
attempts = st.integers(1, ATTEMPTS - 1)


@given(attempts, chances)
def test_a_wait_is_at_most_doubled_and_at_most_halved_by_chance(
    attempt: int, chance: float
) -> None:
    full = 0.5 * 2 ** (attempt - 1)

    wait = wait_after(failure(), attempt, chance)

    assert wait is not None
    assert full / 2 <= wait <= full


@given(attempts, chances, st.floats(0, LONGEST_WAIT))
def test_a_wait_is_never_shorter_than_asked(attempt: int, chance: float, asked: float) -> None:
    wait = wait_after(failure(asked=asked), attempt, chance)

    assert wait is not None
    assert asked <= wait <= LONGEST_WAIT


@pytest.mark.parametrize(
    ("given_up", "attempt"),
    [
        (failure(is_retryable=False), 1),
        (failure(), ATTEMPTS),
        (failure(asked=LONGEST_WAIT + 1), 1),
    ],
)
def test_giving_up(given_up: Failure, attempt: int) -> None:
    assert wait_after(given_up, attempt, 0.0) is None
