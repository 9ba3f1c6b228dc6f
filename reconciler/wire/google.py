"""What all of Google's APIs have in common: who asks, and how they say no. Knows no single API.

Never prints what Google answered when it gives no token. Source: google-auth, user guide; google.rpc.ErrorInfo.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from reconciler.core.errors import SecretUnavailable
from reconciler.wire.profile import Complaint, error_body

if TYPE_CHECKING:
    import httpx

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TIMEOUT = 10
"""Seconds for a request that renews a token."""

LOGIN = "gcloud auth application-default login"

_TELLING = frozenset({"SERVICE_DISABLED", "CONSUMER_INVALID", "USER_PROJECT_DENIED"})
"""Reasons that say more than their status, which is PERMISSION_DENIED."""


class GoogleToken:
    """The access token of this machine's credentials, renewed before it expires. Thread-safe.

    Raises SecretUnavailable when google-auth or the credentials are missing.
    """

    def __init__(self) -> None:
        try:
            import google.auth
            from google.auth.exceptions import GoogleAuthError
            from google.auth.transport.requests import Request
        except ImportError:
            raise _missing_library() from None
        self._failures = (GoogleAuthError, ValueError, OSError)
        self._request = partial(Request(), timeout=TIMEOUT)
        self._lock = threading.Lock()
        try:
            found: tuple[Any, str | None] = google.auth.default(scopes=[SCOPE])
        except self._failures:
            raise SecretUnavailable(
                "There are no application default credentials for Google Cloud",
                detail="GOOGLE_APPLICATION_CREDENTIALS names no usable file, gcloud has stored none, and this is no"
                " machine of Google's.",
                mend=LOGIN,
            ) from None
        self._credentials = found[0]

    @property
    def headers(self) -> dict[str, str]:
        """Return what goes with every request besides the token: the project that is charged."""
        payer = self._credentials.quota_project_id
        return {"X-Goog-User-Project": str(payer)} if payer else {}

    def __call__(self) -> str:
        """Return a token that is valid for some minutes at least. Raises SecretUnavailable."""
        with self._lock:  # google-auth renews from one thread at a time, or more often than needed
            if not self._credentials.valid:
                self._renew()
            return str(self._credentials.token)

    def _renew(self) -> None:
        try:
            self._credentials.refresh(self._request)
        except self._failures:  # their text holds what Google answered
            raise SecretUnavailable(
                "Google does not give an access token for the application default credentials",
                detail="They were revoked, have expired, or Google's token service cannot be reached.",
                mend=LOGIN,
            ) from None


def complaint(response: httpx.Response) -> Complaint:
    """Read ``{"error": {"status", "message", "details": [ErrorInfo]}}``; a telling reason comes before the status."""
    error = error_body(response)
    status, text, details = error.get("status"), error.get("message"), error.get("details")
    infos = [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    reasons = [one["reason"] for one in infos if one.get("reason") in _TELLING]
    permissions = [
        one["metadata"].get("permission") for one in infos if isinstance(one.get("metadata"), dict)
    ]
    permission = next((one for one in permissions if isinstance(one, str)), None)
    code = next(iter(reasons), status)
    return Complaint(
        code if isinstance(code, str) else None, text if isinstance(text, str) else "", permission
    )


def retryable(response: httpx.Response, said: Complaint) -> bool | None:
    """Repeat what another operation on the same object held up; a stale etag stays stale.

    Source: google.rpc.Code, ABORTED.
    """
    if response.status_code == 409 and said.code == "ABORTED":
        return "etag" not in said.text.lower() and "version" not in said.text.lower()
    return None


def is_live(token: str) -> bool | None:
    """Return True for the form that Google's access tokens have; any other does not say."""
    return True if token.startswith("ya29.") else None


def _missing_library() -> SecretUnavailable:
    return SecretUnavailable(
        "Application default credentials need the Python library google-auth",
        detail="It is not installed: it comes with an extra of its own.",
        mend="pip install 'reconciler[gcp]'",
    )
