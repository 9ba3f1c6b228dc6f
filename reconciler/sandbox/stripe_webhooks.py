"""Stripe webhook endpoints. Source: Stripe API reference, webhook endpoints."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reconciler.sandbox.stripe_wire import (
    form_arguments,
    invalid,
    list_page,
    missing,
    query_arguments,
    stripe_error,
)
from reconciler.sandbox.vendor import Call, Refused, Reply, Route, State, next_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sandbox.forms import Nested

MAX_ENDPOINTS = 16
NOUN = "webhook_endpoint"

_ON_BOTH = frozenset({"url", "enabled_events", "description", "metadata", "expand"})
_ON_CREATE = _ON_BOTH | {"api_version", "connect"}
_ON_UPDATE = _ON_BOTH | {"disabled"}
_EVENT = re.compile(r"\*|[a-z0-9_]+(\.[a-z0-9_]+)+")
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z_]+)?")
_SHOWN = (
    "id",
    "object",
    "api_version",
    "application",
    "created",
    "description",
    "enabled_events",
    "livemode",
    "metadata",
    "status",
    "url",
)


def _shown(endpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a read shows: neither ``secret`` nor ``connect``."""
    return {name: endpoint.get(name) for name in _SHOWN}


def _list(call: Call) -> Reply:
    arguments = query_arguments(call)
    newest_first = call.state["webhook_endpoints"][::-1]
    return list_page(NOUN, "/v1/webhook_endpoints", newest_first, arguments, _shown)


def _retrieve(call: Call) -> Reply:
    return Reply(200, _shown(_found(call)))


def _create(call: Call) -> Reply:
    """Create an endpoint. Only this answer has the signing secret."""
    arguments = form_arguments(call, _ON_CREATE)
    for name in ("url", "enabled_events"):
        if name not in arguments:
            raise invalid(f"Missing required param: {name}.", code="parameter_missing", param=name)
    state = call.state
    fields = {
        "description": None,
        "metadata": {},
        **_common_fields(arguments, {}, state),
        "api_version": _api_version(arguments.get("api_version")),
        "connect": _boolean(arguments.get("connect", "false"), "connect"),
    }
    _refuse_beyond_limit(state)
    number = next_number(state)
    identifier = f"we_1Sandbox{number:06d}"
    endpoint = {
        "id": identifier,
        "object": NOUN,
        "application": f"ca_Sandbox{number:06d}" if fields["connect"] else None,
        "created": int(call.now),
        "livemode": bool(state.get("livemode", False)),
        "status": "enabled",
        "secret": _signing_secret(identifier),
        **fields,
    }
    state["webhook_endpoints"].append(endpoint)
    return Reply(200, {**_shown(endpoint), "secret": endpoint["secret"]})


def _update(call: Call) -> Reply:
    """Change the fields sent; a body without any is answered 200 and changes nothing."""
    endpoint = _found(call)
    arguments = form_arguments(call, _ON_UPDATE)
    changed = _common_fields(arguments, endpoint["metadata"], call.state)
    if "disabled" in arguments:
        is_disabled = _boolean(arguments["disabled"], "disabled")
        changed["status"] = "disabled" if is_disabled else "enabled"
    endpoint.update(changed)
    return Reply(200, _shown(endpoint))


def _delete(call: Call) -> Reply:
    endpoint = _found(call)
    call.state["webhook_endpoints"].remove(endpoint)
    return Reply(200, {"id": endpoint["id"], "object": NOUN, "deleted": True})


def _found(call: Call) -> State:
    identifier = call.params["id"]
    for endpoint in call.state["webhook_endpoints"]:
        if endpoint["id"] == identifier:
            found: State = endpoint
            return found
    raise Refused(missing("webhook endpoint", identifier, param=NOUN))


def _common_fields(
    arguments: Mapping[str, Nested], metadata: Mapping[str, str], state: State
) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if "url" in arguments:
        fields["url"] = _url(arguments["url"], bool(state.get("livemode", False)))
    if "enabled_events" in arguments:
        fields["enabled_events"] = _enabled_events(arguments["enabled_events"])
    if "description" in arguments:
        fields["description"] = _text(arguments["description"], "description", 5000) or None
    if "metadata" in arguments:
        fields["metadata"] = _merged_metadata(arguments["metadata"], metadata)
    return fields


def _url(value: Nested, livemode: bool) -> str:
    url = _text(value, "url", 5000)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = "Invalid URL: An explicit scheme (such as https) must be provided."
        raise invalid(message, code="url_invalid", param="url")
    if livemode and parts.scheme != "https":
        raise invalid(
            "Invalid URL: URL must be HTTPS in live mode.", code="url_invalid", param="url"
        )
    return url


def _enabled_events(value: Nested) -> list[str]:
    if not isinstance(value, list) or not value:
        raise invalid("Invalid array", param="enabled_events")
    events: list[str] = []
    for index, name in enumerate(value):
        if not isinstance(name, str) or _EVENT.fullmatch(name) is None:
            param = f"enabled_events[{index}]"
            raise invalid(f"Invalid {param}: must be the name of an event or *", param=param)
        events.append(name)
    return events


def _merged_metadata(value: Nested, before: Mapping[str, str]) -> dict[str, str]:
    """Merge metadata: '' deletes a key, and as the whole value deletes all."""
    if value == "":
        return {}
    if not isinstance(value, dict):
        raise invalid("Invalid hash", param="metadata")
    merged = dict(before)
    for key, text in value.items():
        param = f"metadata[{key}]"
        if len(key) > 40:
            raise invalid("Metadata keys can have up to 40 characters.", param=param)
        merged[key] = _text(text, param, 500)
    kept = {key: text for key, text in merged.items() if text}
    if len(kept) > 50:
        raise invalid("You can only have 50 metadata keys.", param="metadata")
    return kept


def _text(value: Nested, param: str, longest: int) -> str:
    if not isinstance(value, str):
        raise invalid("Invalid string", param=param)
    if len(value) > longest:
        message = f"Invalid string: {param} must be at most {longest} characters"
        raise invalid(message, param=param)
    return value


def _boolean(value: Nested, param: str) -> bool:
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", param=param)
    return value == "true"


def _api_version(value: Nested | None) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or _VERSION.fullmatch(value) is None:
        raise invalid(f"Invalid API version: {value}", param="api_version")
    return value


def _refuse_beyond_limit(state: State) -> None:
    if len(state["webhook_endpoints"]) < MAX_ENDPOINTS:
        return
    mode = "" if state.get("livemode") else "test "
    message = f"You have reached the maximum of {MAX_ENDPOINTS} {mode}webhook endpoints."
    raise Refused(stripe_error(400, message))


def _signing_secret(identifier: str) -> str:
    """Return a secret that looks like one, says that it is none, and differs for each endpoint."""
    return f"whsec_sandboxFAKE{hashlib.sha256(identifier.encode()).hexdigest()[:24]}"


WEBHOOK_ROUTES = (
    Route("GET", "/v1/webhook_endpoints", _list, "webhook_read"),
    Route("POST", "/v1/webhook_endpoints", _create, "webhook_write"),
    Route("GET", "/v1/webhook_endpoints/{id}", _retrieve, "webhook_read"),
    Route("POST", "/v1/webhook_endpoints/{id}", _update, "webhook_write"),
    Route("DELETE", "/v1/webhook_endpoints/{id}", _delete, "webhook_write"),
)
