"""Vault's key-value engine, version 2, on loopback: versions, soft deletion, check-and-set, and its errors.

Source: Vault, KV secrets engine version 2 (API).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.secrets.loopback import Answer, Request

WHEN = "2026-11-20T10:00:00.123456789Z"
_ROUTE = re.compile(r"/v1/(?P<mount>[^/]+)/(?P<kind>data|metadata|delete|destroy)/(?P<path>.+)\Z")


@dataclass
class Version:
    """One version of a secret."""

    keys: dict[str, Any]
    deleted: str = ""
    destroyed: bool = False

    def described(self, number: int) -> dict[str, Any]:
        return {
            "created_time": WHEN,
            "custom_metadata": None,
            "deletion_time": self.deleted,
            "destroyed": self.destroyed,
            "version": number,
        }


@dataclass
class VaultServer:
    """One mount. ``refusal`` is answered to everything, when it is set."""

    token: str = "FAKE-vault-token"
    mount: str = "secret"
    secrets: dict[str, list[Version]] = field(default_factory=dict)
    refusal: Answer | None = None

    def put(self, path: str, **keys: Any) -> None:
        """Write a version."""
        self.secrets.setdefault(path, []).append(Version(keys))

    def __call__(self, request: Request) -> Answer:
        """Answer as Vault would."""
        if self.refusal is not None:
            return self.refusal
        if request.headers.get("x-vault-token") != self.token:
            return Answer(403, {"errors": ["permission denied"]})
        route = _ROUTE.match(request.path)
        if route is None or route["mount"] != self.mount:
            return Answer(404, {"errors": ["no handler for route"]})
        return self._about(route["path"], f"{request.method} {route['kind']}", request)

    def _about(self, path: str, operation: str, request: Request) -> Answer:
        """Answer what concerns one secret."""
        versions = self.secrets.get(path, [])
        match operation:
            case "GET data":
                return _data(versions, int(request.query.get("version", 0)))
            case "GET metadata":
                return _metadata(versions)
            case "POST data":
                return self._write(path, request.json)
            case "POST delete":
                for number in request.json["versions"]:
                    versions[number - 1].deleted = WHEN
                return Answer(204)
            case _:
                return Answer(405, {"errors": ["unsupported operation"]})

    def _write(self, path: str, body: Any) -> Answer:
        versions = self.secrets.get(path, [])
        if body["options"].get("cas", len(versions)) != len(versions):
            text = "check-and-set parameter did not match the current version"
            return Answer(400, {"errors": [text]})
        self.put(path, **body["data"])
        number = len(versions) or len(self.secrets[path])
        return Answer(200, {"data": self.secrets[path][-1].described(number)})


def _data(versions: list[Version], wanted: int) -> Answer:
    number = wanted or len(versions)
    if not 1 <= number <= len(versions):
        return Answer(404, {"errors": []})
    version = versions[number - 1]
    described = version.described(number)
    if version.deleted or version.destroyed:
        return Answer(404, {"data": {"data": None, "metadata": described}})
    return Answer(200, {"data": {"data": version.keys, "metadata": described}})


def _metadata(versions: list[Version]) -> Answer:
    if not versions:
        return Answer(404, {"errors": []})
    shown = {str(at): one.described(at) for at, one in enumerate(versions, 1)}
    return Answer(200, {"data": {"current_version": len(versions), "versions": shown}})
