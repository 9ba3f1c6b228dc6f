"""What is said of YAML that is refused: why, and what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.core.diagnostic import Diagnostic, Severity
from reconciler.files.yaml_positions import place_at
from reconciler.files.yaml_scalars import BOOLEAN_WORDS

if TYPE_CHECKING:
    import yaml

    from reconciler.core.diagnostic import Place
    from reconciler.files.yaml_scalars import AmbiguousScalarError, Json

MAX_DIAGNOSTICS: Final = 100
"""So many messages of one file, or of one environment, and reading stops."""
MAX_VALUE_SHOWN: Final = 60


class Refusal(NamedTuple):
    """What is wrong, before it has a place."""

    summary: str
    detail: str
    mend: str = ""

    def at(self, place: Place) -> Diagnostic:
        return Diagnostic(summary=self.summary, detail=self.detail, mend=self.mend, place=place)


_NAMES: Final = {bool: "true or false", int: "a number", float: "a number", type(None): "null"}
_REPEAT: Final = (
    "As text, it needs quotes. To use a value twice, declare it under vars: in environment.yaml and "
    "write:"
)
_VARIABLE: Final = "${var:name}"
ANCHOR: Final = Refusal(
    "YAML anchor", f"A leading & names the value after it. {_REPEAT}", _VARIABLE
)
ALIAS: Final = Refusal(
    "YAML alias", f"A leading * stands for a value elsewhere. {_REPEAT}", _VARIABLE
)
MERGE: Final = Refusal(
    "YAML merge key",
    "The key << copies another map into this one. Write the keys out, and repeated values as:",
    _VARIABLE,
)
_CHOOSES: Final = (
    "A leading ! chooses how a value is read, and can run code in other programs. Remove it; as "
    "text, it needs quotes."
)
TAG: Final = Refusal("YAML tag", _CHOOSES)
DIRECTIVE: Final = Refusal(
    "YAML directive", "Lines that begin with % are not used here. Remove it."
)
SECOND_DOCUMENT: Final = Refusal(
    "More than one document",
    "A file holds one document. Put what follows this --- into another file.",
)
KEY_IS_COLLECTION: Final = Refusal(
    "Key is not text", "A key is one word or a quoted text, not a list, a map or an alias."
)
_NOT_A_KEY: Final = (
    "A key cannot stand here. Is a line above indented otherwise? A text with a colon and a space "
    "needs quotes:"
)
_EXPECTED: Final = "did not find expected "
_TAB: Final = "YAML is indented with spaces; here is a tab."
_UNCLOSED: Final = "The quote that begins here is never closed."
_START: Final = "A text that begins with this character needs quotes."
_SYNTAX: Final = (
    # words of libyaml, condition, detail, mend; the first that fits
    ("that cannot start any token", "tab", _TAB, ""),
    ("tab character", "", _TAB, ""),
    ("that cannot start any token", "`@%", _START, ""),
    ("alphabetic or numeric", "", "A text that begins with & or * needs quotes.", ""),
    (f"{_EXPECTED}node content", "", _START, ""),
    ("mapping values are not allowed", "", _NOT_A_KEY, 'note: "a: b"'),
    ("unexpected end of stream", "", _UNCLOSED, ""),
    ("unexpected document indicator", "", _UNCLOSED, ""),
    ("unknown escape", "", "In double quotes, write a backslash twice:", "\\\\"),
    ("invalid Unicode", "", "This escape is no character; write the character itself.", ""),
    ("expected ':'", "", "A key needs a colon and a space after it, on one line.", ""),
    (f"{_EXPECTED}','", "${", "Inside [ ] and { } a reference needs quotes:", '"${var:name}"'),
    (f"{_EXPECTED}','", "", "A comma or the closing bracket is missing, or quotes are.", ""),
    (f"{_EXPECTED}'-'", "", "The elements of a list begin with hyphens in one column.", ""),
    ("block sequence entries", "", "A list begins on the line after its key.", ""),
    (f"{_EXPECTED}key", "quote", "The quotes end before this. Put them around all of it.", ""),
    (f"{_EXPECTED}key", "", "The keys of a map begin in one column; this does not.", ""),
    (f"{_EXPECTED}<document start>", "", "This line is indented less than the first.", ""),
    ("undefined tag handle", "", _CHOOSES, ""),
)


def ambiguous(text: str, error: AmbiguousScalarError) -> Refusal:
    """Refuse an unquoted scalar that is not clear."""
    detail = f"{_shown(text)} {error}. {_other_spelling(text)}"
    return Refusal("Ambiguous value", detail, _quoted(text))


def not_text(key: str, value: Json) -> Refusal:
    """Refuse a key that is a number, a truth value or null."""
    detail = f"{_shown(key)} is {_NAMES[type(value)]} here. As a key, write it in quotes:"
    return Refusal("Key is not text", detail, _quoted(key))


def duplicate(key: str, line: int | None) -> Refusal:
    """Refuse a key that stands in the map before, on ``line`` if that is known."""
    where = f", on line {line}" if line is not None else ""
    detail = f"{_shown(key)} stands in this map before{where}. Only one of them would count; remove the other."
    return Refusal("Duplicate key", detail)


def syntax_error(text: str, file: str, error: yaml.YAMLError) -> Diagnostic:
    """Say in our words what libyaml stumbled over."""
    problem = str(getattr(error, "problem", None) or "cannot be read")
    mark = getattr(error, "problem_mark", None)
    if mark is None or mark.index >= len(text.rstrip()) or "unexpected document" in problem:
        mark = getattr(error, "context_mark", None) or mark
    offset = mark.index if mark else 0
    place = place_at(text, file, offset)
    holds = {
        "": True,
        "tab": "\t" in place.line_text[: place.column],
        "`@%": text[offset : offset + 1] in {"`", "@", "%"},
        "${": "${" in place.line_text,
        "quote": text[:offset].rstrip().endswith(("'", '"')),
    }
    for words, condition, detail, mend in _SYNTAX:
        if words in problem and holds[condition]:
            return Refusal("Invalid YAML", detail, mend).at(place)
    return Refusal("Invalid YAML", f"{problem[:1].upper()}{problem[1:]}.").at(place)


def stopped_here(place: Place | None) -> Diagnostic:
    """Say that there may be more than ``MAX_DIAGNOSTICS``."""
    detail = "There may be more; mend these first."
    return Diagnostic(severity=Severity.NOTE, summary="Stopped here", detail=detail, place=place)


def _shown(text: str) -> str:
    return text if len(text) <= MAX_VALUE_SHOWN else f"{text[: MAX_VALUE_SHOWN - 1]}…"


def _quoted(text: str) -> str:
    return f'"{text}"' if len(text) <= MAX_VALUE_SHOWN else '"…"'


def _other_spelling(text: str) -> str:
    lower = text.lower()
    if lower in BOOLEAN_WORDS:
        return f"Write {'true' if lower in {'yes', 'on', 'y'} else 'false'}, or for the text:"
    return "If it is meant as text, write it in quotes:"
