"""Say what a schema does not allow, in the words of YAML, where it stands, and never a secret's value."""

from __future__ import annotations

import json
import re
import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from reconciler.core.diagnostic import Diagnostic
from reconciler.core.masking import Masker
from reconciler.files.suggestions import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

    from reconciler.core.diagnostic import Place
    from reconciler.files.yaml_reader import Json, Locator, Pointer

LONGEST_SHOWN: Final = 60
_REFERENCE: Final = r"\$\{"
"""A branch with a pattern that begins so means "or a reference" and is never what was meant instead."""
_TYPES: Final[Mapping[str, str]] = {
    "object": "a map",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_NAMES: Final = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
}
_HIDDEN: Final = ("x-secret", "writeOnly")


class _Finding(NamedTuple):
    """One thing that is wrong, before it has a place. ``key``: the key is meant, not its value."""

    pointer: Pointer
    summary: str
    detail: str
    mend: str = ""
    key: bool = False


def schema_diagnostics(validator: Validator, value: Json, place: Locator) -> list[Diagnostic]:
    """Return everything in ``value`` that the schema of ``validator`` refuses, in file order.

    A source line that holds a secret is left out of the places.
    """
    errors = list(validator.iter_errors(value))
    if not errors:
        return []
    secrets = _secrets(validator, value)
    findings = {finding for error in errors for finding in _findings(error, secrets)}
    lines = {place(pointer).line for pointer in secrets}
    masker = Masker(text for pointer in secrets for text in _texts(_at(value, pointer)))
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


def shown(value: Json) -> str:
    """Return a scalar for a message, short and without control characters; of others, the size."""
    if isinstance(value, (dict, list)):
        return f"{_type_of(value)} of {len(value)}"
    text = json.dumps(value, ensure_ascii=False)
    text = "".join(map(_escaped, text[: LONGEST_SHOWN + 1]))
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


def _escaped(character: str) -> str:
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return f"\\u{ord(character):04x}"
    return character


def _order(diagnostic: Diagnostic) -> tuple[int, int, str, str]:
    place = diagnostic.place
    line, column = (place.line, place.column) if place else (0, 0)
    return line, column, diagnostic.summary, diagnostic.detail


def _without_secrets(place: Place, finding: _Finding, lines: set[int], masker: Masker) -> Place:
    text = place.line_text
    if place.line in lines or masker.hides(text):
        text = ""
    elif finding.key and text:
        # What follows a key that is not known may be a secret under a mistyped name.
        key = text[: place.column - 1 + place.length]
        text = f"{key}: …" if len(text) > len(key) else key
    return place.model_copy(update={"line_text": text})


# --- Which values are secret


def _secrets(validator: Validator, value: Json) -> frozenset[Pointer]:
    """Return the pointers that any part of the schema which applies here marks as secret.

    Found by validating once more with the markers as keywords that always fail.
    """
    import attrs
    from jsonschema import ValidationError, validators

    def marked(_: Validator, flag: object, __: Json, ___: object) -> Iterator[ValidationError]:
        if flag is True:
            yield ValidationError("secret")

    kind: Any = type(validator)
    extend: Any = validators.extend
    state = {each.alias: getattr(validator, each.name) for each in attrs.fields(kind) if each.init}
    finder = extend(kind, dict.fromkeys(_HIDDEN, marked))
    errors = [*finder(**state).iter_errors(value)]
    return frozenset(
        tuple(error.absolute_path) for error in _with_context(errors) if _is_hidden(error)
    )


def _with_context(errors: list[ValidationError]) -> Iterator[ValidationError]:
    for error in errors:
        yield error
        yield from _with_context(error.context or [])


def _is_hidden(error: ValidationError) -> bool:
    schema = error.schema if isinstance(error.schema, dict) else {}
    return error.validator in _HIDDEN or any(schema.get(name) is True for name in _HIDDEN)


def _at(value: Json, pointer: Pointer) -> Json:
    for step in pointer:
        value = value[step]
    return value


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


# --- From errors to findings


class _Failure(NamedTuple):
    """One keyword of the schema that a value does not satisfy."""

    keyword: str
    rule: Json
    value: Json
    schema: dict[str, Json]
    pointer: Pointer
    message: str
    hidden: bool

    def __str__(self) -> str:
        return "The secret" if self.hidden else shown(self.value)

    @property
    def kind(self) -> str:
        """Return what the value is, and the value itself where that says more."""
        if self.value is None:
            return "nothing"
        kind = _type_of(self.value)
        return kind if self.hidden or isinstance(self.value, (dict, list)) else f"{kind} ({self})"


