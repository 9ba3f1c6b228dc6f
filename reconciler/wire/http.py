"""The one HTTP client of all providers: read-only mode, pace, retries, errors. Knows no vendor."""

from __future__ import annotations

import json as jsonlib
import threading
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypedDict, Unpack
from urllib.parse import unquote

import httpx

from reconciler.core.errors import Unauthenticated, VendorError, WriteAttempted
from reconciler.wire.failures import cleaned, vendor_error
from reconciler.wire.profile import Complaint, Credential, VendorProfile
from reconciler.wire.retrying import Call, Failure, Lost, failure_of, wait_after
from reconciler.wire.tracing import Exchange
from reconciler.wire.transport import (
    TIMEOUT,
    Connection,
    Connections,
    refuse_live_credential,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.core.masking import Masker
    from reconciler.wire.pacing import Timing

__all__ = ["Complaint", "Connection", "Connections", "Credential", "HttpClient", "VendorProfile"]

LARGEST_BODY = 64 * 1024 * 1024
"""Bytes of an answer, unpacked. More is refused: no vendor's list of settings is that long."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_BODY_ENCODING = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class RequestOptions(TypedDict, total=False):
    """What a request may carry.

    ``idempotent``: a write that has the same effect when sent twice (a PATCH to fixed values, a DELETE). A
    write with an ``Idempotency-Key`` header is one anyway. ``expects_json``: anything else is an error.
    """

    params: Mapping[str, str | int]
    json: object
    content: str | bytes | None
    headers: Mapping[str, str]
    idempotent: bool
    expects_json: bool


class HttpClient:
    """Sends requests to one vendor account, with one credential. Thread-safe.

    A client made with ``writes=False`` refuses everything that is not a read before a byte is sent. The value
    of ``credential`` is added to ``masker``. ``headers`` go with every request.
    ``token`` gives the value to send with each request, where it expires; ``credential`` then only says where it
    comes from. It is called from several threads at once, and what it raises goes through.
    ``before_write`` is called right before each request that is no read, repeated ones included; what it raises
    goes through.

    Raises WrongAccount for a live credential and a foreign base_url, Unauthenticated for a credential that
    cannot be sent.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        credential: Credential,
        masker: Masker,
        writes: bool,
        headers: Mapping[str, str] | None = None,
        token: Callable[[], str] | None = None,
        before_write: Callable[[], None] = lambda: None,
    ) -> None:
        self.profile = connection.profile
        self.base_url = connection.base_url
        self.writes = writes
        self._connection = connection
        self._credential = credential
        self._masker = masker
        self._token = token
        fixed = self._authorization(credential.value) if token is None else {}
        self._headers = {**fixed, **(headers or {})}
        self._refuse_unsendable(self._headers)
        self._before_write = before_write
        self._counting = threading.Lock()
        self._requests_made = 0

    @property
    def timing(self) -> Timing:
        """Return the clock and the waiting of this account, for polling."""
        return self._connection.timing

    @property
    def requests_made(self) -> int:
        """Return how many requests left, retries included."""
        return self._requests_made

    def request(self, method: str, path: str, **options: Unpack[RequestOptions]) -> httpx.Response:
        """Send a request to ``path`` (with a leading slash) and return the answer, which is a success.

        Waits for its turn, and retries what may be retried: 429, 5xx and lost connections, but a write whose
        effect is unknown only if it is safe to repeat. The answer has been read, and does not hold the request.

        Raises WriteAttempted, or VendorError and its subclasses; Unavailable when a write may have taken effect.
        """
        call, request = self._prepared(method.upper(), path, options)
        answer = self._exchange(call, request)
        if options.get("expects_json", False):
            self._json(call, answer)
        return answer

    def request_json(self, method: str, path: str, **options: Unpack[RequestOptions]) -> Any:  # noqa: ANN401 - JSON
        """Send a request like ``request`` and return the JSON of the answer; ``None`` for status 204.

        Raises VendorError for an answer that is not JSON: a captive portal, a proxy's error page. For a write
        it is Unavailable, since the change may have been made.
        """
        call, request = self._prepared(method.upper(), path, options)
        return self._json(call, self._exchange(call, request))

    def _authorization(self, value: str) -> dict[str, str]:
        """Return the headers that carry ``value``, which is masked from now on."""
        self._masker.add(value)
        refuse_live_credential(self.profile, self.base_url, value)
        headers = self.profile.authorization(value)
        self._refuse_unsendable(headers)
        return headers

    def _refuse_unsendable(self, headers: Mapping[str, str]) -> None:
        if not all(map(_is_sendable, headers.values())):
            raise Unauthenticated(
                f"The {self.profile.vendor} credential {self._credential.reference} cannot be sent",
                vendor=self.profile.vendor,
                detail="It holds a line break or another character that HTTP does not allow in a header.",
                mend=f"Check {self._credential.place}: often a line break was stored at the end.",
            )

    def _prepared(
        self, method: str, path: str, options: RequestOptions
    ) -> tuple[Call, httpx.Request]:
        headers = {**self._headers, **options.get("headers", {})}
        url = _url(self.base_url, path)
        if url is None or not all(map(_is_sendable, headers.values())):
            raise VendorError(
                f"A request to {self.profile.vendor} cannot be sent",
                vendor=self.profile.vendor,
                detail=f"{method} {cleaned(path, self._masker)}: the path or a header holds characters that "
                "HTTP does not allow.",
            )
        sent_path = url.raw_path.partition(b"?")[0].decode("ascii")
        is_read = self._is_read(method, sent_path)
        if not (is_read or self.writes):
            raise WriteAttempted(
                f"A write to {self.profile.vendor} was stopped: this client only reads",
                detail=f"{method} {cleaned(sent_path, self._masker)}; nothing was sent.",
            )
        if self._token is not None:
            headers |= self._authorization(self._token())
        has_key = any(name.lower() == "idempotency-key" for name in headers)
        is_repeatable = is_read or has_key or options.get("idempotent", False)
        request = self._connection.http.build_request(
            method,
            url,
            params=options.get("params"),
            json=options.get("json"),
            content=options.get("content"),
            headers=headers,
        )
        return Call(method, sent_path, is_read, is_repeatable), request

    def _is_read(self, method: str, path: str) -> bool:
        return method in {"GET", "HEAD"} or any(
            method == known and PurePosixPath(path).match(pattern)
            for known, pattern in self.profile.reads
        )

    def _exchange(self, call: Call, request: httpx.Request) -> httpx.Response:
        """Send until an attempt succeeds or there is no point in another."""
        timing = self._connection.timing
        attempt = 0
        may_have_acted = False
        while True:
            attempt += 1
            answer = self._sent(request, attempt, is_read=call.is_read)
            if isinstance(answer, httpx.Response) and answer.is_success:
                return answer
            failure = failure_of(self.profile, call, answer, timing.wall())
            may_have_acted = may_have_acted or failure.may_have_acted
            wait = wait_after(failure, attempt, timing.chance())
            if wait is None:
                raise self._error(call, replace(failure, may_have_acted=may_have_acted), attempt)
            if failure.status == 429:
                self._connection.pacer.slow_down(wait)
            else:
                timing.sleep(wait)

    def _sent(
        self, request: httpx.Request, attempt: int, *, is_read: bool
    ) -> httpx.Response | Lost:
        """Send once, when it is this request's turn, and let the tracer know."""
        self._connection.pacer.take()
        if not is_read:
            self._before_write()
        with self._counting:
            self._requests_made += 1
        tracer, timing = self._connection.tracer, self._connection.timing
        if tracer is None:
            return self._exchanged(request)
        at, begun = timing.wall(), timing.monotonic()
        answer = self._exchanged(request)
        seconds = timing.monotonic() - begun
        tracer.note(Exchange(self.profile, request, answer, attempt, at, seconds))
        return answer

    def _exchanged(self, request: httpx.Request) -> httpx.Response | Lost:
        """Return the answer, or what went wrong instead of raising it: httpx's errors hold the credential."""
        try:
            answer = self._connection.http.send(request, stream=True)
            try:
                return _received(answer)
            finally:
                answer.close()
        except httpx.RequestError as error:
            return Lost(_in_words(error), was_sent=not isinstance(error, _NEVER_SENT))

    def _json(self, call: Call, answer: httpx.Response) -> Any:  # noqa: ANN401 - JSON
        if answer.status_code == 204:
            return None
        value = _parsed(answer)
        if isinstance(value, Lost):
            now = self._connection.timing.wall()
            raise self._error(call, failure_of(self.profile, call, value, now), attempts=1)
        return value

    def _error(self, call: Call, failure: Failure, attempts: int) -> VendorError:
        return vendor_error(
            self.profile, self._credential, self._masker, call, failure, attempts=attempts
        )


