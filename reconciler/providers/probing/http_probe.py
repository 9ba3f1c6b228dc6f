"""One request: its status, a value in its JSON body, and how long the answer took."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.providers.probing.json_path import Absent, found_at
from reconciler.providers.probing.verdict import Verdict

if TYPE_CHECKING:
    import httpx

    from reconciler.core.secret import Json

LARGEST: Final = 1 << 20
"""Bytes of a body that are read; a longer one is no status page."""


class Expected(NamedTuple):
    """The value that a JSON body is to have at ``path``."""

    path: str
    value: Json


class HttpProbe(NamedTuple):
    """One request to make; ``timeout`` and ``max_latency`` in seconds."""

    name: str
    url: str
    expect_status: int
    timeout: float
    body: Expected | None = None
    max_latency: float | None = None


class _UnusableBodyError(Exception):
    """A body that was not read to its end."""


def http_verdict(probe: HttpProbe, client: httpx.Client) -> Verdict:
    """Ask once. Raises httpx.HTTPError when there is no answer."""
    begun = time.monotonic()
    wrong: str | None = None
    said = ""
    with client.stream("GET", probe.url, timeout=probe.timeout) as response:
        status = response.status_code
        if probe.body is not None:
            try:
                said, wrong = _compared(probe.body, _body(response, begun + probe.timeout))
            except _UnusableBodyError as error:
                wrong = str(error)
    seconds = time.monotonic() - begun
    slow = probe.max_latency is not None and seconds > probe.max_latency
    parts = [
        f"{status}, expected {probe.expect_status}",
        "a redirect, which was not followed" if response.has_redirect_location else "",
        wrong or said,
        f"took {seconds:.2f} s, at most {probe.max_latency:g} s are wanted" if slow else "",
    ]
    passed = status == probe.expect_status and wrong is None and not slow
    return Verdict(passed, ", ".join(part for part in parts if part))


def _body(response: httpx.Response, deadline: float) -> bytes:
    """Read a body. Each wait has its time-out; the deadline is for a server that sends on and on."""
    read = bytearray()
    for chunk in response.iter_bytes():
        read += chunk
        if len(read) > LARGEST:
            raise _UnusableBodyError(f"the body is longer than {LARGEST} bytes")
        if time.monotonic() > deadline:
            raise _UnusableBodyError("the body did not end in time")
    return bytes(read)


def _compared(expected: Expected, body: bytes) -> tuple[str, str | None]:
    """Return what the body says, and what is wrong with it."""
    try:
        value: Json = json.loads(body)
    except (ValueError, RecursionError):
        return "", "the body is not JSON"
    found = found_at(value, expected.path)
    wanted = json.dumps(expected.value, sort_keys=True, default=str)
    if found is Absent.VALUE:
        return "", f"{expected.path} is absent, expected {wanted}"
    said = f"{expected.path} is {json.dumps(found, sort_keys=True)}"
    return said, None if _same(found, expected.value) else f"{said}, expected {wanted}"


def _same(one: Json, other: Json) -> bool:
    """Tell whether two JSON values are equal; unlike in Python, ``true`` is not 1."""
    match one, other:
        case (dict(), dict()):
            return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
        case (list(), list()):
            return len(one) == len(other) and all(map(_same, one, other))
        case _:
            return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
