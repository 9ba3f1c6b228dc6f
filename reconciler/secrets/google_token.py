"""Access tokens of Google's application default credentials. Never prints what Google answered.

Source: google-auth, user guide.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

from reconciler.core.errors import SecretUnavailable
from reconciler.secrets.refusals import missing_library

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TIMEOUT = 10
"""Seconds for a request that renews a token."""

LOGIN = "gcloud auth application-default login"


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
            raise missing_library("gcp", "google-auth") from None
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