def _url(base_url: str, path: str) -> httpx.URL | None:
    """Return the address of ``path``, or ``None`` for one that would reach another object than it seems to."""
    segments = unquote(path.partition("?")[0]).split("/")
    if not path.startswith("/") or "#" in path or not {".", ".."}.isdisjoint(segments):
        return None
    try:
        return httpx.URL(base_url + path)
    except httpx.InvalidURL:
        return None


def _is_sendable(header: str) -> bool:
    return header.isascii() and header.isprintable()


def _received(answer: httpx.Response) -> httpx.Response | Lost:
    """Read the body, and return the answer without its request, which holds the credential."""
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > LARGEST_BODY:
            size = LARGEST_BODY // 1024**2
            return Lost(f"The answer is longer than {size} MiB.", is_unusable=True)
    headers = [
        (name, value)
        for name, value in answer.headers.multi_items()
        if name.lower() not in _BODY_ENCODING  # the body is unpacked by now
    ]
    return httpx.Response(answer.status_code, headers=headers, content=bytes(body))


def _parsed(answer: httpx.Response) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON of the answer, or Lost. Never raises: a JSON error would carry the whole body along."""
    try:
        return jsonlib.loads(answer.content)
    except (ValueError, RecursionError):
        media_type = answer.headers.get("Content-Type", "").partition(";")[0] or "no type"
        return Lost(
            f"Expected JSON, but the answer ({answer.status_code}, {media_type}) is something else. "
            "Is there a login page, a proxy or another server in between?",
            is_unusable=True,
        )


def _in_words(error: httpx.RequestError) -> str:
    match error:
        case httpx.ConnectTimeout():
            return f"No connection within {TIMEOUT.connect:.0f} s."
        case httpx.PoolTimeout():
            return f"No free connection within {TIMEOUT.pool:.0f} s."
        case httpx.TimeoutException():
            return f"No answer within {TIMEOUT.read:.0f} s."
        case httpx.LocalProtocolError():
            return "The request is not valid HTTP."  # its own words repeat the header, so the credential
        case _:
            return f"{error}" or type(error).__name__
