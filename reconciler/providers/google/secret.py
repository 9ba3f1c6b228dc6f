"""Secrets of Secret Manager, without their payloads: https://cloud.google.com/secret-manager/docs/reference/rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from reconciler.core.behaviour import Duration, Immutable, Key, Merged, Unordered
from reconciler.core.change import Action, Change
from reconciler.core.resource import Capability, Resource, Rights
from reconciler.core.secret import is_settled
from reconciler.providers.google.by_hand import left_to_people

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.secret import Json

MARKER: Final = "reconciler"
"""The annotation that says whose a secret is. Source: Secret Manager API v1, Secret.annotations."""

Label = Annotated[str, StringConstraints(pattern=r"^[\w-]{0,63}$")]
LabelKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
AnnotationKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]{0,62}$")]
Alias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][\w-]{0,62}$")]
VersionNumber = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*$")]
Location = Annotated[str, StringConstraints(pattern=r"^[a-z]+-[a-z]+[0-9]+$")]

WHY: Final = "its versions would be destroyed with it, and nothing brings them back"


class Secret(Resource):
    """A secret's labels, rotation and aliases, and which of its versions may be read. Never a payload.

    Versions are added by ``capture`` or by hand. ``latest`` is the version that was added last, whatever its state:
    it does not fall back to an earlier one when that is disabled.
    """

    kind: ClassVar[str] = "gcp.secret"
    capability: ClassVar[Capability] = Capability.MANAGED
    has_unique_keys: ClassVar[bool] = True
    rights: ClassVar[Rights] = Rights(
        read=(
            "secretmanager.secrets.get",
            "secretmanager.secrets.list",
            "secretmanager.versions.get",
            "secretmanager.versions.list",
        ),
        write=(
            "secretmanager.secrets.create",
            "secretmanager.secrets.get",
            "secretmanager.secrets.list",
            "secretmanager.secrets.update",
            "secretmanager.versions.disable",
            "secretmanager.versions.enable",
            "secretmanager.versions.get",
            "secretmanager.versions.list",
        ),
        source="https://cloud.google.com/secret-manager/docs/access-control",
    )

    secret_id: Annotated[
        str,
        Key(),
        Immutable("the id of the secret"),
        StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,255}$"),
    ]
    """Its id in the project."""
    locations: Annotated[Unordered[Location], Immutable("replication is chosen at creation")] = (
        frozenset()
    )
    """Where it is kept; empty: wherever Google replicates it to."""
    labels: Annotated[dict[LabelKey, Label], Merged()] = Field(default_factory=dict)
    """For filters and bills."""
    annotations: Annotated[dict[AnnotationKey, str], Merged()] = Field(default_factory=dict)
    """For programs."""
    version_aliases: Annotated[dict[Alias, Annotated[int, Field(ge=1)]], Merged()] = Field(
        default_factory=dict, max_length=50
    )
    """Names of versions: readers of ``current`` get what it points to, unlike those of ``latest``."""
    versions: Annotated[dict[VersionNumber, Literal["enabled", "disabled"]], Merged(keeps=True)] = (
        Field(default_factory=dict)
    )
    """Which versions may be read, by number. Those not listed are left alone; none is ever destroyed."""
    rotation_period: Annotated[
        str | None, Duration(), StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?s$")
    ] = None
    """How often ``topics`` are reminded to rotate it, such as ``2592000s``."""
    topics: Unordered[
        Annotated[str, StringConstraints(pattern=r"^projects/[^/]+/topics/[^/]+$")]
    ] = frozenset()
    """Pub/Sub topics that are told of changes and rotations."""

    @model_validator(mode="after")
    def _rotates_somewhere(self) -> Self:
        if is_settled(self.topics) and self.rotation_period is not None and not self.topics:
            raise ValueError("rotation_period: a rotation needs topics that are told of it")
        if MARKER in self.annotations:
            raise ValueError(f"annotations: {MARKER} is kept for this tool")
        return self

    @classmethod
    def review(
        cls, change: Change, *, declared: Mapping[str, Json], live: Mapping[str, Json]
    ) -> Change:
        """Count the calls, say what aliases point to; leave it to people to take a secret away."""
        del declared
        if change.action in {Action.DELETE, Action.REPLACE}:
            command = f"gcloud secrets delete {live.get('secret_id')}"
            return left_to_people(change, WHY, f"if nobody reads it any more: {command}")
        if change.action is not Action.UPDATE:
            return change
        states = [one for one in change.field_changes if one.field.startswith("versions.")]
        has_more = len(states) < len(change.field_changes)
        return change.model_copy(
            update={
                "calls": len(states) + has_more,
                "notes": (*change.notes, *_remarks(change, live)),
            }
        )


def _remarks(change: Change, live: Mapping[str, Json]) -> list[str]:
    """Say of each alias that moves whether its version can be read, and what readers must do."""
    after = change.after()
    versions = {**(live.get("versions") or {})}
    versions |= {
        path.partition(".")[2]: state
        for path, state in after.items()
        if path.startswith("versions.")
    }
    aliases = {
        path.partition(".")[2]: number
        for path, number in after.items()
        if path.startswith("version_aliases.") and number is not None
    }
    remarks = [
        f"{alias} points to version {number}, which is {versions.get(str(number), 'not there')}"
        for alias, number in sorted(aliases.items())
        if versions.get(str(number)) != "enabled"
    ]
    if aliases:
        remarks.append("who has read it already keeps the old value until it reads again")
    return remarks