def _findings(error: ValidationError, secrets: frozenset[Pointer]) -> Iterator[_Finding]:
    failure = _failure(error, secrets)
    if failure.keyword in {"anyOf", "oneOf"} and error.context:
        yield from _branches(error, secrets)
    elif _is_of_key(error):
        pointer = (*failure.pointer, str(failure.value))
        detail = f"{shown(failure.value)} cannot be a key here."
        yield _Finding(pointer, "Key in the wrong form", detail, key=True)
    elif failure.keyword in _KEYS:
        yield from _KEYS[failure.keyword](failure)
    else:
        say = _VALUES.get(failure.keyword, _something_else)
        repeated = failure.keyword == "uniqueItems"
        step = (_second_of_two(failure.value),) if repeated else ()
        yield _Finding((*failure.pointer, *step), *say(failure))


def _failure(error: ValidationError, secrets: frozenset[Pointer]) -> _Failure:
    pointer: Pointer = tuple(error.absolute_path)
    rule: Json = error.validator_value
    return _Failure(
        keyword=str(error.validator),
        rule=rule,
        value=error.instance,
        schema=error.schema if isinstance(error.schema, dict) else {},
        pointer=pointer,
        message=error.message,
        hidden=any(pointer[:length] in secrets for length in range(len(pointer) + 1)),
    )


def _branches(error: ValidationError, secrets: frozenset[Pointer]) -> Iterator[_Finding]:
    """Report the one branch that comes nearest; the branch for references never."""
    failure = _failure(error, secrets)
    branches: dict[int, list[ValidationError]] = {}
    for inner in error.context or []:
        branches.setdefault(int(inner.schema_path[0]), []).append(inner)
    meant = [
        inner
        for index, inner in branches.items()
        if not any(map(_is_reference, (failure.rule[index], *(each.schema for each in inner))))
    ] or [*branches.values()]
    mismatches = [_wrong_type(branch) for branch in meant]
    if len(meant) > 1 and all(mismatches):
        wanted = [kind for mismatch in mismatches for kind in mismatch]
        yield _Finding(failure.pointer, *_type(failure._replace(rule=wanted)))
    else:
        for each in min(meant, key=_distance):
            yield from _findings(each, secrets)


def _is_reference(schema: object) -> bool:
    pattern = schema.get("pattern", "") if isinstance(schema, dict) else ""
    return str(pattern).lstrip("^").startswith(_REFERENCE)


def _wrong_type(branch: list[ValidationError]) -> list[str]:
    """Return the types that a branch wants of the whole value, if that is what is wrong."""
    for error in branch:
        if error.validator == "type" and not error.path:
            return _as_list(error.validator_value)
    return []


def _as_list(types: Json) -> list[str]:
    return [types] if isinstance(types, str) else list(types)


def _distance(branch: list[ValidationError]) -> tuple[bool, int, int]:
    """Return how far a branch is from what was written: its type, what chooses it, the rest."""
    choosers = sum(1 for error in branch if error.validator in {"const", "enum"})
    return bool(_wrong_type(branch)), choosers, len(branch)


def _is_of_key(error: ValidationError) -> bool:
    steps = ["", *error.absolute_schema_path]
    return any(
        step == "propertyNames" and before != "properties" for before, step in pairwise(steps)
    )


# --- Keywords that are about keys


def _unknown_keys(failure: _Failure) -> Iterator[_Finding]:
    known = list(failure.schema.get("properties", {}))
    patterns = list(failure.schema.get("patternProperties", {}))
    unevaluated = failure.keyword == "unevaluatedProperties"
    for key in failure.value:
        if key in known or any(re.search(pattern, key) for pattern in patterns):
            continue
        if unevaluated and repr(key) not in failure.message:
            continue
        free = [name for name in known if name not in failure.value]
        detail = f"{shown(key)[1:-1]} is not known here.{_hint(key, known, free)}"
        yield _Finding((*failure.pointer, key), "Unknown key", detail, key=True)


def _hint(word: str, known: list[str], likely: list[str]) -> str:
    nearest = did_you_mean(word, likely)
    guess = f" Did you mean {nearest}?" if nearest else ""
    return f"{guess} Known are {listed(sorted(known))}." if known else guess


def _missing_keys(failure: _Failure) -> Iterator[_Finding]:
    for key in failure.rule:
        if key in failure.value or not failure.message.startswith(repr(key)):
            continue
        meaning = failure.schema.get("properties", {}).get(key)
        described = meaning.get("description", "") if isinstance(meaning, dict) else ""
        about = f": {described.splitlines()[0]}" if described else " is needed here."
        at_key = bool(failure.pointer) and isinstance(failure.pointer[-1], str)
        yield _Finding(failure.pointer, "Missing key", f"{key}{about}", key=at_key)


