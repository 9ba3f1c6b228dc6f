"""Who may call a function: a policy of its own, apart from the function, which a deletion loses.

Source: Cloud Functions API v1 and Cloud Run Admin API v1, getIamPolicy and setIamPolicy. Whoever may call a function
of the second generation stands in the policy of its service.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.core.secret import Json
    from reconciler.providers.google.account import GoogleAccount

AT_ONCE = 8
"""Requests. There is no list of policies; the account's rate holds all the same."""


class Guarded(NamedTuple):
    """Where the policy of a function is: an API, a resource, and the role of its callers."""

    api: str
    resource: str
    role: str


def guarded(row: Mapping[str, Json], generation: int) -> Guarded | None:
    """Return where the callers of a function stand; ``None`` for one that events trigger."""
    if generation == 1:
        called = "httpsTrigger" in row
        return Guarded("functions", row["name"], "roles/cloudfunctions.invoker") if called else None
    service = (row.get("serviceConfig") or {}).get("service")
    return (
        Guarded("run", service, "roles/run.invoker")
        if service and "eventTrigger" not in row
        else None
    )


class Invokers:
    """Reads and sets who may call functions."""

    def __init__(self, account: GoogleAccount) -> None:
        self._account = account

    def of(self, places: Sequence[Guarded | None]) -> list[list[str] | None]:
        """Return the callers at each place, sorted; ``None`` where there is no place."""
        wanted = {place for place in places if place is not None}
        for name in {place.api for place in wanted}:
            self._account.api(name)  # opened here: not by several threads at once
        with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="policies") as pool:
            found = dict(zip(wanted, pool.map(self._members, wanted), strict=True))
        return [found[place] if place is not None else None for place in places]

    def set(self, place: Guarded, members: Sequence[str]) -> None:
        """Let just ``members`` call. Other roles, and bindings with a condition, stay. One write."""
        policy = self._policy(place)
        bindings = [one for one in policy.get("bindings") or () if not _is_plain(one, place.role)]
        if members:
            bindings.append({"role": place.role, "members": sorted(members)})
        body = {"policy": {**policy, "bindings": bindings}}
        path = f"/v1/{self._account.canonical(place.resource)}:setIamPolicy"
        self._account.api(place.api).post(
            path, body, idempotent=True, has_etag=bool(policy.get("etag"))
        )

    def _members(self, place: Guarded) -> list[str]:
        found: set[str] = set()
        for one in self._policy(place).get("bindings") or ():
            if _is_plain(one, place.role):
                found.update(one.get("members") or ())
        return sorted(found)

    def _policy(self, place: Guarded) -> dict[str, Json]:
        resource = self._account.canonical(place.resource)
        return self._account.api(place.api).get(f"/v1/{resource}:getIamPolicy")


def _is_plain(binding: Mapping[str, Json], role: str) -> bool:
    return binding.get("role") == role and not binding.get("condition")
