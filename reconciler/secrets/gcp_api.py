"""Secret Manager's address, its limits, its ways of saying no, and who asks. Knows no payload.

Source: Secret Manager API v1.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.errors import SecretNotFound, SecretUnavailable
from reconciler.wire.google import LOGIN, GoogleToken, complaint, is_live
from reconciler.wire.http import Credential, HttpClient
from reconciler.wire.profile import VendorProfile
from reconciler.wire.transport import checked_base_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.errors import VendorError
    from reconciler.core.reference import SecretName
    from reconciler.secrets.store import Surroundings

ROLES: Mapping[str, str] = {
    "access": "secretAccessor",
    "get": "viewer",
    "addVersion": "secretVersionAdder",
    "disable": "secretVersionManager",
}
"""The least role under roles/secretmanager that has an operation."""


_NUMBER = re.compile(r"/versions/([0-9]+)\]")
"""How the text of an error names the version that ``latest`` stood for."""


class Place(NamedTuple):
    """One secret: its project and its id."""

    project: str
    id: str

    @property
    def path(self) -> str:
        """Return the path of its resource."""
        return f"/v1/projects/{self.project}/secrets/{self.id}"

    @property
    def options(self) -> str:
        """Return what a gcloud command says to mean this secret."""
        return f"{self.id} --project={self.project}"

    @property
    def adding(self) -> str:
        """Return the command that adds a version; it reads the value from the terminal."""
        return f"gcloud secrets versions add {self.options} --data-file=-"

    def granting(self, role: str) -> str:
        """Return the command that grants a role on this secret alone."""
        return (
            f"gcloud secrets add-iam-policy-binding {self.options} --member=MEMBER"
            f" --role=roles/secretmanager.{role}"
        )


SECRET_MANAGER = VendorProfile(
    vendor="gcp",
    base_url="https://secretmanager.googleapis.com",
    # 90 000 reads of values a minute and 600 of anything else; each secret is asked for once in a process.
    rate=50,
    burst=25,
    request_id="X-Cloud-Trace-Context",
    complaint=complaint,
    is_live=is_live,
)


def open_client(
    around: Surroundings, project: str, *, base_url: str | None, token: str | None, writes: bool
) -> HttpClient:
    """Return a client with the token that ``token`` refers to, else with application default credentials.

    Those go nowhere but to Google. Raises SecretUnavailable, WrongAccount for a live token and a foreign base_url.
    """
    connection = around.connections.of(SECRET_MANAGER, project, base_url=base_url)
    if token is not None:
        credential = Credential(around.resolve(token), token)
        return HttpClient(connection, credential=credential, masker=around.masker, writes=writes)
    if connection.base_url != checked_base_url(SECRET_MANAGER.base_url):
        raise SecretUnavailable(
            "Application default credentials are sent to Google alone",
            detail="base_url of the secret store gcp is another address.",
            mend="access_token: ${secret:env/NAME}   # beside base_url: a token that is good there only",
        )
    tokens = GoogleToken()
    return HttpClient(
        connection,
        credential=Credential("", f"application default credentials ({LOGIN})"),
        masker=around.masker,
        writes=writes,
        headers=tokens.headers,
        token=tokens,
    )


def explained(
    error: VendorError, name: SecretName, place: Place, operation: str
) -> SecretUnavailable:
    """Return what an answer of Secret Manager means for ``name``. ``operation`` is one of ROLES."""
    found = _denied(error, place, operation) or _missing(error, name, place)
    if found is not None:
        kind = (
            SecretNotFound if error.status == 404 and not _is_version(error) else SecretUnavailable
        )
        return kind(f"{name}: {found[0]}", detail=_told(error, operation), mend=found[1])
    mend = error.mend
    if operation == "addVersion":
        mend = f"see whether it was added: gcloud secrets versions list {place.options}"
    return SecretUnavailable(f"{name}: {error.summary}", detail=_told(error, operation), mend=mend)


def _denied(error: VendorError, place: Place, operation: str) -> tuple[str, str] | None:
    """Return what was refused and the command that mends it."""
    if error.status != 403:
        return None
    match error.code:
        case "SERVICE_DISABLED":
            return (
                f"the Secret Manager API is not enabled in project {place.project}",
                f"gcloud services enable secretmanager.googleapis.com --project={place.project}",
            )
        case "CONSUMER_INVALID" | "USER_PROJECT_DENIED":
            return (
                f"there is no project {place.project}, or this credential may not use it",
                f"gcloud projects describe {place.project}",
            )
        case _:
            role = ROLES[operation]
            return (
                f"the credential lacks roles/secretmanager.{role} on this secret, or there is no such secret",
                place.granting(role),
            )


def _missing(error: VendorError, name: SecretName, place: Place) -> tuple[str, str] | None:
    """Return what is not there, or not enabled, and the command that mends it."""
    version = name.version or "latest"
    if error.status == 404 and _is_version(error):
        return (
            f"version {version} does not exist",
            f"gcloud secrets versions list {place.options}",
        )
    if error.status == 404:
        return (
            f"there is no such secret in project {place.project}, or it has no version yet",
            f"gcloud secrets create {place.options} --replication-policy=automatic\n{place.adding}",
        )
    if error.code != "FAILED_PRECONDITION":
        return None
    if found := _NUMBER.search(error.detail):
        version = found[1]
    if "DESTROYED" in error.detail:
        return f"version {version} is destroyed, and cannot be brought back", place.adding
    return (
        f"version {version} is disabled",
        f"gcloud secrets versions enable {version} --secret={place.id} --project={place.project}",
    )


def _is_version(error: VendorError) -> bool:
    """Tell which of the two was not found, which only the text says: ``Secret Version [projects/…]``."""
    return "Secret Version [" in error.detail


def _told(error: VendorError, operation: str) -> str:
    """Return Google's words; for a write only which request it was, since they could repeat the value."""
    return error.detail.partition("\n")[0] if operation == "addVersion" else error.detail
