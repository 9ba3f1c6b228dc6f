"""Firebase security rules: rulesets, which never change, and releases, which name one.

Source: Firebase Rules API v1. The state, under ``rules``:

``rulesets``
    by id: ``files`` and ``createTime``.
``releases``
    by name (``cloud.firestore``, ``firebase.storage/BUCKET``): ``ruleset``, ``createTime``, ``updateTime``.
"""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.google_wire import (
    by_number,
    invalid,
    json_object,
    known_only,
    not_found,
    page,
    refused,
    route,
    timestamp,
)
from reconciler.sandbox.vendor import Call, Reply, State, next_number

API = "firebaserules.googleapis.com"


def blank_rules() -> State:
    """Return a project without rules."""
    return {"rulesets": {}, "releases": {}}


def issues_of(files: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - JSON
    """Return what the imitated compiler says: it counts braces, and knows a rule that lets everybody write."""
    found = []
    for file in files:
        text, name = str(file.get("content", "")), file.get("name", "")
        where = {"fileName": name, "line": text.count("\n") + 1, "column": 1}
        if "service " not in text or text.count("{") != text.count("}"):
            said = "Unexpected end of file: missing '}' or 'service'."
            found.append({"sourcePosition": where, "description": said, "severity": "ERROR"})
        for number, line in enumerate(text.splitlines(), 1):
            if "write" in line and line.rstrip().endswith(": if true;"):
                at = {**where, "line": number}
                said = "Everybody can write here."
                found.append({"sourcePosition": at, "description": said, "severity": "WARNING"})
    return found


def _test(call: Call) -> Reply:
    body = json_object(call)
    known_only(body, ("source", "testSuite"))
    found = issues_of(_files(body))
    return Reply(200, {"issues": found} if found else {})


def _rulesets(call: Call) -> Reply:
    rows = [
        {"name": f"{by_number(call)}/rulesets/{key}", "createTime": one["createTime"]}
        for key, one in _rules(call)["rulesets"].items()
    ]
    return page(call, "rulesets", rows, most=100)


def _make_ruleset(call: Call) -> Reply:
    body = json_object(call)
    known_only(body, ("source", "attachmentPoint"))
    files = _files(body)
    if any(one["severity"] == "ERROR" for one in issues_of(files)):
        raise invalid("The rules do not compile.")
    key = f"6f1d4a52-1111-4000-8000-{next_number(call.state):012d}"
    _rules(call)["rulesets"][key] = {"files": files, "createTime": timestamp(call.now)}
    return Reply(200, _ruleset_shown(call, key))


def _read_ruleset(call: Call) -> Reply:
    return Reply(200, _ruleset_shown(call, _known(call, call.params["ruleset"])))


def _delete_ruleset(call: Call) -> Reply:
    key = _known(call, call.params["ruleset"])
    if any(one["ruleset"] == key for one in _rules(call)["releases"].values()):
        raise refused("FAILED_PRECONDITION", f"Ruleset {key} is in use.")
    del _rules(call)["rulesets"][key]
    return Reply(200, {})


def _releases(call: Call) -> Reply:
    rows = [_release_shown(call, name) for name in _rules(call)["releases"]]
    return page(call, "releases", rows, most=100)


def _read_release(call: Call) -> Reply:
    return Reply(200, _release_shown(call, _named(call)))


def _patch_release(call: Call) -> Reply:
    """Name another ruleset. The release stands in the body, and so would a mask."""
    name, body = _named(call), json_object(call)
    known_only(body, ("release", "updateMask"))
    release = body.get("release") or {}
    known_only(release, ("name", "rulesetName"))
    if call.query:
        raise invalid(f"Unknown parameter {call.query[0][0]}.")
    if not str(release.get("name", "")).endswith(f"/releases/{name}"):
        raise invalid("release.name: another release than the path names.")
    key = _known(call, str(release.get("rulesetName", "")).rpartition("/")[2])
    _rules(call)["releases"][name] |= {"ruleset": key, "updateTime": timestamp(call.now)}
    return Reply(200, _release_shown(call, name))


def _files(body: State) -> list[State]:
    found = (body.get("source") or {}).get("files")
    if not found or not all(one.get("name") and one.get("content") for one in found):
        raise invalid("source.files: at least one file with a name and a content is needed.")
    kept: list[State] = found
    return kept


def _named(call: Call) -> str:
    name = "/".join(call.params[one] for one in ("service", "place") if one in call.params)
    if name not in _rules(call)["releases"]:
        raise not_found(f"Release {name}")
    return name


def _known(call: Call, key: str) -> str:
    if key not in _rules(call)["rulesets"]:
        raise not_found(f"Ruleset {key}")
    return key


def _rules(call: Call) -> State:
    found: State = call.state["rules"]
    return found


def _ruleset_shown(call: Call, key: str) -> dict[str, Any]:
    row = _rules(call)["rulesets"][key]
    return {
        "name": f"{by_number(call)}/rulesets/{key}",
        "createTime": row["createTime"],
        "source": {"files": row["files"]},
    }


def _release_shown(call: Call, name: str) -> dict[str, Any]:
    row = _rules(call)["releases"][name]
    return {
        "name": f"{by_number(call)}/releases/{name}",
        "rulesetName": f"{by_number(call)}/rulesets/{row['ruleset']}",
        "createTime": row["createTime"],
        "updateTime": row["updateTime"],
    }


_BASE = "/v1/projects/{project}"
_RELEASES = (f"{_BASE}/releases/{{service}}", f"{_BASE}/releases/{{service}}/{{place}}")
_MAY = "firebaserules.{}"
RULES_ROUTES = (
    route(API, "POST", f"{_BASE}:test", _test, _MAY.format("rulesets.test")),
    route(API, "GET", f"{_BASE}/rulesets", _rulesets, _MAY.format("rulesets.list")),
    route(API, "POST", f"{_BASE}/rulesets", _make_ruleset, _MAY.format("rulesets.create")),
    route(API, "GET", f"{_BASE}/rulesets/{{ruleset}}", _read_ruleset, _MAY.format("rulesets.get")),
    route(
        API,
        "DELETE",
        f"{_BASE}/rulesets/{{ruleset}}",
        _delete_ruleset,
        _MAY.format("rulesets.delete"),
    ),
    route(API, "GET", f"{_BASE}/releases", _releases, _MAY.format("releases.list")),
    *(route(API, "GET", one, _read_release, _MAY.format("releases.get")) for one in _RELEASES),
    *(
        route(API, "PATCH", one, _patch_release, _MAY.format("releases.update"))
        for one in _RELEASES
    ),
)
