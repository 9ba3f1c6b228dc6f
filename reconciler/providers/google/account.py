"""One Google Cloud project, opened for the kinds of Google Cloud, Firebase and Firestore."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput, NotFound, PermissionDenied, WrongAccount
from reconciler.core.record import Record
from reconciler.core.resource import Rights
from reconciler.core.state import Account
from reconciler.providers.google.api import GoogleApi
from reconciler.providers.google.apis import APIS
from reconciler.wire.google import LOGIN, GoogleToken
from reconciler.wire.http import Credential
from reconciler.wire.transport import checked_base_url

if TYPE_CHECKING:
    from reconciler.providers.opening import Opening

_IN_PATH = re.compile(r"^(?:https?:)?(?://[^/]+/(?:v\w+/)?)?projects/([^/]+)")


class GoogleSettings(Record):
    """``providers.gcp``, ``.firebase`` or ``.firestore`` of an environment file."""

    project: str = Field(
        pattern=r"^[a-z][a-z0-9.:-]*[a-z0-9]$", description="project id: an identity pin"
    )
    locations: tuple[str, ...] = Field(
        default=(),
        description="where queues and jobs are looked for, e.g. [europe-west1]: these are listed one by one",
    )
    access_token: str | None = Field(
        default=None,
        description="a ${secret:…} reference to an access token; without one, application default credentials",
        json_schema_extra={"x-secret": True},
    )
    base_url: str | None = Field(
        default=None, description="a sandbox or proxy instead of all of googleapis.com"
    )
    endpoints: dict[str, str] = Field(
        default_factory=dict, description="likewise for single APIs: {run: http://127.0.0.1:9001}"
    )


class GoogleAccount:
    """One project. google-auth is imported, and credentials are looked for, at the first request."""

    vendor: ClassVar[str]
    settings_type = GoogleSettings
    pins = ("project",)
    imitated_by = "google"
    rights: ClassVar[Rights] = Rights(
        read=("resourcemanager.projects.get",),
        write=("resourcemanager.projects.get",),
        source="https://cloud.google.com/resource-manager/docs/access-control-proj",
    )

    def __init__(self, settings: GoogleSettings, opening: Opening) -> None:
        self.settings = settings
        self.project = settings.project
        self.locations = settings.locations
        self._opening = opening
        self._lock = threading.RLock()
        self._apis: dict[str, GoogleApi] = {}
        self._writers: dict[str, threading.RLock] = {}
        self._tokens: GoogleToken | None = None
        self._number: str | None = None
        self._refuse_unknown_apis()
        self._credential = (
            opening.credential(settings.access_token) if settings.access_token else None
        )
        if self._credential is None:
            self._refuse_default_credentials_elsewhere()

    def api(self, name: str) -> GoogleApi:
        """Return one of APIS. Raises SecretUnavailable without credentials."""
        with self._lock:
            if name not in self._apis:
                self._apis[name] = self._opened(name)
            return self._apis[name]

    def alone(self, name: str) -> threading.RLock:
        """Return the lock of a thing that several kinds write, such as a service: one of them at a time."""
        with self._lock:
            return self._writers.setdefault(name, threading.RLock())

    def identify(self) -> Account:
        """Prove the project. Source: Cloud Resource Manager API v1, projects.get.

        Google answers alike for a project that is not there and for one that the credential may not see.
        """
        try:
            found = self._read_project()
        except (NotFound, PermissionDenied) as error:
            if error.code == "SERVICE_DISABLED":
                raise
            raise WrongAccount(
                f"The Google credential does not see the project {self.project}",
                detail=error.detail,
                mend=f"gcloud projects describe {self.project}   # or: check providers.{self.vendor}.project",
            ) from None
        if found.get("projectId") != self.project:
            raise WrongAccount(
                "Google returned another project than the one pinned",
                detail=f"It returned {found.get('projectId')}, not {self.project}.",
                mend=f"check providers.{self.vendor}.project in environment.yaml: it is an id, no number",
            )
        if found.get("lifecycleState") != "ACTIVE":
            raise WrongAccount(
                f"The project {self.project} is being deleted",
                detail=f"Google reports it as {found.get('lifecycleState')}.",
                mend=f"gcloud projects undelete {self.project}",
            )
        return Account(vendor=self.vendor, id=self.project, name=str(found.get("name") or ""))

    @property
    def number(self) -> str:
        """Return the number of the project, which answers name it by. One request, if nothing else asked for it."""
        with self._lock:
            if self._number is None:
                self._read_project()
            return self._number or ""

    def canonical(self, name: str) -> str:
        """Return a resource name with the project's id, whether Google wrote its id or its number."""
        found = _IN_PATH.match(name)
        if found is None or found[1] == self.project:
            return name
        if not found[1].isdecimal() or found[1] != self.number:
            return name  # of another project
        return f"{name[: found.start(1)]}{self.project}{name[found.end(1) :]}"

    def needed_locations(self, kind: str) -> tuple[str, ...]:
        """Return ``locations``. Raises InvalidInput when there are none: the API lists each by itself."""
        if not self.locations:
            raise InvalidInput(
                [
                    Diagnostic(
                        summary=f"providers.{self.vendor}.locations is empty",
                        detail=f"Objects of {kind} are listed location by location.",
                        mend="locations: [europe-west1]",
                    )
                ]
            )
        return self.locations

    def _read_project(self) -> dict[str, Any]:
        found = self.api("resourcemanager").get(f"/v1/projects/{self.project}")
        self._number = str(found.get("projectNumber", ""))
        return found

    def _opened(self, name: str) -> GoogleApi:
        api = APIS[name]
        base_url = self.settings.endpoints.get(name) or self.settings.base_url
        credential, headers = self._credential, {}
        if credential is None:
            self._tokens = self._tokens or GoogleToken()
            credential = Credential("", f"application default credentials ({LOGIN})")
            headers = self._tokens.headers
        http = self._opening.client(
            api.profile(self.vendor),
            credential,
            account=f"{self.project} {name}",
            base_url=base_url,
            headers=headers,
            token=self._tokens,
        )
        return GoogleApi(http, api, self.project)

    def _refuse_unknown_apis(self) -> None:
        unknown = sorted(set(self.settings.endpoints) - set(APIS))
        if unknown:
            raise InvalidInput(
                [
                    Diagnostic(
                        summary=f"There is no API {', '.join(unknown)}",
                        detail=f"endpoints knows {', '.join(APIS)}.",
                    )
                ]
            )

    def _refuse_default_credentials_elsewhere(self) -> None:
        """Credentials of this machine go nowhere but to Google."""
        roots = {checked_base_url(api.root) for api in APIS.values()}
        given = [*self.settings.endpoints.values(), *filter(None, [self.settings.base_url])]
        if any(checked_base_url(one) not in roots for one in given):
            raise WrongAccount(
                "Application default credentials are sent to Google alone",
                detail=f"providers.{self.vendor} names another address.",
                mend="access_token: ${secret:env/NAME}   # beside base_url: a token that is good there only",
            )


class GcpAccount(GoogleAccount):
    """For the kinds of Google Cloud."""

    vendor: ClassVar[str] = "gcp"


class FirebaseAccount(GoogleAccount):
    """For the kinds of Firebase."""

    vendor: ClassVar[str] = "firebase"


class FirestoreAccount(GoogleAccount):
    """For the kinds of Firestore."""

    vendor: ClassVar[str] = "firestore"
