"""Faults on demand: which requests they strike and what they do. Knows no vendor."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

READS = frozenset({"GET", "HEAD"})


class Fault(BaseModel):
    """One fault rule.

    It strikes requests of ``vendor`` whose method and path (without the query) fit the globs:
    every one; the first ``times``; the ``nth``; or ``times`` of them from the ``nth`` on.

    The effects, which may be combined where that makes sense:

    ``status``, ``body``, ``headers``
        replace those of the answer. A ``status`` alone means that nothing took place.
    ``after_effect``
        the operation takes place, then the status, body, delay or drop is applied.
    ``delay``
        seconds to wait.
    ``drop``
        close the connection without an answer, ``before`` or ``after`` the operation took place.
    ``no_effect``
        the answer says it worked, the state says otherwise.
    ``skip_page``
        a list answers as if that page (1 is the first) did not exist.
    ``stale``
        the next so many reads of the account, of paths that fit ``reads``, answer the state from
        before the struck write. Where ``method`` is GET: the state from before the first
        struck read, which is itself among them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    vendor: str = "*"
    method: str = "*"
    path: str = "*"
    nth: Annotated[int, Field(ge=1)] | None = None
    times: Annotated[int, Field(ge=1)] | None = None

    status: Annotated[int, Field(ge=200, le=599)] | None = None
    body: JsonValue = None
    headers: dict[str, str] = Field(default_factory=dict)
    delay: Annotated[float, Field(ge=0)] = 0.0
    drop: Literal["before", "after"] | None = None
    after_effect: bool = False
    no_effect: bool = False
    skip_page: Annotated[int, Field(ge=1)] | None = None
    stale: Annotated[int, Field(ge=1)] | None = None
    reads: str = "*"

    @model_validator(mode="after")
    def _does_something(self) -> Fault:
        effects = (self.status, self.drop, self.skip_page, self.stale)
        if any(effects) or self.delay or self.no_effect or self.has_body or self.headers:
            return self
        raise ValueError("a fault needs an effect")

    @property
    def has_body(self) -> bool:
        """Whether a body was given; ``null`` is one too."""
        return "body" in self.model_fields_set

    @property
    def prevents(self) -> bool:
        """Whether the operation does not take place at all."""
        replaced = self.status is not None and not (self.after_effect or self.no_effect)
        return self.drop == "before" or (replaced and self.drop is None)

    def fits(self, vendor: str, method: str, path: str) -> bool:
        """Whether the rule speaks of such requests."""
        return (
            fnmatchcase(vendor, self.vendor)
            and fnmatchcase(method.upper(), self.method.upper())
            and fnmatchcase(path, self.path)
            and not (self.stale and self.method == "*" and method in READS)
        )

    def strikes(self, ordinal: int) -> bool:
        """Whether it strikes the fitting request of that ordinal (1-based)."""
        if self.nth is None:
            return self.times is None or ordinal <= self.times
        return self.nth <= ordinal < self.nth + (self.times or 1)


class FaultBook:
    """The rules in force, in order, and how many fitting requests each has seen."""

    def __init__(self) -> None:
        self._rules: list[tuple[Fault, int]] = []

    @property
    def rules(self) -> tuple[tuple[Fault, int], ...]:
        return tuple(self._rules)

    def add(self, fault: Fault) -> None:
        self._rules.append((fault, 0))

    def clear(self) -> None:
        self._rules.clear()

    def strike(self, vendor: str, method: str, path: str) -> Fault | None:
        """Count the request with every rule it fits; return the first rule that strikes it."""
        struck: Fault | None = None
        for index, (fault, seen) in enumerate(self._rules):
            if not fault.fits(vendor, method, path):
                continue
            self._rules[index] = (fault, seen + 1)
            if struck is None and fault.strikes(seen + 1):
                struck = fault
        return struck


def emptied(body: object) -> object:
    """Return the body of a list with its items gone and no page after it."""
    if isinstance(body, list):
        return []
    if not isinstance(body, dict):
        return body
    blank: dict[str, object] = {}
    for name, value in body.items():
        if name == "pagination":
            blank[name] = {"count": 0, "next": None, "prev": None}
        elif name == "has_more":
            blank[name] = False
        elif name in {"nextPageToken", "next_page_token"}:
            continue
        else:
            blank[name] = [] if isinstance(value, list) else value
    return blank
