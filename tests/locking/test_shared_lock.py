"""The shared lock while many want it, and some die or are stopped with it.

Twenty processes with a hundred rounds each with ``RECONCILER_LONG=1``; a short, seeded form otherwise.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.stores.chain import problems_in, records_in
from tests.locking import contending

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.stores.firestore.failures import Place
    from reconciler.stores.firestore.store import Documents

Event = tuple[str, int, int, float]
IS_LONG = bool(os.environ.get("RECONCILER_LONG"))
PROCESSES, ROUNDS = (20, 100) if IS_LONG else (5, 5)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def documents(place: Place) -> Iterator[Documents]:
    found = contending.documents(place.collection)
    yield found
    found.close()


def contended(place: Place, log: Path, seed: int) -> list[Event]:
    """Let processes contend, and return what they told."""
    words = [str(PROCESSES), str(ROUNDS), str(seed), place.collection, str(log)]
    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, contending.__file__, *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=1800 if IS_LONG else 120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ended.returncode == 0, ended.stderr
    return contending.events(log)


def violations(told: list[Event]) -> list[str]:
    """Return when the lease was given to somebody before it had run out for the one before, who had not given it back.

    By the numbers, not by the order of the log: a process may be late to tell that it holds the lease.
    """
    entered = {
        fence: (place, at) for place, (name, fence, _, at) in enumerate(told) if name == "enter"
    }
    ended = {
        fence: place
        for place, (name, fence, *_) in enumerate(told)
        if name in {"die", "fenced", "leave"}
    }
    found = []
    for one, other in pairwise(sorted(entered)):
        place, until = entered[other]
        was_over = ended.get(one, len(told)) < place
        if not was_over and until - contending.LASTS.total_seconds() < entered[one][1]:
            found.append(f"{other} entered beside {one}")
    return found


def test_no_two_hold_the_lock_whoever_dies_or_sleeps_with_it(
    place: Place, documents: Documents, tmp_path: Path
) -> None:
    told = contended(place, tmp_path / "log", seed=7)

    assert violations(told) == []
    entered = [fence for name, fence, *_ in told if name == "enter"]
    assert len(entered) == len(set(entered)), "no two holders have one number"
    counts = Counter(name for name, *_ in told)
    assert counts["leave"] == PROCESSES * ROUNDS
    assert counts["die"] > 0
    stopped = {fence for name, fence, *_ in told if name == "stop"}
    assert stopped != set()
    assert {fence for name, fence, *_ in told if name == "fenced"} >= stopped
    runs = dict.fromkeys(contending.run_of(fence) for fence in sorted(entered))
    journals = [documents.journal_lines(run) for run in runs]
    fences = [record["fence"] for lines in journals for record in records_in(lines)]
    assert fences == sorted(fence for name, fence, *_ in told if name == "leave")
    assert [problem for lines in journals for problem in problems_in(lines)] == []
