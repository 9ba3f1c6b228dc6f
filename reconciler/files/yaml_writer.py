"""Write YAML that a person could have written, and change one value without touching the rest.

What is written means the same to ``yaml_reader`` and to other readers, of YAML 1.1 and of 1.2.
"""

from __future__ import annotations

import json
import math
import re
from functools import cache
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.errors import InvalidInput
from reconciler.files.yaml_positions import spans
from reconciler.files.yaml_reader import MAX_DEPTH, read_document
from reconciler.files.yaml_scalars import LARGEST, SMALLEST, AmbiguousScalarError, plain_value
from reconciler.files.yaml_text import FORBIDDEN

if TYPE_CHECKING:
    from reconciler.files.yaml_positions import Pointer, Span, Spans
    from reconciler.files.yaml_scalars import Json

_NOT_PLAIN: Final = re.compile(r"[-?:,\[\]{}#&*!|>'\"%@`]|[.]{3}|.*?(?:: |:\Z| #)")
"""Begins with a character that means something, or holds what ends a plain text."""
_PLAIN_IN_FLOW: Final = re.compile(r"[\w./$@+ -]*")
_BLOCK_HEADER: Final = re.compile(r"[|>][-+0-9]*([ \t]+#[^\r\n]*)?")
_EMPTY: Final[tuple[Json, ...]] = ([], {})


def dump(value: Json, *, header_comment: str | None = None) -> str:
    """Return ``value`` as a file in block style, with quotes only where they must be.

    Raises ValueError for what our YAML does not hold: other types, NaN, more than 64 bits.
    """
    header = "".join(f"# {line}".rstrip() + "\n" for line in (header_comment or "").splitlines())
    return _visible(header) + _block(_checked(value, 1)) + "\n"


def set_value(text: str, pointer: Pointer, value: Json) -> str:
    """Return ``text`` with another value at ``pointer``; every byte around the value stays.

    Comments inside a replaced list or map go with it. Raises KeyError when nothing stands at
    ``pointer``, and ValueError when the value cannot be written there.
    """
    before = read_document(text, "").value
    found = spans(text)
    if pointer not in found.values:
        raise KeyError(pointer)
    new = _checked(value, len(pointer) + 1)
    around = (found.values[pointer[:length]].style for length in range(len(pointer) + 1))
    ways = [_with_inline]
    if "flow" not in around and new not in _EMPTY and isinstance(new, (dict, list)):
        ways.insert(0, _with_block)
    expected = _replaced(before, pointer, new)
    for way in ways:
        # A block does not fit where a comment follows its last text: then brackets do.
        changed = way(text, found, pointer, new)
        if _reads_as(changed, expected):
            return changed
    raise ValueError(f"a value at {pointer} cannot be changed in place")


# --- Changing a slice of the text


def _with_inline(text: str, found: Spans, pointer: Pointer, value: Json) -> str:
    span = found.values[pointer]
    start, end = span.start, _end(text, found, pointer)
    in_flow = any(found.values[pointer[:length]].style == "flow" for length in range(len(pointer)))
    quote = text[start] if span.style == "quoted" else ""
    written = _visible(_inline(value, in_flow=in_flow, quote=quote))
    key = found.keys.get(pointer)
    if span.style == "block" and key and key.line < span.line:
        # The value begins on the line of its key, before what is left of that line.
        colon = text.index(":", key.end) + 1
        return f"{text[:colon]} {written}{text[colon:start].rstrip()}{text[end:]}"
    return f"{text[:start]}{_gap(text, span)}{written}{_header_comment(text, span)}{text[end:]}"


def _with_block(text: str, found: Spans, pointer: Pointer, value: Json) -> str:
    span = found.values[pointer]
    start, end = span.start, _end(text, found, pointer)
    column, gap = span.column - 1, _gap(text, span)
    key = found.keys.get(pointer)
    if key is None:
        return f"{text[:start]}{gap}{_indented(text, value, column + len(gap))}{text[end:]}"
    if span.style == "block":
        # A list may stand in the column of its key, a map may not.
        gap = "  " if isinstance(value, dict) and column == key.column - 1 else ""
        return f"{text[:start]}{gap}{_indented(text, value, column + len(gap))}{text[end:]}"
    rest = re.compile(r"[^\r\n]*").match(text, end)
    after = _header_comment(text, span) or (rest[0] if rest and span.style != "block_text" else "")
    tail = text[end:] if span.style == "block_text" else text[end + len(after) :]
    line_break = "\r\n" if "\r\n" in text else "\n"
    column = key.column + 1
    lines = _indented(text, value, column)
    return f"{text[:start].rstrip(' ')}{after.rstrip()}{line_break}{' ' * column}{lines}{tail}"


def _end(text: str, found: Spans, pointer: Pointer) -> int:
    """Return where a value ends, without the line breaks and comments that follow it."""
    ends = []
    for each, span in found.values.items():
        if each[: len(pointer)] == pointer and span.style != "block":
            slice_ = text[span.start : span.end]
            ends.append(
                span.start + len(slice_.rstrip("\r\n") if span.style == "block_text" else slice_)
            )
    return max(ends)


def _gap(text: str, span: Span) -> str:
    """Return the space that is missing before a value where none stood."""
    return " " if span.start == span.end and text[: span.start][-1:].strip() else ""


