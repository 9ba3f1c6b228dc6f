"""Say what a schema does not allow, where it stands, and never a secret's value."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from reconciler.core.diagnostic import Diagnostic
from reconciler.core.masking import Masker
from reconciler.files.schema_findings import (
    Failure,
    findings_of,
    is_reference,
    wanted_types,
    wrong_key,
)
from reconciler.files.schema_secrets import secret_pointers, texts_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

    from reconciler.core.diagnostic import Place
    from reconciler.files.schema_findings import Finding
    from reconciler.files.yaml_positions import Locator, Pointer
    from reconciler.files.yaml_scalars import Json


def schema_diagnostics(validator: Validator, value: Json, place: Locator) -> list[Diagnostic]:
    """Return everything in ``value`` that the schema of ``validator`` refuses, in file order.

    A source line that holds a secret is left out of the places.
    """
    errors = list(validator.iter_errors(value))
    if not errors:
        return []
    secrets = secret_pointers(validator, value)
    findings = {finding for error in errors for finding in _findings(error, secrets)}
    lines = {place(pointer).line for pointer in secrets}
    masker = Masker(texts_at(secrets, value))
    diagnostics = [
        Diagnostic(
            summary=finding.summary,
            detail=masker.mask(finding.detail),
            mend=masker.mask(finding.mend),
            place=_without_secrets(place(finding.pointer, key=finding.key), finding, lines, masker),
        )
        for finding in findings
    ]
    return sorted(diagnostics, key=_order)


def _order(diagnostic: Diagnostic) -> tuple[int, int, str, str]:
    place = diagnostic.place
    line, column = (place.line, place.column) if place else (0, 0)
    return line, column, diagnostic.summary, diagnostic.detail


def _without_secrets(place: Place, finding: Finding, lines: set[int], masker: Masker) -> Place:
    text = place.line_text
    if place.line in lines or masker.hides(text):
        text = ""
    elif finding.key and text:
        # What follows a key that is not known may be a secret under a mistyped name.
        key = text[: place.column - 1 + place.length]
        text = f"{key}: …" if len(text) > len(key) else key
    return place.model_copy(update={"line_text": text})


def _findings(error: ValidationError, secrets: frozenset[Pointer]) -> Iterator[Finding]:
    failure = _failure(error, secrets)
    if failure.keyword in {"anyOf", "oneOf"} and error.context:
        yield from _branches(error, secrets)
    elif _is_of_key(error):
        yield wrong_key(failure)
    else:
        yield from findings_of(failure)


def _failure(error: ValidationError, secrets: frozenset[Pointer]) -> Failure:
    pointer: Pointer = tuple(error.absolute_path)
    rule: Json = error.validator_value
    return Failure(
        keyword=str(error.validator),
        rule=rule,
        value=error.instance,
        schema=error.schema if isinstance(error.schema, dict) else {},
        pointer=pointer,
        message=error.message,
        hidden=any(pointer[:length] in secrets for length in range(len(pointer) + 1)),
    )


def _branches(error: ValidationError, secrets: frozenset[Pointer]) -> Iterator[Finding]:
    """Report the one branch that comes nearest; the branch for references never."""
    failure = _failure(error, secrets)
    branches: dict[int, list[ValidationError]] = {}
    for inner in error.context or []:
        branches.setdefault(int(inner.schema_path[0]), []).append(inner)
    meant = [
        inner
        for index, inner in branches.items()
        if not any(map(is_reference, (failure.rule[index], *(each.schema for each in inner))))
    ] or [*branches.values()]
    mismatches = [_wrong_type(branch) for branch in meant]
    if len(meant) > 1 and all(mismatches):
        wanted = [kind for mismatch in mismatches for kind in mismatch]
        yield from findings_of(failure._replace(keyword="type", rule=wanted))
    else:
        for each in min(meant, key=_distance):
            yield from _findings(each, secrets)


def _wrong_type(branch: list[ValidationError]) -> list[str]:
    """Return the types that a branch wants of the whole value, if that is what is wrong."""
    for error in branch:
        if error.validator == "type" and not error.path:
            return wanted_types(error.validator_value)
    return []


def _distance(branch: list[ValidationError]) -> tuple[bool, int, int]:
    """Return how far a branch is from what was written: its type, what chooses it, the rest."""
    choosers = sum(1 for error in branch if error.validator in {"const", "enum"})
    return bool(_wrong_type(branch)), choosers, len(branch)


def _is_of_key(error: ValidationError) -> bool:
    steps = ["", *error.absolute_schema_path]
    return any(
        step == "propertyNames" and before != "properties" for before, step in pairwise(steps)
    )
