"""The forms in which a secret value travels: escaped, quoted, encoded, or in pieces. Never decides what is secret."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, urlsplit

from reconciler.core.masking import SHORTEST
from reconciler.core.redacting import is_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_URL_SAFE = ("", "/", "!'()*~", "!$&'()*+,;=:@/", "!$%&'()*+,/:;=?@[\\]^`{|}")
"""What ``quote``, JavaScript's ``encodeURIComponent``, a path (RFC 3986) and a query of httpx leave alone."""

_WORDS = re.compile(
    r"""[\s._/:,;"'{}()\[\]-]*(?:(?:[A-Za-z][a-z]*|[A-Z]+|\d+)(?:[\s._/:,;"'{}()\[\]-]+|\Z))*"""
)
_WRAPS = (64, 76)
"""Characters in a line of base64: as in PEM (RFC 7468), and in MIME (RFC 2045)."""


def reads_as_words(value: str) -> bool:
    """Tell whether ``value`` may stand in a text by chance: words, numbers, a host, an address without a query.

    ``production``, ``eu-west-1`` and ``https://shop.example/api`` do; what mixes letters and digits, or holds a
    character that words do not, does not.
    """
    return _WORDS.fullmatch(value) is not None


def parts(value: str) -> Iterator[str]:
    """Yield ``value`` and what in it is a secret by itself.

    That is: it without blanks around it, its lines, the password when it is a URL, and when it is JSON what stands
    under a secret name or without a name.
    A part that reads as words is none: ``"type": "service_account",`` is a line of many a credential.
    """
    yield value
    within = [value.strip(), *value.splitlines(), *(line.strip() for line in value.splitlines())]
    within += _json_texts(value) if value.lstrip()[:1] in {"{", "["} else ()
    within += _passwords(value) if "://" in value and "@" in value else ()
    seen = {value}
    for part in within:
        if len(part) >= SHORTEST and part not in seen and not reads_as_words(part):
            seen.add(part)
            yield part


def encodings(value: str) -> Iterator[str]:
    """Yield ``value`` and each form in which it may stand in a text. Some come twice."""
    ends = ("\n", "\r\n") if "\n" in value else ("\n",)
    for end in ends:
        lines = value if end == "\n" else value.replace("\r\n", "\n").replace("\n", end)
        yield lines
        yield from _in_urls(lines)
        yield from _in_json(lines)
        yield from _in_python(lines)
        yield from _in_yaml(lines)
        yield from _in_shells(lines)
        yield from _in_markup(lines)
    raw = value.encode("utf-8", "surrogatepass")
    yield from _in_hex(raw)
    yield from _in_base64(raw)
    if len(ends) > 1:
        yield from (line for line in value.splitlines() if not reads_as_words(line))


def _in_urls(value: str) -> Iterator[str]:
    for safe in _URL_SAFE:
        # What cannot be encoded was never sent; "replace" keeps the rest of such a value findable.
        encoded = quote(value, safe=safe, errors="replace")
        yield encoded
        yield _lower_hex(encoded)
    plus = quote_plus(value, errors="replace")
    yield plus
    yield _lower_hex(plus)
    yield quote(quote(value, safe="", errors="replace"), safe="")


def _lower_hex(encoded: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), encoded)


def _in_json(value: str) -> Iterator[str]:
    for as_ascii in (True, False):
        text = json.dumps(value, ensure_ascii=as_ascii)[1:-1]
        safe = re.sub("[<>&\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", text)
        for form in (text, safe):  # Go writes <, > and & as \u003c
            yield form
            yield form.replace("/", "\\/")  # PHP
            yield json.dumps(form, ensure_ascii=as_ascii)[1:-1]  # JSON within JSON
            yield re.sub(
                r"\\u[0-9a-f]{4}", lambda found: "\\u" + found[0][2:].upper(), form
            )  # .NET


def _in_python(value: str) -> Iterator[str]:
    raw = value.encode("utf-8", "surrogatepass")
    for form in (repr(value)[1:-1], ascii(value)[1:-1], repr(raw)[2:-1]):
        yield form
        # Inside a longer text that holds the other quotes, Python escapes the single ones.
        yield re.sub(r"(?<!\\)'", "\\'", form)
        yield re.sub(r"\\(')", r"\1", form)


