"""What must happen to one resource."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from reconciler.core.record import Record
from reconciler.core.secret import Json, Stored, StoredValues, secrets_in
from reconciler.core.state import Criticality


class Action(StrEnum):
    """What to do with a resource, in the words the plan shows."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    MANUAL = "manual"


class Origin(StrEnum):
    """Who moved: the live object (``drift``) or the declaration (``intent``)."""

    DRIFT = "drift"
    INTENT = "intent"


class Reversibility(StrEnum):
    """What undoing a change gives back."""

    REVERSIBLE = "reversible"
    LOSSY = "lossy"
    ONE_WAY = "one_way"
    MANUAL = "manual"


class FieldChange(Record):
    """One field that differs. ``field`` is a dotted path; a key of a merged mapping is a field of its own.

    ``removed``: the key is taken away. ``place`` is ``file:line`` of the declaration.
    """

    field: str
    before: Stored = None
    after: Stored = None
    origin: Origin
    removed: bool = False
    forces_replacement: bool = False
    note: str = ""
    place: str | None = None


class Precondition(Record):
    """What the change relies on: a digest of each observed field, and the vendor's etag if there is one.

    ``others`` are the digests of the fields that it does not rely on: a change there is allowed, and reported.
    """

    fields: dict[str, str] = Field(default_factory=dict)
    others: dict[str, str] = Field(default_factory=dict)
    etag: str | None = None


class Change(Record):
    """The instruction for one resource. Apply reads nothing else.

    ``values`` are all fields of a create or replace. Changes with the same ``step`` share one bulk call;
    ``calls`` counts the write calls of the step. ``capture`` says where outputs of a new object are kept. ``keeps``
    are outputs of the present object that are put into their place again, from where they can be had; ``retires`` the
    references that are let go once the object is deleted. ``overlaps``: part of a rotation: the
    old object of a replace stays for now, or goes at last.
    """

    address: str
    kind: str
    action: Action
    reason: str
    remote_id: str | None = None
    criticality: Criticality = Criticality.P2
    protected: bool = False
    field_changes: tuple[FieldChange, ...] = ()
    values: StoredValues = Field(default_factory=dict)
    precondition: Precondition = Precondition()
    depends_on: tuple[str, ...] = ()
    reversibility: Reversibility = Reversibility.REVERSIBLE
    reversibility_reason: str = ""
    follow_ups: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    capture: dict[str, str] = Field(default_factory=dict)
    keeps: StoredValues = Field(default_factory=dict)
    retires: dict[str, str] = Field(default_factory=dict)
    overlaps: bool = False
    calls: int = 1
    step: int = 0
    place: str | None = None

    def after(self) -> dict[str, Json]:
        """Return the new value of each changed field, by path; ``None`` for a removed key."""
        return {change.field: change.after for change in self.field_changes}

    def before(self) -> dict[str, Json]:
        """Return the live value of each changed field, by path."""
        return {change.field: change.before for change in self.field_changes}

    @property
    def overwrites_unknown(self) -> bool:
        """Tell whether a secret goes whose value nobody is known to have."""
        return any(
            not secret.can_be_sent
            for field in self.field_changes
            for secret in secrets_in(field.before)
        )

    def changes_field(self, name: str) -> bool:
        """Tell whether the field ``name`` (or a key of it) differs."""
        return any(
            change.field == name or change.field.startswith(f"{name}.")
            for change in self.field_changes
        )
