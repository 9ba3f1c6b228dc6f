"""Records: the lock, snapshots, runs and the freeze."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.cli.workspace import SystemClock
from reconciler.stores.lease import take_lease
from tests.cli.doctoring.looking import cut_off, look, set_clocks

if TYPE_CHECKING:
    import pytest

    from tests.cli.conftest import Hands, Shop


def test_a_held_lock_is_told_with_its_holder(well: Shop) -> None:
    take_lease(well.snapshots, "apply p1", SystemClock())

    found = look(well)

    assert found.code == 0
    assert found["lock"]["standing"] == "warn"
    assert "held by apply p1: process" in found["lock"]["found"]
    assert found["lock"]["mend"] == "reconciler history sandbox"


def test_an_expired_lock_is_told(well: Shop) -> None:
    take_lease(well.snapshots, "apply p1", SystemClock(), lasts=timedelta(milliseconds=1))

    lock = look(well)["lock"]

    assert lock["standing"] == "warn"
    assert lock["found"].startswith("expired")
    assert lock["mend"] == "reconciler recover sandbox"


def test_a_lock_that_cannot_be_read_is_told(well: Shop) -> None:
    (well.snapshots / ".lock.json").write_text("{", encoding="utf-8")

    found = look(well)

    assert found.code == 1
    assert found["lock"]["mend"].startswith("rm ")


def test_a_run_that_was_cut_off_is_told(well: Shop) -> None:
    run = cut_off(well)

    found = look(well)

    assert found.code == 1
    assert run in found["runs"]["found"]
    assert found["runs"]["mend"] == "reconciler recover sandbox"


def test_a_run_under_a_held_lock_may_be_under_way(well: Shop) -> None:
    cut_off(well)
    take_lease(well.snapshots, "apply p1", SystemClock())

    assert look(well)["runs"]["standing"] == "warn"


def test_a_folder_without_a_snapshot_has_nothing_to_go_back_to(shop: Shop, hands: Hands) -> None:
    set_clocks(shop, hands)

    found = look(shop)

    assert found.code == 0
    assert found["base"]["standing"] == "warn"
    assert found["base"]["mend"].startswith("reconciler snapshot sandbox --label good")


def test_a_snapshot_that_nobody_called_good_is_told(shop: Shop, hands: Hands) -> None:
    shop.done("snapshot", "sandbox")
    hands.skip(hours=30)
    set_clocks(shop, hands)

    base = look(shop)["base"]

    assert base["standing"] == "warn"
    assert "taken 30 h ago; none is labelled as good" in base["found"]


def test_a_store_that_cannot_be_written_is_told(
    well: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)

    found = look(well)

    assert found.code == 1
    assert found["store"]["mend"] == f"chmod u+wx {well.snapshots}"


def test_a_snapshot_that_was_altered_is_told(well: Shop) -> None:
    (path,) = well.snapshots.glob("*.jsonl")
    path.write_text(path.read_text(encoding="utf-8").replace("we_payments", "we_p4yments"))

    found = look(well)

    assert found.code == 1
    assert "was altered or cut off" in found["records"]["found"]
    assert "restore the file from Git" in found["records"]["mend"]


def test_a_journal_that_was_altered_is_told(well: Shop) -> None:
    well.click(url="https://old.example/stripe")
    run = str(well.done("apply", "sandbox", "--yes", "--format", "json").json["run"])
    journal = well.snapshots / "runs" / run / "journal.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    journal.write_text("".join([*lines[:1], *lines[2:]]), encoding="utf-8")

    found = look(well)

    assert found["records"]["standing"] == "fail"
    assert found["records"]["mend"] == "reconciler history sandbox --verify"


def test_a_freeze_is_told(well: Shop) -> None:
    well.done("freeze", "sandbox", "--until", "6h", "--reason", "Black Friday")

    freeze = look(well)["freeze"]

    assert freeze["standing"] == "warn"
    assert "Black Friday" in freeze["found"]
    assert freeze["mend"] == "reconciler freeze sandbox --off"


def test_labels_that_cannot_be_read_are_told_once_and_the_rest_goes_on(well: Shop) -> None:
    (well.snapshots / "labels.json").write_text("{", encoding="utf-8")

    found = look(well)

    assert found.code == 1
    assert "labels.json: not readable" in found["base"]["found"]
    assert found["store"]["standing"] == "ok"
    assert found["runs"]["standing"] == "ok"
