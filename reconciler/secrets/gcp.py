"""Secrets in Google Secret Manager: ``${secret:gcp/NAME@version}`` or ``${secret:gcp/projects/P/secrets/NAME}``.

Adds versions and disables them. Never creates a secret, and never destroys anything.
Source: Secret Manager API v1, projects.secrets and projects.secrets.versions.
"""

from __future__ import annotations

import base64
import re
import threading
from typing import TYPE_CHECKING, Any

from pydantic import Field

from reconciler.core.errors import SecretNotFound, SecretUnavailable, VendorError
from reconciler.core.record import Record
from reconciler.secrets import refusals
from reconciler.secrets.crc32c import crc32c
from reconciler.secrets.gcp_api import Place, explained, open_client
from reconciler.secrets.store import Fetched, Right

if TYPE_CHECKING:
    from reconciler.core.reference import SecretName
    from reconciler.secrets.store import Surroundings
    from reconciler.wire.http import HttpClient

LATEST = "latest"
"""The version that was created last, whatever its state."""

_PROJECT = r"[a-z0-9][a-z0-9.:-]*"
_NAME = re.compile(
    rf"(?:projects/(?P<project>{_PROJECT})/secrets/)?(?P<id>[A-Za-z0-9_-]{{1,255}})\Z"
)
_ANSWERED = re.compile(r"projects/[^/]+/secrets/(?P<id>[^/]+)/versions/(?P<version>[0-9]+)\Z")


class GcpSettings(Record):
    """``secrets.stores.gcp`` of an environment file."""

    project: str = Field(
        pattern=rf"^{_PROJECT}$", description="id or number of the project that the secrets are in"
    )
    base_url: str | None = Field(
        default=None, description="a sandbox or proxy instead of secretmanager.googleapis.com"
    )
    access_token: str | None = Field(
        default=None,
        pattern=r"^\$\{secret:[^{}]+\}$",
        description="a ${secret:env/…} reference to an access token; without one, application default credentials",
        json_schema_extra={"x-secret": True},
    )


class GcpSecrets:
    """Reads versions of secrets, adds them, and disables them."""

    settings_type = GcpSettings

    def __init__(self, settings: GcpSettings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._around = surroundings
        self._lock = threading.Lock()
        self._clients: dict[bool, HttpClient] = {}

    def fetch(self, name: SecretName) -> Fetched:
        """Return the value and the number of its version. Raises SecretUnavailable."""
        place = self._place(name)
        target = f"versions/{name.version or LATEST}"
        answer = self._asked(name, "access", f"{place.path}/{target}:access")
        data = _payload(answer, name)
        if not data:
            raise refusals.empty(name, place.adding)
        try:
            return Fetched(data.decode("utf-8"), _version(answer, name, place))
        except UnicodeDecodeError:
            raise refusals.not_text(name, "Its bytes are not UTF-8.", place.adding) from None

    def newest(self, name: SecretName) -> str | None:
        """Return the number of the version that ``name`` stands for, without its value; ``None`` without any version.

        Raises SecretUnavailable, also when there is no such secret.
        """
        try:
            return self._state(name)[0]
        except SecretNotFound:
            self._asked(name, "get", self._place(name).path)  # is it there at all?
            return None

    def keep(self, name: SecretName, value: str) -> str | None:
        """Add a version and return its number. Raises SecretUnavailable, also when there is no such secret."""
        if name.version is not None:
            raise refusals.fixed_version(name)
        if not value:
            raise refusals.nothing_to_keep(name)
        self._around.masker.add(value)
        place = self._place(name)
        data = value.encode("utf-8")
        payload = {
            "data": base64.b64encode(data).decode("ascii"),
            "dataCrc32c": str(crc32c(data)),
        }
        path = f"{place.path}:addVersion"
        answer = self._asked(name, "addVersion", path, {"payload": payload})
        return _version(answer, name, place)

    def retire(self, name: SecretName) -> None:
        """Disable a version that is not the newest; it can be enabled again. Raises SecretUnavailable."""
        if name.version is None or not name.version.isdecimal():
            raise refusals.moving_version(name)
        place = self._place(name)
        version, state = self._state(name)
        if state in {"DISABLED", "DESTROYED"}:
            return
        newest, its_state = self._state(name._replace(version=LATEST))
        if newest == version or its_state != "ENABLED":
            # "latest" does not fall back to an earlier version
            raise refusals.newest_version(name, f"add another version first: {place.adding}")
        self._asked(name, "disable", f"{place.path}/versions/{version}:disable", {})

    def rights(self, name: SecretName, *, writes: bool) -> tuple[Right, ...]:
        """Return the roles on this one secret; ``viewer`` tells which version is the newest."""
        place = self._place(name)
        roles = ["secretAccessor"]
        if name.version is None:
            roles.append("viewer")
        if writes:
            roles.append("secretVersionAdder")
        return tuple(
            Right(f"roles/secretmanager.{role}", f"secret {place.id}", place.granting(role))
            for role in roles
        )

    def _state(self, name: SecretName) -> tuple[str, str]:
        """Return number and state of a version."""
        place = self._place(name)
        answer = self._asked(name, "get", f"{place.path}/versions/{name.version or LATEST}")
        return _version(answer, name, place), str(answer.get("state"))

    def _place(self, name: SecretName) -> Place:
        found = _NAME.match(name.name)
        if found is None:
            raise SecretUnavailable(
                f"{name} does not name a secret of Secret Manager",
                detail="A secret's id is of letters, digits, - and _.",
                mend="${secret:gcp/NAME} or ${secret:gcp/projects/PROJECT/secrets/NAME}",
            )
        return Place(found["project"] or self._settings.project, found["id"])

    def _asked(
        self, name: SecretName, operation: str, path: str, body: object = None
    ) -> dict[str, Any]:
        writes = body is not None
        try:
            answer = self._client(writes=writes).request_json(
                "POST" if writes else "GET", path, json=body, idempotent=operation == "disable"
            )
        except VendorError as error:
            raise explained(error, name, self._place(name), operation) from None
        return answer if isinstance(answer, dict) else {}

    def _client(self, *, writes: bool) -> HttpClient:
        """Return the client; the one that reads cannot write."""
        with self._lock:
            if writes not in self._clients:
                self._clients[writes] = open_client(
                    self._around,
                    self._settings.project,
                    base_url=self._settings.base_url,
                    token=self._settings.access_token,
                    writes=writes,
                )
            return self._clients[writes]


def _version(answer: dict[str, Any], name: SecretName, place: Place) -> str:
    """Return the number in the full name that was answered; its project may be given as id or as number."""
    found = _ANSWERED.match(str(answer.get("name")))
    if found is None or found["id"] != place.id:
        raise SecretUnavailable(
            f"{name}: the answer is not about this secret",
            detail="Is there a proxy or another server in between?",
        )
    return found["version"]


def _payload(answer: dict[str, Any], name: SecretName) -> bytes:
    """Return the bytes, which are those that were stored. Raises SecretUnavailable."""
    payload = answer.get("payload")
    payload = payload if isinstance(payload, dict) else {}
    try:
        data = base64.b64decode(str(payload.get("data", "")), validate=True)
    except ValueError:
        raise refusals.not_text(name, "The answer is not Base64.") from None
    expected = payload.get("dataCrc32c")
    if expected is not None and str(expected) != str(crc32c(data)):
        raise SecretUnavailable(
            f"{name}: the value was damaged on its way",
            detail="Its checksum is not the one that Secret Manager sent with it.",
            mend="try again; if it stays so, look at the proxy in between",
        )
    return data