_KEYS: Final[Mapping[str, Callable[[_Failure], Iterator[_Finding]]]] = {
    "additionalProperties": _unknown_keys,
    "unevaluatedProperties": _unknown_keys,
    "required": _missing_keys,
}

# --- Keywords that are about values: summary, detail and what mends it


def _type(failure: _Failure) -> tuple[str, str, str]:
    wanted, value = _as_list(failure.rule), failure.value
    names = list(dict.fromkeys(_TYPES.get(name, name) for name in wanted))
    expected = ", ".join(names[:-1]) + " or " + names[-1] if len(names) > 1 else names[0]
    detail = f"Expected {expected}, found {failure.kind}."
    advice, mend = "", ""
    if (
        failure.hidden
        or value is None
        or isinstance(value, (dict, list))
        or len(str(failure)) >= LONGEST_SHOWN
    ):
        pass
    elif "string" in wanted:
        advice, mend = " As text:", f'"{failure}"'
    elif isinstance(value, str) and _unquoted(value) & {*wanted}:
        advice, mend = " Without quotes:", value
    elif "array" in wanted:
        advice, mend = " As a list of one:", f"[{failure}]"
    return "Wrong type", detail + advice, mend


def _unquoted(text: str) -> set[str]:
    """Return the types that ``text`` would be of without its quotes."""
    if text in {"true", "false"}:
        return {"boolean"}
    return {"integer", "number"} if re.fullmatch(r"0|-?[1-9][0-9]{0,17}", text) else set()


def _enum(failure: _Failure) -> tuple[str, str, str]:
    known = [each if isinstance(each, str) else json.dumps(each) for each in failure.rule]
    likely = known if isinstance(failure.value, str) and not failure.hidden else []
    hint = _hint(str(failure.value), known, likely)
    return "Unknown value", f"{failure} is not known here.{hint}", ""


def _const(failure: _Failure) -> tuple[str, str, str]:
    return "Unknown value", f"{failure} stands here; only {shown(failure.rule)} may.", ""


def _pattern(failure: _Failure) -> tuple[str, str, str]:
    if _is_reference(failure.schema):
        detail = f"{failure} is not a reference. Write one, such as:"
        return "Reference expected", detail, "${secret:store/name}"
    examples = failure.schema.get("examples")
    like = f" It looks like {shown(examples[0])}." if examples else ""
    return "Wrong form", f"{failure} does not match {failure.rule}.{like}", ""


def _format(failure: _Failure) -> tuple[str, str, str]:
    return "Wrong form", f"{failure} is not of the form {failure.rule}.", ""


def _unique(failure: _Failure) -> tuple[str, str, str]:
    twice = failure._replace(value=failure.value[_second_of_two(failure.value)])
    return "Repeated element", f"{twice} stands in this list before.", ""


def _second_of_two(items: list[Json]) -> int:
    """Return the index of the first element that stands there before."""
    forms = [json.dumps(item, sort_keys=True) for item in items]
    return next((at for at, form in enumerate(forms) if form in forms[:at]), 0)


def _size(summary: str, allowed: str) -> Callable[[_Failure], tuple[str, str, str]]:
    def say(failure: _Failure) -> tuple[str, str, str]:
        here = "" if failure.hidden else f"; here are {len(failure.value)}"
        return summary, f"{allowed.format(failure.rule)}{here}.", ""

    return say


def _bound(summary: str, relation: str) -> Callable[[_Failure], tuple[str, str, str]]:
    def say(failure: _Failure) -> tuple[str, str, str]:
        return summary, f"{failure} is not {relation} {failure.rule}.", ""

    return say


def _something_else(failure: _Failure) -> tuple[str, str, str]:
    rule = f" ({failure.keyword})" if failure.keyword != "None" else ""
    return "Not allowed here", f"The schema does not allow {failure.kind} here{rule}.", ""


_VALUES: Final[Mapping[str, Callable[[_Failure], tuple[str, str, str]]]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "format": _format,
    "uniqueItems": _unique,
    "minItems": _size("Too few elements", "The list needs {} or more elements"),
    "maxItems": _size("Too many elements", "The list may have {} elements"),
    "minLength": _size("Text too short", "The text needs {} or more characters"),
    "maxLength": _size("Text too long", "The text may have {} characters"),
    "minProperties": _size("Too few keys", "The map needs {} or more keys"),
    "maxProperties": _size("Too many keys", "The map may have {} keys"),
    "minimum": _bound("Number too small", "at least"),
    "maximum": _bound("Number too large", "at most"),
    "exclusiveMinimum": _bound("Number too small", "more than"),
    "exclusiveMaximum": _bound("Number too large", "less than"),
    "multipleOf": _bound("Wrong number", "a multiple of"),
}


def _type_of(value: Json) -> str:
    return _TYPES[_NAMES.get(type(value), "null")]
