"""The one target of a job, ours and Google's; what cannot be written back as it was is left alone. Sends nothing."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.redacting import is_secret_name
from reconciler.providers.google.scheduler_job import TARGET_OF_HTTP, TARGET_OF_PUBSUB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.secret import Json
    from reconciler.providers.google.account import GoogleAccount

_ADDED: Final = {
    "user-agent": "Google-Cloud-Scheduler",
    "content-type": "application/octet-stream",
}
"""Headers that Google adds. Source: Cloud Scheduler API v1, HttpTarget.headers."""

GROUPS: Final = {"httpTarget": TARGET_OF_HTTP, "pubsubTarget": TARGET_OF_PUBSUB}
"""Google's names of the targets, and our fields of each."""


_NOTHING: Final[Mapping[str, Any]] = {
    "uri": None,
    "http_method": "POST",
    "headers": {},
    "body": None,
    "oidc_service_account": None,
    "oidc_audience": None,
    "oauth_service_account": None,
    "oauth_scope": None,
    "topic": None,
    "message": None,
    "attributes": {},
}
"""No target of either sort."""


def is_there(group: str, live: Mapping[str, Json]) -> bool:
    """Tell whether the live job has this target."""
    return live.get("uri" if group == "httpTarget" else "topic") is not None


def with_fields(live: Mapping[str, Json], fields: Mapping[str, Json]) -> dict[str, Json]:
    """Return the values of ``live`` with ``fields`` in them, key by key where a mapping is merged."""
    whole = {**live, **fields}
    for name in ("headers", "attributes"):
        merged = {**(live.get(name) or {}), **(fields.get(name) or {})}
        whole[name] = {key: value for key, value in merged.items() if value is not None}
    return whole


def target(values: Mapping[str, Json]) -> dict[str, Any]:
    """Return the one target."""
    if values.get("topic") is not None:
        found = {
            "topicName": values["topic"],
            "data": _encoded(values.get("message")),
            "attributes": values.get("attributes") or None,
        }
        return {"pubsubTarget": _without_nothing(found)}
    found = {
        "uri": values.get("uri"),
        "httpMethod": values.get("http_method") or "POST",
        "headers": values.get("headers") or None,
        "body": _encoded(values.get("body")),
        "oidcToken": _token(values, "oidc_service_account", "oidc_audience", "audience"),
        "oauthToken": _token(values, "oauth_service_account", "oauth_scope", "scope"),
    }
    return {"httpTarget": _without_nothing(found)}


def _token(
    values: Mapping[str, Json], account: str, ours: str, theirs: str
) -> dict[str, Json] | None:
    if not values.get(account):
        return None
    return _without_nothing({"serviceAccountEmail": values[account], theirs: values.get(ours)})


def _without_nothing(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _encoded(text: Json) -> str | None:
    return base64.b64encode(str(text).encode()).decode() if text else None


def _decoded(data: str | None) -> str | None:
    """Return the text in Base64; ``None`` for none, and for what is no text."""
    try:
        return base64.b64decode(data or "").decode("utf-8") or None
    except ValueError:
        return None


def seen_target(row: Mapping[str, Any], account: GoogleAccount) -> dict[str, Any]:
    """Return our fields for the target of a live job, without what Google added and without credentials."""
    return {**_NOTHING, **_seen(row, account)}


def _seen(row: Mapping[str, Any], account: GoogleAccount) -> dict[str, Any]:
    http, pubsub = row.get("httpTarget"), row.get("pubsubTarget")
    if pubsub:
        return {
            "topic": account.canonical(pubsub["topicName"]),
            "message": _decoded(pubsub.get("data")),
            "attributes": pubsub.get("attributes") or {},
        }
    if not http:
        return {}
    oidc, oauth = http.get("oidcToken") or {}, http.get("oauthToken") or {}
    audience = oidc.get("audience")
    return {
        "uri": http["uri"],
        "http_method": http.get("httpMethod") or "POST",
        "headers": dict(_open_headers(http)),
        "body": None if _hides(http) else _decoded(http.get("body")),
        "oidc_service_account": oidc.get("serviceAccountEmail"),
        "oidc_audience": None if audience == http["uri"] else audience,
        "oauth_service_account": oauth.get("serviceAccountEmail"),
        "oauth_scope": oauth.get("scope"),
    }


def _open_headers(http: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the headers that somebody set, without those that hold a credential."""
    return [
        (name, value)
        for name, value in (http.get("headers") or {}).items()
        if _ADDED.get(name.lower()) != value and not is_secret_name(name)
    ]


def _hides(http: Mapping[str, Any]) -> bool:
    """Tell whether the body is JSON with something under a secret name."""
    try:
        found = json.loads(_decoded(http.get("body")) or "null")
    except ValueError:
        return False
    return isinstance(found, dict) and any(is_secret_name(str(name)) for name in found)


def left_alone(row: Mapping[str, Any]) -> str | None:
    """Say why a job is not written: it could not be written back as it was."""
    http = row.get("httpTarget") or {}
    target = http or row.get("pubsubTarget") or {}
    data = target.get("body") or target.get("data")
    secret = [name for name in http.get("headers") or {} if is_secret_name(name)]
    if row.get("appEngineHttpTarget"):
        return "calls App Engine, which is not managed from here"
    if secret:
        return f"sends a credential in the header {secret[0]}, which is not kept here"
    if _hides(http):
        return "sends something under a secret name in its body, which is not kept here"
    if data and _decoded(data) is None:
        return "sends bytes that are no text"
    if row.get("state") == "DISABLED":
        return "disabled by Google"
    return None
