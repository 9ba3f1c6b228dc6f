"""What queues and jobs have in common: they live in a location, and a verb pauses them or lets them run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import StringConstraints

from reconciler.core.change import Action, Change
from reconciler.core.errors import NotFound
from reconciler.core.finding import Finding, Weight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reconciler.core.secret import Json
    from reconciler.core.state import Observed
    from reconciler.providers.google.account import GoogleAccount
    from reconciler.providers.google.api import GoogleApi

Location = Annotated[str, StringConstraints(pattern=r"^[a-z]+(-[a-z]+)+[0-9]+$")]
Seconds = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]{1,9})?s$")]


def rows_everywhere(
    account: GoogleAccount, api: GoogleApi, version: str, noun: str, kind: str
) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``noun`` in each of the account's locations; these APIs list one at a time."""
    for location in account.needed_locations(kind):
        path = f"/{version}/projects/{account.project}/locations/{location}/{noun}"
        yield from api.rows(path, noun, {"pageSize": 500})


def found_ones(remote_ids: Sequence[str], read: Callable[[str], Observed]) -> dict[str, Observed]:
    """Return what ``read`` gives for each id, without those that are not there."""
    found = {}
    for remote_id in remote_ids:
        try:
            found[remote_id] = read(remote_id)
        except NotFound:
            continue
    return found


def unseen_locations(account: GoogleAccount, changes: Iterable[Change]) -> Iterator[Finding]:
    """Refuse to make what would never be looked for again."""
    for change in changes:
        location = change.values.get("location")
        if change.action in {Action.CREATE, Action.REPLACE} and location not in account.locations:
            yield Finding(
                weight=Weight.REFUSAL,
                rule="location",
                message=f"{location} is none of the locations that environment.yaml names",
                address=change.address,
                remedy=f"add it to providers.{account.vendor}.locations",
            )


def with_state_calls(change: Change, *, made_in: str) -> Change:
    """Return ``change`` with its calls counted: a verb sets the state, another request the rest.

    ``made_in`` is the state in which a new object comes.
    """
    match change.action:
        case Action.UPDATE:
            state = change.changes_field("state")
            rest = any(one.field != "state" for one in change.field_changes)
            return change.model_copy(update={"calls": state + rest})
        case Action.CREATE | Action.REPLACE:
            extra = change.values.get("state", made_in) != made_in
            return change.model_copy(update={"calls": change.calls + extra})
        case _:
            return change


def number(value: Json) -> int:
    """Return a number that may be absent (then it is 0) or a string (an int64)."""
    return int(value or 0)
