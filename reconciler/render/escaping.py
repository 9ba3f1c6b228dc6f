r"""Show untrusted text inertly: no control sequence, markup, mention or command of it takes effect.

Each function returns a single line, in which what cannot be seen is an escape such as ``\x1b``.
"""

from __future__ import annotations

import html as standard_html
import re
import unicodedata
from typing import Final

_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
"""Controls, format marks (direction, zero width), unassigned and private ones, odd spaces."""
_SEEN_SPACES: Final = frozenset(" \u3000")
_BLANKS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and symbols by category, which show as nothing."""
_SELECTORS: Final = re.compile("[\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Variation selectors: invisible, and able to carry hidden bytes."""
_NAMED: Final = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
_PRINTABLE_ASCII: Final = re.compile(r"[ -~]*")
_RUNNER_COMMAND: Final = re.compile(r"(?:\A\s*(?=::)|(?=##\w*\[))([:#])")
"""What a build runner obeys when it stands in a log: ``::error::`` first, ``##[error]`` anywhere."""

_SPLIT: Final = "<!-- -->"
"""Parts text for GitHub's filters, which look for mentions after Markdown was rendered."""
_MARKDOWN: Final = {character: f"\\{character}" for character in "\\`*_{}[]()!~^"} | {
    "<": "&lt;",
    ">": "&gt;",
    "&": "&amp;",
    "|": "&#124;",
    "$": "&#36;",
    "@": f"@{_SPLIT}",
    "#": f"\\#{_SPLIT}",
    ":": f":{_SPLIT}",
}
_MARKDOWN_START: Final = re.compile(r"\A(\d*)([-+=.])")
_MARKDOWN_LINK: Final = re.compile(r"(?i)(?<=www)(?=\.)|(?<=\bgh)(?=-\d)")


def terminal(text: str) -> str:
    """Return ``text`` for a terminal or a build log."""
    return "".join(cells(text))


def cells(text: str) -> list[str]:
    """Return what ``terminal`` shows for each character of ``text``."""
    shown = list(text) if _PRINTABLE_ASCII.fullmatch(text) else list(map(visible, text))
    for command in _RUNNER_COMMAND.finditer(text):
        shown[command.start(1)] = f"\\x{ord(command[1]):02x}"
    return shown


def markdown(text: str) -> str:
    """Return ``text`` for a GitHub comment: in a paragraph, a list, a table cell or ``<code>``."""
    escaped = "".join(_MARKDOWN.get(character, character) for character in terminal(text))
    escaped = _MARKDOWN_LINK.sub(_SPLIT, escaped)
    escaped = _MARKDOWN_START.sub(r"\1\\\2", escaped)
    return re.sub(r"\A | (?= )| \Z", "&#32;", escaped)


def html(text: str) -> str:
    """Return ``text`` for the content or a quoted attribute of HTML."""
    return standard_html.escape(terminal(text), quote=True)


def workflow_command(text: str, *, is_property: bool = False) -> str:
    """Return ``text`` for the message of ``::error file=…::message``, or for a property of it.

    Source: github.com/actions/toolkit, packages/core/src/command.ts.
    """
    escaped = terminal(text).replace("%", "%25")
    return escaped.replace(":", "%3A").replace(",", "%2C") if is_property else escaped


def visible(character: str) -> str:
    """Return one character, or its escape when it cannot be seen or changes how others are seen."""
    hidden = unicodedata.category(character) in _HIDDEN_CATEGORIES and character not in _SEEN_SPACES
    if not hidden and character not in _BLANKS and not _SELECTORS.match(character):
        return character
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )
