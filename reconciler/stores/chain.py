"""The chain of a journal's records: each holds the digest of the line before it. Pure; writes nothing.

A record that was altered, added or taken out is noticed.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

Record = dict[str, Any]
FIRST: Final = "sha256:" + "0" * 64
"""What stands for the line before the first."""


class End(NamedTuple):
    """Where a chain ends: the number of its last record, and the digest of that line."""

    seq: int = 0
    digest: str = FIRST


class Writer(NamedTuple):
    """Who writes records: for which run, with which fencing number."""

    run: str
    fence: int


def following(
    end: End, writer: Writer, at: datetime, event: str, facts: Record
) -> tuple[bytes, End]:
    """Return the line that comes after ``end``, and where the chain ends then."""
    record = {
        "seq": end.seq + 1,
        "at": at.isoformat(timespec="milliseconds"),
        "run": writer.run,
        "fence": writer.fence,
        "event": event,
        **facts,
        "before": end.digest,
    }
    line = f"{json.dumps(record, ensure_ascii=False)}\n".encode()
    return line, End(end.seq + 1, digest_of(line))


def end_of(whole: Sequence[bytes]) -> End:
    """Return where a chain of whole lines ends."""
    return End(len(whole), digest_of(whole[-1])) if whole else End()


def digest_of(line: bytes) -> str:
    """Return what the record after ``line`` says of it."""
    return f"sha256:{sha256(line).hexdigest()}"


def records_in(lines: Iterable[bytes]) -> tuple[Record, ...]:
    """Return the records of a journal. A last line that was cut off by a power failure is left out."""
    return tuple(json.loads(line) for line in whole_lines(lines))


def whole_lines(lines: Iterable[bytes]) -> list[bytes]:
    """Return the lines up to the first that is not a whole record."""
    whole: list[bytes] = []
    for line in lines:
        try:
            json.loads(line)
        except ValueError:
            break
        if not line.endswith(b"\n"):
            break
        whole.append(line)
    return whole


def problems_in(lines: Iterable[bytes]) -> Iterator[str]:
    """Yield what shows that a journal was tampered with: broken links, gaps, lines that are no records."""
    before = FIRST
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            return  # the last line, cut off by a power failure: it never told anything
        try:
            record = json.loads(line)
        except ValueError:
            yield f"line {number} is not a record"
            return
        if record.get("before") != before:
            yield f"line {number} does not follow from the line before it"
        if record.get("seq") != number:
            yield f"line {number} has the number {record.get('seq')}"
        before = digest_of(line)
