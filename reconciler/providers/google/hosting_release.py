"""What a channel of a site serves: https://firebase.google.com/docs/reference/hosting/rest.

Releases are only ever added: going back to an earlier version is one more release of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from pydantic import StringConstraints

from reconciler.core.behaviour import Immutable, Key
from reconciler.core.change import Action, Change
from reconciler.core.errors import NotFound, VendorError
from reconciler.core.finding import Finding, Weight
from reconciler.core.resource import Capability, Resource, Rights
from reconciler.core.state import Observed
from reconciler.providers.google.by_hand import left_to_people

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.core.ports import Created, New, Update
    from reconciler.core.secret import Json
    from reconciler.providers.google.account import GoogleAccount

DISABLED: Final = "disabled"
"""Stands for the version of a site that was switched off (a release of type SITE_DISABLE). No version's name."""

MESSAGE: Final = "released by reconciler"

OFFERED: Final = 5
"""How many versions a refusal names."""

_PLACE = re.compile(r"sites/(?P<site>[^/]+)/channels/(?P<channel>[^/]+)")
_WHY = "a site and a channel are what they are; another one is another resource"


class HostingRelease(Resource):
    """The version that is live on a channel of a Hosting site. Going back releases the earlier one again.

    Rewrites, redirects and headers are part of the version and go back with it.
    """

    kind: ClassVar[str] = "firebase.hosting_release"
    capability: ClassVar[Capability] = Capability.UPDATE_ONLY
    has_unique_keys: ClassVar[bool] = True
    rights: ClassVar[Rights] = Rights(
        read=("firebasehosting.sites.list", "firebasehosting.sites.get"),
        write=(
            "firebasehosting.sites.list",
            "firebasehosting.sites.get",
            "firebasehosting.sites.update",
        ),
        source="https://firebase.google.com/docs/projects/iam/permissions#hosting",
    )

    site: Annotated[str, Key(), Immutable(_WHY), StringConstraints(pattern=r"^[a-z0-9-]+$")]
    """Id of the site: ``shop`` is served at shop.web.app."""
    channel: Annotated[
        str, Key(), Immutable(_WHY), StringConstraints(pattern=r"^[A-Za-z0-9_-]+$")
    ] = "live"
    """``live``, or the id of a preview channel."""
    version: Annotated[str, StringConstraints(pattern=r"^\w+$")]
    """Id of the version, the last part of ``sites/…/versions/…``; ``disabled`` switches the site off."""

    @classmethod
    def review(
        cls, change: Change, *, declared: Mapping[str, Json], live: Mapping[str, Json]
    ) -> Change:
        """Say what becomes of what is served, and leave another site or channel to people."""
        del declared
        if change.action is Action.REPLACE:
            name = f"{live.get('site')}/{live.get('channel')}"
            return left_to_people(change, _WHY, f"declare {name} and the other one by two names")
        if change.action is not Action.UPDATE:
            return change
        off = change.after().get("version") == DISABLED
        note = "every page of the site answers 404" if off else "serves at once, without a build"
        return change.model_copy(
            update={
                "notes": (*change.notes, note),
                "follow_ups": (*change.follow_ups, "the next `firebase deploy` releases anew"),
            }
        )


