"""Say what went wrong, in the error tree and without secrets. Never decides whether to try again."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from reconciler.core.errors import (
    Conflict,
    NotFound,
    PermissionDenied,
    RateLimited,
    Unauthenticated,
    Unavailable,
    VendorError,
)
from reconciler.wire.retrying import LONGEST_WAIT

if TYPE_CHECKING:
    from reconciler.core.masking import Masker
    from reconciler.wire.profile import Credential, VendorProfile
    from reconciler.wire.retrying import Call, Failure

LONGEST_TEXT = 500
"""Characters of a vendor's message that are shown."""


def vendor_error(
    profile: VendorProfile,
    credential: Credential,
    masker: Masker,
    call: Call,
    failure: Failure,
    *,
    attempts: int,
) -> VendorError:
    """Return the error for a request given up after ``attempts``."""
    vendor = profile.vendor
    permission = cleaned(failure.complaint.permission or "", masker)
    error, summary, mend = _kind(failure, vendor, credential, permission, call)
    if failure.may_have_acted:
        summary += "; whether the change was made is unknown"
        mend = mend or "Read the object again before another attempt."
    return error(
        summary,
        vendor=vendor,
        status=failure.status,
        code=cleaned(failure.complaint.code or "", masker) or None,
        detail=_detail(call, failure, masker, attempts),
        mend=mend,
    )


def cleaned(text: str, masker: Masker) -> str:
    """Return ``text`` on one line, without secrets or control and bidi characters, at most LONGEST_TEXT long."""
    # Masked twice: a value may span lines, and may appear only once the characters inside it are gone.
    start = masker.mask(text)[: 20 * LONGEST_TEXT]
    visible = "".join(
        char for char in start if char.isspace() or unicodedata.category(char)[0] != "C"
    )
    line = masker.mask(" ".join(visible.split()))
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"


def _kind(
    failure: Failure, vendor: str, credential: Credential, permission: str, call: Call
) -> tuple[type[VendorError], str, str]:
    """Return the type of the error, its summary and its mend."""
    key = credential.reference
    if failure.status == 401 or failure.complaint.is_unauthenticated:
        mend = f"Check {credential.place}: it must hold a valid {vendor} credential."
        return Unauthenticated, f"{vendor} does not accept the credential {key}", mend
    if failure.status == 403:
        what = f"lacks the permission {permission}" if permission else "may not do this"
        mend = f"Check the permissions of the credential in {credential.place}."
        return PermissionDenied, f"The {vendor} credential {key} {what}", mend
    if failure.is_unusable:
        error = VendorError if call.is_read else Unavailable
        return error, f"{vendor} gave an answer that cannot be used", ""
    if failure.status is None:
        return Unavailable, f"{vendor} could not be reached", ""
    if failure.status >= 500:
        return Unavailable, f"{vendor} failed", ""
    error, words = _REFUSALS.get(failure.status, (VendorError, "refused the request"))
    return error, f"{vendor} {words}", ""


_REFUSALS: dict[int, tuple[type[VendorError], str]] = {
    404: (NotFound, "has no such object, or does not show it to this credential"),
    409: (Conflict, "does not allow this in the object's present state"),
    412: (Conflict, "does not allow this: the object was changed meanwhile"),
    429: (RateLimited, "refuses more requests for now"),
}


def _detail(call: Call, failure: Failure, masker: Masker, attempts: int) -> str:
    answer = [str(failure.status)] if failure.status else ["no usable answer"]
    if code := cleaned(failure.complaint.code or "", masker):
        answer.append(code)
    notes = []
    if request_id := cleaned(failure.request_id, masker):
        notes.append(f"request {request_id}")
    if attempts > 1:
        notes.append(f"{attempts} attempts")
    lines = [
        f"{call.method} {cleaned(call.path, masker)}: {' '.join(answer)}"
        + (f" ({', '.join(notes)})" if notes else ""),
        cleaned(failure.complaint.text or failure.reason, masker),
    ]
    if failure.asked_wait is not None and failure.asked_wait > 0:
        lines.append(f"It asks to wait {failure.asked_wait:.0f} s" + _over(failure.asked_wait))
    return "\n".join(line for line in lines if line)


def _over(seconds: float) -> str:
    if seconds <= LONGEST_WAIT:
        return "."
    return f", longer than the {LONGEST_WAIT:.0f} s waited here. Try again then."
