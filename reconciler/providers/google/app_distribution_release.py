"""The newest release of each app: https://firebase.google.com/docs/reference/app-distribution/rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from pydantic import StringConstraints

from reconciler.core.behaviour import Immutable, Key
from reconciler.core.change import Action, Change
from reconciler.core.errors import NotFound, WriteAttempted
from reconciler.core.resource import Capability, Resource, Rights
from reconciler.core.state import Observed
from reconciler.providers.google.by_hand import left_to_people

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.core.ports import Created, New, Update
    from reconciler.core.secret import Json
    from reconciler.providers.google.account import GoogleAccount

NO_WAY_BACK: Final = (
    "App Distribution has no rollback, and no phone installs an older build over a newer one"
)
"""Source: Firebase App Distribution API v1: releases can be distributed and deleted, nothing else."""

PREFIX: Final = "apps/"

PLATFORMS: Final = frozenset({"ANDROID", "IOS"})
"""Apps that have releases; web apps have none."""


class AppDistributionRelease(Resource):
    """The newest release of an app. It is read and never written: going back is a step for people."""

    kind: ClassVar[str] = "firebase.app_distribution_release"
    capability: ClassVar[Capability] = Capability.OBSERVED
    has_unique_keys: ClassVar[bool] = True
    rights: ClassVar[Rights] = Rights(
        read=("firebase.clients.list", "firebaseappdistro.releases.list"),
        source="https://firebase.google.com/docs/projects/iam/permissions#app-distro",
    )

    app: Annotated[
        str,
        Key(),
        Immutable("another app is another resource"),
        StringConstraints(pattern=r"^\d+:\d+:\w+:\w+$"),
    ]
    """Id of the app, such as ``1:123456789012:android:0a1b2c3d``."""
    display_version: str | None = None
    """The version that people see, such as ``2.4.1``."""
    build_version: str | None = None
    """The number of the build (versionCode, CFBundleVersion)."""

    @classmethod
    def review(
        cls, change: Change, *, declared: Mapping[str, Json], live: Mapping[str, Json]
    ) -> Change:
        """Leave it to people, and tell them how."""
        if change.action not in {Action.UPDATE, Action.REPLACE}:
            return change
        wanted, now = _name({**live, **declared}), _name(live)
        step = (
            f"{live.get('app')} is at {now}: build the code of {wanted} with a higher build number, then"
            f" `firebase appdistribution:distribute FILE --app {live.get('app')} --groups GROUPS`;"
            " its page in the Firebase console can send an older release to testers who have none installed"
        )
        return left_to_people(change, NO_WAY_BACK, step)


class AppDistributionReleases:
    """Reads the newest release of each app."""

    resource_type = AppDistributionRelease

    def __init__(self, account: GoogleAccount) -> None:
        self._account = account
        self._firebase = account.api("firebase")
        self._api = account.api("appdistribution")

    def observe(self) -> Iterator[Observed]:
        """Yield every app that has a release. One request per 100 apps, and one per app."""
        path = f"/v1beta1/projects/{self._account.project}:searchApps"
        for app in self._firebase.rows(path, "apps", {"pageSize": 100}):
            if app.get("platform") in PLATFORMS:
                yield from self._newest(app["appId"])

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, Observed]:
        return {
            found.remote_id: found
            for remote_id in remote_ids
            for found in self._newest(remote_id.removeprefix(PREFIX))
        }

    def create(self, new: New) -> Created:
        """Releases are uploaded by builds."""
        raise WriteAttempted(f"{new.marker}: {NO_WAY_BACK}")

    def update(self, update: Update) -> None:
        """Never."""
        raise WriteAttempted(f"{update.live.remote_id}: {NO_WAY_BACK}")

    def delete(self, remote_id: str) -> None:
        """Never."""
        raise WriteAttempted(f"{remote_id}: releases are not deleted from here")

    def _newest(self, app: str) -> Iterator[Observed]:
        """Yield the newest release of an app. Paths take the number of the project, not its id."""
        path = f"/v1/projects/{self._account.number}/apps/{app}/releases"
        try:
            page = self._api.get(path, {"pageSize": 1, "orderBy": "createTime desc"})
        except NotFound:
            return
        for row in page.get("releases") or ():
            yield _observed(app, row)


def _observed(app: str, row: Mapping[str, Any]) -> Observed:
    """Return a release without its links: they let whoever has one fetch the app."""
    return Observed(
        remote_id=f"{PREFIX}{app}",
        values={
            "app": app,
            "display_version": row.get("displayVersion"),
            "build_version": row.get("buildVersion"),
        },
        evidence={
            "release": row["name"].rpartition("/")[2],
            "released_at": row.get("createTime"),
            "notes": (row.get("releaseNotes") or {}).get("text"),
        },
    )


def _name(values: Mapping[str, Json]) -> str:
    return f"{values.get('display_version')} ({values.get('build_version')})"
