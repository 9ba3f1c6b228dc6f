"""The lease of an environment as a document, changed on condition that nobody changed it since it was read.

That condition is its update time, not a transaction: those lock each other out when many want the lease (measured). The
clock that counts is the server's, as each answer tells it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.core.errors import Conflict, NotFound
from reconciler.stores.firestore.connection import creating
from reconciler.stores.firestore.failures import Unreached
from reconciler.stores.holder import Holder, holder_of
from reconciler.stores.lease import Seen

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from google.api_core.retry import Retry
    from google.cloud.firestore import DocumentReference

    from reconciler.stores.firestore.connection import Connection

_CONSOLE: Final = "https://console.cloud.google.com/firestore/databases"


class DocumentSlot:
    """A lease in a document. ``time`` makes the time that counts of the server's."""

    def __init__(
        self,
        connection: Connection,
        document: DocumentReference,
        environment: str,
        time: Callable[[datetime], datetime],
    ) -> None:
        self._connection = connection
        self._document = document
        self._environment = environment
        self._time = time

    @property
    def environment(self) -> str:
        return self._environment

    def read(self) -> Seen:
        found = self._connection.call(self._document.get)
        now = self._time(found.read_time)
        content = found.to_dict()
        if content is None:
            return Seen(None, now)
        holder = holder_of(content, self._where, self._mend)
        return Seen(holder, now, found.update_time)

    def swap(self, seen: Seen, holder: Holder) -> bool:
        try:
            self._write(seen, holder)
        except (Conflict, NotFound):
            return False
        except Unreached:
            if (
                self.read().holder != holder
            ):  # no two holders, and no two of its heartbeats, are equal
                raise
        return True

    def _write(self, seen: Seen, holder: Holder) -> None:
        content = holder._asdict()
        if seen.version is None:
            self._connection.call(creating(self._document, content), once=True)
            return
        option = self._connection.client.write_option(last_update_time=seen.version)

        def update(*, retry: Retry, timeout: float) -> object:
            return self._document.update(content, option=option, retry=retry, timeout=timeout)

        self._connection.call(update, once=True)

    @property
    def _where(self) -> str:
        return f"{self._connection.place}: {self._document.path}"

    @property
    def _mend(self) -> str:
        place = self._connection.place
        data = f"{_CONSOLE}/{place.database.strip('()')}/data?project={place.project}"
        return f"{data}   # delete {self._document.path} there, once no apply is running"
