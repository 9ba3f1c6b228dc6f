"""Feature flags, the parameters of Remote Config: https://firebase.google.com/docs/remote-config/parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from reconciler.core.behaviour import EmptyIsNone, Immutable, Key, rules_of
from reconciler.core.change import Action, Change
from reconciler.core.errors import Conflict, StalePlan
from reconciler.core.finding import Finding, Weight
from reconciler.core.ports import Created, New, Update
from reconciler.core.resource import Capability, Limit, Resource, Rights
from reconciler.core.secret import is_settled
from reconciler.providers.google.flag_values import Exactly, misfit
from reconciler.providers.google.remote_parameters import (
    PREFIX,
    found_in,
    observed,
    parameters_of,
    rows_of,
    usable,
    written_row,
)
from reconciler.providers.google.remote_template import RemoteTemplate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.core.secret import Json
    from reconciler.core.state import Observed
    from reconciler.providers.google.account import GoogleAccount

Value = str | bool | int | float | dict[str, Any] | list[Any] | None

ANSWERED_LATE: Final = (
    "apps take it over at their next fetch: within 12 hours, unless they ask sooner"
)
"""Source: Remote Config documentation, throttling: the default of the minimum fetch interval."""


class Flag(Resource):
    """One parameter of Remote Config, which every app can read: a feature flag, a maintenance switch, a limit.

    A change publishes the template with this parameter changed and all others as they are then.
    """

    kind: ClassVar[str] = "firebase.flag"
    capability: ClassVar[Capability] = Capability.MANAGED
    has_unique_keys: ClassVar[bool] = True
    # Source: Remote Config documentation, limits: per template.
    limit: ClassVar[Limit | None] = Limit(3000, "parameters")
    rights: ClassVar[Rights] = Rights(
        read=("cloudconfig.configs.get",),
        write=("cloudconfig.configs.get", "cloudconfig.configs.update"),
        source="https://firebase.google.com/docs/projects/iam/permissions#rc",
    )

    parameter: Annotated[
        str,
        Key(),
        Immutable("apps ask for it by this name"),
        StringConstraints(pattern=r"^[A-Za-z_]\w*$", max_length=256),
    ]
    """The name that apps ask for."""
    type: Literal["STRING", "BOOLEAN", "NUMBER", "JSON"] = "STRING"
    """What the value is."""
    value: Annotated[Value, Exactly()] = None
    """The value where no condition holds, in its own type: ``true``, ``0.5``, a mapping. None: the app's own."""
    conditional_values: Annotated[dict[str, Value], Exactly()] = Field(default_factory=dict)
    """The value under each condition, by the name of the condition. The first condition that holds decides."""
    description: Annotated[str | None, EmptyIsNone(), Field(max_length=256)] = None
    """A note for people."""
    group: Annotated[str | None, EmptyIsNone(), Field(max_length=256)] = None
    """The group that the console shows it in."""

    @model_validator(mode="after")
    def _has_values_of_its_type(self) -> Self:
        kind = self.type
        if not is_settled(kind):
            return self
        if why := misfit(self.value, kind):
            raise ValueError(f"value: {why}")
        for condition, value in self.conditional_values.items():
            if why := misfit(value, kind):
                raise ValueError(f"conditional_values.{condition}: {why}")
        return self

    @classmethod
    def review(
        cls, change: Change, *, declared: Mapping[str, Json], live: Mapping[str, Json]
    ) -> Change:
        """Say when apps notice. Values are written as texts of their type, so neither is changed without the other."""
        del declared
        if change.action is Action.MANUAL:
            return change
        change = _relying_on_the_type(change)
        notes = (*change.notes, ANSWERED_LATE)
        if change.action in {Action.DELETE, Action.REPLACE}:
            notes += (f"apps that ask for {live.get('parameter')} get their own default then",)
        return change.model_copy(update={"notes": notes})


def _relying_on_the_type(change: Change) -> Change:
    """A new value relies on the type, and a new type on all values."""
    needed = {"value", "conditional_values"} if change.changes_field("type") else set()
    if change.changes_field("value") or change.changes_field("conditional_values"):
        needed |= {"type"}
    relied = change.precondition
    moved = {name: seen for name, seen in relied.others.items() if name in needed}
    others = {name: seen for name, seen in relied.others.items() if name not in needed}
    update = {"fields": {**relied.fields, **moved}, "others": others}
    return change.model_copy(update={"precondition": relied.model_copy(update=update)})


