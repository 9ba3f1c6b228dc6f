"""Snapshots and plans as text, and back. A file that was altered, or is of a newer format, is refused by name."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from reconciler.core.digest import canonical_json
from reconciler.core.errors import CorruptFile
from reconciler.core.plan import PLAN_FORMAT, Plan, digest_of
from reconciler.core.state import SNAPSHOT_FORMAT, Entry, Snapshot, SnapshotHeader

if TYPE_CHECKING:
    from collections.abc import Iterable
    from hashlib import _Hash as Hash

    from reconciler.core.secret import Json

_ENTRY = TypeAdapter(Entry)


def snapshot_text(snapshot: Snapshot) -> str:
    """Return the lines of a snapshot file: the header with its digest, then one entry a line."""
    body = "".join(
        f"{canonical_json(_ENTRY.dump_python(entry, mode='json'))}\n" for entry in snapshot.entries
    )
    header = snapshot.header.model_copy(update={"entries": len(snapshot.entries)})
    digest = _hash_of(header.model_dump(mode="json"))
    digest.update(body.encode("utf-8", "surrogatepass"))
    sealed = header.model_copy(update={"digest": f"sha256:{digest.hexdigest()}"})
    return f"{canonical_json(sealed.model_dump(mode='json'))}\n{body}"


def parse_snapshot(lines: Iterable[str], where: str) -> Snapshot:
    """Return the snapshot in the ``lines`` of a file. Raises CorruptFile, naming ``where``.

    Reads line by line: a file may hold 100,000 entries.
    """
    rest = iter(lines)
    first = next(rest, "")
    header = parse_header(first, where)
    digest = _hash_of(_json(first, where))
    entries = []
    problem: ValidationError | None = None
    for line in rest:
        digest.update(line.encode("utf-8", "surrogatepass"))
        if problem is None:
            try:
                entries.append(_ENTRY.validate_json(line))
            except ValidationError as error:
                problem = error
    if header.digest != f"sha256:{digest.hexdigest()}":
        raise CorruptFile(
            f"{where}: the snapshot was altered or cut off",
            detail="Its digest does not match its content, so nothing may be rolled back to it.",
            mend="restore the file from Git, or use another snapshot: reconciler history ENV",
        )
    if problem is not None:
        raise _unreadable(where, problem)
    return Snapshot(header, tuple(entries))


def parse_header(line: str, where: str) -> SnapshotHeader:
    """Return the header in the first line of a snapshot file. Raises CorruptFile."""
    _refuse_newer(_json(line, where), "reconciler.snapshot", SNAPSHOT_FORMAT, where)
    try:
        return SnapshotHeader.model_validate_json(line)
    except ValidationError as error:
        raise _unreadable(where, error) from None


def plan_text(plan: Plan) -> str:
    """Return the text of a plan file."""
    return f"{json.dumps(plan.model_dump(mode='json'), indent=2, sort_keys=True, ensure_ascii=False)}\n"


def parse_plan(text: str, where: str) -> Plan:
    """Return the plan in ``text``. Raises CorruptFile, naming ``where``."""
    document = _json(text, where)
    _refuse_newer(document, "reconciler.plan", PLAN_FORMAT, where)
    if document.get("digest") != digest_of(document):
        raise CorruptFile(
            f"{where}: the plan was altered",
            detail="Its digest does not match its content, so it cannot be trusted.",
            mend="make a new one: reconciler plan ENV -o FILE",
        )
    try:
        return Plan.model_validate_json(text)
    except ValidationError as error:
        raise _unreadable(where, error) from None


def _hash_of(header: dict[str, Json]) -> Hash:
    """Return a running hash that has taken in the document of a header, without its digest."""
    return sha256(f"{canonical_json({**header, 'digest': ''})}\n".encode())


def _json(text: str, where: str) -> Json:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise CorruptFile(
            f"{where}: not a file of reconciler",
            detail="It is no JSON; it may have been cut off.",
            mend="restore it from Git, or make a new one",
        ) from None


def _refuse_newer(value: Json, expected: str, newest: int, where: str) -> None:
    name = value.get("format") if isinstance(value, dict) else None
    if name != expected:
        raise CorruptFile(f"{where}: not a {expected.removeprefix('reconciler.')} of reconciler")
    version = value.get("format_version")
    if not isinstance(version, int) or version > newest:
        raise CorruptFile(
            f"{where}: written by a newer version of reconciler",
            detail=f"Its format is {version}; this version knows formats up to {newest}.",
            mend="pip install --upgrade reconciler",
        )


def _unreadable(where: str, error: ValidationError) -> CorruptFile:
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return CorruptFile(f"{where}: not readable", detail=f"{place}: {first['msg']}")
