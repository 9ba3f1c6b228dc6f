"""Which APIs a project has enabled: https://cloud.google.com/service-usage/docs/reference/rest/v1/services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Final

from pydantic import StringConstraints

from reconciler.core.behaviour import Immutable, Key
from reconciler.core.change import Action, Change
from reconciler.core.errors import VendorError
from reconciler.core.ports import Created, New, Update
from reconciler.core.resource import Capability, Resource, Rights
from reconciler.core.state import Observed
from reconciler.providers.google.by_hand import left_to_people

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.core.secret import Json
    from reconciler.providers.google.account import GoogleAccount

WHY: Final = (
    "an enabled API is never disabled from here: what depends on it may be unknown to everybody"
)


class ProjectService(Resource):
    """An API that is enabled in the project. It is enabled where it is not, and never disabled."""

    kind: ClassVar[str] = "gcp.project_services"
    capability: ClassVar[Capability] = Capability.MANAGED
    # Source: Service Usage API v1, services.batchEnable: at most 20, all or none.
    creates_per_call: ClassVar[int] = 20
    has_unique_keys: ClassVar[bool] = True
    rights: ClassVar[Rights] = Rights(
        read=("serviceusage.services.list",),
        write=("serviceusage.services.list", "serviceusage.services.enable"),
        source="https://cloud.google.com/service-usage/docs/access-control",
    )

    service: Annotated[
        str,
        Key(),
        Immutable("another API is another resource"),
        StringConstraints(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$"),
    ]
    """Its name, such as ``cloudtasks.googleapis.com``."""

    @classmethod
    def review(
        cls, change: Change, *, declared: Mapping[str, Json], live: Mapping[str, Json]
    ) -> Change:
        """Leave it to people to disable one, and say that enabling takes a while."""
        del declared
        match change.action:
            case Action.DELETE | Action.REPLACE:
                command = f"gcloud services disable {live.get('service')}"
                return left_to_people(change, WHY, f"if nothing needs it any more: {command}")
            case Action.CREATE:
                note = "calls of an API that was just enabled may fail for some minutes"
                return change.model_copy(update={"notes": (*change.notes, note)})
            case _:
                return change


class ProjectServices:
    """Reads which APIs are enabled, and enables more."""

    resource_type = ProjectService

    def __init__(self, account: GoogleAccount) -> None:
        self._api = account.api("serviceusage")
        self._account = account
        self._path = f"/v1/projects/{account.project}/services"

    def observe(self) -> Iterator[Observed]:
        """Yield every API that is enabled. One request per 200."""
        query: dict[str, str | int] = {"filter": "state:ENABLED", "pageSize": 200}
        for row in self._api.rows(self._path, "services", query):
            name = self._account.canonical(row["name"])
            yield Observed(remote_id=name, values={"service": name.rpartition("/")[2]})

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, Observed]:
        wanted = set(remote_ids)
        return {found.remote_id: found for found in self.observe() if found.remote_id in wanted}

    def create(self, new: New) -> Created:
        return self.create_many([new])[0]

    def create_many(self, new: Sequence[New]) -> Sequence[Created]:
        """Enable APIs in one operation, and wait for its end. Enabling one that is enabled changes nothing."""
        wanted = [ProjectService.settled(one.values).service for one in new]
        body = {"serviceIds": wanted}
        begun = self._api.post(f"{self._path}:batchEnable", body, idempotent=True)
        self._api.finished(begun)
        return [Created(f"projects/{self._account.project}/services/{one}") for one in wanted]

    def update(self, update: Update) -> None:
        """There is nothing to change."""
        raise VendorError(f"{update.live.remote_id} has nothing to change", vendor="gcp")

    def delete(self, remote_id: str) -> None:
        """Never."""
        raise VendorError(f"{remote_id}: {WHY}", vendor="gcp")
