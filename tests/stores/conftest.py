"""Stores of each kind with nothing in them, and a time that moves only when told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from reconciler.core.masking import Masker
from reconciler.core.plan import DesiredSource, Plan, Summary, sealed
from reconciler.core.state import Entry, Snapshot, SnapshotHeader
from reconciler.stores.firestore.store import Documents
from reconciler.stores.guarding import Guard
from reconciler.stores.local import Folder, LocalStore
from reconciler.stores.records import Records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.stores.firestore.failures import Place
    from reconciler.stores.medium import Medium


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 19, 3, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.move(seconds)

    def move(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class Opens(Protocol):
    """Opens one store again and again, as several processes would."""

    def __call__(self, guard: Guard | None = None) -> Records: ...


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def local(tmp_path: Path, clock: Clock) -> LocalStore:
    return LocalStore(tmp_path, "shop", clock, Guard(Masker()))


@pytest.fixture(params=["local", "firestore"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Opens]:
    """Return what opens a store of each kind, whose locks know no other time than ``clock``."""
    opened: list[Records] = []
    place: Place | None = request.getfixturevalue("place") if request.param == "firestore" else None

    def medium(guard: Guard) -> Medium:
        if place is None:
            return Folder(tmp_path / "shop", clock, guard)
        return Documents(place, "shop", clock, guard, time=lambda _: clock.now())

    def opens(guard: Guard | None = None) -> Records:
        guard = guard or Guard(Masker())
        opened.append(Records(medium(guard), clock, guard))
        return opened[-1]

    yield opens
    for one in opened:
        one.close()


@pytest.fixture
def store(open_store: Opens) -> Records:
    return open_store()


def snapshot_of(role: str = "taken", **values: Any) -> Snapshot:
    """Return a snapshot with one endpoint."""
    header = SnapshotHeader.model_validate(
        {
            "environment": "shop",
            "taken_at": "2026-11-19T03:00:00Z",
            "role": role,
            "tool_version": "0.1.0",
        }
    )
    entry = Entry("stripe.webhook_endpoint/a", "stripe.webhook_endpoint", "we_a", values)
    return Snapshot(header, (entry,))


def plan_of(number: str) -> Plan:
    """Return an empty plan."""
    return sealed(
        Plan(
            id=number,
            environment="shop",
            created_at="2026-11-19T03:00:00Z",
            expires_at="2026-11-19T04:00:00Z",
            tool_version="0.1.0",
            accounts=(),
            desired=DesiredSource(source="files", digest="sha256:aa"),
            base=None,
            live_at="2026-11-19T03:00:00Z",
            changes=(),
            summary=Summary(),
        )
    )


@pytest.fixture(name="snapshot_of")
def _snapshot_of() -> Any:
    return snapshot_of


@pytest.fixture(name="plan_of")
def _plan_of() -> Any:
    return plan_of
