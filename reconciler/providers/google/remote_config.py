"""The conditions of Remote Config: https://firebase.google.com/docs/remote-config/parameters#conditions.

Parameters are a kind of their own, ``firebase.flag``; whatever else is in the template stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from reconciler.core.behaviour import Normalise
from reconciler.core.change import Action, Change
from reconciler.core.errors import StalePlan, VendorError
from reconciler.core.finding import Finding, Weight
from reconciler.core.resource import Capability, Resource, Rights
from reconciler.core.secret import is_settled
from reconciler.core.state import Observed
from reconciler.providers.google.remote_template import RemoteTemplate

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from reconciler.core.ports import Created, New, Update
    from reconciler.core.secret import Json
    from reconciler.providers.google.account import GoogleAccount

REMOTE_ID: Final = "remoteConfig"
MOST: Final = 2000
"""Source: Remote Config documentation, limits: conditions per template."""


@dataclass(frozen=True, slots=True)
class NoColour(Normalise):
    """A condition without a colour is one whose colour was never chosen."""

    form: ClassVar[str] = "no-colour-is-none"

    def normal(self, value: Json) -> Json:
        if not isinstance(value, list) or not is_settled(value):
            return value
        return [{name: one for name, one in item.items() if one is not None} for item in value]


class Condition(BaseModel):
    """Whom a value is for."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )

    name: Annotated[str, Field(min_length=1, max_length=100)]
    """What flags call it by."""
    expression: Annotated[str, Field(min_length=1)]
    """When it holds, such as ``device.os == 'ios'``."""
    tag_color: str | None = None
    """Its colour in the console, such as ``BLUE``."""


class RemoteConfig(Resource):
    """The conditions of the project's Remote Config template, in their order: the first that holds decides."""

    kind: ClassVar[str] = "firebase.remote_config"
    capability: ClassVar[Capability] = Capability.UPDATE_ONLY
    rights: ClassVar[Rights] = Rights(
        read=("cloudconfig.configs.get",),
        write=("cloudconfig.configs.get", "cloudconfig.configs.update"),
        source="https://firebase.google.com/docs/projects/iam/permissions#rc",
    )

    conditions: Annotated[list[Condition], NoColour(), Field(max_length=MOST)] = Field(
        default_factory=list
    )
    """All conditions, by priority. One that is not listed is taken away."""

    @classmethod
    def natural_keys(cls, values: Mapping[str, Json]) -> tuple[Hashable, ...]:
        """There is one template in a project."""
        del values
        return (REMOTE_ID,)

    @classmethod
    def review(
        cls, change: Change, *, declared: Mapping[str, Json], live: Mapping[str, Json]
    ) -> Change:
        """Say which conditions come, go and move: their order decides which value an app gets."""
        del declared
        after = change.after().get("conditions")
        if change.action is not Action.UPDATE or not isinstance(after, list):
            return change
        old, new = _names(live.get("conditions") or []), _names(after)
        kept = [name for name in old if name in new]
        notes = [f"takes away the condition {name}" for name in old if name not in new]
        notes += [f"adds the condition {name}" for name in new if name not in old]
        if kept != [name for name in new if name in old]:
            notes.append("the order changes: where several conditions hold, another one decides")
        return change.model_copy(update={"notes": (*change.notes, *notes)})


class RemoteConfigs:
    """Reads and writes the conditions of a project's template."""

    resource_type = RemoteConfig

    def __init__(self, account: GoogleAccount) -> None:
        self._template = RemoteTemplate(account)

    def observe(self) -> Iterator[Observed]:
        """Yield the template. One request."""
        template = self._template.read()
        values = {"conditions": _ours(template.parts)}
        yield Observed(REMOTE_ID, values, evidence=template.evidence)

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, Observed]:
        """Return the template with its etag, which the write then carries."""
        if REMOTE_ID not in remote_ids:
            return {}
        template = self._template.read()
        values = {"conditions": _ours(template.parts)}
        found = Observed(REMOTE_ID, values, evidence=template.evidence, etag=template.etag)
        return {REMOTE_ID: found}

    def inspect(self, changes: Sequence[Change]) -> Iterator[Finding]:
        """Refuse to take a condition away that flags have values for. One request if any goes."""
        for change in changes:
            after, before = (side.get("conditions") for side in (change.after(), change.before()))
            if not isinstance(after, list) or not isinstance(before, list):
                continue
            gone = set(_names(before)) - set(_names(after))
            used = _uses(self._template.read().parts) if gone else {}
            for name in sorted(gone & set(used)):
                yield Finding(
                    weight=Weight.REFUSAL,
                    rule="condition_in_use",
                    message=f"the condition {name} still has values in {', '.join(used[name])}",
                    address=change.address,
                    remedy="take these values away first, in a plan of their own",
                )

    def create(self, new: New) -> Created:
        """A project has exactly one template."""
        raise VendorError(f"{new.marker}: the template cannot be made", vendor="firebase")

    def delete(self, remote_id: str) -> None:
        """A project has exactly one template."""
        raise VendorError(f"{remote_id}: the template cannot be deleted", vendor="firebase")

    def update(self, update: Update) -> None:
        """Put the conditions into the template as it is now. Raises StalePlan when they changed meanwhile."""
        normal = NoColour().normal
        live = normal(update.live.values.get("conditions") or [])
        wanted = normal(update.fields.get("conditions", live))

        def edit(parts: dict[str, Any]) -> bool:
            now = normal(_ours(parts))
            if now == wanted and now != live:
                return False  # somebody else, or an attempt whose answer was lost, has made it so
            if now != live:
                raise StalePlan(
                    "The conditions changed since they were read", mend="reconciler plan ENV"
                )
            rows = {one["name"]: one for one in parts.get("conditions") or ()}
            parts["conditions"] = [_theirs(rows.get(one["name"], {}), one) for one in wanted]
            return True

        self._template.change(update.live.etag, edit)


def _names(conditions: Sequence[Mapping[str, Json]]) -> list[str]:
    return [str(one.get("name")) for one in conditions]


def _ours(parts: Mapping[str, Any]) -> list[dict[str, Json]]:
    return [
        {
            "name": row["name"],
            "expression": row.get("expression"),
            **({"tag_color": row["tagColor"]} if row.get("tagColor") else {}),
        }
        for row in parts.get("conditions") or ()
    ]


def _theirs(row: Mapping[str, Any], wanted: Mapping[str, Json]) -> dict[str, Any]:
    """Return a condition as the template has it; what is not ours to say stays."""
    kept = {name: value for name, value in row.items() if name != "tagColor"}
    colour = {"tagColor": wanted["tag_color"]} if "tag_color" in wanted else {}
    return {**kept, "name": wanted["name"], "expression": wanted["expression"], **colour}


def _uses(parts: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the names of the parameters that have a value for a condition, by its name."""
    groups = (parts.get("parameterGroups") or {}).values()
    found: dict[str, list[str]] = {}
    for held in (parts, *groups):
        for name, row in (held.get("parameters") or {}).items():
            for condition in row.get("conditionalValues") or {}:
                found.setdefault(condition, []).append(name)
    return found
