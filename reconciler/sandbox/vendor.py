"""What a vendor is to the sandbox: routes, credentials, envelopes. Knows no HTTP server."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

State = dict[str, Any]
"""The state of one account: plain JSON, changed in place by handlers."""


class Empty(enum.Enum):
    """The body of an answer that has none (``None`` would be JSON null)."""

    BODY = "no body"


@dataclass(frozen=True)
class Reply:
    """One answer of a vendor: a status, a JSON value, and headers."""

    status: int
    body: object = Empty.BODY
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """Raised by a handler, before it changes anything, to answer with an error."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"refused with {reply.status}")
        self.reply = reply


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request as a handler sees it. ``headers`` have lower-case names; ``now`` is epoch s.

    ``around`` are the states of the vendor's neighbours, to look at.
    """

    method: str
    path: str
    params: Mapping[str, str]
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    state: State
    credential: str
    now: float
    around: Mapping[str, State] = field(default_factory=dict)

    @property
    def arguments(self) -> dict[str, str]:
        """The query as a mapping; a repeated name keeps its last value."""
        return dict(self.query)

    @property
    def now_ms(self) -> int:
        return int(self.now * 1000)

    def json(self) -> object:
        """Return the body as JSON, or ``Empty.BODY``; raise ValueError when it is not JSON."""
        return json.loads(self.body) if self.body else Empty.BODY


Handler = Callable[[Call], Reply]


@dataclass(frozen=True)
class Route:
    """One operation. ``template`` has ``{name}`` parts; ``permission`` is what it needs."""

    method: str
    template: str
    handler: Handler
    permission: str | None = None


@dataclass(frozen=True, kw_only=True)
class Idempotency:
    """How a vendor recognises a retried write."""

    header: str
    methods: frozenset[str]
    conflict: Callable[[str], Reply]
    replay_headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """Everything the gateway needs to imitate one vendor.

    ``credential`` finds what the caller presents, ``is_test_credential`` says whether it opens the
    seeded account, ``headers`` are added to every answer, ``next_page`` returns the query that asks
    for the page after a body (None: it was the last), ``cursors`` are the query names that ask for
    a later page, ``blank`` returns an account with nothing in it. ``neighbours`` are vendors whose state it looks at.
    """

    name: str
    routes: tuple[Route, ...]
    blank: Callable[[], State]
    credential: Callable[[Mapping[str, str]], str | None]
    is_test_credential: Callable[[str], bool]
    unauthorized: Callable[[str | None], Reply]
    forbidden: Callable[[str, str, State], Reply]
    unknown_path: Callable[[str, str], Reply]
    failure: Callable[[int], Reply]
    rate_limited: Callable[[float, float], Reply]
    headers: Callable[[Mapping[str, str], int], Mapping[str, str]]
    next_page: Callable[[object], Mapping[str, str] | None]
    cursors: frozenset[str]
    idempotency: Idempotency | None = None
    neighbours: tuple[str, ...] = ()


def next_number(state: State) -> int:
    """Count one object further; ids made from it are the same in every run."""
    number = int(state.get("sequence", 0)) + 1
    state["sequence"] = number
    return number
