"""Google Secret Manager on loopback: secrets, versions, states, and its errors.

Source: Secret Manager API v1; the texts of errors as its users report them.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Any

from reconciler.secrets.crc32c import crc32c
from tests.secrets.loopback import Answer, Request

NUMBER = "123456789012"
"""The number of the project, which answers name it by."""

_ROUTE = re.compile(
    r"/v1/projects/(?P<project>[^/]+)/secrets/(?P<id>[^/:]+)"
    r"(?:/versions/(?P<version>[^/:]+))?(?::(?P<verb>\w+))?\Z"
)


@dataclass
class Version:
    """One version: its bytes, and whether it may be read."""

    data: bytes
    state: str = "ENABLED"


@dataclass
class SecretManager:
    """One project and its secrets."""

    project: str = "shop"
    token: str = "FAKE-access-token"
    secrets: dict[str, list[Version]] = field(default_factory=dict)
    denied: Answer | None = None
    checksum: int | None = None

    def add(self, name: str, *values: str | bytes) -> None:
        """Make a secret with these versions."""
        self.secrets[name] = [
            Version(value.encode() if isinstance(value, str) else value) for value in values
        ]

    def __call__(self, request: Request) -> Answer:
        """Answer as Secret Manager would."""
        if request.headers.get("authorization") != f"Bearer {self.token}":
            text = "Request had invalid authentication credentials."
            return failure(401, "UNAUTHENTICATED", text)
        route = _ROUTE.match(request.path)
        if self.denied is not None or route is None:
            return self.denied or failure(404, "NOT_FOUND", "Method not found.")
        if route["project"] not in {self.project, NUMBER}:
            text = "Permission denied on resource project."
            return failure(403, "PERMISSION_DENIED", text, reason="CONSUMER_INVALID")
        versions = self.secrets.get(route["id"])
        where = f"projects/{NUMBER}/secrets/{route['id']}"
        if (request.method, route["verb"]) == ("POST", "addVersion"):
            return self._added(versions, where, request.json)
        if (request.method, route["version"]) == ("GET", None) and versions is not None:
            return Answer(200, {"name": where, "replication": {"automatic": {}}})
        return self._about(versions or [], where, route["version"], request.method, route["verb"])

    def _about(
        self, versions: list[Version], where: str, wanted: str, method: str, verb: str | None
    ) -> Answer:
        """Answer what concerns one version."""
        if not versions:
            return failure(404, "NOT_FOUND", f"Secret [{where}] not found or has no versions.")
        number = len(versions) if wanted == "latest" else int(wanted)
        if not 1 <= number <= len(versions):
            text = f"Secret Version [{where}/versions/{wanted}] not found."
            return failure(404, "NOT_FOUND", text)
        version = versions[number - 1]
        shown = {"name": f"{where}/versions/{number}"}
        match method, verb:
            case "GET", "access":
                return self._accessed(version, shown)
            case "POST", "disable":
                version.state = "DISABLED"
                return Answer(200, _described(shown, version))
            case "GET", None:
                return Answer(200, _described(shown, version))
            case _:
                return failure(404, "NOT_FOUND", "Method not found.")

    def _accessed(self, version: Version, shown: dict[str, str]) -> Answer:
        if version.state != "ENABLED":
            return _wrong_state(shown["name"], version)
        checksum = crc32c(version.data) if self.checksum is None else self.checksum
        data = base64.b64encode(version.data).decode()
        payload = {"data": data, "dataCrc32c": str(checksum)}
        return Answer(200, {**shown, "payload": payload})

    def _added(self, versions: list[Version] | None, where: str, body: Any) -> Answer:
        if versions is None:
            return failure(404, "NOT_FOUND", f"Secret [{where}] not found.")
        data = base64.b64decode(body["payload"]["data"])
        if body["payload"]["dataCrc32c"] != str(crc32c(data)):
            return failure(400, "INVALID_ARGUMENT", f"Checksum mismatch: {body['payload']['data']}")
        versions.append(Version(data))
        return Answer(200, _described({"name": f"{where}/versions/{len(versions)}"}, versions[-1]))


def failure(status: int, code: str, text: str, *, reason: str = "", permission: str = "") -> Answer:
    """Return an error in Google's envelope."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason or "IAM_PERMISSION_DENIED",
        "domain": "googleapis.com",
        "metadata": {"permission": permission} if permission else {},
    }
    error = {"code": status, "message": text, "status": code}
    return Answer(status, {"error": {**error, "details": [info] if reason or permission else []}})


def _described(shown: dict[str, str], version: Version) -> dict[str, object]:
    return {
        **shown,
        "createTime": "2026-11-20T10:00:00.123456Z",
        "state": version.state,
        "replicationStatus": {"automatic": {}},
        "etag": '"16211dd90b37e7"',
    }


def _wrong_state(name: str, version: Version) -> Answer:
    return failure(
        400, "FAILED_PRECONDITION", f"Secret Version [{name}] is in {version.state} state."
    )
