"""Google's APIs, one line each: where they are, how fast they may be asked, and the roles for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.wire.google import complaint, is_live, retryable
from reconciler.wire.profile import VendorProfile

if TYPE_CHECKING:
    from collections.abc import Mapping


class Api(NamedTuple):
    """One API. ``viewer`` and ``editor`` are the least predefined roles that plan and that apply.

    ``rate`` is in requests per second and project, below the documented quota; where none is published it is ours.
    """

    host: str
    rate: float
    viewer: str
    editor: str
    reads: frozenset[tuple[str, str]] = frozenset()
    """Requests that read although they are no GET."""

    @property
    def root(self) -> str:
        """Return its address."""
        return f"https://{self.host}"

    def profile(self, vendor: str) -> VendorProfile:
        """Return its limits and manners, under the name of the vendor that is spoken of in messages."""
        return VendorProfile(
            vendor=vendor,
            base_url=self.root,
            rate=self.rate,
            burst=max(1, int(self.rate / 2)),
            request_id="X-Cloud-Trace-Context",
            complaint=complaint,
            retryable=retryable,
            is_live=is_live,
            reads=self.reads,
        )


# Source: quota pages of the products (Secret Manager 600 reads and writes a minute, Cloud Functions 5000 reads in
# 100 s); predefined roles: https://cloud.google.com/iam/docs/roles-permissions.
APIS: Mapping[str, Api] = {
    "resourcemanager": Api(
        "cloudresourcemanager.googleapis.com", 5, "roles/browser", "roles/browser"
    ),
    "serviceusage": Api(
        "serviceusage.googleapis.com",
        5,
        "roles/serviceusage.serviceUsageViewer",
        "roles/serviceusage.serviceUsageAdmin",
    ),
    "secretmanager": Api(
        "secretmanager.googleapis.com",
        10,
        "roles/secretmanager.viewer",
        "roles/secretmanager.admin",
    ),
    "tasks": Api(
        "cloudtasks.googleapis.com", 10, "roles/cloudtasks.viewer", "roles/cloudtasks.queueAdmin"
    ),
    "scheduler": Api(
        "cloudscheduler.googleapis.com",
        10,
        "roles/cloudscheduler.viewer",
        "roles/cloudscheduler.admin",
    ),
    "functions": Api(
        "cloudfunctions.googleapis.com",
        30,
        "roles/cloudfunctions.viewer",
        "roles/cloudfunctions.developer",
    ),
    "run": Api("run.googleapis.com", 30, "roles/run.viewer", "roles/run.developer"),
    "storage": Api(
        "storage.googleapis.com", 20, "roles/storage.objectViewer", "roles/storage.objectUser"
    ),
    "artifactregistry": Api(
        "artifactregistry.googleapis.com",
        20,
        "roles/artifactregistry.reader",
        "roles/artifactregistry.repoAdmin",
    ),
    "firebase": Api("firebase.googleapis.com", 10, "roles/firebase.viewer", "roles/firebase.admin"),
    "hosting": Api(
        "firebasehosting.googleapis.com",
        10,
        "roles/firebasehosting.viewer",
        "roles/firebasehosting.admin",
    ),
    "remoteconfig": Api(
        "firebaseremoteconfig.googleapis.com",
        5,
        "roles/cloudconfig.viewer",
        "roles/cloudconfig.admin",
    ),
    "rules": Api(
        "firebaserules.googleapis.com",
        10,
        "roles/firebaserules.viewer",
        "roles/firebaserules.admin",
        # Source: Rules API v1, projects.test: compiles a text, keeps nothing.
        reads=frozenset({("POST", "/v1/projects/*:test")}),
    ),
    "appdistribution": Api(
        "firebaseappdistribution.googleapis.com",
        10,
        "roles/firebaseappdistro.viewer",
        "roles/firebaseappdistro.admin",
    ),
    "firestore": Api(
        "firestore.googleapis.com", 50, "roles/datastore.viewer", "roles/datastore.owner"
    ),
}
"""By the names that ``endpoints`` in an environment file uses."""
