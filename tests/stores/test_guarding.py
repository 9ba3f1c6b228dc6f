"""No file is written in which a secret value stands; what is said to people is masked instead."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.core.errors import Refused
from reconciler.core.guard import Freeze
from reconciler.core.masking import MASK, Masker
from reconciler.core.state import Unreadable
from reconciler.stores.atomic import write_text
from reconciler.stores.guarding import Guard, stands_in
from reconciler.stores.journal import FileJournal, problems_of
from reconciler.stores.labels import Label

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.core.state import Snapshot
    from reconciler.stores.records import Records
    from tests.stores.conftest import Clock, Opens

VALUE = "sk_live_9f8e7d6c5b4a"


@pytest.fixture
def guard() -> Guard:
    return Guard(Masker([VALUE, "production"]))


@pytest.fixture
def guarded(open_store: Opens, guard: Guard) -> Records:
    return open_store(guard)


def test_a_text_with_a_secret_is_not_written(tmp_path: Path, guard: Guard) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    with pytest.raises(Refused) as refused:
        write_text(path, f'{{"description": "key {VALUE}"}}', guard)

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    assert '"description": "key ' in refused.value.detail
    assert VALUE not in refused.value.detail


def test_a_word_that_is_also_a_secret_does_not_stop_everything(
    tmp_path: Path, guard: Guard
) -> None:
    write_text(tmp_path / "a", "environment: production", guard)

    assert (tmp_path / "a").read_text() == "environment: production"


def test_what_the_users_own_files_say_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "environment.yaml").write_text("account: acct_1A2b3C\n")
    guard = Guard(Masker(["acct_1A2b3C", VALUE]), lambda form: stands_in(tmp_path, form))

    write_text(tmp_path / "a", "acct_1A2b3C", guard)

    with pytest.raises(Refused):
        write_text(tmp_path / "b", f"acct_1A2b3C {VALUE}", guard)


def test_a_snapshot_with_a_secret_is_refused(
    guarded: Records, snapshot_of: Callable[..., Snapshot]
) -> None:
    with pytest.raises(Refused):
        guarded.save(snapshot_of(description=f"key {VALUE}"))

    assert list(guarded.headers()) == []


def test_a_reason_is_masked_before_the_snapshot_is_sealed(
    guarded: Records, snapshot_of: Callable[..., Snapshot]
) -> None:
    lost = Unreadable(kind="vercel.env_var", reason="refused", detail=f"said {VALUE}")
    taken = snapshot_of(url="https://a")
    header = taken.header.model_copy(update={"unreadable": (lost,)})

    saved = guarded.save(taken._replace(header=header))

    (found,) = guarded.load(saved.id).header.unreadable
    assert found.detail == f"said {MASK}"


def test_a_plan_with_a_secret_is_not_spent(guarded: Records, plan_of: Callable[[str], Any]) -> None:
    plan = plan_of("p1").model_copy(update={"environment": f"shop {VALUE}"})

    with pytest.raises(Refused):
        guarded.begin_run("r1", plan, plan, 1)

    assert guarded.medium.spent() == {}
    assert list(guarded.runs()) == []


def test_evidence_is_masked(guarded: Records, snapshot_of: Callable[..., Snapshot]) -> None:
    saved = guarded.save(snapshot_of(url="https://a"))

    guarded.label(Label("good", saved.id, "2026", "", ({"name": "x", "detail": f"got {VALUE}"},)))

    assert guarded.labels()[0].evidence[0]["detail"] == f"got {MASK}"


def test_a_journal_masks_what_is_said_and_stays_whole(
    tmp_path: Path, clock: Clock, guard: Guard
) -> None:
    path = tmp_path / "journal.jsonl"
    journal = FileJournal(path, "r1", clock, guard)

    journal.append("outcome", address="a.b/production", detail=f"production {VALUE}", step=1)
    with pytest.raises(Refused):
        journal.append("outcome", address=f"a.b/{VALUE}")
    journal.append("finished", result="done")
    journal.close()

    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [one["event"] for one in records] == ["outcome", "finished"]
    assert records[0]["address"] == "a.b/production"
    assert records[0]["detail"] == f"{MASK} {MASK}"
    assert list(problems_of(path)) == []


def test_a_journal_of_any_store_masks_what_is_said(
    guarded: Records, plan_of: Callable[[str], Any]
) -> None:
    journal = guarded.begin_run("r1", plan_of("p1"), plan_of("u1"), 1)

    journal.append("outcome", address="a.b/production", detail=f"production {VALUE}", step=1)
    with pytest.raises(Refused):
        journal.append("outcome", address=f"a.b/{VALUE}")
    journal.append("finished", result="done")
    journal.close()

    records = guarded.journal("r1")
    assert [one["event"] for one in records] == ["outcome", "finished"]
    assert records[0]["detail"] == f"{MASK} {MASK}"
    assert guarded.journal_problems("r1") == ()


def test_nothing_that_people_write_goes_unread(
    guarded: Records, snapshot_of: Callable[..., Snapshot], plan_of: Callable[[str], Any]
) -> None:
    saved = guarded.save(snapshot_of(url="https://a"))
    guarded.begin_run("r1", plan_of("p1"), plan_of("u1"), 1).close()

    with pytest.raises(Refused):
        guarded.label(Label("good", saved.id, "2026", VALUE))
    with pytest.raises(Refused):
        guarded.set_freeze(Freeze(until="2027-01-01T00:00:00Z", reason=VALUE, by="x"))
    with pytest.raises(Refused):
        guarded.confirm("r1", VALUE)
    with pytest.raises(Refused):
        guarded.medium.copy_journal("r1", [f'{{"detail": "{VALUE}"}}\n'.encode()])

    assert guarded.labels() == ()
    assert guarded.freeze() is None
    assert not guarded.is_confirmed("r1")
    assert guarded.journal("r1") == ()