def _header_comment(text: str, span: Span) -> str:
    header = _BLOCK_HEADER.match(text, span.start) if span.style == "block_text" else None
    return (header[1] or "") if header else ""


def _indented(text: str, value: Json, column: int) -> str:
    line_break = "\r\n" if "\r\n" in text else "\n"
    first, *others = _block(value).split("\n")
    return line_break.join([first, *(" " * column + line if line else "" for line in others)])


def _replaced(document: Json, pointer: Pointer, value: Json) -> Json:
    if not pointer:
        return value
    step, rest = pointer[0], pointer[1:]
    if isinstance(document, dict):
        return {
            key: _replaced(inner, rest, value) if key == step else inner
            for key, inner in document.items()
        }
    return [
        _replaced(inner, rest, value) if index == step else inner
        for index, inner in enumerate(document)
    ]


def _reads_as(text: str, expected: Json) -> bool:
    try:
        value = read_document(text, "").value
    except InvalidInput:
        return False
    return repr(value) == repr(expected)  # to == alone, 1 and True are the same


# --- Values as text


def _checked(value: Json, depth: int) -> Json:
    """Return ``value`` as plain dicts and lists."""
    if depth > MAX_DEPTH + 1:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    match value:
        case dict() if all(isinstance(key, str) for key in value):
            return {
                _checked(key, depth): _checked(inner, depth + 1) for key, inner in value.items()
            }
        case list() | tuple():
            return [_checked(inner, depth + 1) for inner in value]
        case str():
            value.encode()
            return value
        case bool() | None:
            return value
        case int() if SMALLEST <= value <= LARGEST:
            return value
        case float() if math.isfinite(value):
            return value
        case _:
            raise ValueError(f"YAML does not hold this {type(value).__name__}")


def _block(value: Json) -> str:
    """Return ``value`` in block style, from column 0, without a line break at the end."""
    if value in _EMPTY or not isinstance(value, (dict, list)):
        return _visible(_inline(value))
    stream = StringIO()
    _ruamel().dump({"": value} if isinstance(value, list) else value, stream)
    text = stream.getvalue()
    if isinstance(value, list):
        # On its own, ruamel would indent the list; below a key it does so by two columns.
        text = "".join(line.removeprefix("  ") for line in text.splitlines(keepends=True)[1:])
    return _visible(text).removesuffix("\n")


@cache
def _ruamel() -> Any:  # noqa: ANN401 - ruamel has no types for its parts
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import RoundTripRepresenter

    class Representer(RoundTripRepresenter):
        """Writes each scalar in the style chosen here, and never an alias."""

        def ignore_aliases(self, _data: object) -> bool:
            return True

        def text(self, data: str) -> Any:  # noqa: ANN401
            style = None if _is_plain(data) else "|" if _is_block_text(data) else '"'
            return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)

        def number(self, data: float) -> Any:  # noqa: ANN401
            return self.represent_scalar("tag:yaml.org,2002:float", _number(data))

        def nothing(self, _data: None) -> Any:  # noqa: ANN401
            return self.represent_scalar("tag:yaml.org,2002:null", "null")

    Representer.add_representer(str, Representer.text)
    Representer.add_representer(float, Representer.number)
    Representer.add_representer(type(None), Representer.nothing)
    yaml = YAML()
    yaml.Representer = Representer
    yaml.default_flow_style = False
    yaml.width = 2**31
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _inline(value: Json, *, in_flow: bool = False, quote: str = "") -> str:
    """Return ``value`` on one line; lists and maps in brackets."""
    match value:
        case dict():
            pairs = (
                f"{_inline(key, in_flow=True)}: {_inline(inner, in_flow=True)}"
                for key, inner in value.items()
            )
            return "{" + ", ".join(pairs) + "}"
        case list():
            return "[" + ", ".join(_inline(inner, in_flow=True) for inner in value) + "]"
        case str():
            return _text(value, in_flow=in_flow, quote=quote)
        case float():
            return _number(value)
        case _:
            return json.dumps(value)


def _text(text: str, *, in_flow: bool, quote: str) -> str:
    if not quote and _is_plain(text) and (not in_flow or _PLAIN_IN_FLOW.fullmatch(text)):
        return text
    if quote == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text, ensure_ascii=False)


def _is_plain(text: str) -> bool:
    """Tell whether ``text`` without quotes is itself to every reader."""
    if not text.isprintable() or text != text.strip() or _NOT_PLAIN.match(text):
        return False
    try:
        return isinstance(plain_value(text), str)
    except AmbiguousScalarError:
        return False


def _is_block_text(text: str) -> bool:
    """Tell whether a literal block holds ``text``: visible lines, no space at the ends of any."""
    lines = text.removesuffix("\n").split("\n")
    clean = all(line.isprintable() and line == line.rstrip() for line in lines)
    return "\n" in text and clean and lines[0][:1].strip() != "" and lines[-1] != ""


def _number(number: float) -> str:
    digits, e, exponent = repr(number).partition("e")
    if not e:
        return digits
    return f"{digits if '.' in digits else f'{digits}.0'}e{exponent if exponent[0] in '+-' else f'+{exponent}'}"


def _visible(text: str) -> str:
    """Escape what our reader refuses. It can stand only in double quotes, and in a header comment."""
    return FORBIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
