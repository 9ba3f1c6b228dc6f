"""What undoing a change would give back, and which changes nobody can make at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.behaviour import defaults_of, rules_of
from reconciler.core.change import Action, Change, Reversibility
from reconciler.core.compare import MISSING
from reconciler.core.secret import SecretValue, secrets_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.resource import Resource
    from reconciler.core.secret import Json


def classified(model: type[Resource], change: Change) -> Change:
    """Return ``change`` with its reversibility class and the reason."""
    kind, reason = _reversibility(model, change)
    return change.model_copy(update={"reversibility": kind, "reversibility_reason": reason})


def unsendable_field(model: type[Resource], values: Mapping[str, Json]) -> str | None:
    """Name a field whose value is a secret that nobody can provide, or that is required and not there."""
    defaults = defaults_of(model)
    for rule in rules_of(model):
        value = values.get(rule.name, MISSING)
        if any(not secret.can_be_sent for secret in secrets_in(value)):
            return rule.name
        if value is MISSING and rule.required and rule.is_secret(values, defaults):
            return rule.name
    return None


def manual(change: Change, field: str) -> Change:
    """Return ``change`` as a step that only a person can make: ``field`` cannot be provided."""
    value = change.after().get(field, change.values.get(field))
    reason = f"{field} {gone(value)}"
    return change.model_copy(
        update={
            "action": Action.MANUAL,
            "calls": 0,
            "reversibility": Reversibility.MANUAL,
            "reversibility_reason": reason,
            "follow_ups": (f"declare {field} with a ${{secret:…}} reference, then plan again",),
        }
    )


def gone(value: Json) -> str:
    """Say why a secret cannot be sent."""
    if isinstance(value, SecretValue) and value.fingerprint is not None:
        return "was another value then; no reference gives it any more, and it was not sealed"
    return "was never readable, and no reference to it is declared"


def _reversibility(model: type[Resource], change: Change) -> tuple[Reversibility, str]:
    reveals = any(output.secret and output.only_at_create for output in model.outputs.values())
    hidden = [
        field.field
        for field in change.field_changes
        if isinstance(field.before, SecretValue) and not field.before.can_be_sent
    ]
    match change.action:
        case Action.REPLACE if change.overlaps:
            return Reversibility.REVERSIBLE, "the old one stays until it is retired"
        case Action.REPLACE:
            return (
                Reversibility.LOSSY,
                "a new signing secret and a new id" if reveals else "a new id",
            )
        case Action.DELETE if reveals:
            return Reversibility.LOSSY, "created again it has a new signing secret and a new id"
        case Action.DELETE | Action.UPDATE if hidden:
            return Reversibility.LOSSY, f"the present value of {', '.join(hidden)} is not known"
        case Action.DELETE if _lost(model, change):
            return (
                Reversibility.LOSSY,
                f"the value of {', '.join(_lost(model, change))} is not known",
            )
        case _:
            return Reversibility.REVERSIBLE, ""


def _lost(model: type[Resource], change: Change) -> list[str]:
    """Return the secret fields of a deleted object whose value nobody could set again."""
    before = change.before()
    defaults = defaults_of(model)
    return [
        rule.name
        for rule in rules_of(model)
        if rule.is_secret(before, defaults) and rule.required and rule.name not in before
    ]
