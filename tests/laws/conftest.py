"""In-memory kinds that between them carry every marker, and strategies for their values."""

from __future__ import annotations

from collections.abc import Hashable, Mapping  # noqa: TC003 - class variables
from types import SimpleNamespace
from typing import Annotated, Any, ClassVar, Literal

import pytest
from hypothesis import strategies as st
from pydantic import Field

from reconciler.core.behaviour import (
    CaseInsensitive,
    Computed,
    Duration,
    EmptyIsNone,
    Immutable,
    JsonText,
    Key,
    KeyedBy,
    Merged,
    Secret,
    Unordered,
    WriteOnly,
)
from reconciler.core.resource import Limit, Resource
from reconciler.core.secret import SecretValue
from reconciler.core.state import Declared, DesiredState, Entry, Snapshot, SnapshotHeader


def _only_down(before: Any, after: Any) -> bool:
    return bool(before is None or after < before)


class Queue(Resource):
    """One field for each marker."""

    kind: ClassVar[str] = "test.queue"
    limit: ClassVar[Limit | None] = Limit(5, "queues")

    name: Annotated[str, Key(), CaseInsensitive()]
    region: Annotated[str, Immutable()] = "eu"
    size: Annotated[int, Immutable("it only shrinks in place", _only_down)] = 9
    events: Annotated[Unordered[str], Field(min_length=1)]
    labels: Annotated[dict[str, str], Merged()] = Field(default_factory=dict)
    routes: Annotated[list[dict[str, str]], KeyedBy("path")] = Field(default_factory=list)
    note: Annotated[str | None, EmptyIsNone()] = None
    timeout: Annotated[str, Duration()] = "60s"
    rules: Annotated[str, JsonText()] = "{}"
    internal: Annotated[bool, Immutable(), WriteOnly()] = False
    type: Literal["open", "closed"] = "open"
    token: Annotated[
        str,
        Secret(unless=("type", "open")),
        WriteOnly(unless=("type", "open"), signal="written_at"),
    ] = "none"
    created: Annotated[int | None, Computed()] = None


class Vault(Resource):
    """A kind whose values are secret unless it is said otherwise."""

    kind: ClassVar[str] = "test.vault"

    name: Annotated[str, Key()]
    events: Unordered[str]
    type: Literal["open", "closed", "sealed"] = "closed"
    token: Annotated[str, Secret(unless=("type", "open")), WriteOnly(unless=("type", "open"))]


class Tag(Resource):
    """A kind that refers to others and is made in bulk."""

    kind: ClassVar[str] = "test.tag"
    creates_per_call: ClassVar[int] = 3
    deletes_per_call: ClassVar[int] = 2

    name: Annotated[str, Key()]
    text: str = ""

    @classmethod
    def natural_keys(cls, values: Mapping[str, Any]) -> tuple[Hashable, ...]:
        return (values.get("name"),)


MODELS: dict[str, type[Resource]] = {"test.queue": Queue, "test.tag": Tag}

words = st.sampled_from(["a", "b", "mail", "Mail", "010", "yes", "é", "x.y", ""])
events = st.lists(st.sampled_from(["paid", "failed", "refunded"]), min_size=1, max_size=4)
references = st.builds(SecretValue, st.sampled_from(["${secret:env/A}", "${secret:env/B}"]))
routes = st.lists(
    st.fixed_dictionaries({"path": st.sampled_from(["/", "/a", "/b"]), "to": words}),
    max_size=3,
    unique_by=lambda route: route["path"],
)
readable: dict[str, st.SearchStrategy[Any]] = {
    "region": st.sampled_from(["eu", "us"]),
    "size": st.integers(1, 12),
    "labels": st.dictionaries(st.sampled_from(["team", "cost.center"]), words, max_size=2),
    "routes": routes,
    "note": st.none() | words,
    "timeout": st.sampled_from(["60s", "60.0s", "60.000s", "1.5s", "90s"]),
    "rules": st.sampled_from(["{}", "{ }", '{"a":1,"b":2}', '{"b": 2, "a": 1}', "no json"]),
}
key_and_events = {"name": st.sampled_from(["mail", "Mail", "pay"]), "events": events.map(sorted)}


@st.composite
def declared_values(draw: st.DrawFn) -> dict[str, Any]:
    """Values as files declare them, validated and plain."""
    hidden = draw(st.booleans())
    optional = readable | {"internal": st.booleans()}
    values = draw(st.fixed_dictionaries(key_and_events, optional=optional))
    if hidden:
        values |= {"type": "closed", "token": draw(references)}
    elif draw(st.booleans()):
        values |= {"type": "open", "token": draw(words)}
    return Queue.model_validate(values).values()


@st.composite
def live_values(draw: st.DrawFn) -> dict[str, Any]:
    """Values as the vendor shows them: all of them, but what it never shows."""
    values: dict[str, Any] = draw(st.fixed_dictionaries(key_and_events | readable))
    values["events"] = sorted(set(values["events"]))
    values["type"] = draw(st.sampled_from(["open", "closed"]))
    if values["type"] == "open":
        values["token"] = draw(words)
    return values


def entry(values: dict[str, Any], address: str | None = "test.queue/q", **more: Any) -> Entry:
    kind = more.pop("kind", "test.queue")
    return Entry(
        address=address, kind=kind, remote_id=more.pop("remote_id", "id-1"), values=values, **more
    )


def declared(values: dict[str, Any], address: str = "test.queue/q", **more: Any) -> Declared:
    return Declared(address, address.partition("/")[0], values, **more)


def desired(*items: Declared, source: str = "files") -> DesiredState:
    return DesiredState("test", items, source, "sha256:0", models=MODELS)


def snapshot(*entries: Entry, **header: Any) -> Snapshot:
    known = {"environment": "test", "taken_at": "2026-11-19T02:00:00Z", "tool_version": "0"}
    return Snapshot(SnapshotHeader(**(known | header)), entries)


@pytest.fixture(scope="session")
def lab() -> SimpleNamespace:
    """Return the kinds, the strategies and short ways to build values of the core."""
    return SimpleNamespace(
        Queue=Queue,
        Tag=Tag,
        Vault=Vault,
        models=MODELS,
        declared_values=declared_values(),
        live_values=live_values(),
        entry=entry,
        declared=declared,
        desired=desired,
        snapshot=snapshot,
    )
