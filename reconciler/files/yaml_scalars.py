"""What an unquoted scalar means, and which ones readers do not agree on."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final, TypeAlias

Json: TypeAlias = Any
"""``dict``, ``list``, ``str``, ``int``, ``float``, ``bool`` or ``None``."""

NOT_SURELY_TEXT: Final = frozenset(["", *"0123456789+-.~=<nNyYtTfFoO"])
"""The first characters of everything that is not text, or not text to everybody."""
_WORDS: Final[dict[str, Json]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
BOOLEAN_WORDS: Final = frozenset({"yes", "no", "on", "off", "y", "n"})
_WHOLE_NUMBER: Final = re.compile(r"0|-?[1-9][0-9]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+][0-9]+)?")
LARGEST: Final = 2**64 - 1
SMALLEST: Final = -(2**63)
_SOME_NUMBER: Final = "is a number to some YAML readers and text to others"
_DATE: Final = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_TIME: Final = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]*)?)?"
_ZONE: Final = r"(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))?"
_AMBIGUOUS: Final = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (r"[-+]?0[0-9_]+", "is an octal number to some YAML readers and a decimal one to others"),
        (r"-0", "is the number 0"),
        (r"[-+]?0[oO][0-7_]+", _SOME_NUMBER),
        (r"[-+]?0[xX][0-9a-fA-F_]+", "is a hexadecimal number"),
        (r"[-+]?0[bB][01_]+", _SOME_NUMBER),
        (r"\+[0-9][0-9_]*(?:\.[0-9_]*)?", "is a number, and its plus sign would be lost"),
        (r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", f"{_SOME_NUMBER} (to the base 60)"),
        (_DATE, "is a date to some YAML readers and text to others"),
        (rf"{_DATE}(?:[Tt]|[ \t]+){_TIME}{_ZONE}", "is a time to some YAML readers, not to all"),
        (r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "is a number that JSON does not have"),
        (r"[-+]?(?:[0-9_]+\.?[0-9_]*|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?", _SOME_NUMBER),
        (r"=|<<", "has a meaning of its own to some YAML readers"),
    )
)


class AmbiguousScalarError(ValueError):
    """An unquoted text that readers do not agree on, or that would silently change."""


def plain_value(text: str) -> Json:
    """Return what an unquoted scalar means. Raises AmbiguousScalarError, saying what ``text`` is."""
    if text[:1] not in NOT_SURELY_TEXT:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text.lower() in BOOLEAN_WORDS:
        raise AmbiguousScalarError("is true or false to some YAML readers and text to others")
    if _WHOLE_NUMBER.fullmatch(text):
        return _whole_number(text)
    if _NUMBER.fullmatch(text):
        return _number(text)
    for pattern, meaning in _AMBIGUOUS:
        if pattern.fullmatch(text):
            raise AmbiguousScalarError(meaning)
    return text


def _whole_number(text: str) -> int:
    if len(text) > 20 or not SMALLEST <= int(text) <= LARGEST:
        raise AmbiguousScalarError("is a number of more than 64 bits, which other programs round")
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")} or Decimal(text) != Decimal(repr(number)):
        raise AmbiguousScalarError(
            f"has more digits than a number keeps: it would become {number!r}"
        )
    if text.endswith("0") and "e" not in text.lower() and not text.endswith(".0"):
        raise AmbiguousScalarError(f"is the number {number!r}: its last zero would be lost")
    return number
