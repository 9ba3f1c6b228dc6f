"""Stripe's envelopes: errors, lists, form parameters. Knows no object type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from reconciler.sandbox.forms import MalformedForm, Nested, parse_form
from reconciler.sandbox.vendor import Call, Refused, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

PAGE_NAMES = frozenset({"limit", "starting_after", "ending_before", "expand"})
DEFAULT_LIMIT = 10
MAX_LIMIT = 100


def stripe_error(
    status: int,
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    kind: str = "invalid_request_error",
) -> Reply:
    """Return an error in Stripe's envelope. Source: Stripe API reference, errors."""
    error: dict[str, str] = {"type": kind, "message": message}
    if code is not None:
        error |= {"code": code, "doc_url": f"https://stripe.com/docs/error-codes/{code}"}
    if param is not None:
        error["param"] = param
    return Reply(status, {"error": error})


def invalid(message: str, *, code: str | None = None, param: str | None = None) -> Refused:
    """Return the refusal of a parameter, ready to raise."""
    return Refused(stripe_error(400, message, code=code, param=param))


def failure(status: int) -> Reply:
    """Return the error of a fault."""
    if status == 429:
        return stripe_error(429, "Request rate limit exceeded.", code="rate_limit")
    if status >= 500:
        message = "An unknown error occurred. This is a fault that the sandbox was told to make."
        return stripe_error(status, message, kind="api_error")
    return stripe_error(status, "This is a fault that the sandbox was told to make.")


def missing(noun: str, identifier: str, *, status: int = 404, param: str = "id") -> Reply:
    """Return the answer for an object that does not exist."""
    message = f"No such {noun}: '{identifier}'"
    return stripe_error(status, message, code="resource_missing", param=param)


def form_arguments(call: Call, known: Collection[str]) -> dict[str, Nested]:
    """Return the form body; refuse JSON, malformed names and unknown parameters."""
    content_type = call.headers.get("content-type", "").partition(";")[0].strip()
    if call.body and content_type != "application/x-www-form-urlencoded":
        message = (
            "Invalid request (check that your POST content type is "
            "application/x-www-form-urlencoded)."
        )
        raise invalid(message)
    return _known_only(_parsed(call.body.decode("utf-8", "replace")), known)


def query_arguments(call: Call, *, also: Collection[str] = ()) -> dict[str, Nested]:
    """Return the query of a list; refuse unknown parameters."""
    return _known_only(_parsed(urlencode(call.query)), PAGE_NAMES | set(also))


def list_page(
    noun: str,
    url: str,
    newest_first: Sequence[Mapping[str, Any]],
    arguments: Mapping[str, Nested],
    shown: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
) -> Reply:
    """Return one page, each item as ``shown``. Source: Stripe API reference, pagination."""
    limit = _limit(arguments.get("limit", str(DEFAULT_LIMIT)))
    after, before = arguments.get("starting_after"), arguments.get("ending_before")
    if after is not None and before is not None:
        raise invalid(
            "You can only specify one of these parameters: ending_before, starting_after."
        )
    identifiers = [item["id"] for item in newest_first]
    for name, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor is not None and cursor not in identifiers:
            raise Refused(missing(noun, str(cursor), status=400, param=name))
    if before is not None:
        candidates = newest_first[: identifiers.index(str(before))]
        page = candidates[-limit:]
    else:
        start = identifiers.index(str(after)) + 1 if after is not None else 0
        candidates = newest_first[start:]
        page = candidates[:limit]
    more = len(candidates) > len(page)
    return Reply(200, {"object": "list", "data": [*map(shown, page)], "has_more": more, "url": url})


def _parsed(text: str) -> dict[str, Nested]:
    try:
        return parse_form(text)
    except MalformedForm as error:
        raise invalid(f"Invalid parameter name: {error}", param=str(error)) from error


def _known_only(arguments: dict[str, Nested], known: Collection[str]) -> dict[str, Nested]:
    for name in arguments:
        if name not in known:
            message = f"Received unknown parameter: {name}"
            raise invalid(message, code="parameter_unknown", param=name)
    return arguments


def _limit(value: Nested) -> int:
    if not isinstance(value, str) or not value.lstrip("-").isdigit():
        raise invalid(f"Invalid integer: {value}", code="parameter_invalid_integer", param="limit")
    limit = int(value)
    if not 1 <= limit <= MAX_LIMIT:
        bound = "greater than or equal to 1" if limit < 1 else f"less than or equal to {MAX_LIMIT}"
        message = f"This value must be {bound} (it currently is '{limit}')."
        raise invalid(message, code="parameter_invalid_integer", param="limit")
    return limit
