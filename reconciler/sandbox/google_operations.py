"""Operations that take time: each read of one brings it one step on, and it may end badly.

``lro`` in the state: ``polls`` is how many reads see it under way, ``error`` (a google.rpc.Status) how it ends; what
it was to do is not done then. Source: google.longrunning.Operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from reconciler.sandbox.google_wire import not_found
from reconciler.sandbox.vendor import Call, Reply, Route, State, next_number

Finisher = Callable[[Call, Mapping[str, Any]], dict[str, Any]]
"""Does what an operation was started for, with the arguments it was started with; returns its ``response``."""

PATHS = (
    "/v1/operations/{operation}",
    "/v1beta1/operations/{operation}",
    "/v1/projects/{project}/locations/{location}/operations/{operation}",
    "/v2/projects/{project}/locations/{location}/operations/{operation}",
)
"""Where the APIs show operations. All share one table."""


def start(
    call: Call, what: str, arguments: Mapping[str, Any], *, parent: str = "", **shown: object
) -> Reply:
    """Begin the operation ``what`` (a key of the finishers); ``shown`` stands in its answers, such as metadata."""
    name = f"{parent}/operations/" if parent else "operations/"
    name += f"op-{next_number(call.state):06d}"
    operation: State = {"name": name, **shown}
    left = int((call.state.get("lro") or {}).get("polls", 2))
    call.state.setdefault("operations", {})[name] = {
        "shown": operation,
        "what": what,
        "arguments": dict(arguments),
        "left": left,
    }
    return Reply(200, operation)


def operation_routes(finishers: Mapping[str, Finisher]) -> tuple[Route, ...]:
    """Return the reads of operations that ``finishers`` bring to their end."""
    handler = partial(_read, finishers)
    return tuple(Route("GET", path, handler) for path in PATHS)


def _read(finishers: Mapping[str, Finisher], call: Call) -> Reply:
    entry = _found(call)
    if entry["left"] > 0:
        entry["left"] -= 1
    elif not entry["shown"].get("done"):
        error = (call.state.get("lro") or {}).get("error")
        ended = (
            {"error": error}
            if error
            else {"response": finishers[entry["what"]](call, entry["arguments"])}
        )
        entry["shown"] = {**entry["shown"], "done": True, **ended}
    return Reply(200, entry["shown"])


def _found(call: Call) -> State:
    """Return the operation that the path names; its project goes by id or by number."""
    wanted = call.params["operation"]
    for name, entry in (call.state.get("operations") or {}).items():
        if name.rpartition("/")[2] == wanted:
            found: State = entry
            return found
    raise not_found(f"Operation {wanted}")
