"""The plan: the ordered changes, and everything needed to refuse them later. A value that can be saved."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field, TypeAdapter

from reconciler.core.change import Action, Change, Reversibility
from reconciler.core.digest import canonical_json, digest_lines
from reconciler.core.finding import Finding
from reconciler.core.guard import refusals
from reconciler.core.record import Record
from reconciler.core.secret import Json, StoredValues  # noqa: TC001 - pydantic reads the annotation
from reconciler.core.state import Account, Criticality, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable

PLAN_FORMAT = 1


class Managed(NamedTuple):
    """What apply must remember of a declared resource, changed or not.

    ``owned`` are the declared field paths, ``secrets`` the references of fields that cannot be read back, ``capture``
    where outputs were kept when it was created.
    """

    remote_id: str | None
    owned: tuple[str, ...]
    secrets: StoredValues
    criticality: Criticality
    protected: bool
    capture: dict[str, str] = {}


_MANAGED = TypeAdapter(Managed)


class Ignored(Record):
    """A difference that the file says to ignore until a day."""

    address: str
    field: str
    reason: str
    until: str


class Unverifiable(Record):
    """A field that the vendor never returns; ``since`` is when it was last applied or recorded."""

    address: str
    field: str
    since: str | None = None


class Unmanaged(Record):
    """A live object that nobody declared; left alone."""

    kind: str
    remote_id: str
    what: str


class Summary(Record):
    """What is not in ``changes``, listed by address; ``counts`` sums up both.

    ``compared`` are the secret references that were fetched to compare them with what was applied.
    """

    counts: dict[str, int] = Field(default_factory=dict)
    unchanged: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    unmanaged: tuple[Unmanaged, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    unverifiable: tuple[Unverifiable, ...] = ()
    compared: tuple[str, ...] = ()


class DesiredSource(Record):
    """Where the wanted state comes from: the files, or a snapshot."""

    source: str
    digest: str
    git_commit: str | None = None


class Base(Record):
    """The snapshot that tells drift from intent."""

    id: str
    taken_at: str
    label: str | None = None


class Plan(Record):
    """Every change, in the order to make them. Single-use; bound to environment, accounts and live state.

    ``going_back``: it undoes a run or goes to a snapshot labelled good, and the policy asks less consent for that.
    """

    format: Literal["reconciler.plan"] = "reconciler.plan"
    format_version: int = PLAN_FORMAT
    id: str
    environment: str
    protected: bool = False
    going_back: bool = False
    created_at: str
    expires_at: str
    tool_version: str
    accounts: tuple[Account, ...]
    desired: DesiredSource
    base: Base | None
    live_at: str
    offline: bool = False
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    summary: Summary
    managed: dict[str, Managed] = Field(default_factory=dict)
    digest: str = ""

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """Return the findings that forbid applying this plan."""
        return refusals(self.findings)

    @property
    def steps(self) -> tuple[tuple[Change, ...], ...]:
        """Return the changes grouped by call, in order."""
        grouped: dict[int, list[Change]] = {}
        for change in self.changes:
            grouped.setdefault(change.step, []).append(change)
        return tuple(tuple(grouped[step]) for step in sorted(grouped))

    @property
    def calls(self) -> int:
        """Return how many write calls apply makes."""
        return sum(max(change.calls for change in step) for step in self.steps)

    def count(self, action: Action) -> int:
        """Return how many changes have ``action``."""
        return sum(change.action is action for change in self.changes)

    @property
    def losses(self) -> tuple[Change, ...]:
        """Return the changes that undo cannot wholly take back."""
        return tuple(c for c in self.changes if c.reversibility is not Reversibility.REVERSIBLE)


def sealed(plan: Plan) -> Plan:
    """Return ``plan`` with its digest: ``digest_of`` its document, which is not made as a whole.

    What is managed may be 100,000 addresses long, and is mostly the same few things over and over.
    """
    body = plan.model_dump(mode="json", exclude={"digest", "managed"})
    managed = (
        (address, _MANAGED.dump_python(plan.managed[address], mode="json"))
        for address in sorted(plan.managed)
    )
    return plan.model_copy(update={"digest": _digest(body, managed)})


def digest_of(document: dict[str, Json]) -> str:
    """Return the digest over everything in a plan's JSON document but the digest itself.

    Over the document and not the model: a later version that knows more fields must still find it right.
    """
    body = {key: value for key, value in document.items() if key not in {"digest", "managed"}}
    return _digest(body, sorted((document.get("managed") or {}).items()))


def _digest(body: dict[str, Json], managed: Iterable[tuple[str, Json]]) -> str:
    lines = (canonical_json([address, remembered]) for address, remembered in managed)
    return digest_lines(chain([canonical_json(body)], lines))
