"""Stripe's SDK over our HTTP client: one place for pace, retries, read-only mode, errors and masking.

Import this module late: ``import stripe`` takes about half a second.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import stripe
from stripe import _util

from reconciler.core.errors import PartialRead

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.core.secret import Json
    from reconciler.wire.http import HttpClient

API_VERSION = "2026-10-28.endive"
"""The version of the API whose field names and shapes the kinds were written for, whatever the SDK's own."""

PAGE = 100
"""Stripe's largest page; the default of 10 misses the rest. Source: Stripe API reference, pagination."""

_KEPT_HEADERS = frozenset(
    {"content-type", "idempotency-key", "stripe-account", "stripe-context", "stripe-version"}
)


class _Transport(stripe.HTTPClient):
    """Hands every request of the SDK to ``http``, whose errors pass through the SDK untouched."""

    name = "httpx"

    def __init__(self, http: HttpClient) -> None:
        super().__init__()
        self._http = http

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,  # noqa: ANN401 - the SDK's own signature
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        # The SDK's other headers describe this machine; the key is sent by ``http``.
        kept = {
            name: value for name, value in (headers or {}).items() if name.lower() in _KEPT_HEADERS
        }
        answer = self._http.request(
            method,
            url.removeprefix(self._http.base_url),
            headers=kept,
            content=post_data,
            expects_json=True,
        )
        return answer.text, answer.status_code, answer.headers


def connect(
    api_key: str, http: HttpClient, *, api_version: str = API_VERSION
) -> stripe.StripeClient:
    """Return a Stripe client that sends through ``http``.

    The SDK wants ``api_key`` to be made; what is sent is the credential of ``http``.

    Its calls raise our error tree, never ``stripe.StripeError`` for an answer of the vendor. Each POST carries an
    ``Idempotency-Key``: the caller's (``options={"idempotency_key": …}``), else one the SDK makes for this call.
    """
    _keep_quiet()
    base = http.base_url
    return stripe.StripeClient(
        api_key,
        stripe_version=api_version,
        base_addresses={"api": base, "connect": base, "files": base, "meter_events": base},
        max_network_retries=0,
        http_client=_Transport(http),
    )


def listed(client: stripe.StripeClient, path: str) -> Iterator[dict[str, Json]]:
    """Yield the objects of all pages of ``path`` as Stripe sends them.

    The SDK's own objects would be made while the next page waits, and be taken apart again at once: 8 ms a page.
    Raises PartialRead for an answer that is no list, and for a list that does not advance.
    """
    query: dict[str, str | int] = {"limit": PAGE}
    while True:
        match client.raw_request("get", path, **query).data:
            case {"data": list(found), "has_more": False}:
                yield from found
                return
            case {"data": [*_, {"id": str(last)}] as found, "has_more": True} if last != query.get(
                "starting_after"
            ):
                yield from found
                query["starting_after"] = last
            case _:
                raise PartialRead(
                    "Stripe's list cannot be followed",
                    detail=f"A page of {path} is no list, or does not advance; what follows is unknown.",
                )


def _keep_quiet() -> None:
    """Stop the SDK from writing to the home folder, and from logging answers, which hold signing secrets.

    Source: stripe-python, ``_telemetry_id.py`` and ``_util.log_debug`` (``STRIPE_LOG`` prints whole bodies).
    """
    stripe.enable_telemetry = False
    stripe.log = None
    _util.STRIPE_LOG = None
    logging.getLogger("stripe").disabled = True
