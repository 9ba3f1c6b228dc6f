"""Calls to Firestore, each with a time limit and retries of our own: Google's client would try for five minutes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from reconciler.core.errors import RateLimited
from reconciler.stores.firestore.failures import (
    Contended,
    Unreached,
    after_a_fork,
    translated,
    without_client,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.api_core.retry import Retry
    from google.cloud.firestore import (
        Client,
        CollectionReference,
        DocumentReference,
        DocumentSnapshot,
        Query,
    )

    from reconciler.core.errors import VendorError
    from reconciler.core.ports import Clock
    from reconciler.stores.firestore.failures import Place

T_co = TypeVar("T_co", covariant=True)

SECONDS: Final = 10.0
"""How long one small request may take."""

LONG: Final = 20.0
"""How long one may take that carries up to a megabyte."""

ATTEMPTS: Final = 3
PATIENCE: Final = 0.2
"""Seconds before the second attempt; each further wait is twice as long."""

PAGE: Final = 100

SLOW: Final = "slow"
"""The code of an error that was waited for in vain."""

_processes: list[int] = []
"""The first process that made a call. Google's client hangs in a process that was forked from it."""


class Request(Protocol[T_co]):
    """A method of Google's client that takes its time limit and retries."""

    def __call__(self, *, retry: Retry, timeout: float) -> T_co: ...


class Connection:
    """A database. Nothing is imported or sent before the first call."""

    def __init__(self, place: Place, clock: Clock) -> None:
        self.place = place
        self._clock = clock
        self._client: Client | None = None
        self._was_answered = False
        self._dead: Unreached | None = None

    @property
    def client(self) -> Client:
        """Return Google's client. Raises VendorError when there is none, Unauthenticated without a credential."""
        if self._client is None:
            try:
                from google.auth.exceptions import GoogleAuthError
                from google.cloud.firestore import Client
            except ImportError:
                raise without_client() from None
            try:
                self._client = Client(project=self.place.project, database=self.place.database)
            except (GoogleAuthError, OSError) as error:
                raise translated(error, self.place) from None
        return self._client

    def collection(self, *path: str) -> CollectionReference:
        """Return a collection below that of the store."""
        return self.client.collection(self.place.collection, *path)

    def call(
        self, request: Request[T_co], *, seconds: float | None = None, once: bool = False
    ) -> T_co:
        """Make ``request`` and return its answer; again when none came, unless it may be made but ``once``.

        What never answered is not asked again. Raises VendorError: Unreached when no answer came.
        """
        if self._dead is not None:
            raise self._dead
        attempts = 1 if once else ATTEMPTS
        for attempt in range(1, attempts + 1):
            try:
                return self._attempted(request, seconds or SECONDS)
            except (Unreached, Contended, RateLimited) as error:
                is_slow = error.code == SLOW
                if attempt == attempts or (is_slow and (attempt > 1 or not self._was_answered)):
                    self._note(error)
                    raise
            self._clock.sleep(PATIENCE * 2 ** (attempt - 1))
        raise AssertionError("the last attempt returns or raises")

    def pages(self, query: Query | CollectionReference, *fields: str) -> Pages:
        """Return the documents of ``query`` by their field ``id``, newest first."""
        return Pages(self, query, fields)

    def close(self) -> None:
        """Give the connection back."""
        if self._client is not None:
            self._client.close()  # type: ignore[no-untyped-call]  # Google's client
            self._client = None

    def _attempted(self, request: Request[T_co], seconds: float) -> T_co:
        from google.api_core.exceptions import DeadlineExceeded, GoogleAPIError
        from google.auth.exceptions import GoogleAuthError

        if not _processes:
            _processes.append(os.getpid())
        if _processes[0] != os.getpid():
            raise after_a_fork()
        try:
            answer = request(retry=_never(), timeout=seconds)
        except (GoogleAPIError, GoogleAuthError) as error:
            ours = translated(error, self.place)
            if isinstance(error, DeadlineExceeded):
                ours.code = SLOW
            self._was_answered |= not isinstance(ours, Unreached)
            raise ours from None
        self._was_answered = True
        return answer

    def _note(self, error: VendorError) -> None:
        """Remember that this database has never answered: to wait for it once is enough."""
        if isinstance(error, Unreached) and not self._was_answered:
            self._dead = error


class Pages:
    """The documents of a query, in pages of their own requests, so that no more is read than is wanted."""

    def __init__(
        self, connection: Connection, query: Query | CollectionReference, fields: Sequence[str]
    ) -> None:
        self._connection = connection
        self._query = query.select(["id", *fields]).order_by("id", direction="DESCENDING")

    def __iter__(self) -> Any:  # noqa: ANN401 - an iterator of DocumentSnapshot
        query = self._query.limit(PAGE)
        while True:
            found = self._connection.call(listing(query))
            yield from found
            if len(found) < PAGE:
                return
            query = self._query.start_after({"id": found[-1].get("id")}).limit(PAGE)


def _never() -> Retry:
    """Return what keeps Google's client from trying again.

    ``None`` will not do: a stream that breaks off asks it (google-cloud-firestore 2.34, ``Query.stream``).
    """
    from google.api_core.retry import Retry

    return Retry(predicate=lambda _: False)


def listing(query: Query | CollectionReference) -> Request[list[DocumentSnapshot[Any]]]:
    """Return the request for every document of ``query``."""

    def listed(*, retry: Retry, timeout: float) -> list[DocumentSnapshot[Any]]:
        return list(query.stream(retry=retry, timeout=timeout))

    return listed


def creating(document: DocumentReference, data: dict[str, Any]) -> Request[Any]:
    """Return the request that makes ``document``, which must not be there."""

    def created(*, retry: Retry, timeout: float) -> object:
        return document.create(data, retry=retry, timeout=timeout)

    return created


def setting(document: DocumentReference, data: dict[str, Any]) -> Request[Any]:
    """Return the request that writes ``document`` anew."""

    def was_set(*, retry: Retry, timeout: float) -> object:
        return document.set(data, retry=retry, timeout=timeout)

    return was_set
