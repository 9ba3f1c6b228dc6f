"""Whether a revision of a Cloud Run service could serve again: its image and its secrets must still be there."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from reconciler.core.errors import NotFound, PermissionDenied
from reconciler.core.finding import Finding, Weight

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.core.change import Change
    from reconciler.core.secret import Json
    from reconciler.providers.google.account import GoogleAccount

WINDOW_DAYS: Final = 14
"""How far back a rollback should reach: images that are cleaned up sooner are warned of."""

# europe-west1-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE[:TAG]@sha256:…
_IMAGE = re.compile(
    r"(?P<location>[a-z0-9-]+)-docker\.pkg\.dev/(?P<project>[^/]+)/(?P<repository>[^/]+)/"
    r"(?P<image>[^:@]+)(?::[^@]+)?(?:@(?P<digest>sha256:[0-9a-f]+))?"
)


class Revisions:
    """Looks at revisions for one plan. Each revision, image, secret version and repository is asked for once."""

    def __init__(self, account: GoogleAccount) -> None:
        self._account = account
        self._seen: dict[str, dict[str, Json] | None] = {}

    def findings(self, change: Change, names: tuple[str, ...]) -> Iterator[Finding]:
        """Yield what speaks against giving requests to the revisions ``names`` of the service of ``change``."""
        service = change.remote_id or ""
        for name in names:
            row = self._found("run", f"/v2/{service}/revisions/{name}")
            if row is None:
                listing = f"gcloud run revisions list --service={service.rpartition('/')[2]}"
                location = f"--region={service.split('/')[3]}"
                yield _refusal(change, f"{name} does not exist any more", f"{listing} {location}")
                continue
            yield from self._unready(change, name, row)
            yield from self._images(change, name, row)
            for secret, version in secrets_of(row):
                yield from self.secret(change, name, secret, version)

    def _unready(self, change: Change, name: str, row: Mapping[str, Json]) -> Iterator[Finding]:
        """Only Ready counts: Active is false for every revision that has no requests."""
        for condition in row.get("conditions") or ():
            if condition.get("type") == "Ready" and condition.get("state") != "CONDITION_SUCCEEDED":
                said = condition.get("message") or condition.get("state") or "no reason given"
                remedy = "declare a revision that was ready once"
                yield _refusal(change, f"{name} is not ready: {said}", remedy)

    def _images(self, change: Change, name: str, row: Mapping[str, Json]) -> Iterator[Finding]:
        for container in row.get("containers") or ():
            image = str(container.get("image") or "")
            place = _IMAGE.fullmatch(image)
            if place is None or place["digest"] is None:
                yield _warning(
                    change, f"{name}: whether its image is still there is unknown: {image}"
                )
                continue
            yield from _checked(change, self._image(change, name, place))

    def _image(self, change: Change, name: str, place: re.Match[str]) -> Iterator[Finding]:
        repository = (
            f"projects/{place['project']}/locations/{place['location']}"
            f"/repositories/{place['repository']}"
        )
        image = quote(f"{place['image']}@{place['digest']}", safe="@:")
        if self._found("artifactregistry", f"/v1/{repository}/dockerImages/{image}") is None:
            remedy = "deploy that version again from its source: it gets a new revision, in minutes"
            gone = f"{name}: its image was cleaned up ({place['digest'][:19]}…), so it cannot start"
            yield _refusal(change, gone, remedy)
        found = self._found("artifactregistry", f"/v1/{repository}") or {}
        days = kept_days(found)
        if days is not None and days < WINDOW_DAYS:
            message = f"{repository} keeps images for {days:g} days; a rollback should reach back {WINDOW_DAYS}"
            remedy = (
                f"firebase functions:artifacts:setpolicy --location {place['location']} --days {WINDOW_DAYS * 2}"
                "   # or: tag good revisions"
            )
            yield _warning(change, message, remedy)

    def secret(self, change: Change, reader: str, secret: str, version: str) -> Iterator[Finding]:
        """Yield what speaks against ``reader`` being given a version of a secret (a name, perhaps with its project)."""
        own = f"projects/{self._account.project}/secrets/{secret}"
        path = f"{secret if secret.startswith('projects/') else own}/versions/{version}"
        yield from _checked(change, self._secret(change, reader, path))

    def _secret(self, change: Change, reader: str, path: str) -> Iterator[Finding]:
        found = self._found("secretmanager", f"/v1/{path}")
        state = "GONE" if found is None else found.get("state")
        if state == "ENABLED":
            return
        project, secret, version = path.split("/")[1::2]
        enable = f"gcloud secrets versions enable {version} --secret={secret} --project={project}"
        remedy = enable if state == "DISABLED" else "choose a version that exists"
        words = f"{reader} reads version {version} of the secret {secret}, which is {state}"
        yield _refusal(change, words, remedy)

    def _found(self, api: str, path: str) -> dict[str, Json] | None:
        if path not in self._seen:
            self._seen[path] = None
            with suppress(NotFound):
                self._seen[path] = self._account.api(api).get(path)
        return self._seen[path]


def _checked(change: Change, findings: Iterator[Finding]) -> Iterator[Finding]:
    """A check that the credential may not make is said to be missing; the others are made all the same."""
    try:
        yield from findings
    except PermissionDenied as error:
        yield _warning(change, f"could not be checked: {error.summary}", error.mend)


def secrets_of(revision: Mapping[str, Json]) -> tuple[tuple[str, str], ...]:
    """Return (secret, version) of all that a revision reads, by variables and by files, sorted."""
    found: set[tuple[str, str]] = set()
    for container in revision.get("containers") or ():
        for variable in container.get("env") or ():
            one = (variable.get("valueSource") or {}).get("secretKeyRef")
            if one:
                found.add((one["secret"], str(one.get("version") or "latest")))
    for volume in revision.get("volumes") or ():
        one = volume.get("secret") or {}
        items = one.get("items") or ([{}] if one else [])
        found |= {(one["secret"], str(item.get("version") or "latest")) for item in items}
    return tuple(sorted(found))


def kept_days(repository: Mapping[str, Json]) -> float | None:
    """Return after how many days a clean-up policy deletes images; ``None`` where none does by age.

    Source: Artifact Registry API v1, Repository.cleanupPolicies.
    """
    ages = [
        float(str((policy.get("condition") or {}).get("olderThan") or "").removesuffix("s") or 0)
        for policy in (repository.get("cleanupPolicies") or {}).values()
        if policy.get("action") == "DELETE" and (policy.get("condition") or {}).get("olderThan")
    ]
    return min(ages) / 86_400 if ages and not repository.get("cleanupPolicyDryRun") else None


def _refusal(change: Change, message: str, remedy: str) -> Finding:
    return Finding(
        weight=Weight.REFUSAL,
        rule="rollback_target",
        message=message,
        address=change.address,
        remedy=remedy,
    )


def _warning(change: Change, message: str, remedy: str = "") -> Finding:
    return Finding(
        weight=Weight.WARNING,
        rule="rollback_target",
        message=message,
        address=change.address,
        remedy=remedy,
    )
