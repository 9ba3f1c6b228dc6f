"""A secret that is given away once: whenever the process dies, it is neither lost nor left behind.

What signs was deleted by hand and is made again, or it is rotated, or its old object retired, and the process that
does so ends itself with SIGKILL before, after or inside a record of the journal, before or after a request, an fsync,
or a step of the store that keeps the secret in a file. Then a process of its own recovers, or takes it back.

By default a seeded sample is tried; ``RECONCILER_LONG=1`` tries every boundary.
"""

from __future__ import annotations

import random
from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.killing.nights import APPLY, CONSENT, RECOVER, RETIRE, ROTATE, UNDO
from tests.killing.runs import Cut
from tests.killing.secret_shop import DEPLOYS, PAYMENTS, Wired
from tests.killing.test_killing import IS_LONG, SEED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.killing.nights import Night

SIDES = {
    "append": ("before", "torn", "after"),
    "request": ("before", "after"),
    "fsync": ("before", "after"),
    "store": ("before", "after"),
}
RECREATE = {"append": 7, "request": 22, "fsync": 25, "store": 4}
"""Records, requests, fsyncs and steps of the secret store in a run that nothing disturbs."""
HOOK = {"append": 7, "request": 23, "fsync": 25, "store": 4}
ROTATION = {"append": 8, "request": 22, "fsync": 28, "store": 8}
RETIREMENT = {"append": 5, "request": 23, "fsync": 22, "store": 1}
GOING_BACK = {"append": 9, "request": 23, "fsync": 27, "store": 4}


def cuts(most: Mapping[str, int], *sizes: int) -> list[Cut]:
    """Return where to cut off: everywhere in the long form, else so many records, requests, fsyncs and steps."""
    chance = random.Random(SEED)  # noqa: S311 - a choice of tests
    chosen: list[Cut] = []
    for at, size in zip(most, sizes, strict=True):
        every = [Cut(at, n, side) for n in range(1, most[at] + 1) for side in SIDES[at]]
        chosen += every if IS_LONG else chance.sample(every, min(size, len(every)))
    return chosen


@pytest.mark.parametrize("cut", cuts(GOING_BACK, 3, 0, 0, 1), ids=str)
def test_an_undo_of_a_rotation_that_was_killed_is_finished(night: Night, cut: Cut) -> None:
    (first,) = night.secrets(PAYMENTS)
    night.done(*ROTATE)

    night.settled(UNDO, cut)

    night.assert_first_is_back(first)


def pairs(size: int) -> list[tuple[Cut, Cut]]:
    """Return two cuts each: one while secrets are made and kept, one of the recovery."""
    chance = random.Random(SEED)  # noqa: S311 - a choice of tests
    first = [Cut("append", n, side) for n in range(2, 7) for side in SIDES["append"]]
    first += [Cut("store", n, side) for n in range(1, 4) for side in SIDES["store"]]
    second = [Cut("append", n, side) for n in range(1, 6) for side in SIDES["append"]]
    second += [Cut("store", 1, side) for side in SIDES["store"]]
    return chance.sample(list(product(first, second)), size)


@pytest.mark.parametrize("cut", cuts(RECREATE, 3, 2, 1, 2), ids=str)
def test_an_endpoint_that_was_deleted_has_one_new_secret_everywhere(night: Night, cut: Cut) -> None:
    first = night.lose(PAYMENTS)

    night.settled(APPLY, cut)

    night.assert_green()
    night.assert_gone(first)


@pytest.mark.parametrize("cut", cuts(RECREATE, 3, 1, 0, 1), ids=str)
def test_a_recreate_that_is_taken_back_leaves_no_endpoint_behind(night: Night, cut: Cut) -> None:
    first = night.lose(PAYMENTS)

    if night.settled(APPLY, cut, "--undo", *CONSENT, proves=False):
        assert night.secrets(PAYMENTS) == []

    night.done(*APPLY)
    night.assert_green()
    night.assert_gone(first)


@pytest.mark.parametrize("cut", cuts(HOOK, 2, 2, 0, 2), ids=str)
def test_a_webhook_whose_create_is_not_replayed_is_there_once_with_its_secret(
    night: Night, cut: Cut
) -> None:
    first = night.lose(DEPLOYS)

    night.settled(APPLY, cut)

    night.assert_green()
    night.assert_gone(first)


