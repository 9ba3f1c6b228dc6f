"""Short ways to build what the core works on, for the real kinds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.core.planning import decide
from reconciler.core.state import Declared, DesiredState, Entry, Snapshot, SnapshotHeader
from reconciler.providers import registry

ENDPOINT = "stripe.webhook_endpoint"
VARIABLE = "vercel.env_var"
AT = "2026-11-19T02:00:00Z"


def entry(address: str | None, remote_id: str, values: dict[str, Any], **more: Any) -> Entry:
    kind = more.pop("kind", (address or ENDPOINT).partition("/")[0])
    return Entry(address=address, kind=kind, remote_id=remote_id, values=values, **more)


def declared(address: str, values: dict[str, Any], **more: Any) -> Declared:
    return Declared(address, address.partition("/")[0], values, **more)


def snapshot(*entries: Entry) -> Snapshot:
    return Snapshot(SnapshotHeader(environment="shop", taken_at=AT, tool_version="0"), entries)


def decided(
    items: list[Declared], live: list[Entry], base: list[Entry] | None = None, **options: Any
) -> Any:
    wanted = DesiredState("shop", tuple(items), "files", "sha256:0", models=registry.models())
    before = None if base is None else snapshot(*base)
    return decide(wanted, snapshot(*live), before, today="2026-11-19", **options)


@pytest.fixture(scope="session")
def shop() -> SimpleNamespace:
    return SimpleNamespace(entry=entry, declared=declared, snapshot=snapshot, decided=decided)
