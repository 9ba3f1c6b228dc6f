"""Form bodies in bracket notation: ``a[b]=1&c[0]=x&d[]=y``. Never interprets a value."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

Nested = str | list["Nested"] | dict[str, "Nested"]

_NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_PART = re.compile(r"\[([^\[\]]*)\]")


class MalformedForm(ValueError):
    """A name that is not in bracket notation, or is used as two different things."""


def parse_form(text: str) -> dict[str, Nested]:
    """Return the nested value of a form; arrays may be indexed or written ``[]``."""
    root: dict[str, Nested] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        match = _NAME.match(name)
        if match is None:
            raise MalformedForm(name)
        _place(root, [match[1], *_PART.findall(match[2])], value, name)
    return {name: _with_lists(value) for name, value in root.items()}


def _place(root: dict[str, Nested], parts: list[str], value: str, name: str) -> None:
    here = root
    for part in parts[:-1]:
        below = here.setdefault(part or str(len(here)), {})
        if not isinstance(below, dict):
            raise MalformedForm(name)
        here = below
    last = parts[-1] or str(len(here))
    if isinstance(here.get(last), dict):
        raise MalformedForm(name)
    here[last] = value


def _with_lists(value: Nested) -> Nested:
    if not isinstance(value, dict):
        return value
    inner = {name: _with_lists(below) for name, below in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
