"""The reference grammar of desired-state files: ``${var:…} ${env:…} ${secret:…} ${ref:…}``.

Parses only. Nothing is evaluated, and nothing here ever sees a secret's value.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple, TypeAlias

_TOKEN = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_SECRET = re.compile(
    r"(?P<store>[a-z][a-z0-9_-]*)/(?P<name>[^\s@#{}]+)(?:@(?P<version>[\w.-]+))?\Z"
)
_REF = re.compile(r"(?P<address>[a-z0-9_]+\.[a-z0-9_]+/[A-Za-z0-9][\w.-]*)#(?P<field>[\w.-]+)\Z")


class Scheme(StrEnum):
    """The four kinds of reference."""

    VAR = "var"
    ENV = "env"
    SECRET = "secret"  # noqa: S105 - the name of the scheme
    REF = "ref"


class Reference(NamedTuple):
    """One ``${scheme:body}``. ``start`` and ``end`` are offsets in the string it stands in."""

    scheme: Scheme
    body: str
    start: int = 0
    end: int = 0

    def __str__(self) -> str:
        return f"${{{self.scheme}:{self.body}}}"

    @property
    def secret(self) -> SecretName:
        """Return store, name and version of a ``secret`` reference."""
        match = _SECRET.match(self.body)
        if match is None:
            raise BadReference(str(self), "expected ${secret:store/name@version}", self.start)
        return SecretName(match["store"], match["name"], match["version"])

    @property
    def target(self) -> Target:
        """Return address and field of a ``ref`` reference."""
        match = _REF.match(self.body)
        if match is None:
            raise BadReference(str(self), "expected ${ref:kind/name#field}", self.start)
        return Target(match["address"], match["field"])


class SecretName(NamedTuple):
    """Where a secret's value can be fetched: ``store/name@version``; no version means the newest."""

    store: str
    name: str
    version: str | None

    def __str__(self) -> str:
        return f"{self.store}/{self.name}" + (f"@{self.version}" if self.version else "")


class Target(NamedTuple):
    """A field or output of another resource."""

    address: str
    field: str


_SCHEMES = frozenset(Scheme)

Part: TypeAlias = str | Reference


class BadReference(ValueError):
    """A ``${…}`` that is not of the grammar. ``offset`` is its place in the string."""

    def __init__(self, text: str, reason: str, offset: int) -> None:
        super().__init__(f"{text}: {reason}")
        self.text = text
        self.reason = reason
        self.offset = offset


def parse(text: str) -> tuple[Part, ...]:
    """Split ``text`` into literal strings and references.

    ``$${`` is a literal ``${``. Raises BadReference for anything else that looks like one.
    """
    if "${" not in text:
        return (text,) if text else ()
    parts: list[Part] = []
    literal = ""
    end = 0
    for match in _TOKEN.finditer(text):
        literal += text[end : match.start()]
        end = match.end()
        if match.group() == "$${":
            literal += "${"
            continue
        if match[1] is None:
            raise BadReference(
                text[match.start() :][:40], "the closing brace is missing", match.start()
            )
        if literal:
            parts.append(literal)
            literal = ""
        parts.append(_reference(match[1], match.start(), match.end()))
    literal += text[end:]
    if literal:
        parts.append(literal)
    return tuple(parts)


def references(text: str) -> tuple[Reference, ...]:
    """Return the references in ``text``, in order."""
    return tuple(part for part in parse(text) if isinstance(part, Reference))


def escape(text: str) -> str:
    """Return ``text`` such that ``parse`` gives it back as one literal."""
    return text.replace("${", "$${")


def _reference(inside: str, start: int, end: int) -> Reference:
    scheme, colon, body = inside.partition(":")
    text = f"${{{inside}}}"
    if not colon or scheme not in _SCHEMES:
        known = ", ".join(f"${{{name}:…}}" for name in Scheme)
        raise BadReference(text, f"unknown kind of reference; there are {known}", start)
    reference = Reference(Scheme(scheme), body, start, end)
    match reference.scheme:
        case Scheme.SECRET:
            reference.secret  # noqa: B018 - raises when malformed
        case Scheme.REF:
            reference.target  # noqa: B018 - raises when malformed
        case Scheme.VAR | Scheme.ENV:
            if not _NAME.match(body):
                raise BadReference(text, "the name must be letters, digits and _ . -", start)
    return reference