@pytest.mark.parametrize("cut", cuts(HOOK, 2, 1, 0, 0), ids=str)
def test_a_webhook_that_is_taken_back_is_not_left_behind(night: Night, cut: Cut) -> None:
    first = night.lose(DEPLOYS)

    if night.settled(APPLY, cut, "--undo", *CONSENT):
        assert night.secrets(DEPLOYS) == []

    night.done(*APPLY)
    night.assert_green()
    night.assert_gone(first)


@pytest.mark.parametrize("cut", cuts(ROTATION, 3, 1, 0, 3), ids=str)
def test_a_rotation_that_was_killed_is_finished_and_can_still_be_undone(
    night: Night, cut: Cut
) -> None:
    (first,) = night.secrets(PAYMENTS)

    night.settled(ROTATE, cut)

    night.assert_rotated(first)
    night.done(*UNDO)
    night.assert_green(store=("deploys", "payments", "payments@1"))
    assert night.secrets(PAYMENTS) == [first]


@pytest.mark.parametrize("cut", cuts(ROTATION, 3, 0, 0, 2), ids=str)
def test_a_rotation_that_is_taken_back_leaves_the_first_secret_alone(
    night: Night, cut: Cut
) -> None:
    (first,) = night.secrets(PAYMENTS)

    if not night.settled(ROTATE, cut, "--undo", *CONSENT) and len(night.secrets(PAYMENTS)) > 1:
        night.done(*UNDO)

    night.assert_first_is_back(first)
    again = night.run(ROTATE, RETIRE)
    assert again.codes == (0, 0), again.said
    night.assert_green()
    night.assert_gone(first)


@pytest.mark.parametrize("cut", cuts(RETIREMENT, 2, 1, 0, 1), ids=str)
def test_a_retirement_that_was_killed_leaves_nothing_of_the_old_secret(
    night: Night, cut: Cut
) -> None:
    (first,) = night.secrets(PAYMENTS)
    night.done(*ROTATE)

    night.settled(RETIRE, cut)

    night.assert_green()
    night.assert_gone(first)


@pytest.mark.parametrize(("first", "second"), pairs(40 if IS_LONG else 2), ids=str)
@pytest.mark.parametrize("wired", [PAYMENTS, DEPLOYS], ids=lambda one: one.file)
def test_a_recovery_that_was_killed_is_recovered(
    night: Night, wired: Wired, first: Cut, second: Cut
) -> None:
    lost = night.lose(wired)
    night.run(APPLY, cut=first)
    night.run(RECOVER, cut=second)

    night.done(*RECOVER)

    night.assert_green()
    night.assert_gone(lost)


@pytest.mark.parametrize(("first", "second"), pairs(40 if IS_LONG else 2), ids=str)
def test_a_recovery_of_a_rotation_that_was_killed_is_recovered(
    night: Night, first: Cut, second: Cut
) -> None:
    (old,) = night.secrets(PAYMENTS)
    night.run(ROTATE, cut=first)
    night.run(RECOVER, cut=second)

    night.done(*RECOVER)

    night.assert_rotated(old)


def test_an_undo_after_an_undo_changes_nothing(night: Night) -> None:
    night.lose(PAYMENTS)
    night.settled(APPLY, Cut("append", 6, "after"), "--undo", *CONSENT, proves=False)

    again = night.run(UNDO)

    assert again.status in {0, 3}, again.said  # as before: the shop takes no events
    assert "FAILED   vercel" not in again.said
    assert night.secrets(PAYMENTS) == []


@pytest.mark.parametrize("at", list(SIDES) if IS_LONG else ["append"])
@pytest.mark.parametrize(
    ("command", "most"),
    [(APPLY, RECREATE), (ROTATE, ROTATION), (UNDO, GOING_BACK)],
    ids=["recreate", "rotation", "undo"],
)
def test_the_matrix_covers_every_boundary(
    night: Night, command: Sequence[str], most: Mapping[str, int], at: str
) -> None:
    if command is APPLY:
        night.lose(PAYMENTS)
    if command is UNDO:
        night.done(*ROTATE)

    ended = night.run(command, cut=Cut(at, most[at] + 1, "before"))

    assert ended.status == 0, ended.said