def _in_yaml(value: str) -> Iterator[str]:
    yield value.replace("'", "''")
    for as_ascii in (True, False):
        yield "".join(_yaml_character(one, as_ascii=as_ascii) for one in value)


_YAML_NAMES = dict(
    zip('\0\a\b\t\n\v\f\r\x1b"\\\x85\xa0\u2028\u2029', '0abtnvfre"\\N_LP', strict=True)
)


def _yaml_character(character: str, *, as_ascii: bool) -> str:
    """Return what stands for a character between double quotes. Source: YAML 1.2.2, section 5.7."""
    code = ord(character)
    if character in _YAML_NAMES and (as_ascii or character != "\xa0"):
        return f"\\{_YAML_NAMES[character]}"
    is_open = "\xa0" <= character <= "\ud7ff" or "\ue000" <= character <= "\ufffd"
    if " " <= character <= "~" or (is_open and character != "\ufeff" and not as_ascii):
        return character
    if code < 0x100:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def _in_shells(value: str) -> Iterator[str]:
    yield shlex.quote(value)[1:-1] if shlex.quote(value) != value else value
    yield value.replace("'", "'\\''")
    yield re.sub(r'(["$`\\])', r"\\\1", value)  # between double quotes
    yield re.sub(r"([^\w@%+=:,./\n-])", r"\\\1", value, flags=re.ASCII)
    yield re.sub(r"([^\w@%+=:,./\n-])", r"\\\1", value)
    for byte in ("\\{:03o}", "\\x{:02x}", ""):  # $'…', as bash and zsh write it
        yield "".join(_ansi_c_character(one, byte) for one in value)


def _ansi_c_character(character: str, byte: str) -> str:
    if character in "\a\b\t\n\v\f\r\x1b\\'":
        return "\\" + dict(zip("\a\b\t\n\v\f\r\x1b\\'", "abtnvfrE\\'", strict=True))[character]
    if (character.isascii() and character.isprintable()) or not byte:
        return character
    return "".join(byte.format(one) for one in character.encode("utf-8", "surrogatepass"))


def _in_markup(value: str) -> Iterator[str]:
    yield html.escape(value, quote=False)
    for apostrophe in ("&#x27;", "&#39;", "&apos;", "'"):
        for quotation in ("&quot;", "&#34;"):
            escaped = html.escape(value, quote=False)
            yield escaped.replace("'", apostrophe).replace('"', quotation)


def _in_hex(raw: bytes) -> Iterator[str]:
    yield raw.hex()
    yield raw.hex().upper()


def _in_base64(raw: bytes) -> Iterator[str]:
    """Yield base64 of ``raw``, alone, broken into lines, and as it stands inside a longer base64 text."""
    whole = base64.b64encode(raw).decode()
    for alphabet in (str, _url_alphabet):
        yield alphabet(whole)
        for width in _WRAPS:
            if len(whole) > width:
                lines = [alphabet(whole[at : at + width]) for at in range(0, len(whole), width)]
                yield "\n".join(lines)
                yield from lines
        for shift in range(3):
            # Inside a longer text the value starts at one of three bit positions; the characters that
            # mix with its neighbours are cut off.
            encoded = base64.b64encode(b"\0" * shift + raw).rstrip(b"=").decode()
            cut = len(encoded) - 1 if (shift + len(raw)) % 3 else None
            yield alphabet(encoded[(0, 2, 3)[shift] : cut])


def _url_alphabet(encoded: str) -> str:
    return encoded.replace("+", "-").replace("/", "_")


def _json_texts(value: str) -> Iterator[str]:
    try:
        left = [json.loads(value)]
    except (ValueError, RecursionError):
        return
    while left:
        match left.pop():
            case str(text):
                yield from (text, *text.splitlines())
            case dict(found):
                left += [
                    item
                    for name, item in found.items()
                    if isinstance(item, (dict, list)) or is_secret_name(name)
                ]
            case list(found):
                left += found
            case _:
                pass


def _passwords(value: str) -> Iterator[str]:
    try:
        found = urlsplit(value)
    except ValueError:
        return
    yield found.password or ""
    # A token may stand where the user does: https://TOKEN@host
    yield found.username or "" if not found.password else ""
