"""Who may call functions and services: IAM policies by resource. Source: google.iam.v1.Policy.

The state: ``functions.policies``, a policy without its etag for each resource that has one.
"""

from __future__ import annotations

import re
from typing import Any

from reconciler.sandbox.google_wire import (
    by_id,
    etag_of,
    invalid,
    json_object,
    known_only,
    refused,
    route,
)
from reconciler.sandbox.vendor import Call, Reply


def _policy(call: Call) -> Reply:
    return Reply(200, _shown(call, _resource(call)))


def _set_policy(call: Call) -> Reply:
    """Replace a policy. An etag that is not the present one is a conflict."""
    body = json_object(call)
    known_only(body, ("policy", "updateMask"))
    name, policy = _resource(call), dict(body.get("policy") or {})
    known_only(policy, ("version", "bindings", "etag", "auditConfigs"))
    given = policy.pop("etag", None)
    if given and given != _shown(call, name)["etag"]:
        raise refused("ABORTED", "There were concurrent policy changes. Please retry.")
    for binding in policy.get("bindings") or ():
        if not binding.get("members"):
            raise invalid("A binding has at least one member.")
    call.state["functions"]["policies"][name] = policy
    return Reply(200, _shown(call, name))


def _shown(call: Call, name: str) -> dict[str, Any]:
    policy = call.state["functions"]["policies"].get(name) or {}
    return {"version": 1, **policy, "etag": re.sub(r"\W", "", etag_of(policy))}


def _resource(call: Call) -> str:
    noun = "services" if "service" in call.params else "functions"
    which = call.params.get("service") or call.params.get("function")
    return f"{by_id(call)}/locations/{call.params['location']}/{noun}/{which}"


_AT = "/v1/projects/{project}/locations/{location}"
POLICY_ROUTES = tuple(
    route(f"{api}.googleapis.com", method, f"{_AT}/{noun}:{verb}", handler, f"{permission}.{verb}")
    for api, noun, permission in (
        ("cloudfunctions", "functions/{function}", "cloudfunctions.functions"),
        ("run", "services/{service}", "run.services"),
    )
    for method, verb, handler in (
        ("GET", "getIamPolicy", _policy),
        ("POST", "setIamPolicy", _set_policy),
    )
)
