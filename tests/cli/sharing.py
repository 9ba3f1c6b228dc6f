"""Say in the files of a shop where its records live."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.stores.firestore.failures import Place
    from tests.cli.conftest import Shop


def name_store(shop: Shop, place: Place, kind: str = "firestore", **more: str) -> None:
    """Say in ``environment.yaml`` where the records live."""
    store = {"kind": kind, "project": place.project, "collection": place.collection, **more}
    file = shop.folder / "environment.yaml"
    kept = [line for line in file.read_text("utf-8").splitlines() if not line.startswith("store:")]
    file.write_text("\n".join([*kept, f"store: {json.dumps(store)}", ""]), "utf-8")
