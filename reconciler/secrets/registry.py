"""Which secret stores there are. Nothing is imported until a reference names it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

GROUP = "reconciler.secret_stores"

STORES: dict[str, str] = {
    "env": "reconciler.secrets.env:EnvSecrets",
    "file": "reconciler.secrets.file:FileSecrets",
    "gcp": "reconciler.secrets.gcp:GcpSecrets",
    "aws": "reconciler.secrets.aws:AwsSecrets",
    "vault": "reconciler.secrets.vault:VaultSecrets",
    "sops": "reconciler.secrets.sops:SopsSecrets",
    "keyring": "reconciler.secrets.keyring:KeyringSecrets",
    "command": "reconciler.secrets.command:CommandSecrets",
}


def store_names() -> tuple[str, ...]:
    """Return the names of all stores, ours and those of entry points."""
    return tuple(sorted({*STORES, *(found.name for found in entry_points(group=GROUP))}))


@cache
def store_type(name: str) -> Any:  # noqa: ANN401 - a secrets.store.StoreType, whose settings are its own
    """Return the class of the store ``name``. Raises KeyError for an unknown one."""
    if name in STORES:
        module, _, attribute = STORES[name].partition(":")
        return getattr(import_module(module), attribute)
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            return entry.load()
    raise KeyError(name)


def may_keep(name: str) -> bool:
    """Tell whether values can be put into the store ``name`` at all. Raises KeyError for an unknown one."""
    return bool(getattr(store_type(name), "may_keep", True))
