"""Google's envelopes: errors, pages, masks, absent defaults, names of projects. Knows no single API.

Source: google.rpc.Status and ErrorInfo; AIP-134 (update masks), AIP-158 (pagination), AIP-217 (unreachable);
protobuf JSON mapping (defaults are left out, int64 are strings).
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.vendor import Call, Empty, Refused, Reply, Route, State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from reconciler.sandbox.vendor import Handler

_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
}


def google_error(
    code: str, message: str, *, reason: str | None = None, status: int = 0, **metadata: str
) -> Reply:
    """Return an error in Google's envelope; ``reason`` and ``metadata`` are those of its ErrorInfo."""
    http = status or _STATUS[code]
    error: dict[str, Any] = {"code": http, "message": message, "status": code}
    if reason is not None:
        error["details"] = [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": reason,
                "domain": "googleapis.com",
                "metadata": metadata,
            }
        ]
    return Reply(http, {"error": error})


def refused(code: str, message: str) -> Refused:
    """Return the refusal of a request, ready to raise."""
    return Refused(google_error(code, message))


def invalid(message: str) -> Refused:
    """Return the refusal of a value, ready to raise."""
    return refused("INVALID_ARGUMENT", message)


def not_found(what: str) -> Refused:
    """Return the refusal for an object that is not there, ready to raise."""
    return refused("NOT_FOUND", f"{what} not found.")


def failure(status: int) -> Reply:
    """Return the error of a fault."""
    names = {number: name for name, number in reversed(_STATUS.items())}
    code = names.get(status, "INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
    return google_error(code, "This is a fault that the sandbox was told to make.", status=status)


def route(api: str, method: str, template: str, handler: Handler, permission: str | None) -> Route:
    """Return an operation of ``api`` (``run.googleapis.com``) that is refused where the API is not enabled.

    The project that the path names must be the one of the state, by id or by number.
    """
    return Route(method, template, partial(_guarded, api, handler), permission)


def _guarded(api: str, handler: Handler, call: Call) -> Reply:
    project = call.state["project"]
    named = call.params.get("project")
    if named is not None and named not in {project["projectId"], project["projectNumber"]}:
        message = f"Permission denied on resource project {named}."
        raise Refused(google_error("PERMISSION_DENIED", message, reason="CONSUMER_INVALID"))
    enabled = call.state.get("services")
    if enabled is not None and api not in enabled:
        message = (
            f"{api} has not been used in project {project['projectNumber']} before or it is disabled. Enable it by"
            f" visiting https://console.developers.google.com/apis/api/{api}/overview then retry."
        )
        consumer = f"projects/{project['projectNumber']}"
        raise Refused(
            google_error(
                "PERMISSION_DENIED",
                message,
                reason="SERVICE_DISABLED",
                service=api,
                consumer=consumer,
            )
        )
    return handler(call)


def by_id(call: Call) -> str:
    """Return ``projects/ID``, as the path means it."""
    return f"projects/{call.state['project']['projectId']}"


def by_number(call: Call) -> str:
    """Return ``projects/NUMBER``, as some answers name it."""
    return f"projects/{call.state['project']['projectNumber']}"


def page(
    call: Call,
    key: str,
    items: Sequence[Any],
    *,
    most: int = 1000,
    unreachable: Iterable[str] = (),
) -> Reply:
    """Return one page under ``key``, which is absent when it is empty.

    ``paging`` in the state: ``size`` makes pages smaller than asked, ``empty_first`` begins with an empty one.
    """
    rules = call.state.get("paging") or {}
    size = min(int(call.arguments.get("pageSize") or most) or most, most, rules.get("size") or most)
    token = call.arguments.get("pageToken", "")
    if token and re.fullmatch(r"at-\d+", token) is None:
        raise invalid("The page token is invalid.")
    body: dict[str, Any] = {}
    if rules.get("empty_first") and not token:
        return Reply(200, {"nextPageToken": "at-0"})
    start = int(token.removeprefix("at-") or 0)
    shown = list(items[start : start + size])
    if shown:
        body[key] = shown
    if start + size < len(items):
        body["nextPageToken"] = f"at-{start + size}"
    silent = sorted(unreachable)
    return Reply(200, {**body, "unreachable": silent} if silent else body)


def without_defaults(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return JSON as protobuf writes it: no zero, false, empty text, list or map.

    Message fields that are there, but empty, are written; whoever has one puts it back.
    """
    if isinstance(value, dict):
        found = {name: without_defaults(item) for name, item in value.items()}
        return {name: item for name, item in found.items() if item}
    if isinstance(value, list):
        return [without_defaults(item) for item in value]
    return value


def json_object(call: Call) -> dict[str, Any]:
    """Return the body, a JSON object; nothing sent is an empty one."""
    try:
        body = call.json()
    except ValueError as error:
        raise invalid("Invalid JSON payload received.") from error
    if body is Empty.BODY:
        return {}
    if not isinstance(body, dict):
        raise invalid("Invalid JSON payload received. Expected an object.")
    return body


def known_only(body: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse a body with a field that the message does not have."""
    for name in body:
        if name not in known:
            raise invalid(
                f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
            )


def masked(
    row: Mapping[str, Any], body: Mapping[str, Any], mask: str, writable: Collection[str]
) -> State:
    """Return ``row`` with the fields of ``mask`` as in ``body``; one that is not there is cleared.

    An empty mask means all of ``writable``. Source: AIP-134.
    """
    paths = [_camel(one.strip()) for one in mask.split(",") if one.strip()] or sorted(writable)
    changed = json.loads(json.dumps(row))
    for path in paths:
        top, *below = path.split(".")
        if top not in writable:
            raise invalid(f"Invalid field mask: {path} cannot be updated.")
        _put(changed, [top, *below], body)
    found: State = changed
    return found


def _put(target: State, path: Sequence[str], source: Any) -> None:  # noqa: ANN401 - JSON
    name, *below = path
    inner = source.get(name) if isinstance(source, dict) else None
    if below:
        _put(target.setdefault(name, {}), below, inner)
    elif inner is None:
        target.pop(name, None)
    else:
        target[name] = inner


def _camel(path: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), path)


def etag_of(row: Mapping[str, Any]) -> str:
    """Return an etag that moves with whatever is in ``row``."""
    text = json.dumps(row, sort_keys=True).encode()
    return f'"{hashlib.sha256(text).hexdigest()[:14]}"'


def refuse_stale(given: object, row: Mapping[str, Any], what: str) -> None:
    """Refuse a write whose etag is not that of ``row``. Source: Secret Manager documentation, etags."""
    if given and given != row.get("etag"):
        message = f"The etag provided {given} does not match the etag of {what}."
        raise refused("FAILED_PRECONDITION", message)


def timestamp(now: float) -> str:
    """Return a time as Google writes it."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
