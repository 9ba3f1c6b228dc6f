"""Find a value in JSON by a path such as ``$.status``, ``payments.stripe`` or ``$.regions[0].name``."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.core.secret import Json

_STEP = re.compile(r"\[([0-9]+)\]|([^.\[\]]+)")


class Absent(enum.Enum):
    """There is nothing at the path (``None`` would be JSON null)."""

    VALUE = "absent"


def found_at(value: Json, path: str) -> Json | Absent:
    """Return what stands at ``path``. ``$`` is the whole; a number after a dot is a place in a list too."""
    for match in _STEP.finditer(path.removeprefix("$")):
        position, key = match[1] or match[2], match[2]
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and position.isdecimal() and int(position) < len(value):
            value = value[int(position)]
        else:
            return Absent.VALUE
    return value
