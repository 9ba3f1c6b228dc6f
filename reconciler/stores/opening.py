"""Open the store of an environment as its settings say. Imports no more than that store needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput
from reconciler.stores.local import LocalStore

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.core.ports import Clock
    from reconciler.core.storing import StoreSettings
    from reconciler.stores.guarding import Guard
    from reconciler.stores.records import Records

Kind = Literal["local", "firestore"]


class Opening(NamedTuple):
    """What a store is opened with. ``root`` is the folder of local stores."""

    root: Path
    clock: Clock
    guard: Guard


def open_store(
    environment: str, settings: StoreSettings, opening: Opening, kind: Kind | None = None
) -> Records:
    """Return the store of an environment: that which is in use, or another ``kind``. Nothing is sent yet.

    Raises InvalidInput when the settings do not say where that is.
    """
    if (kind or settings.kind) == "local":
        return LocalStore(opening.root, environment, opening.clock, opening.guard)
    from reconciler.stores.firestore.failures import Place
    from reconciler.stores.firestore.store import FirestoreStore

    if settings.project is None:
        raise InvalidInput(
            [
                Diagnostic(
                    summary=f"The environment {environment} does not say where its Firestore store is",
                    detail="Name it in environment.yaml; with `kind: local` it is not used yet.",
                    mend="store: {kind: local, project: PROJECT, database: reconciler}",
                )
            ]
        )
    place = Place(settings.project, settings.database, settings.collection)
    return FirestoreStore(place, environment, opening.clock, opening.guard)