class Flags:
    """Reads and writes the parameters of a project's template."""

    resource_type = Flag

    def __init__(self, account: GoogleAccount) -> None:
        self._template = RemoteTemplate(account)

    def observe(self) -> Iterator[Observed]:
        """Yield every parameter, those in groups included. One request."""
        for found in self._all():
            yield found._replace(etag=None)

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, Observed]:
        """Return those that exist, with the etag of the template that they were read in."""
        wanted = set(remote_ids)
        return {found.remote_id: found for found in self._all() if found.remote_id in wanted}

    def inspect(self, changes: Sequence[Change]) -> Iterator[Finding]:
        """Warn of conditions that the template does not have yet. One request if there are any values for some."""
        used = {
            change.address: set(_conditions_of(change))
            for change in changes
            if change.action is not Action.DELETE and _conditions_of(change)
        }
        if not used:
            return
        known = {one["name"] for one in self._template.read().parts.get("conditions") or ()}
        for address, names in used.items():
            for name in sorted(names - known):
                yield Finding(
                    weight=Weight.WARNING,
                    rule="condition",
                    message=f"there is no condition {name} yet: unless this plan adds it first, the flag is refused",
                    address=address,
                    remedy="declare it in firebase.remote_config, which this one then depends on (`depends_on`)",
                )

    def create(self, new: New) -> Created:
        """Add the parameter. Raises Conflict when it is there by now, with other values."""
        flag = Flag.settled(new.values)
        wanted = {rule.name: flag.values().get(rule.name, rule.default) for rule in rules_of(Flag)}
        name = flag.parameter

        def edit(parts: dict[str, Any]) -> bool:
            there = found_in(parts, name)
            if there is not None:
                if _same(there.values, wanted, wanted):
                    return False
                raise Conflict(f"{name} is a parameter already", vendor="firebase")
            parameters_of(parts, wanted["group"])[name] = written_row({}, wanted, wanted)
            return True

        self._template.change(None, edit)
        return Created(f"{PREFIX}{name}")

    def update(self, update: Update) -> None:
        """Change the parameter in the template as it is now. Raises StalePlan when it changed since it was read."""
        name, live = update.live.remote_id.removeprefix(PREFIX), update.live.values
        wanted = {**live, **update.fields}

        def edit(parts: dict[str, Any]) -> bool:
            now = usable(parts, name)
            if _same(now.values, wanted, update.fields):
                return False
            if not _same(now.values, live, update.fields):
                raise StalePlan(f"{name} changed since it was read", mend="reconciler plan ENV")
            row = parameters_of(parts, now.values["group"]).pop(name)
            merged = {**now.values, **update.fields}
            parameters_of(parts, merged["group"])[name] = written_row(row, merged, update.fields)
            return True

        self._template.change(update.live.etag, edit)

    def delete(self, remote_id: str) -> None:
        """Take the parameter out of the template; one that is gone is success."""
        name = remote_id.removeprefix(PREFIX)

        def edit(parts: dict[str, Any]) -> bool:
            if found_in(parts, name) is None:
                return False
            del parameters_of(parts, usable(parts, name).values["group"])[name]
            return True

        self._template.change(None, edit)

    def _all(self) -> Iterator[Observed]:
        template = self._template.read()
        for name, row, group in rows_of(template.parts):
            found = observed(name, row, group)
            yield found._replace(evidence=template.evidence, etag=template.etag)


def _same(one: Mapping[str, Json], other: Mapping[str, Json], fields: Mapping[str, Json]) -> bool:
    """Tell whether two parameters agree in ``fields``."""
    return all(
        rule.normal(one.get(rule.name, rule.default))
        == rule.normal(other.get(rule.name, rule.default))
        for rule in rules_of(Flag)
        if rule.name in fields
    )


def _conditions_of(change: Change) -> Mapping[str, Json]:
    found = change.after().get("conditional_values")
    return found if isinstance(found, dict) else {}
