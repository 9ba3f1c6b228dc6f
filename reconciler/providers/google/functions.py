"""Reads and changes Cloud Functions. The model is in ``function``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.core.change import Action
from reconciler.core.errors import Conflict, StalePlan, VendorError
from reconciler.core.finding import Finding, Weight
from reconciler.core.ports import Created, New, Update
from reconciler.core.state import Observed
from reconciler.providers.google.function import Function
from reconciler.providers.google.function_invokers import Invokers, guarded
from reconciler.providers.google.function_rows import at, patch_of, values_of
from reconciler.providers.google.located import found_ones
from reconciler.providers.google.run_revisions import Revisions
from reconciler.providers.google.run_targets import FOLLOWING
from reconciler.providers.google.run_traffic import RunTraffics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.core.change import Change
    from reconciler.core.secret import Json
    from reconciler.providers.google.account import GoogleAccount

UNDER_WAY: Final = frozenset({"DEPLOY_IN_PROGRESS", "DELETE_IN_PROGRESS", "DEPLOYING", "DELETING"})
MOST: Final = 1000
"""Functions on a page. Source: Cloud Functions API v2, functions.list."""


class Functions:
    """Reads and changes the functions of one project, wherever they are."""

    resource_type = Function

    def __init__(self, account: GoogleAccount) -> None:
        self._account = account
        self._api = account.api("functions")
        self._invokers = Invokers(account)

    def observe(self) -> Iterator[Observed]:
        """Yield every function: one list for each generation and 1000 functions, one policy for each that is called.

        Raises PartialRead when Google does not reach a location.
        """
        everywhere = f"/v%d/projects/{self._account.project}/locations/-/functions"
        first: dict[str, str | int] = {"pageSize": MOST}
        second = {**first, "filter": 'environment="GEN_2"'}
        rows = [(1, row) for row in self._api.rows(everywhere % 1, "functions", first)]
        rows += [(2, row) for row in self._api.rows(everywhere % 2, "functions", second)]
        found = {self._account.canonical(row["name"]): (number, row) for number, row in rows}
        members = self._invokers.of([guarded(row, number) for number, row in found.values()])
        for (name, (number, row)), callers in zip(found.items(), members, strict=True):
            yield self._observed(name, number, row, callers)

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, Observed]:
        """Return those functions that exist. Two or three requests each."""
        return found_ones(remote_ids, self._read)

    def inspect(self, changes: Sequence[Change]) -> Iterator[Finding]:
        """Refuse what Google would: a runtime that is not built any more, a secret version that is off."""
        revisions, runtimes = Revisions(self._account), dict[str, dict[str, Any]]()
        for change in changes:
            if change.action is not Action.UPDATE or change.remote_id is None:
                continue
            _, row = self._row(change.remote_id)
            if _status(row) in UNDER_WAY:
                remedy = "wait for its end, then plan again"
                yield _finding(change, Weight.REFUSAL, f"it is {_status(row)}", remedy)
            if any(not one.field.startswith("invokers") for one in change.field_changes):
                yield from self._runtime(change, row, runtimes)
            for path, value in change.after().items():
                if path.startswith("secret_environment.") and isinstance(value, str):
                    yield from revisions.secret(change, path.partition(".")[2], *value.split("@"))

    def create(self, new: New) -> Created:
        """Never: a function needs its code."""
        raise VendorError(f"{new.marker}: a function cannot be made from here", vendor="gcp")

    def delete(self, remote_id: str) -> None:
        """Never: nothing would bring its code back."""
        raise VendorError(f"{remote_id}: a function is never deleted from here", vendor="gcp")

    def update(self, update: Update) -> None:
        """Deploy with other settings and wait for its end; set who may call it; send requests back where they went.

        Functions have no etag: one that was written since it was read is left alone (StalePlan), the moment between
        is not covered. Raises Conflict while it is being deployed.
        """
        name = update.live.remote_id
        fields = dict(update.fields)
        for computed in ("function", "location", "generation", "source"):
            fields.pop(computed, None)
        callers = fields.pop("invokers", None)
        generation, row = self._row(name)
        if fields:
            self._refuse_moved(update.live, row)
            self._deploy(name, generation, row, fields)
        place = guarded(row, generation)
        if callers is not None and place is not None:
            self._invokers.set(place, callers)

    def _deploy(
        self, name: str, generation: int, row: Mapping[str, Json], fields: Mapping[str, Json]
    ) -> None:
        body, mask = patch_of(row, generation, fields, self._account.project)
        service = self._account.canonical(str(at(row, "serviceConfig.service") or name))
        with self._account.alone(service):
            pin = self._pin(service) if generation == 2 else None
            begun = self._api.patch(f"/v{generation}/{name}", body, mask)
            self._api.finished(begun, version=f"v{generation}")
            if pin is not None:
                self._assert(pin)
        _, now = self._row(name)
        if _status(now) != "ACTIVE":
            said = "; ".join(one.get("message", "") for one in now.get("stateMessages") or ())
            raise VendorError(
                f"{name} is {_status(now)} after its update", vendor="gcp", detail=said
            )

    def _pin(self, service: str) -> Observed | None:
        """Return where requests go that do not follow the newest revision; ``None`` when they do."""
        found = RunTraffics(self._account).read([service]).get(service)
        return None if found is None or found.values["traffic"] == FOLLOWING else found

    def _assert(self, pin: Observed) -> None:
        """Send requests back where they went, unless somebody sent them elsewhere meanwhile.

        Whether an update moves them is documented both ways, so they are always sent back.
        """
        traffic = RunTraffics(self._account)
        now = traffic.read([pin.remote_id])[pin.remote_id]
        if now.values["traffic"] in (FOLLOWING, pin.values["traffic"]):
            went = {name: pin.values[name] for name in ("traffic", "tags")}
            traffic.update(Update(now, went))

    def _refuse_moved(self, live: Observed, row: Mapping[str, Json]) -> None:
        if _status(row) in UNDER_WAY:
            raise Conflict(
                f"{live.remote_id} is {_status(row)}",
                vendor="gcp",
                mend="reconciler plan ENV   # again",
            )
        if "updated" in live.evidence and live.evidence["updated"] != row.get("updateTime"):
            raise StalePlan("Changed at Google since it was read", detail=live.remote_id)

    def _runtime(
        self, change: Change, row: Mapping[str, Json], known: dict[str, dict[str, Any]]
    ) -> Iterator[Finding]:
        """Every deployment builds: a runtime that Google gave up cannot go live again, nor change its settings."""
        location = str(change.remote_id).split("/")[3]
        if location not in known:
            path = f"/v2/projects/{self._account.project}/locations/{location}/runtimes"
            rows = self._api.rows(path, "runtimes")
            known[location] = {f"{one['name']} {one.get('environment')}": one for one in rows}
        generation = "GEN_2" if "serviceConfig" in row else "GEN_1"
        live = at(row, "buildConfig.runtime") or row.get("runtime")
        name = change.after().get("runtime") or live
        found = known[location].get(f"{name} {generation}") or {}
        match found.get("stage"):
            case "DECOMMISSIONED":
                remedy = "declare a newer runtime, and deploy code that runs on it"
                yield _finding(
                    change, Weight.REFUSAL, f"{name} cannot be deployed any more", remedy
                )
            case "DEPRECATED":
                message = (
                    f"{name} is deprecated: Google ends it{_day(found.get('decommissionDate'))}"
                )
                yield _finding(change, Weight.WARNING, message)
            case _:
                return

    def _read(self, name: str) -> Observed:
        generation, row = self._row(name)
        (callers,) = self._invokers.of([guarded(row, generation)])
        return self._observed(name, generation, row, callers)

    def _row(self, name: str) -> tuple[int, dict[str, Json]]:
        """Return the generation and the row of a function. The second API knows both, and only the first all of one."""
        row = self._api.get(f"/v2/{name}")
        if row.get("environment") == "GEN_2":
            return 2, row
        return 1, self._api.get(f"/v1/{name}")

    def _observed(
        self, name: str, generation: int, row: Mapping[str, Json], callers: list[str] | None
    ) -> Observed:
        values = values_of({**row, "name": name}, generation, self._shortened)
        follows = at(row, "serviceConfig.allTrafficOnLatestRevision")
        if generation == 2:
            values["pinned"] = follows is False
        if callers is not None:
            values["invokers"] = callers
        service = at(row, "serviceConfig.service")
        return Observed(
            remote_id=name,
            values=values,
            evidence={
                "status": _status(row),
                "updated": row.get("updateTime"),
                "version": row.get("versionId") or at(row, "serviceConfig.revision"),
                "service": self._account.canonical(service) if service else None,
                "url": at(row, "httpsTrigger.url") or row.get("url"),
                "trigger": at(row, "eventTrigger.eventType") or "https",
            },
        )

    def _shortened(self, secret: str) -> str:
        own = f"projects/{self._account.project}/secrets/"
        return self._account.canonical(secret).removeprefix(own)


def _status(row: Mapping[str, Json]) -> str:
    return str(row.get("state") or row.get("status") or "UNKNOWN")


def _day(date: Mapping[str, Json] | None) -> str:
    return " on {year}-{month:02}-{day:02}".format(**date) if date else ""


def _finding(change: Change, weight: Weight, message: str, remedy: str = "") -> Finding:
    return Finding(
        weight=weight, rule="function", message=message, address=change.address, remedy=remedy
    )