class HostingReleases:
    """Reads which versions are live on the channels of a project's sites, and releases others."""

    resource_type = HostingRelease

    def __init__(self, account: GoogleAccount) -> None:
        self._api = account.api("hosting")
        self._project = f"/v1beta1/projects/{account.project}"

    def observe(self) -> Iterator[Observed]:
        """Yield every channel that something was released on. One request per 100 sites, and one per site."""
        for site in self._api.rows(f"{self._project}/sites", "sites", {"pageSize": 100}):
            name = site["name"].rpartition("/")[2]
            path = f"{self._project}/sites/{name}/channels"
            for row in self._api.rows(path, "channels", {"pageSize": 100}):
                yield from _observed(row)

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, Observed]:
        """Ask for each channel by itself: Hosting has no precondition, so this is what a write relies on."""
        found: dict[str, Observed] = {}
        for remote_id in remote_ids:
            try:
                row = self._api.get(f"{self._project}/{remote_id}")
            except NotFound:
                continue
            found |= {one.remote_id: one for one in _observed(row)}
        return found

    def inspect(self, changes: Sequence[Change]) -> Iterator[Finding]:
        """Refuse a version that cannot be released any more. One request for each change, one more to refuse."""
        for change in changes:
            wanted, place = change.after().get("version"), _PLACE.fullmatch(change.remote_id or "")
            if not isinstance(wanted, str) or wanted == DISABLED or place is None:
                continue
            site = f"{self._project}/sites/{place['site']}"
            version, why = self._version(f"{site}/versions/{wanted}")
            if why:
                yield Finding(
                    weight=Weight.REFUSAL,
                    rule="restorable_version",
                    message=f"version {wanted} of {place['site']} {why}",
                    address=change.address,
                    remedy=self._remedy(site),
                )
            for pinned in _pinned(version):
                yield Finding(
                    weight=Weight.WARNING,
                    rule="pinned_rewrite",
                    message=f"version {wanted} sends requests to {pinned}, whatever else this goes back to",
                    address=change.address,
                    remedy="see that it still runs and that it is the backend of that version",
                )

    def create(self, new: New) -> Created:
        """Sites and channels are made with the Firebase CLI."""
        raise VendorError(f"{new.marker}: a Hosting channel is not made here", vendor="firebase")

    def delete(self, remote_id: str) -> None:
        """Releases are never deleted."""
        raise VendorError(f"{remote_id}: a Hosting release cannot be deleted", vendor="firebase")

    def update(self, update: Update) -> None:
        """Release the version. A lost answer is not asked for again: reading tells what is live.

        Its ``type`` is computed, but for the one that switches a site off. Source: Hosting API v1beta1, Release.
        """
        wanted, remote_id = update.fields["version"], update.live.remote_id
        site = remote_id.partition("/channels/")[0]
        body = {"message": MESSAGE}
        params: dict[str, str | int] = {"versionName": f"{site}/versions/{wanted}"}
        if wanted == DISABLED:
            body, params = {**body, "type": "SITE_DISABLE"}, {}
        self._api.post(f"{self._project}/{remote_id}/releases", body, params=params)

    def _version(self, path: str) -> tuple[Mapping[str, Any], str]:
        """Return a version, and why it cannot be released; empty when it can."""
        try:
            found = self._api.get(path)
        except NotFound:
            return {}, "does not exist any more"
        status = found.get("status")
        return found, "" if status == "FINALIZED" else f"is {status}, not FINALIZED"

    def _remedy(self, site: str) -> str:
        """Name the newest versions that can be released."""
        query: dict[str, str | int] = {"filter": 'status="FINALIZED"', "pageSize": 100}
        page = self._api.get(f"{site}/versions", query)
        names = [one["name"].rpartition("/")[2] for one in page.get("versions") or ()]
        if not names:
            return "deploy the site again: no version of it can be released"
        return f"declare one that can be released: {', '.join(names[:OFFERED])}"


def _observed(row: Mapping[str, Any]) -> Iterator[Observed]:
    """Yield the channel; nothing as long as nothing was released on it."""
    release = row.get("release") or {}
    version = release.get("version") or {}
    place = _PLACE.search(row["name"])
    is_off = release.get("type") == "SITE_DISABLE"
    if place is None or not (is_off or version.get("name")):
        return
    live = DISABLED if is_off else version["name"].rpartition("/")[2]
    yield Observed(
        remote_id=place[0],
        values={"site": place["site"], "channel": place["channel"], "version": live},
        evidence={
            "url": row.get("url"),
            "release": release["name"].rpartition("/")[2],
            "released_at": release.get("releaseTime"),
            "released_by": (release.get("releaseUser") or {}).get("email"),
            "type": release.get("type"),
            "message": release.get("message"),
            "status": version.get("status"),
            "files": version.get("fileCount"),
            "bytes": version.get("versionBytes"),
            "config": version.get("config"),
        },
    )


def _pinned(version: Mapping[str, Any]) -> Iterator[str]:
    """Yield the Cloud Run revisions that rewrites of a version hold on to. Source: Hosting API v1beta1, Rewrite."""
    for rewrite in (version.get("config") or {}).get("rewrites") or ():
        run = rewrite.get("run") or {}
        if run.get("tag"):
            yield f"the revision of {run.get('serviceId')} that is tagged {run['tag']}"
