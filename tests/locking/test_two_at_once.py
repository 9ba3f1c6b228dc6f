"""Two applies at once: one works, the other says so and has written nothing.

Three rounds by default, twenty with ``RECONCILER_LONG=1``.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.killing import shop
from tests.killing.runs import CONSENT, KILLED, Cut

if TYPE_CHECKING:
    from tests.killing.runs import Stage

IS_LONG = bool(os.environ.get("RECONCILER_LONG"))
CALLS = 17
"""The write calls of one apply."""


@pytest.mark.parametrize("round_", range(20 if IS_LONG else 3))
def test_of_two_applies_at_once_one_works_and_the_other_writes_nothing(
    stage: Stage, round_: int
) -> None:
    del round_
    for name in ("one", "two"):
        assert stage.run(["plan", "shop", "-o", f"{name}.json", *CONSENT]).status == 0
    stage.world.forget()

    both = [stage.start(["apply", "shop", f"{name}.json", "--yes"]) for name in ("one", "two")]
    ended = [process.wait() for process in both]

    assert sorted(one.status for one in ended) == [0, 6], [one.said for one in ended]
    assert len(stage.world.writes()) == CALLS
    (loser,) = (one for one in ended if one.status == 6)
    assert " done " not in loser.said
    stage.assert_settled()


def test_a_plan_that_two_apply_at_once_is_applied_once(stage: Stage) -> None:
    assert stage.run(["plan", "shop", "-o", "plan.json", *CONSENT]).status == 0
    stage.world.forget()

    both = [stage.start(["apply", "shop", "plan.json", "--yes"]) for _ in range(2)]
    ended = [process.wait() for process in both]

    assert sorted(one.status for one in ended) == [0, 6], [one.said for one in ended]
    assert len(stage.world.writes()) == CALLS
    assert len(stage.runs) == 1


def test_the_lease_of_a_process_that_died_is_taken_over_at_once_and_told(stage: Stage) -> None:
    killed = stage.apply(cut=Cut("append", 9, "after")._asdict())
    assert killed.status == KILLED

    recovered = stage.recover()

    assert recovered.status == 0, recovered.said
    (run,) = stage.runs
    records = stage.journal(run)
    (takeover,) = (record for record in records if record["event"] == "recovering")
    assert f"apply {run}" in takeover["took_over"]
    fences = sorted({record["fence"] for record in records})
    assert len(fences) == 2
    assert takeover["fence"] == fences[1]


def test_while_a_process_is_stopped_within_its_lease_nobody_else_works(stage: Stage) -> None:
    flag = stage.folder / "stopped"
    holder = stage.start(
        ["apply", "shop", "--yes", *CONSENT],
        pause=Cut("append", 5, "after")._asdict(),
        flag=str(flag),
    )
    stage.wait_for(flag.exists)
    stage.world.forget()

    others = [stage.recover(), stage.recover("--undo"), stage.apply()]

    assert [one.status for one in others] == [6, 6, 6]
    assert stage.world.writes() == ()
    os.kill(holder.pid, signal.SIGCONT)
    assert holder.wait().status == 0
    stage.assert_settled()


SEQUENTIAL = tuple(item for item in shop.AFTER if item["kind"] == "vercel.env_var")
"""Variables are written one call after the other, so that no other call is on its way when the process stops."""
PAUSES = (
    Cut("append", 2, "after"),
    Cut("append", 4, "before"),
    Cut("append", 4, "after"),
    Cut("append", 6, "after"),
)


@pytest.mark.parametrize("pause", PAUSES, ids=str)
@pytest.mark.parametrize("successor", ["", "recover", "recover --undo"])
def test_a_holder_that_was_stopped_for_longer_than_its_lease_writes_nothing_when_it_wakes(
    stage: Stage, pause: Cut, successor: str
) -> None:
    shop.declare(stage.folder, stage.world, tuple(map(settled, SEQUENTIAL)))
    flag = stage.folder / "stopped"
    consent = ("--allow-replace", shop.REPLACED[1])
    holder = stage.start(
        ["apply", "shop", "--yes", *consent], pause=pause._asdict(), flag=str(flag), lease=0.6
    )
    stage.wait_for(flag.exists)
    stage.wait_for(stage.lease_has_expired)
    if successor:
        works = stage.run([*successor.split(), "shop", "--yes", *consent])
        assert works.status == 0, works.said
    stage.world.forget()

    os.kill(holder.pid, signal.SIGCONT)
    woken = holder.wait()

    assert woken.status == 6, woken.said
    assert stage.world.writes() == ()
    verified = stage.run(["history", "shop", "--verify"])
    assert verified.status == 0, verified.said


def settled(item: shop.State) -> shop.State:
    """Return a variable that refers to no endpoint."""
    spec = dict(item["spec"])
    if "${ref:" in spec["value"]:
        spec["value"] = shop.token("B") if spec["type"] != "plain" else "settled"
    return {**item, "spec": spec}
