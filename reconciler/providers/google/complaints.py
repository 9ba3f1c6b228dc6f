"""What an answer of Google means, and the command that mends it. Sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.core.errors import (
    Conflict,
    NotFound,
    PermissionDenied,
    RateLimited,
    StalePlan,
    Unavailable,
    VendorError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.errors import ReconcilerError
    from reconciler.core.secret import Json
    from reconciler.providers.google.apis import Api

_BY_NUMBER: Mapping[int, tuple[str, type[VendorError]]] = {
    3: ("INVALID_ARGUMENT", VendorError),
    5: ("NOT_FOUND", NotFound),
    6: ("ALREADY_EXISTS", Conflict),
    7: ("PERMISSION_DENIED", PermissionDenied),
    8: ("RESOURCE_EXHAUSTED", RateLimited),
    9: ("FAILED_PRECONDITION", Conflict),
    10: ("ABORTED", Conflict),
    13: ("INTERNAL", VendorError),
    14: ("UNAVAILABLE", VendorError),
}
"""What ended operations give instead of an HTTP status. Source: google.rpc.Code."""

STALE: Final = frozenset({"FAILED_PRECONDITION", "ABORTED"})
"""How a stale etag is refused, by one API or another."""


def explained(
    error: VendorError, api: Api, project: str, *, writes: bool, has_etag: bool
) -> ReconcilerError:
    """Return what an error of ``api`` means in ``project``; ``has_etag``: the request carried a precondition."""
    if has_etag and error.status in {400, 409, 412} and error.code in STALE:
        mend = "reconciler plan ENV   # again"
        return StalePlan("Changed at Google since it was read", detail=error.detail, mend=mend)
    kind, summary, mend = type(error), error.summary, error.mend
    match error.code:
        case "SERVICE_DISABLED":
            summary = f"The API {api.host} is disabled in project {project}"
            mend = f"gcloud services enable {api.host} --project={project}"
        case "CONSUMER_INVALID" | "USER_PROJECT_DENIED":
            summary = f"There is no project {project}, or this credential may not use it"
            mend = f"gcloud projects describe {project}"
        case "FAILED_PRECONDITION":
            kind, summary = Conflict, f"{error.vendor} does not allow this now"
        case "INVALID_ARGUMENT":
            mend = "see which value is refused; if the file is right, this is a defect: please report it"
        case _ if isinstance(error, PermissionDenied):
            role = api.editor if writes else api.viewer
            mend = f"gcloud projects add-iam-policy-binding {project} --member=MEMBER --role={role}"
        case _:
            pass
    return kind(
        summary,
        vendor=error.vendor,
        status=error.status,
        code=error.code,
        detail=error.detail,
        mend=mend,
    )


def ended_badly(
    vendor: str, name: str, status: Mapping[str, Json], *, reported: str = ""
) -> VendorError:
    """Return the error of a long-running operation that ended with a ``google.rpc.Status``.

    Source: google.longrunning.Operation: the HTTP status is 200, ``code`` is the number of a google.rpc.Code.
    """
    number = status.get("code")
    code, kind = _BY_NUMBER.get(number if isinstance(number, int) else 2, ("UNKNOWN", VendorError))
    said = str(status.get("message") or "It does not say why.")
    return kind(
        f"{vendor} began, and did not finish",
        vendor=vendor,
        status=200,
        code=code,
        detail="\n".join(filter(None, (f"{name}: {code}", said, reported))),
    )


def not_ended(vendor: str, name: str, seconds: float) -> Unavailable:
    """Return the error of an operation that goes on for longer than is waited here."""
    return Unavailable(
        f"{vendor} has not finished; whether the change is made is unknown",
        vendor=vendor,
        detail=f"{name} is still under way after {seconds:.0f} s.",
        mend="wait, then: reconciler recover ENV",
    )
