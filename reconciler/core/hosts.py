"""Names of hosts: which one an address leads to, and whether two of them look like one owner's. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.core.secret import Json

_COUNTRY = re.compile(r"\.(?:ac|co|com|edu|gov|net|org)\.[a-z]{2}\Z")
"""Under such a domain a country lets everybody have one of their own."""


_SHARED = (
    ".run.app",
    ".cloudfunctions.net",
    ".web.app",
    ".firebaseapp.com",
    ".netlify.app",
    ".pages.dev",
)
"""Under such a domain every host is somebody else's."""


def host_of(url: Json) -> str | None:
    """Return the host of an address in small letters; ``None`` where there is none to be seen."""
    try:
        return urlsplit(url).hostname if isinstance(url, str) else None
    except ValueError:
        return None


def is_near(host: str, others: Iterable[str]) -> bool:
    """Tell whether ``host`` looks as if one of ``others`` was meant: it is on the same domain."""
    return any(_domain(host) == _domain(other) for other in others)


def _domain(host: str) -> str:
    """Return the part of a host that one owner has; of those that share ``vercel.app``, the project's name."""
    labels = host.split(".")
    if host.replace(".", "").isdigit() or host.endswith(_SHARED):
        return host
    if host.endswith(".vercel.app"):
        return f"{labels[-3].split('-')[0]}.vercel.app"
    return ".".join(labels[-3:] if _COUNTRY.search(host) else labels[-2:])
