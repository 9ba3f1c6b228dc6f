"""Texts of any length as documents, compressed: one document may hold no more than a mebibyte.

What is longer lies in parts below its document, which is written last: whoever finds it finds all of its parts, too.
Source: Firestore quotas, maximum size of a document.
"""

from __future__ import annotations

import gzip
import zlib
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.errors import Conflict, CorruptFile
from reconciler.stores.firestore.connection import LONG, creating, setting

if TYPE_CHECKING:
    from google.cloud.firestore import DocumentReference

    from reconciler.stores.firestore.connection import Connection
    from reconciler.stores.guarding import Guard

PART: Final = 900_000
"""Bytes of compressed text in one document: room is left for the other fields and Firestore's own."""


class Texts:
    """Writes and reads texts. None is written in which a secret value stands."""

    def __init__(self, connection: Connection, guard: Guard) -> None:
        self._connection = connection
        self._guard = guard

    def create(self, document: DocumentReference, text: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
        """Write a text that is not there yet, or is there already just so.

        Raises Refused when a secret value stands in it, Conflict when another text stands there.
        """
        head = self._parts_written(document, text, fields)
        try:
            self._connection.call(creating(document, head), seconds=LONG)
        except Conflict:
            found = self._connection.call(document.get).to_dict() or {}
            if found.get("sha256") != head["sha256"]:
                raise

    def put(self, document: DocumentReference, text: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
        """Write a text; one that stands there is replaced. Raises Refused."""
        head = self._parts_written(document, text, fields)
        self._connection.call(setting(document, head), seconds=LONG)

    def read(self, document: DocumentReference, where: str) -> str | None:
        """Return a text; ``None`` when it is not there. Raises CorruptFile, naming ``where``."""
        head = self._connection.call(document.get, seconds=LONG).to_dict()
        if head is None:
            return None
        data = head.get("data")
        if data is None:
            data = self._parts(document, head, where)
        try:
            content = gzip.decompress(data)
            if _digest(content) != head["sha256"]:
                raise _corrupt(where, "Its digest does not match its content.")
            return content.decode()
        except (OSError, EOFError, zlib.error, ValueError, TypeError, KeyError):
            raise _corrupt(where, "It is not what was written.") from None

    def _parts_written(
        self, document: DocumentReference, text: str, fields: dict[str, Any]
    ) -> dict[str, Any]:
        """Write the parts of a long text, and return the document that holds it or tells of them."""
        self._guard.check(Path(document.id), text)
        content = text.encode()
        head = {**fields, "sha256": _digest(content), "size": len(content)}
        data = gzip.compress(content, compresslevel=6, mtime=0)
        if len(data) <= PART:
            return {**head, "data": data}
        parts = [data[start : start + PART] for start in range(0, len(data), PART)]
        for number, part in enumerate(parts):
            request = setting(_part(document, head["sha256"], number), {"data": part})
            self._connection.call(request, seconds=LONG)
        return {**head, "parts": len(parts)}

    def _parts(self, document: DocumentReference, head: dict[str, Any], where: str) -> bytes:
        found = []
        for number in range(int(head.get("parts", 0))):
            part = _part(document, str(head.get("sha256")), number)
            content = (self._connection.call(part.get, seconds=LONG).to_dict() or {}).get("data")
            if not isinstance(content, bytes):
                raise _corrupt(where, f"Part {number + 1} of {head['parts']} is missing.")
            found.append(content)
        return b"".join(found)


def _part(document: DocumentReference, digest: str, number: int) -> DocumentReference:
    """Return the place of a part, which no other text shares."""
    found: DocumentReference = document.collection("parts").document(f"{digest[:32]}-{number:04}")
    return found


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def _corrupt(where: str, detail: str) -> CorruptFile:
    return CorruptFile(
        f"{where}: the document was altered or is not whole",
        detail=detail,
        mend="use another snapshot: reconciler history ENV",
    )
