"""Vercel's envelopes, scopes and JSON bodies. Knows no object type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.sandbox.vendor import Call, Empty, Refused, Reply, State

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SCOPE_NAMES = frozenset({"teamId", "slug"})


def vercel_error(status: int, code: str, message: str, **more: object) -> Reply:
    """Return an error in Vercel's envelope. Source: Vercel REST API, errors."""
    return Reply(status, {"error": {"code": code, "message": message, **more}})


def bad_request(message: str, code: str = "bad_request", **more: object) -> Refused:
    """Return the refusal of a request, ready to raise."""
    return Refused(vercel_error(400, code, message, **more))


def not_found(noun: str) -> Reply:
    """Return the answer for an object that does not exist in the scope."""
    return vercel_error(404, "not_found", f"{noun} not found")


def failure(status: int) -> Reply:
    """Return the error of a fault."""
    if status == 429:
        return vercel_error(429, "rate_limited", "Rate limit exceeded")
    code = "internal_server_error" if status >= 500 else "bad_request"
    return vercel_error(status, code, "This is a fault that the sandbox was told to make.")


def next_page(body: object) -> Mapping[str, str] | None:
    """Return the query for the page after this one, or None."""
    pagination = body.get("pagination") if isinstance(body, dict) else None
    following = pagination.get("next") if isinstance(pagination, dict) else None
    return None if following is None else {"until": str(following)}


def owner(call: Call) -> str:
    """Return the id of the team or person the request speaks for.

    Without ``teamId`` or ``slug`` it is the person: team objects then look as if they did not
    exist. Source: Vercel REST API, accessing resources owned by a team.
    """
    arguments = call.arguments
    team_id, slug = arguments.get("teamId"), arguments.get("slug")
    if not team_id and not slug:
        return str(call.state["user"]["id"])
    for team in call.state["teams"]:
        if (team_id is None or team["id"] == team_id) and (slug is None or team["slug"] == slug):
            return str(team["id"])
    raise Refused(vercel_error(403, "forbidden", "Not authorized"))


def find_project(call: Call, name: str) -> State:
    """Return the project of that id or name in the scope of the request."""
    owner_id = owner(call)
    for project in call.state["projects"]:
        if project["accountId"] == owner_id and name in (project["id"], project["name"]):
            found: State = project
            return found
    raise Refused(not_found("Project"))


def project_of(call: Call) -> State:
    """Return the project that the path names."""
    return find_project(call, call.params["project"])


def json_object(call: Call, known: Collection[str]) -> dict[str, Any]:
    """Return the body, an object that has only known properties."""
    return known_object(json_body(call), known)


def json_body(call: Call) -> object:
    """Return the body as JSON."""
    try:
        body = call.json()
    except ValueError as error:
        raise bad_request("Invalid JSON", "invalid_json") from error
    if body is Empty.BODY:
        raise bad_request("Invalid request: a body is required.")
    return body


def known_object(value: object, known: Collection[str]) -> dict[str, Any]:
    """Return the value as an object that has only known properties."""
    if not isinstance(value, dict):
        raise bad_request("Invalid request: should be object.")
    for name in value:
        if name not in known:
            message = f"Invalid request: should NOT have additional property `{name}`."
            raise bad_request(message)
    return value
