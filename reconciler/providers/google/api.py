"""Requests to one of Google's APIs, as all of them want it: pages, masks, etags, operations. Knows no kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.core.errors import PartialRead, VendorError
from reconciler.providers.google.complaints import ended_badly, explained, not_ended

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.core.secret import Json
    from reconciler.providers.google.apis import Api
    from reconciler.wire.http import HttpClient
    from reconciler.wire.pacing import Timing

FIRST_POLL: Final = 0.5
LONGEST_POLL: Final = 5.0
DEADLINE: Final = 900.0
"""Seconds that an operation may take. Builds take minutes."""


class GoogleApi:
    """One API of one project. Every method raises VendorError and its subclasses, with the command that mends it.

    A path begins with the version: ``/v2/projects/…``. StalePlan where a precondition (an etag) no longer holds.
    """

    def __init__(self, http: HttpClient, api: Api, project: str) -> None:
        self.http = http
        self.api = api
        self.project = project

    @property
    def timing(self) -> Timing:
        """Return the clock and the waiting of this account."""
        return self.http.timing

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        """Return one object."""
        return self._sent("GET", path, params=params)

    def rows(
        self, path: str, key: str, params: Mapping[str, str | int] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield the objects of all pages; ``key`` names the array, which is absent when it is empty.

        An empty page with a token is no end. Raises PartialRead for ``unreachable`` locations and for a list that
        does not advance. Source: AIP-158 (pagination), AIP-217 (unreachable resources).
        """
        given, token = dict(params or {}), ""
        while True:
            page = self.get(path, {**given, **({"pageToken": token} if token else {})})
            refuse_unreachable(page, path)
            yield from page.get(key) or ()
            following = page.get("nextPageToken") or ""
            if not following:
                return
            if following == token:
                raise PartialRead(
                    "A list of Google's does not advance",
                    detail=f"{path}: the page after {token} points to itself; what follows is unknown.",
                )
            token = following

    def post(
        self,
        path: str,
        body: object = None,
        *,
        params: Mapping[str, str | int] | None = None,
        idempotent: bool = False,
        has_etag: bool = False,
    ) -> dict[str, Any]:
        """Call a verb or make an object. ``idempotent``: sent twice it has the effect of once."""
        return self._sent(
            "POST",
            path,
            params=params,
            body={} if body is None else body,
            idempotent=idempotent,
            has_etag=has_etag,
        )

    def patch(
        self,
        path: str,
        body: Mapping[str, Json],
        mask: Iterable[str],
        *,
        params: Mapping[str, str | int] | None = None,
    ) -> dict[str, Any]:
        """Change the fields of ``mask`` (in their JSON names); one that is not in ``body`` is cleared.

        An ``etag`` in ``body`` is a precondition.
        """
        query = {**(params or {}), "updateMask": ",".join(sorted(mask))}
        return self._sent(
            "PATCH", path, params=query, body=body, idempotent=True, has_etag="etag" in body
        )

    def put(
        self, path: str, body: object, *, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Replace an object; an ``If-Match`` header is a precondition."""
        return self._sent(
            "PUT", path, body=body, headers=headers, idempotent=True, has_etag=bool(headers)
        )

    def delete(self, path: str, params: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        """Remove an object. Raises NotFound when it is gone."""
        return self._sent(
            "DELETE", path, params=params, idempotent=True, has_etag="etag" in (params or {})
        )

    def finished(
        self, operation: Mapping[str, Json], *, version: str = "v1", deadline: float = DEADLINE
    ) -> dict[str, Any]:
        """Return the response of a long-running operation once it has ended.

        Raises VendorError with Google's words when it ended badly, Unavailable when its end is not seen: whoever reads
        later finds out. Nothing of it is kept: it is found again by what it makes.
        """
        name, timing = str(operation.get("name")), self.timing
        begun, wait, now = timing.monotonic(), FIRST_POLL, dict(operation)
        while not now.get("done"):
            if timing.monotonic() - begun > deadline:
                raise not_ended(self.http.profile.vendor, name, deadline)
            timing.sleep(wait)
            wait = min(wait * 1.5, LONGEST_POLL)
            now = self.get(f"/{version}/{name}")
        if now.get("error"):
            raise ended_badly(self.http.profile.vendor, name, now["error"])
        return dict(now.get("response") or {})

    def _sent(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool = False,
        has_etag: bool = False,
    ) -> dict[str, Any]:
        writes = method != "GET"
        try:
            answer = self.http.request_json(
                method,
                path,
                params=params or {},
                json=body,
                headers=headers or {},
                idempotent=idempotent,
            )
        except VendorError as error:
            raise explained(
                error, self.api, self.project, writes=writes, has_etag=has_etag
            ) from None
        return answer if isinstance(answer, dict) else {}


def refuse_unreachable(page: Mapping[str, Json], path: str) -> None:
    """Raise PartialRead when a list says that some locations did not answer: what is there is unknown."""
    silent = page.get("unreachable") or ()
    if silent:
        places = ", ".join(sorted(str(one).rpartition("/")[2] for one in silent))
        raise PartialRead(
            f"Google cannot reach {places} now",
            detail=f"{path} leaves it out; what is there is unknown, not absent.",
            mend="try again; see https://status.cloud.google.com",
        )
