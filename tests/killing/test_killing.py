"""The kill matrix: whenever the process dies, ``recover`` ends with exactly what was declared.

A real process applies nineteen changes of three kinds and ends itself with SIGKILL before or after a record of the
journal, a request, or an fsync, or in the middle of a record; or it is killed from outside at a random instant.
Then a process of its own recovers.

By default a seeded sample is tried. ``RECONCILER_LONG=1`` tries every boundary and many instants: more than 200
kills, in about two minutes.
"""

from __future__ import annotations

import os
import random
import select
import signal
from typing import TYPE_CHECKING

import pytest

from tests.killing import shop
from tests.killing.runs import CONSENT, KILLED, Cut

if TYPE_CHECKING:
    from tests.killing.runs import Stage

IS_LONG = bool(os.environ.get("RECONCILER_LONG"))
SEED = 20261120

APPENDS = 42
"""Records of an apply that nothing disturbs."""
FEWER_APPENDS = 27
"""Records of one that makes only what can be wholly taken back."""
REQUESTS = 50
"""Requests of it; how often a job is asked after depends on what else is asked."""
FSYNCS = 54
SECONDS = 0.3

EVERY = (
    *(
        Cut("append", n, side)
        for n in range(1, APPENDS + 1)
        for side in ("before", "torn", "after")
    ),
    *(Cut("request", n, side) for n in range(1, REQUESTS + 1) for side in ("before", "after")),
    *(Cut("fsync", n, side) for n in range(1, FSYNCS + 1) for side in ("before", "after")),
)


def sample(several: tuple[Cut, ...], size: int) -> tuple[Cut, ...]:
    """Return the cuts to try: all of them in the long form, else so many."""
    if IS_LONG:
        return several
    return tuple(random.Random(SEED).sample(several, size))  # noqa: S311 - a choice of tests


def of(at: str) -> tuple[Cut, ...]:
    return tuple(cut for cut in EVERY if cut.at == at)


def instants(size: int) -> list[float]:
    chance = random.Random(SEED)  # noqa: S311 - a choice of tests
    return [number / 1000 for number in chance.sample(range(1, round(SECONDS * 1000)), size)]


def pairs(size: int) -> list[tuple[Cut, Cut]]:
    """Return two cuts each: one of the apply, one of the recovery."""
    chance = random.Random(SEED)  # noqa: S311 - a choice of tests
    first = [cut for cut in EVERY if cut.at != "fsync"]
    return [
        (
            chance.choice(first),
            Cut("append", chance.randint(1, 12), chance.choice(["before", "after"])),
        )
        for _ in range(size)
    ]


def test_the_matrix_covers_every_boundary(stage: Stage) -> None:
    ended = stage.apply()

    assert ended.status == 0, ended.said
    (run,) = stage.runs
    assert len(stage.journal(run)) == APPENDS
    assert len(stage.world.asked()) >= REQUESTS
    stage.assert_settled()


@pytest.mark.parametrize(
    "cut", [*sample(of("append"), 5), *sample(of("request"), 3), *sample(of("fsync"), 2)], ids=str
)
def test_a_run_that_was_killed_is_finished_by_recover(stage: Stage, cut: Cut) -> None:
    killed = stage.apply(cut=cut._asdict())
    assert killed.status == KILLED, killed.said

    settle(stage)

    stage.assert_settled()


@pytest.mark.parametrize("after", instants(60 if IS_LONG else 2))
def test_a_run_that_was_killed_at_any_instant_is_finished_by_recover(
    stage: Stage, after: float
) -> None:
    process = stage.start(["apply", "shop", "--yes", *CONSENT])
    select.select([], [], [], after)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    settle(stage)

    stage.assert_settled()


@pytest.mark.parametrize(("first", "second"), pairs(60 if IS_LONG else 2))
def test_a_recovery_that_was_killed_is_recovered(stage: Stage, first: Cut, second: Cut) -> None:
    stage.apply(cut=first._asdict())
    stage.recover(cut=second._asdict())

    settle(stage)

    stage.assert_settled()


@pytest.mark.parametrize("cut", sample(of("append")[3 : 3 * FEWER_APPENDS], 3), ids=str)
def test_a_run_that_was_killed_is_taken_back_by_recover_undo(stage: Stage, cut: Cut) -> None:
    shop.declare(stage.folder, stage.world, shop.REVERSIBLE)
    killed = stage.apply(cut=cut._asdict())
    assert killed.status == KILLED, killed.said

    undone = stage.recover("--undo")

    assert undone.status == 0, undone.said
    shop.assert_as_before(stage.world)
    stage.assert_nothing_left_to_recover()


@pytest.mark.parametrize("cut", sample(of("append")[3:16], 1), ids=str)
def test_an_undo_that_was_killed_is_finished_by_recover(stage: Stage, cut: Cut) -> None:
    shop.declare(stage.folder, stage.world, shop.REVERSIBLE)
    stage.apply(cut=Cut("append", 20, "after")._asdict())
    stage.recover("--undo", cut=cut._asdict())

    undone = stage.recover()

    assert undone.status == 0, undone.said
    shop.assert_as_before(stage.world)
    stage.assert_nothing_left_to_recover()


@pytest.mark.parametrize("cut", sample(of("request")[10:], 1), ids=str)
def test_what_was_deleted_is_made_again_by_recover_undo(stage: Stage, cut: Cut) -> None:
    stage.apply(cut=cut._asdict())

    undone = stage.recover("--undo", *CONSENT)

    assert undone.status == 0, undone.said
    shop.assert_as_before_but_for_lost_ids(stage.world)
    stage.assert_nothing_left_to_recover()


@pytest.mark.parametrize("reads", range(3, 12) if IS_LONG else [8])
def test_a_move_of_production_that_is_still_under_way_is_waited_for(
    stage: Stage, reads: int
) -> None:
    shop.seed(stage.world, reads_until_done=reads)
    move = shop.pointer("dpl_older_40")
    shop.declare(stage.folder, stage.world, (move,))
    stage.world.forget()
    process = stage.start(["apply", "shop", "--yes"], cut=Cut("append", 3, "before")._asdict())
    stage.wait_for(lambda: bool(stage.world.writes()))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    recovered = stage.recover()

    assert recovered.status == 0, recovered.said
    shop.assert_production(shop.Live(stage.world), "dpl_older_40")
    assert len(stage.world.writes()) == 1


def test_a_run_that_was_killed_while_it_waited_for_a_confirmation_is_taken_back(
    stage: Stage,
) -> None:
    shop.declare(stage.folder, stage.world, shop.REVERSIBLE)
    process = stage.start(["apply", "shop", "--yes", "--confirm-within", "2s"])
    stage.wait_for(stage.awaits_confirmation)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    recovered = stage.recover()

    assert recovered.status == 3, recovered.said
    shop.assert_as_before(stage.world)
    stage.assert_nothing_left_to_recover()


def settle(stage: Stage) -> None:
    """Recover; where the run had not begun yet, there is nothing to recover, and it is applied again."""
    recovered = stage.recover()
    assert recovered.status == 0, recovered.said
    if "Nothing to recover" in recovered.said:
        assert "Run" not in recovered.said
        applied = stage.apply()
        assert applied.status == 0, applied.said
