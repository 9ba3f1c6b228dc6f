"""What it means that a value fails one keyword of its schema, in the words of YAML."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.files.suggestions import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.files.yaml_positions import Pointer
    from reconciler.files.yaml_scalars import Json

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


class Finding(NamedTuple):
    """One thing that is wrong, before it has a place. ``key``: the key is meant, not its value."""

    pointer: Pointer
    summary: str
    detail: str
    mend: str = ""
    key: bool = False


class Failure(NamedTuple):
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


def findings_of(failure: Failure) -> Iterator[Finding]:
    """Yield what is wrong: one thing for a value, and one for each key that is."""
    if failure.keyword in _KEYS:
        yield from _KEYS[failure.keyword](failure)
    else:
        say = _VALUES.get(failure.keyword, _something_else)
        repeated = failure.keyword == "uniqueItems"
        step = (_second_of_two(failure.value),) if repeated else ()
        yield Finding((*failure.pointer, *step), *say(failure))


def wrong_key(failure: Failure) -> Finding:
    """Return that a key, which is what failed here, has the wrong form."""
    detail = f"{shown(failure.value)} cannot be a key here."
    pointer = (*failure.pointer, str(failure.value))
    return Finding(pointer, "Key in the wrong form", detail, key=True)


def is_reference(schema: object) -> bool:
    """Tell whether a schema allows nothing but a reference."""
    pattern = schema.get("pattern", "") if isinstance(schema, dict) else ""
    return str(pattern).lstrip("^").startswith(_REFERENCE)


def wanted_types(types: Json) -> list[str]:
    """Return the operand of ``type`` as a list."""
    return [types] if isinstance(types, str) else list(types)


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


def _type_of(value: Json) -> str:
    return _TYPES[_NAMES.get(type(value), "null")]


# --- Keywords that are about keys


def _unknown_keys(failure: Failure) -> Iterator[Finding]:
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
        yield Finding((*failure.pointer, key), "Unknown key", detail, key=True)


def _hint(word: str, known: list[str], likely: list[str]) -> str:
    nearest = did_you_mean(word, likely)
    guess = f" Did you mean {nearest}?" if nearest else ""
    return f"{guess} Known are {listed(sorted(known))}." if known else guess


def _missing_keys(failure: Failure) -> Iterator[Finding]:
    for key in failure.rule:
        if key in failure.value or not failure.message.startswith(repr(key)):
            continue
        meaning = failure.schema.get("properties", {}).get(key)
        described = meaning.get("description", "") if isinstance(meaning, dict) else ""
        about = f": {described.splitlines()[0]}" if described else " is needed here."
        at_key = bool(failure.pointer) and isinstance(failure.pointer[-1], str)
        yield Finding(failure.pointer, "Missing key", f"{key}{about}", key=at_key)


_KEYS: Final[Mapping[str, Callable[[Failure], Iterator[Finding]]]] = {
    "additionalProperties": _unknown_keys,
    "unevaluatedProperties": _unknown_keys,
    "required": _missing_keys,
}

# --- Keywords that are about values: summary, detail and what mends it


def _type(failure: Failure) -> tuple[str, str, str]:
    wanted, value = wanted_types(failure.rule), failure.value
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


def _enum(failure: Failure) -> tuple[str, str, str]:
    known = [each if isinstance(each, str) else json.dumps(each) for each in failure.rule]
    likely = known if isinstance(failure.value, str) and not failure.hidden else []
    hint = _hint(str(failure.value), known, likely)
    return "Unknown value", f"{failure} is not known here.{hint}", ""


def _const(failure: Failure) -> tuple[str, str, str]:
    return "Unknown value", f"{failure} stands here; only {shown(failure.rule)} may.", ""


def _pattern(failure: Failure) -> tuple[str, str, str]:
    if is_reference(failure.schema):
        detail = f"{failure} is not a reference. Write one, such as:"
        return "Reference expected", detail, "${secret:store/name}"
    examples = failure.schema.get("examples")
    like = f" It looks like {shown(examples[0])}." if examples else ""
    return "Wrong form", f"{failure} does not match {failure.rule}.{like}", ""


def _format(failure: Failure) -> tuple[str, str, str]:
    return "Wrong form", f"{failure} is not of the form {failure.rule}.", ""


def _unique(failure: Failure) -> tuple[str, str, str]:
    twice = failure._replace(value=failure.value[_second_of_two(failure.value)])
    return "Repeated element", f"{twice} stands in this list before.", ""


def _second_of_two(items: list[Json]) -> int:
    """Return the index of the first element that stands there before."""
    forms = [json.dumps(item, sort_keys=True) for item in items]
    return next((at for at, form in enumerate(forms) if form in forms[:at]), 0)


def _size(summary: str, allowed: str) -> Callable[[Failure], tuple[str, str, str]]:
    def say(failure: Failure) -> tuple[str, str, str]:
        here = "" if failure.hidden else f"; here are {len(failure.value)}"
        return summary, f"{allowed.format(failure.rule)}{here}.", ""

    return say


def _bound(summary: str, relation: str) -> Callable[[Failure], tuple[str, str, str]]:
    def say(failure: Failure) -> tuple[str, str, str]:
        return summary, f"{failure} is not {relation} {failure.rule}.", ""

    return say


def _something_else(failure: Failure) -> tuple[str, str, str]:
    rule = f" ({failure.keyword})" if failure.keyword != "None" else ""
    return "Not allowed here", f"The schema does not allow {failure.kind} here{rule}.", ""


_VALUES: Final[Mapping[str, Callable[[Failure], tuple[str, str, str]]]] = {
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
