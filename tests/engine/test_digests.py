"""A kind of somebody else's whose vendor shows digests of its secrets: compared in memory, and kept nowhere."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import pytest

from reconciler.core.behaviour import Key, Secret, WriteOnly
from reconciler.core.change import Action, Origin
from reconciler.core.errors import SecretUnavailable
from reconciler.core.guard import Policy
from reconciler.core.masking import Masker
from reconciler.core.resource import Resource
from reconciler.core.secret import SecretValue
from reconciler.core.snapshotting import take
from reconciler.core.state import (
    Declared,
    DesiredState,
    Observation,
    Observed,
    Snapshot,
    SnapshotHeader,
)
from reconciler.core.stored import parse_snapshot, plan_text, snapshot_text
from reconciler.engine.planning import Request, make_plan
from reconciler.secrets.fingerprints import Fingerprints
from reconciler.secrets.resolver import Resolver
from reconciler.secrets.store import Fetched

if TYPE_CHECKING:
    from reconciler.core.plan import Plan
    from reconciler.core.reference import SecretName


class Hidden(Resource):
    """A secret of a function; its vendor lists names and SHA-256 digests."""

    kind: ClassVar[str] = "test.secret"
    name: Annotated[str, Key()]
    value: Annotated[str, Secret(), WriteOnly()]


class Memory:
    """A store of one process; a value may be changed behind its back."""

    def __init__(self) -> None:
        self.values = {"KEY": "FAKE-value-one"}

    def fetch(self, name: SecretName) -> Fetched:
        if name.name not in self.values:
            raise SecretUnavailable(f"{name.name} is not there")
        return Fetched(self.values[name.name])


class World:
    """One secret at the vendor, one store, and the state of the last apply."""

    def __init__(self) -> None:
        self.store = Memory()
        self.live = "FAKE-value-one"
        self.base: Snapshot | None = None

    def seen(self, desired: DesiredState) -> Snapshot:
        digest = sha256(self.live.encode()).hexdigest().upper()
        one = Observed("s-1", {"name": "KEY"}, digests={"value": digest})
        observation = Observation({"test.secret": (one,)}, (), ())
        header = SnapshotHeader(
            environment="test", taken_at="2026-11-19T02:00:00Z", tool_version="0"
        )
        return take(observation, desired, self.base, header)

    def desired(self, secret: SecretValue) -> DesiredState:
        item = Declared("test.secret/key", "test.secret", {"name": "KEY", "value": secret})
        return DesiredState("test", (item,), "files", "sha256:0", models={"test.secret": Hidden})

    def source(self) -> Resolver:
        store: Any = self.store
        return Resolver({"mem": store}, Masker(), Fingerprints(lambda: "FAKE-key-of-sixteen"))

    def plan(self, secret: SecretValue | None = None) -> Plan:
        desired = self.desired(secret or SecretValue("${secret:mem/KEY}"))
        now = datetime(2026, 11, 19, 3, tzinfo=UTC)
        request = Request("p", now, "0", Policy(), secrets=self.source())
        return make_plan(desired, self.seen(desired), self.base, {}, request)

    def remember(self, value: str) -> SecretValue:
        """Let ``value`` be what was applied last."""
        known = SecretValue("${secret:mem/KEY}", self.source().fingerprint(value))
        desired = self.desired(known)
        self.base = self.seen(desired)
        return known


@pytest.fixture
def shown() -> World:
    return World()


def test_an_equal_digest_is_no_change_even_without_a_base(shown: World) -> None:
    plan = shown.plan()

    assert plan.changes == ()
    assert plan.summary.unverifiable == ()


def test_an_unequal_digest_is_one_change_and_after_it_none(shown: World) -> None:
    shown.remember("FAKE-value-one")
    shown.live = "FAKE-set-by-hand"

    (change,) = shown.plan().changes
    shown.live = "FAKE-value-one"

    assert change.action is Action.UPDATE
    assert [(one.field, one.origin) for one in change.field_changes] == [("value", Origin.DRIFT)]
    assert shown.plan().changes == ()


def test_a_value_that_moved_in_its_store_is_declared_otherwise_and_no_drift(shown: World) -> None:
    shown.remember("FAKE-value-one")
    shown.store.values["KEY"] = "FAKE-value-two"

    (change,) = shown.plan().changes

    assert [one.origin for one in change.field_changes] == [Origin.INTENT]


def test_what_is_live_as_a_snapshot_has_it_is_no_drift_although_the_store_moved(
    shown: World,
) -> None:
    known = shown.remember("FAKE-value-one")
    shown.store.values["KEY"] = "FAKE-value-two"

    assert shown.plan(known).changes == ()


def test_a_store_that_does_not_answer_makes_no_change(shown: World) -> None:
    shown.remember("FAKE-value-one")
    shown.live = "FAKE-set-by-hand"
    shown.store.values.clear()

    assert shown.plan().changes == ()


def test_neither_digest_nor_value_is_in_a_file(shown: World) -> None:
    shown.remember("FAKE-value-one")
    shown.live = "FAKE-set-by-hand"
    seen = shown.seen(shown.desired(SecretValue("${secret:mem/KEY}")))

    written = snapshot_text(seen) + plan_text(shown.plan())

    assert "FAKE" not in written
    for value in ("FAKE-value-one", "FAKE-set-by-hand"):
        assert sha256(value.encode()).hexdigest() not in written.lower()
    back = parse_snapshot(snapshot_text(seen).splitlines(keepends=True), "x")
    assert [entry.digests for entry in back.entries] == [{}]
