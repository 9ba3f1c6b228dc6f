"""The Remote Config template: read with its etag, replaced as a whole. Knows the wire alone, no kind.

Source: https://firebase.google.com/docs/remote-config/automate-rc.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from reconciler.core.errors import PartialRead, StalePlan, WriteAttempted
from reconciler.providers.google.answers import answered

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.core.secret import Json
    from reconciler.providers.google.account import GoogleAccount

PARTS: Final = ("conditions", "parameters", "parameterGroups")
"""What is written. ``version`` is the vendor's."""

TRIES: Final = 4


class Template(NamedTuple):
    """A template as it was read. ``parts`` are those of PARTS, ``version`` who published it, and when."""

    parts: dict[str, Any]
    version: dict[str, Any]
    etag: str

    @property
    def evidence(self) -> dict[str, Json]:
        """Return which version it is, who published it, and when."""
        user = self.version.get("updateUser") or {}
        return {
            "version": self.version.get("versionNumber"),
            "published_at": self.version.get("updateTime"),
            "published_by": user.get("email") or user.get("name"),
            "origin": self.version.get("updateOrigin"),
        }


class RemoteTemplate:
    """Reads and replaces the template of one project."""

    def __init__(self, account: GoogleAccount) -> None:
        self._api = account.api("remoteconfig")
        self._path = f"/v1/projects/{account.project}/remoteConfig"
        self._seen: Template | None = None

    def read(self) -> Template:
        """Return the template; an empty one where none was ever published. Raises PartialRead without an etag."""
        answer = answered(self._api, "GET", self._path)
        etag, body = answer.headers.get("ETag", ""), answer.json()
        if not isinstance(body, dict) or etag in {"", "*"}:
            raise PartialRead(
                "Remote Config answers without an etag",
                detail="Without one a change would overwrite what others publish meanwhile.",
            )
        parts = {name: body[name] for name in PARTS if name in body}
        self._seen = Template(parts, body.get("version") or {}, etag)
        return self._seen

    def change(self, etag: str | None, edit: Callable[[dict[str, Any]], bool]) -> None:
        """Publish the template as ``edit`` leaves it, unless that returns False: there is nothing to change.

        Begins with the template that was read under ``etag``. Where others published since, theirs is read and edited
        instead: it is for ``edit`` to raise StalePlan when they changed the same. Never forces.
        """
        if not self._api.http.writes:
            raise WriteAttempted("A write to Remote Config was stopped: this client only reads")
        seen = self._seen if self._seen is not None and self._seen.etag == etag else self.read()
        for left in reversed(range(TRIES)):
            parts = copy.deepcopy(seen.parts)
            if not edit(parts):
                return
            try:
                self._publish(parts, seen.etag)
            except StalePlan:
                if not left:
                    raise
                seen = self.read()
            else:
                return

    def _publish(self, parts: dict[str, Any], etag: str) -> None:
        self._seen = None
        answered(
            self._api,
            "PUT",
            self._path,
            json=parts,
            headers={"If-Match": etag},
            idempotent=True,
        )
