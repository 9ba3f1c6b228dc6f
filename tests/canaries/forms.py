"""How a value may look where it must not be, written down here by hand: never by what the product believes."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import yaml

from reconciler.render import escaping

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST = 6
"""A shorter form may be anywhere by chance."""


def forms_of(value: str) -> frozenset[bytes]:
    """Return every form of ``value`` that is long enough to be looked for."""
    found = {form for form in _forms(value) if len(form) >= SHORTEST}
    return frozenset(form.encode("utf-8", "surrogatepass") for form in found)


def told_in_groups(value: str) -> dict[str, str]:
    """Return ``value`` in the encodings in which a vendor may repeat it, by the name of the encoding."""
    raw = value.encode()
    return {
        "raw": value,
        "lines apart": " | ".join(reversed(value.splitlines())),
        "url": f"{quote(value, safe='')} {quote_plus(value)} {quote(value)}",
        "url in lower case": re.sub("%..", lambda one: one[0].lower(), quote(value, safe="")),
        "json": f"{json.dumps(value)} {json.dumps(value, ensure_ascii=False)}",
        "json with slashes": json.dumps(value).replace("/", "\\/"),
        "python": f"{value!r} {raw!r} {value!a}",
        "shell": f"{shlex.quote(value)} {re.sub(r'([^A-Za-z0-9_./-])', _escaped, value)}",
        "html": f"{html.escape(value)} {html.escape(value, quote=False)}",
        "html of templates": _by_numbers(value),
        "hex": f"{raw.hex()} {raw.hex().upper()}",
        "base64": " ".join(
            base64.b64encode(b"user:x"[:n] + raw + b"..").decode() for n in (4, 5, 6)
        ),
        "base64 for urls": base64.urlsafe_b64encode(raw).decode(),
        "yaml": _in_yaml(value),
    }


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[0]}"


def _forms(value: str) -> Iterator[str]:
    yield value
    yield value.strip()
    yield from (line.strip() for line in value.splitlines() if _is_telling(line))
    for text in (value, value.replace("\n", "\r\n")):
        yield from _escapes(text)
    raw = value.encode()
    yield raw.hex()
    yield raw.hex().upper()
    for form in (base64.b64encode, base64.urlsafe_b64encode):
        yield form(raw).decode()
        yield form(b"\0" + raw).decode().rstrip("=")[2:-2]
        yield form(b"\0\0" + raw).decode().rstrip("=")[3:-2]
    whole = base64.b64encode(raw).decode()
    for width in (64, 76):
        lines = [whole[at : at + width] for at in range(0, len(whole), width)]
        yield from (line for line in lines if len(line) >= 24)  # a short rest is that of many


def _escapes(text: str) -> Iterator[str]:
    for safe in ("", "/", "!'()*~"):
        encoded = quote(text, safe=safe)
        yield from (encoded, re.sub("%..", lambda one: one[0].lower(), encoded))
    yield quote_plus(text)
    for as_ascii in (True, False):
        dumped = json.dumps(text, ensure_ascii=as_ascii)[1:-1]
        yield from (
            dumped,
            dumped.replace("/", "\\/"),
            json.dumps(dumped, ensure_ascii=as_ascii)[1:-1],
        )
    yield from (repr(text)[1:-1], ascii(text)[1:-1], repr(text.encode())[2:-1])
    yield shlex.quote(text).strip("'")
    yield re.sub(r"([^\w@%+=:,./\n-])", r"\\\1", text)
    yield re.sub(r'(["$`\\])', r"\\\1", text)
    yield from (html.escape(text), html.escape(text, quote=False), _by_numbers(text))
    yield _in_yaml(text)
    yield from (escaping.terminal(text), escaping.html(text), escaping.markdown(f"x{text}x")[1:-1])


def _by_numbers(text: str) -> str:
    """Return HTML as Jinja and Go's templates write it."""
    return html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")


def _in_yaml(text: str) -> str:
    dumped: str = yaml.safe_dump(text, default_style='"', width=10_000)
    return dumped.strip()[1:-1]


def _is_telling(line: str) -> bool:
    """Tell whether a line of a value says something of it: ``-----BEGIN KEY-----`` does not."""
    return any(one.isdigit() for one in line) and any(one.isalpha() for one in line)
