"""Firebase Remote Config: one template, read with its etag and replaced as a whole.

Source: Remote Config REST API v1 and its documentation. The state, under ``remote_config``:

``conditions``, ``order``
    conditions by name, and their names by priority.
``parameters``, ``parameterGroups``
    as the template has them.
``version``
    who published the template, and when; ``versionNumber`` 0 stands for none. ``history`` are earlier templates by
    number.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from reconciler.sandbox.google_wire import (
    google_error,
    invalid,
    json_object,
    known_only,
    not_found,
    page,
    route,
    timestamp,
)
from reconciler.sandbox.vendor import Call, Refused, Reply, State

API = "firebaseremoteconfig.googleapis.com"
PARTS = ("conditions", "parameters", "parameterGroups")
TYPES: Final = frozenset(
    {"STRING", "BOOLEAN", "NUMBER", "JSON", "PARAMETER_VALUE_TYPE_UNSPECIFIED"}
)
LONGEST_KEY: Final = 256


def blank_remote_config() -> State:
    """Return a project that never published a template."""
    return {
        "conditions": {},
        "order": [],
        "parameters": {},
        "parameterGroups": {},
        "version": {"versionNumber": "0"},
        "history": {},
    }


def _read(call: Call) -> Reply:
    number = call.arguments.get("versionNumber")
    if number is None or number == _config(call)["version"]["versionNumber"]:
        return _answered(call)
    if number not in _config(call)["history"]:
        raise not_found(f"Template version {number}")
    return Reply(200, _config(call)["history"][number])


def _publish(call: Call) -> Reply:
    """Replace the template. The etag that was read must be in If-Match; ``*`` forces."""
    given, body = call.headers.get("if-match"), json_object(call)
    if not given:
        raise invalid("[VALIDATION_ERROR]: The If-Match header is missing.")
    known_only(body, (*PARTS, "version"))
    known_only(body.get("version") or {}, ("description",))
    if given not in {"*", _etag(call)}:
        found = _config(call)["version"]["versionNumber"]
        message = f"[VERSION_MISMATCH]: Expected version of {given}, found version {found}"
        raise Refused(google_error("FAILED_PRECONDITION", message, status=412))
    refuse_invalid(body)
    if call.arguments.get("validateOnly") == "true":
        shown = {**body, "version": _config(call)["version"]}
        return Reply(200, shown, {"etag": f"{_etag(call)}-0"})
    _put(call, body, {"updateOrigin": "REST_API", "updateType": "INCREMENTAL_UPDATE"})
    return _answered(call)


def _roll_back(call: Call) -> Reply:
    """Publish an earlier template again, whatever is live. No If-Match."""
    wanted = str(json_object(call).get("versionNumber", ""))
    if wanted not in _config(call)["history"]:
        raise not_found(f"Template version {wanted}")
    kept = _config(call)["history"][wanted]
    source = {"rollbackSource": wanted, "updateOrigin": "REST_API", "updateType": "ROLLBACK"}
    _put(call, {part: kept[part] for part in PARTS if part in kept}, source)
    return _answered(call)


def _versions(call: Call) -> Reply:
    config = _config(call)
    found = [one["version"] for one in config["history"].values()] + [config["version"]]
    found.sort(key=lambda one: int(one["versionNumber"]), reverse=True)
    return page(call, "versions", [one for one in found if one["versionNumber"] != "0"], most=300)


def refuse_invalid(body: State) -> None:
    """Refuse a template whose parts do not fit together."""
    conditions = [one.get("name") for one in body.get("conditions") or ()]
    if len(set(conditions)) < len(conditions):
        raise invalid("[VALIDATION_ERROR]: Duplicate condition name.")
    for one in body.get("conditions") or ():
        known_only(one, ("name", "expression", "tagColor"))
        if not one.get("name") or not one.get("expression"):
            raise invalid("[VALIDATION_ERROR]: A condition needs a name and an expression.")
    seen: set[str] = set()
    groups = (body.get("parameterGroups") or {}).values()
    for parameters in (body.get("parameters") or {}, *(g.get("parameters") or {} for g in groups)):
        for name, parameter in parameters.items():
            if name in seen:
                raise invalid(f"[VALIDATION_ERROR]: Duplicate parameter key {name}.")
            seen.add(name)
            _refuse_parameter(name, parameter, conditions)


def _refuse_parameter(name: str, parameter: State, conditions: list[Any]) -> None:
    known_only(parameter, ("defaultValue", "conditionalValues", "description", "valueType"))
    kind = parameter.get("valueType", "STRING")
    if len(name) > LONGEST_KEY or kind not in TYPES:
        raise invalid(f"[VALIDATION_ERROR]: Invalid parameter {name}.")
    conditional = parameter.get("conditionalValues") or {}
    for condition in conditional:
        if condition not in conditions:
            raise invalid(f"[VALIDATION_ERROR]: {name}: there is no condition {condition}.")
    if not conditional and "defaultValue" not in parameter:
        raise invalid(f"[VALIDATION_ERROR]: {name} has no value.")
    for value in (
        parameter.get("defaultValue") or {"useInAppDefault": True},
        *conditional.values(),
    ):
        if "value" in value and not _fits(value["value"], kind):
            raise invalid(f"[VALIDATION_ERROR]: {name}: the value is no {kind}.")


def _fits(text: object, kind: str) -> bool:
    """Tell whether a value, always a text, is of its type."""
    if not isinstance(text, str):
        return False
    try:
        match kind:
            case "BOOLEAN":
                return text in {"true", "false"}
            case "NUMBER":
                float(text)
            case "JSON":
                json.loads(text)
            case _:
                pass
    except ValueError:
        return False
    return True


def _put(call: Call, body: State, how: dict[str, Any]) -> None:
    config = _config(call)
    number = int(config["version"]["versionNumber"])
    if number:
        config["history"][str(number)] = _template(call)
    conditions = body.get("conditions") or []
    config["conditions"] = {
        one["name"]: {name: value for name, value in one.items() if name != "name"}
        for one in conditions
    }
    config["order"] = [one["name"] for one in conditions]
    config["parameters"] = body.get("parameters") or {}
    config["parameterGroups"] = body.get("parameterGroups") or {}
    config["version"] = {
        "versionNumber": str(number + 1),
        "updateTime": timestamp(call.now),
        "updateUser": {"email": "deployer@shop.example"},
        **how,
    }


def _answered(call: Call) -> Reply:
    return Reply(200, _template(call), {"etag": _etag(call)})


def _template(call: Call) -> State:
    """Return the template as it is answered: an empty part is absent, and so is the version of none."""
    config = _config(call)
    conditions = [{"name": name, **config["conditions"][name]} for name in config["order"]]
    shown = {
        "conditions": conditions,
        "parameters": config["parameters"],
        "parameterGroups": config["parameterGroups"],
        "version": config["version"] if config["version"]["versionNumber"] != "0" else {},
    }
    return json.loads(json.dumps({name: value for name, value in shown.items() if value}))  # type: ignore[no-any-return]


def _etag(call: Call) -> str:
    """Return an etag that moves with whatever is in the template."""
    text = json.dumps(_template(call), sort_keys=True).encode()
    number = call.state["project"]["projectNumber"]
    return f"etag-{number}-{hashlib.sha256(text).hexdigest()[:12]}"


def _config(call: Call) -> State:
    found: State = call.state["remote_config"]
    return found


_PATH = "/v1/projects/{project}/remoteConfig"
REMOTE_CONFIG_ROUTES = (
    route(API, "GET", _PATH, _read, "cloudconfig.configs.get"),
    route(API, "PUT", _PATH, _publish, "cloudconfig.configs.update"),
    route(API, "GET", f"{_PATH}:listVersions", _versions, "cloudconfig.configs.get"),
    route(API, "POST", f"{_PATH}:rollback", _roll_back, "cloudconfig.configs.update"),
)
