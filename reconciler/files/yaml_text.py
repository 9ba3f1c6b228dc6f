"""The text of a YAML file: UTF-8, not too large, and without characters that cannot be seen."""

from __future__ import annotations

import re
import unicodedata
from itertools import islice
from typing import Final

from reconciler.core.diagnostic import Diagnostic, Place
from reconciler.core.errors import InvalidInput
from reconciler.files.yaml_positions import place_at
from reconciler.files.yaml_refusals import MAX_DIAGNOSTICS

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
FORBIDDEN: Final = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_FORBIDDEN_OR_RETURN: Final = re.compile(FORBIDDEN.pattern + "|\r(?!\n)")
_DIRECTION_MARKS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def decode(data: bytes, file: str) -> str:
    """Return the text of a file. Raises InvalidInput unless it is UTF-8 within the size limit.

    A byte order mark is dropped.
    """
    check_size(len(data), file)
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")) or b"\0" in data[:4]:
        detail = "This file is UTF-16 or UTF-32. Save it as UTF-8."
        raise InvalidInput([Diagnostic(summary="Not UTF-8", detail=detail, place=Place(file=file))])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line_start = before.rfind(b"\n") + 1
        place = Place(
            file=file,
            line=before.count(b"\n") + 1,
            column=len(before[line_start:].decode("utf-8", "replace")) + 1,
        )
        byte = error.object[error.start]
        detail = f"Byte 0x{byte:02x} is not part of a UTF-8 character. Save the file as UTF-8."
        raise InvalidInput([Diagnostic(summary="Not UTF-8", detail=detail, place=place)]) from None


def check_size(size: int, file: str) -> None:
    """Raise InvalidInput when so many bytes or characters are too many."""
    if size > MAX_FILE_BYTES:
        most = MAX_FILE_BYTES // 1024 // 1024
        detail = f"A file may have {most} MiB. Spread the resources over several files."
        raise InvalidInput(
            [Diagnostic(summary="File too large", detail=detail, place=Place(file=file))]
        )


def without_forbidden(text: str) -> tuple[str, list[int]]:
    """Return ``text`` with other characters for the forbidden ones, and where the first are."""
    pattern = _FORBIDDEN_OR_RETURN if "\r" in text else FORBIDDEN
    offsets = [match.start() for match in islice(pattern.finditer(text), MAX_DIAGNOSTICS)]
    return (pattern.sub("\ufffd", text), offsets) if offsets else (text, offsets)


def forbidden_character(text: str, file: str, offset: int) -> Diagnostic:
    """Say which character stands at ``offset``, and why it may not."""
    character = text[offset]
    code = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "")
    escape = f"\\x{ord(character):02x}" if character < "\u0100" else f"\\u{ord(character):04x}"
    called = f"{code} ({name})" if name else code
    if character in _DIRECTION_MARKS:
        summary, harm = "Text direction mark", "makes text look different from what it is"
    else:
        summary, harm = "Invisible character", "cannot be seen in an editor"
    detail = f"{called} {harm}. Remove it, or in a quoted text write the escape:"
    return Diagnostic(
        summary=summary, detail=detail, mend=f'"{escape}"', place=place_at(text, file, offset)
    )
