"""What Google's client raises, as our errors: what happened, where, and the command that mends it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.core.errors import (
    Conflict,
    NotFound,
    PermissionDenied,
    RateLimited,
    Unauthenticated,
    VendorError,
)

if TYPE_CHECKING:
    from reconciler.core.diagnostic import Diagnostic

VENDOR: Final = "firestore"
EMULATOR: Final = "FIRESTORE_EMULATOR_HOST"


class Place(NamedTuple):
    """Where the documents are."""

    project: str
    database: str
    collection: str

    def __str__(self) -> str:
        emulator = os.environ.get(EMULATOR)
        at = f" in the emulator at {emulator}" if emulator else ""
        return f"Firestore project {self.project}, database {self.database}{at}"


class Unreached(VendorError):
    """No answer came: whether a write took effect is unknown."""


class Contended(Conflict):
    """Too many wanted one document at once: nothing was written, and it may be tried again."""


class JournalNotWritten(OSError):
    """A record of a journal is not durable, so nothing further may be done: what a full disk is to a file.

    No vendor error: what a vendor refused is journalled, and the run goes on.
    """

    def __init__(self, error: VendorError) -> None:
        super().__init__(f"{error.summary}. {error.detail}")
        self.strerror = f"{error.summary}. {error.detail}"
        self.diagnostics: tuple[Diagnostic, ...] = error.diagnostics


def translated(error: Exception, place: Place) -> VendorError:
    """Return our error for one of Google's client, or of its credentials."""
    from google.api_core import exceptions as google

    said = str(getattr(error, "message", "") or error)
    if not isinstance(error, google.GoogleAPICallError) or "metadata from plugin" in said:
        return _without_credential(error, said, place)
    names = {one.__name__ for one in type(error).__mro__}
    ours = next((ours for name, ours in _OURS.items() if name in names), _refused)
    return ours(error, said, place)


def without_client() -> VendorError:
    """Return the error for a machine on which Google's client is not installed."""
    return VendorError(
        "The shared store needs the package google-cloud-firestore",
        vendor=VENDOR,
        detail="It is an extra of reconciler.",
        mend="pip install 'reconciler[google]'",
    )


def after_a_fork() -> VendorError:
    """Return the error for a process that was forked from one with a connection: its calls would never end."""
    return VendorError(
        "Firestore cannot be used in a process that was forked from one that used it",
        vendor=VENDOR,
        detail="Google's client does not survive a fork. Start a new process instead.",
    )


def _error(
    kind: type[VendorError], summary: str, said: str, place: Place, mend: str = ""
) -> VendorError:
    return kind(summary, vendor=VENDOR, detail=f"{place}: {said}", mend=mend)


def _refused(_: Exception, said: str, place: Place) -> VendorError:
    return _error(VendorError, "Firestore refused a request", said, place)


def _changed(_: Exception, said: str, place: Place) -> VendorError:
    return _error(Conflict, "A document was changed by somebody else", said, place)


def _contended(_: Exception, said: str, place: Place) -> VendorError:
    return _error(Contended, "Too many write to the shared store at once", said, place)


def _limited(_: Exception, said: str, place: Place) -> VendorError:
    return _error(RateLimited, "Firestore's quota is used up", said, place)


def _without_credential(_: Exception, said: str, place: Place) -> VendorError:
    return _error(
        Unauthenticated,
        "Google accepts no credential for the shared store",
        said.splitlines()[0] if said else "none was found",
        place,
        "gcloud auth application-default login",
    )


def _denied(error: Exception, said: str, place: Place) -> VendorError:
    reason = str(getattr(error, "reason", "") or "")
    if reason == "SERVICE_DISABLED" or "has not been used in project" in said:
        return _error(
            PermissionDenied,
            "The Firestore API is not enabled in the project of the shared store",
            said,
            place,
            f"gcloud services enable firestore.googleapis.com --project={place.project}",
        )
    member = '"user:$(gcloud config get account)"'
    return _error(
        PermissionDenied,
        "The credential may not use the shared store",
        f"{said} It needs the role roles/datastore.user.",
        place,
        f"gcloud projects add-iam-policy-binding {place.project}"
        f" --role=roles/datastore.user --member={member}",
    )


def _missing(_: Exception, said: str, place: Place) -> VendorError:
    if "database" not in said.lower():
        return _error(NotFound, "A document of the shared store is gone", said, place)
    return _error(
        NotFound,
        "The database of the shared store does not exist",
        said,
        place,
        f"gcloud firestore databases create --database={place.database}"
        f" --project={place.project} --location=eur3   # the location is for good",
    )


def _precondition(error: Exception, said: str, place: Place) -> VendorError:
    if "datastore mode" not in said.lower():
        return _changed(error, said, place)
    return _error(
        VendorError,
        "The database of the shared store is one in Datastore mode",
        said,
        place,
        f"gcloud firestore databases create --database=reconciler --project={place.project}"
        " --type=firestore-native --location=eur3   # and name it in environment.yaml",
    )


def _unreached(_: Exception, said: str, place: Place) -> VendorError:
    emulator = os.environ.get(EMULATOR)
    if emulator:
        mend = f"gcloud emulators firestore start --host-port={emulator}   # or: unset {EMULATOR}"
    else:
        mend = (
            f"gcloud firestore databases describe --database={place.database}"
            f" --project={place.project}"
        )
    return _error(Unreached, "The shared store cannot be reached", said, place, mend)


_OURS: Final = {
    "Unauthenticated": _without_credential,
    "Forbidden": _denied,
    "AlreadyExists": _changed,
    "Aborted": _contended,
    "FailedPrecondition": _precondition,
    "NotFound": _missing,
    "TooManyRequests": _limited,
    "ServerError": _unreached,
    "Cancelled": _unreached,
}
"""What is made of each class of google.api_core.exceptions, the first that fits."""
