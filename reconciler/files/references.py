"""Fill in ``${var:…}`` and ``${env:…}``, and turn the other references into values that say "later".

Nothing is evaluated: a reference is replaced by a value, once.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.reference import BadReference, Part, Reference, Scheme, parse
from reconciler.core.secret import Deferred, Json, SecretValue
from reconciler.files.suggestions import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Problem(NamedTuple):
    """A reference that cannot be understood, at ``pointer``; ``start`` and ``length`` are within its string."""

    pointer: tuple[str | int, ...]
    summary: str
    detail: str
    mend: str = ""
    start: int = 0
    length: int = 1


class Scope(NamedTuple):
    """What references may name. ``reveals_secret`` tells of (address, field) whether it is a secret output."""

    variables: Mapping[str, Json]
    environ: Mapping[str, str]
    reveals_secret: Callable[[str, str], bool]


def interpolate(
    value: Json, scope: Scope, pointer: tuple[str | int, ...] = ()
) -> tuple[Json, list[Problem]]:
    """Return ``value`` with its references filled in or made Deferred or SecretValue, and what is wrong."""
    problems: list[Problem] = []
    return _walk(value, scope, pointer, problems), problems


def _walk(
    value: Json, scope: Scope, pointer: tuple[str | int, ...], problems: list[Problem]
) -> Json:
    if isinstance(value, str):
        return _text(value, scope, pointer, problems) if "${" in value else value
    if isinstance(value, dict):
        return {key: _walk(one, scope, (*pointer, key), problems) for key, one in value.items()}
    if isinstance(value, list):
        return [_walk(one, scope, (*pointer, at), problems) for at, one in enumerate(value)]
    return value


def _text(text: str, scope: Scope, pointer: tuple[str | int, ...], problems: list[Problem]) -> Json:
    try:
        parts = parse(text)
    except BadReference as error:
        problems.append(
            Problem(pointer, "Not a reference", str(error), "", error.offset, len(error.text))
        )
        return text
    filled: list[Part] = []
    for part in parts:
        if isinstance(part, str) or part.scheme in {Scheme.SECRET, Scheme.REF}:
            filled.append(part)
            continue
        known: Mapping[str, Json] = scope.variables if part.scheme is Scheme.VAR else scope.environ
        if part.body not in known:
            problems.append(_unknown(part, pointer, scope))
            continue
        value = known[part.body]
        if len(parts) == 1:
            return value
        filled.append(value if isinstance(value, str) else _as_text(value))
    if any(
        isinstance(one, str) and one.endswith("$") and isinstance(following, Reference)
        for one, following in pairwise(filled)
    ):
        detail = "Together they would read as $${, which stands for a literal ${."
        problems.append(Problem(pointer, "A $ right before a reference", detail, length=len(text)))
    return _later(filled, scope)


def _later(parts: list[Part], scope: Scope) -> Json:
    """Return plain text, or what stands for a value that is known only later."""
    references = [part for part in parts if isinstance(part, Reference)]
    if not references:
        return "".join(map(str, parts))
    text = "".join(
        part.replace("${", "$${") if isinstance(part, str) else str(part) for part in parts
    )
    secret = any(
        part.scheme is Scheme.SECRET or scope.reveals_secret(*part.target) for part in references
    )
    return SecretValue(text) if secret else Deferred(text)


def _as_text(value: Json) -> str:
    """Write a variable's value inside a longer string, as YAML would."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _unknown(part: Reference, pointer: tuple[str | int, ...], scope: Scope) -> Problem:
    length = part.end - part.start
    if part.scheme is Scheme.VAR:
        return Problem(
            pointer,
            "Unknown variable",
            f"{part} is not among the vars of environment.yaml. {suggestion(part.body, scope.variables)}",
            "",
            part.start,
            length,
        )
    return Problem(
        pointer,
        "Environment variable not set",
        f"{part} needs it.",
        f"export {part.body}=…",
        part.start,
        length,
    )
