"""What is sealed in a snapshot, and what is not: only what nobody else keeps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import pyrage
import pytest

from reconciler.core.behaviour import Key, Secret, WriteOnly
from reconciler.core.errors import NotFound, SecretUnavailable
from reconciler.core.masking import Masker
from reconciler.core.resource import Resource
from reconciler.core.secret import SecretValue
from reconciler.core.state import Entry, Snapshot, SnapshotHeader
from reconciler.core.stored import snapshot_text
from reconciler.engine.sealing import with_sealed
from reconciler.secrets.fingerprints import Fingerprints
from reconciler.secrets.resolver import Resolver
from reconciler.secrets.sealing import Identity, Seal
from reconciler.secrets.store import Fetched

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reconciler.core.reference import SecretName

LIVE, DECLARED = "FAKE-live-value", "${secret:mem/DECLARED}"


class Variable(Resource):
    """Is shown to who asks for it, unless it is sensitive."""

    kind: ClassVar[str] = "test.variable"
    name: Annotated[str, Key()]
    type: Literal["encrypted", "sensitive"] = "encrypted"
    value: Annotated[str, Secret(revealed_for=("type", "encrypted")), WriteOnly()] = ""


class Variables:
    """The vendor: reveals one value."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def reveal(self, remote_id: str) -> Mapping[str, str]:
        self.asked.append(remote_id)
        if remote_id == "gone":
            raise NotFound("it is gone", vendor="test")
        return {} if remote_id == "hidden" else {"value": LIVE}


class Memory:
    """A store of one process."""

    def __init__(self, **values: str) -> None:
        self._values = values

    def fetch(self, name: SecretName) -> Fetched:
        if name.name not in self._values:
            raise SecretUnavailable(f"{name.name} is not there")
        return Fetched(self._values[name.name])


IDENTITY = pyrage.x25519.Identity.generate()


@pytest.fixture
def vendor() -> Variables:
    return Variables()


def sealed(
    vendor: object, value: object, *, declared: str = "other", recipients: bool = True, **more: Any
) -> Entry:
    values: dict[str, object] = {"name": "v", "type": more.pop("type", "encrypted")}
    if value is not None:
        values["value"] = value
    entry = Entry(
        more.pop("address", "test.variable/v"),
        "test.variable",
        more.pop("remote_id", "v-1"),
        values,
    )
    header = SnapshotHeader(environment="test", taken_at="2026-11-19T02:00:00Z", tool_version="0")
    session: Any = SimpleNamespace(provider=lambda _: vendor)
    found = with_sealed(
        Snapshot(header, (entry,)),
        {"test": session} if vendor is not None else {},
        {"test.variable": Variable},
        source(declared, recipients=recipients),
    )
    assert LIVE not in snapshot_text(found)
    return found.entries[0]


def source(
    declared: str = "other", *, recipients: bool = True, path: Path | None = None
) -> Resolver:
    store: Any = Memory(DECLARED=declared)
    seal = Seal([str(IDENTITY.to_public())]) if recipients else None
    prints = Fingerprints(lambda: "FAKE-key-of-sixteen")
    return Resolver({"mem": store}, Masker(), prints, seal, Identity(path) if path else None)


@pytest.mark.parametrize(
    "value",
    [
        None,
        SecretValue(None),
        SecretValue(DECLARED),
        SecretValue("${secret:mem/NONE}"),
        SecretValue("${ref:a.b/c#d}"),
    ],
    ids=["never declared", "not known", "declared otherwise", "a store without it", "an output"],
)
def test_a_value_that_nobody_else_keeps_is_sealed(
    vendor: Variables, tmp_path: Path, value: SecretValue | None
) -> None:
    (tmp_path / "identity.txt").write_text(str(IDENTITY), encoding="utf-8")

    found = sealed(vendor, value).values["value"]

    opener = source(path=tmp_path / "identity.txt")
    assert found.reference is None
    assert opener.unseal(found, "x") == LIVE


def test_a_value_that_the_declared_reference_gives_stays_a_reference(vendor: Variables) -> None:
    found = sealed(vendor, SecretValue(DECLARED), declared=LIVE).values["value"]

    assert found == SecretValue(DECLARED, source().fingerprint(LIVE))


@pytest.mark.parametrize(
    ("value", "more"),
    [
        (SecretValue(DECLARED, "hmac-sha256:aa:bb"), {}),
        (SecretValue(None), {"type": "sensitive"}),
        (SecretValue(None), {"address": None}),
        (SecretValue(None), {"recipients": False}),
    ],
    ids=["proven", "never shown", "not managed", "no seal is wanted"],
)
def test_nothing_is_looked_at_that_need_not_be(
    vendor: Variables, value: SecretValue, more: dict[str, Any]
) -> None:
    assert sealed(vendor, value, **more).values["value"] == value
    assert vendor.asked == []


@pytest.mark.parametrize("remote_id", ["gone", "hidden"])
def test_what_the_vendor_does_not_show_is_left_as_it_was(vendor: Variables, remote_id: str) -> None:
    found = sealed(vendor, SecretValue(DECLARED), remote_id=remote_id)

    assert found.values["value"] == SecretValue(DECLARED)


def test_a_vendor_that_reveals_nothing_is_not_asked() -> None:
    assert sealed(object(), SecretValue(None)).values["value"] == SecretValue(None)
    assert sealed(None, SecretValue(None)).values["value"] == SecretValue(None)
