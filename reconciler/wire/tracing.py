"""Write down each request and its answer, for ``--trace`` and ``-v``. Never writes a secret, known or not.

Headers that carry credentials are left out, what stands under a secret name in a body or a query is blanked out before
anything is written, and what is left is masked by value. Bodies are shown of vendors alone whose profile allows it.
"""

from __future__ import annotations

import json
import os
import re
import stat
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from reconciler.core.masking import MASK, SHORTEST
from reconciler.core.redacting import holds_secret, is_secret_name, redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import httpx

    from reconciler.core.masking import Masker
    from reconciler.core.secret import Json
    from reconciler.wire.profile import VendorProfile
    from reconciler.wire.retrying import Lost

LONGEST_BODY = 4000
"""Characters of a body that are shown."""

_NAME = re.compile(r"[^\[\]]+")


class Exchange(NamedTuple):
    """One request that was sent, and what came back; ``at`` is in seconds since 1970."""

    profile: VendorProfile
    request: httpx.Request
    answer: httpx.Response | Lost
    attempt: int
    at: float
    seconds: float


class Tracer:
    """Writes exchanges to a file as JSON lines, and with ``verbosity`` to ``say``. Thread-safe.

    ``verbosity`` 1 says one line for each request, 2 the bodies, too. The file is readable by its owner alone;
    what it holds already is kept. Raises OSError when it cannot be opened. A trace that can no longer be written
    ends with a word to ``say``: it must not end what it tells of.
    """

    def __init__(
        self, masker: Masker, *, path: Path | None, verbosity: int, say: Callable[[str], None]
    ) -> None:
        self._masker = masker
        self._verbosity = verbosity
        self._say = say
        self._lock = threading.Lock()
        self._descriptor = _opened(path) if path is not None else None

    def note(self, exchange: Exchange) -> None:
        """Write one exchange down. Never raises: the request was made, and its outcome counts more than its trace."""
        try:
            record = self._clean(_record(exchange))
            if self._verbosity:
                self._say(_in_short(record, with_bodies=self._verbosity > 1))
            line = f"{self._text(record)}\n".encode("utf-8", "backslashreplace")
        except Exception as error:  # noqa: BLE001 - whatever an answer holds that nobody foresaw
            self._say(f"A request could not be traced ({type(error).__name__})")
            return
        with self._lock:
            if self._descriptor is not None:
                self._write(self._descriptor, line)

    def close(self) -> None:
        """Give back the file."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _write(self, descriptor: int, line: bytes) -> None:
        try:
            while line:
                line = line[os.write(descriptor, line) :]
        except OSError as error:
            os.close(descriptor)
            self._descriptor = None
            self._say(f"The trace ends here: it cannot be written ({error.strerror})")

    def _clean(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return ``record`` with its texts masked, and its bodies cut to length after that."""
        cleaned: dict[str, Any] = self._masked(record)
        for side in ("request", "response"):
            body = cleaned.get(side, {}).get("body")
            text = body if isinstance(body, str) else self._text(body)
            if len(text) > LONGEST_BODY:
                cut = f"{text[:LONGEST_BODY]}… ({len(text)} characters)"
                cleaned[side] = {**cleaned[side], "body": cut}
        return cleaned

    def _masked(self, value: Json) -> Json:
        if isinstance(value, dict):
            return {
                self._masker.mask(str(name)): self._masked(item) for name, item in value.items()
            }
        if isinstance(value, list):
            return [self._masked(item) for item in value]
        if isinstance(value, str):
            is_short_secret = len(value) < SHORTEST and self._masker.is_secret(value)
            return MASK if is_short_secret else self._masker.mask(value)
        return value

    def _text(self, value: Json) -> str:
        return self._masker.mask(json.dumps(value, ensure_ascii=False))


def _opened(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.fchmod(descriptor, 0o600)
    return descriptor


def _record(exchange: Exchange) -> dict[str, Any]:
    """Return what is told of an exchange; everything in a secret place is blanked out."""
    profile, request, answer, attempt, at, seconds = exchange
    record: dict[str, Any] = {
        "time": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds"),
        "vendor": profile.vendor,
        "method": request.method,
        "url": _url(request.url),
        "attempt": attempt,
        "seconds": round(seconds, 4),
        "request": _side(request.headers, request.content, shows=profile.shows_bodies),
    }
    if isinstance(answer, tuple):
        return {**record, "status": None, "lost": answer.reason}
    return {
        **record,
        "status": answer.status_code,
        "request_id": answer.headers.get(profile.request_id, ""),
        "response": _side(answer.headers, answer.content, shows=profile.shows_bodies),
    }


def _url(url: httpx.URL) -> str:
    query = _fields(url.params.multi_items())
    return f"{url.copy_with(query=None)}" + (f"?{urlencode(query, safe='[]')}" if query else "")


def _side(headers: httpx.Headers, content: bytes, *, shows: bool) -> dict[str, Json]:
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return {
        "headers": {name: value for name, value in headers.items() if not is_secret_name(name)},
        "body": _body(content, media_type, shows=shows),
    }


def _body(content: bytes, media_type: str, *, shows: bool) -> Json:
    """Return a body without what stands in a secret place; only its size when its places cannot be told."""
    if not content:
        return None
    hidden = f"({len(content)} bytes of {media_type or 'no type'}, not shown)"
    if not shows:
        return hidden
    try:
        if media_type == "application/x-www-form-urlencoded":
            return [list(pair) for pair in _fields(parse_qsl(content.decode("ascii"), True))]
        value = json.loads(content)
    except (ValueError, RecursionError):
        return hidden
    return redacted(value) if isinstance(value, (dict, list)) else hidden


def _fields(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the fields of a form or a query; ``metadata[token]`` is a secret place, too."""
    return [
        (name, MASK if any(map(holds_secret, _NAME.findall(name))) else value)
        for name, value in pairs
    ]


def _in_short(record: dict[str, Any], *, with_bodies: bool) -> str:
    """Return a line for a person, and the bodies on lines of their own."""
    end = record["lost"] if record["status"] is None else record["status"]
    notes = [f"request {record['request_id']}"] if record.get("request_id") else []
    notes += [f"attempt {record['attempt']}"] if record["attempt"] > 1 else []
    told = f" ({', '.join(notes)})" if notes else ""
    milliseconds = round(record["seconds"] * 1000)
    lines = [f"{record['method']} {record['url']}: {end} in {milliseconds} ms{told}"]
    for arrow, side in ((">", "request"), ("<", "response")) if with_bodies else ():
        body = record.get(side, {}).get("body")
        if body is not None:
            text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
            lines.append(f"  {arrow} {text}")
    return "\n".join(lines)
