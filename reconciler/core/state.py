"""What was declared, what was observed, and what a snapshot keeps of both."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from functools import cache
from sys import intern
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

from reconciler.core.record import Record
from reconciler.core.secret import (  # noqa: TC001 - pydantic reads the annotations
    Json,
    SecretValue,
    StoredValues,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.resource import Resource

SNAPSHOT_FORMAT = 1


class Criticality(StrEnum):
    """How bad it is when this resource is wrong: P0 at once, P1 within the hour, P2 within the day."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"


class Ignore(NamedTuple):
    """A field whose drift is expected until a day (ISO date, inclusive)."""

    path: str
    reason: str
    until: str


class Declared(NamedTuple):
    """One resource as the files (or a snapshot) declare it.

    ``values`` holds the written fields. ``owns_all``: fields that are not written are ours as well, which is
    so when a snapshot serves as desired state. ``is_partial``: nothing is said of them, whatever was declared
    before. ``refers`` are the (address, field) pairs of its ``${ref:…}``, ``removed`` the keys of merged mappings
    that must not be there, ``place`` is ``file:line``. ``agreeing`` tells of fields that cannot be read whether a
    digest which the vendor shows is that of the declared value.
    """

    address: str
    kind: str
    values: dict[str, Json]
    absent: bool = False
    criticality: Criticality = Criticality.P2
    protected: bool = False
    ignore: tuple[Ignore, ...] = ()
    depends_on: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    capture: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    refers: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()
    owns_all: bool = False
    is_partial: bool = False
    remote_id: str | None = None
    place: str | None = None
    agreeing: Mapping[str, bool] = {}


class DesiredState(NamedTuple):
    """Everything one environment declares. ``source`` says in words where it comes from.

    ``is_whole``: it is all that was managed at a time, so what a run created since is to go away. ``places`` are
    secrets that a run is known to have put somewhere.
    """

    environment: str
    resources: tuple[Declared, ...]
    source: str
    digest: str
    git_commit: str | None = None
    is_whole: bool = False
    models: Mapping[str, type[Resource]] = {}
    places: tuple[SecretValue, ...] = ()


class Observed(NamedTuple):
    """One live object as the vendor reports it.

    ``values`` are writable fields that could be read, ``evidence`` computed ones. ``marker`` is
    ``<environment>/<address>`` when the object carries our ownership marker. ``read_only`` says why the object
    may not be written, ``etag`` is the vendor's precondition. ``digests`` are SHA-256 digests (hexadecimal) that the
    vendor shows of fields which it does not; they are compared in memory, and stored nowhere.
    """

    remote_id: str
    values: dict[str, Json]
    evidence: dict[str, Json] = {}
    marker: str | None = None
    read_only: str | None = None
    etag: str | None = None
    digests: Mapping[str, str] = {}


class Unreadable(Record):
    """A kind that could not be read, wholly or in part: its objects are unknown, never absent.

    ``denied``: the credential was not accepted or lacks a permission.
    """

    kind: str
    reason: str
    detail: str = ""
    mend: str = ""
    denied: bool = False


class Account(Record):
    """Which account of a vendor was read, and in which mode (``live``, ``test`` or empty)."""

    vendor: str
    id: str
    mode: str = ""
    name: str = ""


class Observation(NamedTuple):
    """What one round of reading saw, by kind, and what it could not see."""

    objects: Mapping[str, tuple[Observed, ...]]
    unreadable: tuple[Unreadable, ...]
    accounts: tuple[Account, ...]


Shared = Annotated[str, AfterValidator(intern)]
"""A string that comes back in many entries of a file: one copy of each is enough."""

NOTHING: dict[str, Json] = {}
"""One empty mapping for all objects: most have no outputs, and nothing changes one in place."""

Paths = Annotated[tuple[str, ...], AfterValidator(cache(lambda paths: tuple(map(intern, paths))))]
"""Field paths; equal ones are one object."""


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid", hide_input_in_errors=True))
class Entry:
    """One object in a snapshot; ``address`` is null when nobody declared it.

    ``owned`` are the field paths that were declared at that time, ``created_by`` the run that made the object.
    ``outputs`` tells of secrets that the vendor gave away only when it made the object, where they were kept.
    Not a Record: with slots, 100,000 of them need a third of the memory.
    """

    address: str | None
    kind: Shared
    remote_id: str
    values: StoredValues
    evidence: StoredValues = field(default_factory=dict)
    owned: Paths = ()
    criticality: Criticality = Criticality.P2
    protected: bool = False
    created_by: str | None = None
    read_only: str | None = None
    outputs: Annotated[StoredValues, Field(exclude_if=lambda value: not value)] = field(
        default_factory=lambda: NOTHING
    )
    etag: Annotated[str | None, Field(exclude=True)] = None
    digests: Annotated[dict[str, str], Field(exclude=True)] = field(default_factory=lambda: NOTHING)
    marker: Annotated[str | None, Field(exclude=True)] = None


class SnapshotHeader(Record):
    """The first line of a snapshot file. ``digest`` is over all lines, without itself."""

    format: Literal["reconciler.snapshot"] = "reconciler.snapshot"
    format_version: int = SNAPSHOT_FORMAT
    environment: str
    taken_at: str
    role: Literal["taken", "pre_apply", "applied"] = "taken"
    run: str | None = None
    tool_version: str
    accounts: tuple[Account, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    desired_digest: str = ""
    git_commit: str | None = None
    note: str = ""
    entries: int = 0
    digest: str = ""


class Snapshot(NamedTuple):
    """All observed objects of an environment at one time, with what could not be read."""

    header: SnapshotHeader
    entries: tuple[Entry, ...]
    id: str = ""
    label: str | None = None

    def by_address(self) -> dict[str, Entry]:
        """Return the managed entries by address."""
        return {entry.address: entry for entry in self.entries if entry.address is not None}

    def unreadable_kinds(self) -> frozenset[str]:
        """Return the kinds about which nothing may be concluded."""
        return frozenset(item.kind for item in self.header.unreadable)
