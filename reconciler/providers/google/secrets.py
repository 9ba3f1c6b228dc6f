"""Reads and changes secrets of Secret Manager. Never asks for a payload, and never destroys anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconciler.core.change import Action, Origin
from reconciler.core.errors import NotFound, VendorError
from reconciler.core.finding import Finding, Weight
from reconciler.core.ports import Created, New, Update
from reconciler.core.state import Observed
from reconciler.providers.google.secret import MARKER, WHY, Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.core.change import Change, FieldChange
    from reconciler.core.secret import Json
    from reconciler.providers.google.account import GoogleAccount

_NAMES = {
    "labels": "labels",
    "annotations": "annotations",
    "version_aliases": "versionAliases",
    "rotation_period": "rotation",
    "topics": "topics",
}
"""Our field names, and Google's."""

_PAGE: dict[str, str | int] = {"pageSize": 1000}


class Secrets:
    """Reads and changes the secrets of one project."""

    resource_type = Secret

    def __init__(self, account: GoogleAccount) -> None:
        self._account = account
        self._api = account.api("secretmanager")
        self._path = f"/v1/projects/{account.project}/secrets"

    def observe(self) -> Iterator[Observed]:
        """Yield every secret. One request for each page, and one for the versions of each secret.

        Without its etag, which moves for no reason: it is a precondition of the write alone.
        """
        for row in self._api.rows(self._path, "secrets", _PAGE):
            yield self._observed(row)._replace(etag=None)

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, Observed]:
        """Return those secrets that exist, with their etags. Two requests for each."""
        found = {}
        for remote_id in remote_ids:
            try:
                found[remote_id] = self._observed(self._api.get(f"/v1/{remote_id}"))
            except NotFound:
                continue
        return found

    def inspect(self, changes: Sequence[Change]) -> Iterator[Finding]:
        """Refuse states of versions that are not there or destroyed, and to disable the newest one.

        One request for each secret of which a version is to be disabled.
        """
        for change in changes:
            states = [one for one in change.field_changes if one.field.startswith("versions.")]
            if change.action is Action.CREATE and change.values.get("versions"):
                yield _refusal(
                    change, "version", "a new secret has no versions yet", "take them out"
                )
            for one in states:
                if one.before is None:
                    number = one.field.partition(".")[2]
                    yield _refusal(
                        change,
                        "version",
                        f"version {number} is destroyed or was never there, and cannot be {one.after}",
                        f"take version {number} out of versions, or add its value as a new version",
                    )
            disabled = [one for one in states if one.after == "disabled"]
            if disabled and change.remote_id is not None:
                yield from self._newest_disabled(change, disabled)

    def create(self, new: New) -> Created:
        """Make a secret without a version; whose it is stands in an annotation."""
        wanted = Secret.settled(new.values)
        body = {
            **self._body(wanted.values(), {}, new.marker),
            "replication": _replication(sorted(wanted.locations)),
        }
        made = self._api.post(self._path, body, params={"secretId": wanted.secret_id})
        return Created(self._account.canonical(made["name"]))

    def update(self, update: Update) -> None:
        """Enable versions, then change the rest in one request, then disable: aliases find what they point to.

        Raises StalePlan when the secret was written since it was read.
        """
        states = update.fields.get("versions") or {}
        fields = {name: value for name, value in update.fields.items() if name in _NAMES}
        if not (states or fields):
            raise VendorError(f"{update.live.remote_id} has nothing to change", vendor="gcp")
        for number in sorted(one for one, state in states.items() if state == "enabled"):
            self._set_state(update.live.remote_id, number, "enable")
        if fields:
            body = self._body(fields, update.live.values, update.live.marker)
            mask = [_NAMES[name] for name in fields]
            sent = {name: value for name, value in body.items() if name in mask}
            if update.live.etag:
                sent["etag"] = update.live.etag
            self._api.patch(f"/v1/{update.live.remote_id}", sent, mask)
        for number in sorted(one for one, state in states.items() if state == "disabled"):
            self._set_state(update.live.remote_id, number, "disable")

    def delete(self, remote_id: str) -> None:
        """Never."""
        raise VendorError(f"{remote_id} is not deleted: {WHY}", vendor="gcp")

    def _set_state(self, remote_id: str, number: str, verb: str) -> None:
        self._api.post(f"/v1/{remote_id}/versions/{number}:{verb}", idempotent=True)

    def _newest_disabled(
        self, change: Change, disabled: Sequence[FieldChange]
    ) -> Iterator[Finding]:
        newest = self._api.get(f"/v1/{change.remote_id}/versions/latest")
        number = str(newest["name"]).rpartition("/")[2]
        for one in disabled:
            if one.field != f"versions.{number}":
                continue
            weight = Weight.REFUSAL if one.origin is Origin.INTENT else Weight.WARNING
            yield Finding(
                weight=weight,
                rule="latest",
                message=f"version {number} is the newest: whoever reads `latest` would get nothing, not an earlier one",
                address=change.address,
                remedy="add another version first; or, if all readers name a version:"
                f" gcloud secrets versions disable {number} --secret={str(change.remote_id).rpartition('/')[2]}",
            )

    def _body(
        self, values: Mapping[str, Json], live: Mapping[str, Json], marker: str | None
    ) -> dict[str, Any]:
        """Return Google's fields for ``values``: mappings whole, since a mask on one replaces all of it."""
        body: dict[str, Any] = {}
        for name in ("labels", "annotations", "version_aliases"):
            merged = {**(live.get(name) or {}), **(values.get(name) or {})}
            kept = {key: value for key, value in merged.items() if value is not None}
            body[_NAMES[name]] = kept
        body["versionAliases"] = {key: str(value) for key, value in body["versionAliases"].items()}
        if marker is not None:
            body["annotations"][MARKER] = marker
        if values.get("topics"):
            body["topics"] = [{"name": one} for one in values["topics"]]
        if values.get("rotation_period"):
            body["rotation"] = self._rotation(str(values["rotation_period"]))
        return {name: value for name, value in body.items() if value}

    def _rotation(self, period: str) -> dict[str, str]:
        """The first reminder comes one period from now. Source: Secret Manager API v1, Rotation."""
        first = self._api.timing.wall() + float(period.removesuffix("s"))
        when = datetime.fromtimestamp(int(first), UTC)
        return {"rotationPeriod": period, "nextRotationTime": f"{when:%Y-%m-%dT%H:%M:%SZ}"}

    def _observed(self, row: Mapping[str, Any]) -> Observed:
        name = self._account.canonical(row["name"])
        versions = list(self._api.rows(f"/v1/{name}/versions", "versions", _PAGE))
        numbered = {str(one["name"]).rpartition("/")[2]: one for one in versions}
        newest = max(numbered, key=int, default=None)
        annotations = dict(row.get("annotations") or {})
        marker = annotations.pop(MARKER, None)
        known = {
            "secret_id": name.rpartition("/")[2],
            "locations": _locations(row),
            "labels": row.get("labels") or {},
            "annotations": annotations,
            "version_aliases": {
                alias: int(number) for alias, number in (row.get("versionAliases") or {}).items()
            },
            "versions": {
                number: str(one["state"]).lower()
                for number, one in numbered.items()
                if one["state"] in {"ENABLED", "DISABLED"}
            },
            "rotation_period": (row.get("rotation") or {}).get("rotationPeriod"),
            "topics": [self._account.canonical(one["name"]) for one in row.get("topics") or ()],
        }
        evidence = {
            "created_at": row.get("createTime"),
            "newest": newest,
            "next_rotation": (row.get("rotation") or {}).get("nextRotationTime"),
            "destroyed": sorted(
                (number for number, one in numbered.items() if one["state"] == "DESTROYED"),
                key=int,
            ),
            "added_at": {number: one.get("createTime") for number, one in numbered.items()},
        }
        return Observed(
            remote_id=name,
            values=Secret.observed(known),
            evidence=evidence,
            marker=marker,
            etag=row.get("etag"),
        )


def _replication(locations: Sequence[str]) -> dict[str, Any]:
    if not locations:
        return {"automatic": {}}
    return {"userManaged": {"replicas": [{"location": one} for one in locations]}}


def _locations(row: Mapping[str, Any]) -> list[str]:
    managed = (row.get("replication") or {}).get("userManaged") or {}
    return [str(one["location"]) for one in managed.get("replicas") or ()]


def _refusal(change: Change, rule: str, message: str, remedy: str) -> Finding:
    return Finding(
        weight=Weight.REFUSAL, rule=rule, message=message, address=change.address, remedy=remedy
    )
