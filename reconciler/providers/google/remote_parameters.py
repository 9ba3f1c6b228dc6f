"""Parameters inside a Remote Config template: found, read, and written back into it. Sends nothing.

Source: Remote Config REST API v1, RemoteConfigParameter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.core.errors import Conflict, StalePlan
from reconciler.core.state import Observed
from reconciler.providers.google.flag_values import IN_APP, read_value, written_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.core.secret import Json

PREFIX: Final = "parameters/"

_OURS: Final = frozenset({"value", IN_APP})
"""What a value is made of that nobody but its author decides."""


def rows_of(parts: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], str | None]]:
    """Yield each parameter with its name and its group."""
    for name, row in (parts.get("parameters") or {}).items():
        yield name, row, None
    for group, held in (parts.get("parameterGroups") or {}).items():
        for name, row in (held.get("parameters") or {}).items():
            yield name, row, group


def observed(name: str, row: Mapping[str, Any], group: str | None) -> Observed:
    """Return a parameter in our words; a type that is not known yet stays as it is."""
    kind = row.get("valueType") or "STRING"
    kind = "STRING" if kind == "PARAMETER_VALUE_TYPE_UNSPECIFIED" else kind
    return Observed(
        remote_id=f"{PREFIX}{name}",
        values={
            "parameter": name,
            "type": kind,
            "value": read_value(row.get("defaultValue"), kind),
            "conditional_values": {
                condition: read_value(shown, kind)
                for condition, shown in (row.get("conditionalValues") or {}).items()
            },
            "description": row.get("description") or None,
            "group": group,
        },
        read_only=_decided_elsewhere(row),
    )


def _decided_elsewhere(row: Mapping[str, Any]) -> str | None:
    """Return why a parameter is not ours to write: overwriting its values would end a rollout or an experiment."""
    shown = [row.get("defaultValue") or {}, *(row.get("conditionalValues") or {}).values()]
    others = sorted({name for one in shown for name in one if name not in _OURS})
    if not others:
        return None
    return f"under a rollout, an experiment or personalisation ({', '.join(others)}): end that in the Firebase console"


def found_in(parts: Mapping[str, Any], wanted: str) -> Observed | None:
    """Return the parameter with a name, wherever it is."""
    return next(
        (observed(name, row, group) for name, row, group in rows_of(parts) if name == wanted), None
    )


def usable(parts: Mapping[str, Any], name: str) -> Observed:
    """Return the parameter as it is now. Raises StalePlan when it is gone, Conflict when it may not be written."""
    found = found_in(parts, name)
    if found is None:
        raise StalePlan(f"{name} is gone", mend="reconciler plan ENV")
    if found.read_only is not None:
        raise Conflict(f"{name} is {found.read_only}", vendor="firebase")
    return found


def parameters_of(parts: dict[str, Any], group: str | None) -> dict[str, Any]:
    """Return the mapping that holds the parameters of a group, which is made where it is not there."""
    holder = (
        parts if group is None else parts.setdefault("parameterGroups", {}).setdefault(group, {})
    )
    found: dict[str, Any] = holder.setdefault("parameters", {})
    return found


def written_row(
    row: Mapping[str, Any], values: Mapping[str, Json], changed: Mapping[str, Json]
) -> dict[str, Any]:
    """Return a parameter as the template has it: ``row`` with the fields of ``changed`` as in ``values``."""
    kind, made = values["type"], dict(row)
    is_new_type = "type" in changed
    if is_new_type:
        made["valueType"] = kind
    if is_new_type or "value" in changed:
        made["defaultValue"] = written_value(values["value"], kind)
    if is_new_type or "conditional_values" in changed:
        made["conditionalValues"] = {
            name: written_value(value, kind)
            for name, value in (values["conditional_values"] or {}).items()
        }
    if "description" in changed:
        made["description"] = values["description"]
    return {name: value for name, value in made.items() if value not in (None, {})}
