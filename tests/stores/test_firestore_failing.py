"""Firestore that is down, closed to us or not there: told in seconds, with what mends it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core import exceptions as google
from google.auth.exceptions import DefaultCredentialsError

from reconciler.cli.workspace import SystemClock
from reconciler.core.errors import (
    Conflict,
    NotFound,
    PermissionDenied,
    RateLimited,
    Unauthenticated,
    VendorError,
)
from reconciler.core.masking import Masker
from reconciler.stores.firestore import connection
from reconciler.stores.firestore.failures import Place, Unreached, translated
from reconciler.stores.firestore.store import FirestoreStore
from reconciler.stores.guarding import Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOGIN = "gcloud auth application-default login"
NOWHERE = Place("demo-shop", "reconciler", "reconciler")
ROOT = str(Path(__file__).parents[2])
SECONDS = 30
"""More than any of this may take, and far less than the five minutes of Google's client."""


@contextmanager
def silent_port() -> Iterator[str]:
    """Yield the address of something that accepts connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(50)
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def closed_port() -> Iterator[str]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
    yield address


@pytest.mark.parametrize("port", [silent_port, closed_port])
def test_a_backend_that_is_down_is_told_in_seconds(
    port: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SECONDS", 1.0)
    with port() as address:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", address)
        store = FirestoreStore(NOWHERE, "shop", SystemClock(), Guard(Masker()))
        begun = time.monotonic()

        for attempt in (store.base, lambda: store.lock("apply"), lambda: list(store.runs())):
            with pytest.raises(VendorError, match="cannot be reached") as caught:
                attempt()
            assert address in caught.value.detail
            assert f"--host-port={address}" in caught.value.mend

        store.close()
    assert time.monotonic() - begun < SECONDS


TOLD = (
    ("PermissionDenied", "Missing permissions.", PermissionDenied, "roles/datastore.user"),
    (
        "PermissionDenied",
        "Cloud Firestore API has not been used in project demo-shop before or it is disabled.",
        PermissionDenied,
        "gcloud services enable firestore.googleapis.com",
    ),
    (
        "NotFound",
        "The database reconciler does not exist for project demo-shop",
        NotFound,
        "gcloud firestore databases create --database=reconciler",
    ),
    (
        "FailedPrecondition",
        "The Cloud Firestore API is not available for Firestore in Datastore Mode database",
        VendorError,
        "--type=firestore-native",
    ),
    ("ServiceUnavailable", "Getting metadata from plugin failed", Unauthenticated, LOGIN),
    ("Unauthenticated", "x", Unauthenticated, LOGIN),
    ("DefaultCredentialsError", "none", Unauthenticated, LOGIN),
    ("DeadlineExceeded", "x", Unreached, "gcloud firestore databases describe"),
    ("ServiceUnavailable", "x", Unreached, "gcloud firestore databases describe"),
    ("ResourceExhausted", "x", RateLimited, ""),
    ("AlreadyExists", "x", Conflict, ""),
    ("FailedPrecondition", "x", Conflict, ""),
    ("Aborted", "x", Conflict, ""),
    ("InvalidArgument", "x", VendorError, ""),
)


@pytest.mark.parametrize(
    ("name", "said", "ours", "mend"), TOLD, ids=[str(number) for number in range(len(TOLD))]
)
def test_each_failure_is_told_with_what_mends_it(
    monkeypatch: pytest.MonkeyPatch, name: str, said: str, ours: type[VendorError], mend: str
) -> None:
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    error: Exception = vars(google).get(name, DefaultCredentialsError)(said)

    found = translated(error, NOWHERE)

    assert isinstance(found, ours)
    assert mend in found.mend
    assert "project demo-shop, database reconciler" in found.detail


def test_a_process_that_was_forked_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_processes", [1])
    store = FirestoreStore(place, "shop", SystemClock(), Guard(Masker()))

    with pytest.raises(VendorError, match="forked"):
        store.holder()
    store.close()


def test_nothing_of_google_is_imported_before_it_is_needed() -> None:
    program = (
        "import sys, reconciler, reconciler.cli.workspace, reconciler.cli.store_command;"
        "import reconciler.stores.opening, reconciler.stores.copying, reconciler.stores.firestore.store;"
        "found = {name.partition('.')[0] for name in sys.modules};"
        "sys.exit(' '.join(found & {'google', 'grpc', 'proto'}) or None)"
    )

    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ROOT},
    )

    assert (ended.returncode, ended.stderr) == (0, "")
