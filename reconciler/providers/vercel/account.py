"""One Vercel project, opened with one token."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from reconciler.core.errors import NotFound, WrongAccount
from reconciler.core.record import Record
from reconciler.core.resource import Rights
from reconciler.core.state import Account
from reconciler.providers.vercel.profile import VERCEL

if TYPE_CHECKING:
    from reconciler.core.secret import Json
    from reconciler.providers.opening import Opening


class VercelSettings(Record):
    """``providers.vercel`` of an environment file."""

    token: str = Field(description="a ${secret:…} reference to an access token")
    team: str | None = Field(
        default=None, description="team id; without it only a personal account's projects are seen"
    )
    project: str = Field(description="project id (prj_…) or name: an identity pin")
    base_url: str | None = Field(
        default=None, description="a sandbox or proxy instead of api.vercel.com"
    )


class VercelAccount:
    """Opens the kinds of one Vercel project."""

    settings_type = VercelSettings
    profile = VERCEL
    pins = ("project",)
    # A token acts as its owner in the chosen team: Vercel has no narrower scope, and none that only reads.
    rights: ClassVar[Rights] = Rights(
        read=("token scoped to the team",),
        write=("token scoped to the team",),
        source="https://vercel.com/docs/rest-api#creating-an-access-token",
    )

    def __init__(self, settings: VercelSettings, opening: Opening) -> None:
        self._settings = settings
        self.project = settings.project
        token = opening.credential(settings.token)
        self.http = opening.client(
            VERCEL, token, account=settings.team or token.value, base_url=settings.base_url
        )
        self._just_read: Json = None

    @property
    def scope(self) -> dict[str, str]:
        """Return the query that selects the team; a request without it sees another account."""
        return {"teamId": self._settings.team} if self._settings.team else {}

    def identify(self) -> Account:
        """Prove team and project: under the wrong scope the project is not found, and lists are empty.

        Source: Vercel REST API, find a project by id or name.
        """
        try:
            found = self._read_project()
        except NotFound as error:
            raise WrongAccount(
                f"The Vercel token does not see the project {self.project}",
                detail=f"{error.detail} Team: {self._settings.team or 'none (personal account)'}.",
                mend="check providers.vercel.team and .project in environment.yaml",
            ) from None
        if self.project not in {found.get("id"), found.get("name")}:
            raise WrongAccount(
                "Vercel returned another project than the one pinned",
                detail=f"It returned {found.get('id')} ({found.get('name')}), not {self.project}.",
                mend="check providers.vercel.project in environment.yaml",
            )
        self._just_read = found
        return Account(vendor=VERCEL.vendor, id=str(found["id"]), name=str(found.get("name", "")))

    def read_project(self) -> dict[str, Json]:
        """Return the project as it is now. What ``identify`` read is used once: it is as new."""
        found, self._just_read = self._just_read, None
        return found or self._read_project()

    def _read_project(self) -> dict[str, Json]:
        found: dict[str, Json] = self.http.request_json(
            "GET", f"/v9/projects/{self.project}", params=self.scope
        )
        found.pop("env", None)  # embedded variables, with values: not wanted here
        return found
