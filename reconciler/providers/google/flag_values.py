"""Values of Remote Config: always texts on the wire, and of a type here. Pure."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from reconciler.core.behaviour import Normalise
from reconciler.core.secret import is_settled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.secret import Json

IN_APP: Final = "useInAppDefault"


@dataclass(frozen=True, slots=True)
class Exactly(Normalise):
    """JSON values are equal when they say the same: ``1.0`` is 1, and ``true`` is not."""

    form: ClassVar[str] = "exactly"

    def normal(self, value: Json) -> Json:
        return json.dumps(_plain(value), sort_keys=True) if is_settled(value) else value


def read_value(shown: Mapping[str, Any] | None, kind: str) -> Json:
    """Return a value of the template in its own type; ``None`` stands for the default of the app.

    A text that does not fit its type stays a text, and so does one of a type that is not known.
    """
    if not shown or "value" not in shown:
        return None
    text = str(shown["value"])
    try:
        match kind:
            case "BOOLEAN":
                return {"true": True, "false": False}.get(text.lower(), text)
            case "NUMBER":
                return _number(text)
            case "JSON":
                return _plain(json.loads(text))
            case _:
                return text
    except ValueError:
        return text


def written_value(value: Json, kind: str) -> dict[str, Json]:
    """Return a value as the template has it."""
    if value is None:
        return {IN_APP: True}
    if kind == "JSON":
        return {"value": json.dumps(_plain(value), ensure_ascii=False)}
    if isinstance(value, bool):
        return {"value": str(int(value)) if kind == "NUMBER" else str(value).lower()}
    return {"value": value if isinstance(value, str) else json.dumps(_plain(value))}


def misfit(value: Json, kind: str) -> str | None:
    """Say why ``value`` is none of type ``kind``; ``None`` when it is one, or may become one."""
    if value is None or not is_settled(value):
        return None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    match kind:
        case "STRING" if not isinstance(value, str):
            return f"a {_type_of(value)} needs `type: {_type_of(value)}`; a text is in quotes"
        case "BOOLEAN" if not isinstance(value, bool):
            return "a BOOLEAN is true or false, without quotes"
        case "NUMBER" if not (is_number and math.isfinite(value)):
            return "a NUMBER is written without quotes"
        case _:
            return None


def _type_of(value: Json) -> str:
    if isinstance(value, bool):
        return "BOOLEAN"
    return "NUMBER" if isinstance(value, (int, float)) else "JSON"


def _number(text: str) -> Json:
    try:
        return int(text)
    except ValueError:
        found = float(text)
        return _plain(found) if math.isfinite(found) else text


def _plain(value: Json) -> Json:
    """Return JSON without whole numbers that are written as fractions."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
