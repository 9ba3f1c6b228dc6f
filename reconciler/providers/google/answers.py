"""Whole answers of Google's APIs, headers and all: for those that keep an etag in one, or want a mask in the body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from reconciler.core.errors import StalePlan, VendorError
from reconciler.providers.google.complaints import explained

if TYPE_CHECKING:
    import httpx

    from reconciler.providers.google.api import GoogleApi
    from reconciler.wire.http import RequestOptions

PRECONDITION_FAILED = 412


def answered(
    api: GoogleApi, method: str, path: str, **options: Unpack[RequestOptions]
) -> httpx.Response:
    """Send a request and return its answer, a JSON object. Raises what ``GoogleApi`` raises.

    An ``If-Match`` header is a precondition: StalePlan when it does not hold.
    """
    has_etag = "If-Match" in options.get("headers", {})
    options["expects_json"] = True
    try:
        return api.http.request(method, path, **options)
    except VendorError as error:
        if has_etag and error.status == PRECONDITION_FAILED:
            raise StalePlan(
                "Changed at Google since it was read",
                detail=error.detail,
                mend="reconciler plan ENV   # again",
            ) from None
        raise explained(
            error, api.api, api.project, writes=method != "GET", has_etag=has_etag
        ) from None
