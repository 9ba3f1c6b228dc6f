"""What differs between vendors, as tables: one profile each, in the vendor's folder. Holds no state."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.reference import BadReference, Scheme, references

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx


class Complaint(NamedTuple):
    """What the body of an error answer says, in the vendor's words.

    ``permission`` is the one that is missing, where a 403 names it; ``is_unauthenticated`` marks an answer that
    means "this credential is not accepted" although its status is not 401.
    """

    code: str | None = None
    text: str = ""
    permission: str | None = None
    is_unauthenticated: bool = False


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret that opens a vendor account, and the reference it came from: only that is ever shown."""

    value: str = field(repr=False)
    reference: str

    @property
    def place(self) -> str:
        """Return where to look when the credential is wrong, for a sentence."""
        try:
            found = references(self.reference)
        except BadReference:
            found = ()
        for reference in found:
            if reference.scheme is Scheme.ENV:
                return f"the environment variable {reference.body}"
            if reference.scheme is Scheme.SECRET and reference.secret.store == "env":
                return f"the environment variable {reference.secret.name}"
        return self.reference


def nested_complaint(response: httpx.Response) -> Complaint:
    """Return code and message of ``{"error": {"code" or "type", "message"}}``; empty for any other body."""
    error = error_body(response)
    code = error.get("code") or error.get("type")
    text = error.get("message")
    return Complaint(code if isinstance(code, str) else None, text if isinstance(text, str) else "")


def error_body(response: httpx.Response) -> dict[str, object]:
    """Return the object under ``error`` in a JSON body; empty when there is none. Never raises."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def bearer(value: str) -> dict[str, str]:
    """Return the header that sends ``value`` as a bearer token."""
    return {"Authorization": f"Bearer {value}"}


def _no_advice(_response: httpx.Response, _complaint: Complaint) -> bool | None:
    return None


def _cannot_tell(_value: str) -> bool | None:
    return None


@dataclass(frozen=True, slots=True)
class VendorProfile:
    """One vendor's address, limits and ways of saying no."""

    vendor: str
    """The name in messages: ``stripe``."""
    base_url: str
    """The official address, without a slash at the end."""
    rate: float
    """The vendor's limit, in requests per second and account."""
    burst: int
    """How many of them may leave at once."""
    request_id: str
    """The answer header by which the vendor finds a request again."""
    complaint: Callable[[httpx.Response], Complaint] = nested_complaint
    """Reads the body of an error answer. Must not raise, whatever the body."""
    retryable: Callable[[httpx.Response, Complaint], bool | None] = _no_advice
    """Overrules the common rules for an error answer: retry, give up, or ``None`` for no opinion.

    A ``True`` for a 4xx says that the vendor did nothing; for a 5xx it has no weight.
    """
    is_live: Callable[[str], bool | None] = _cannot_tell
    """Tells a live credential from a test one by its form; ``None`` when the form does not say."""
    authorization: Callable[[str], dict[str, str]] = bearer
    """Returns the headers that carry the credential."""
    reads: frozenset[tuple[str, str]] = frozenset()
    """Requests that read although they are not GET: (method, path), ``*`` for one path segment."""
    shows_bodies: bool = False
    """Whether a trace shows bodies, without what stands in secret places. Not where any name may name a secret."""
