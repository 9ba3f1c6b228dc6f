"""Which secrets an environment refers to, what for, and which rights their stores ask for. Resolves nothing."""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from reconciler.cli.console import MASKER
from reconciler.core.errors import SecretUnavailable
from reconciler.core.permission import Grant
from reconciler.core.reference import BadReference, Scheme, SecretName, references
from reconciler.core.secret import secrets_in
from reconciler.files.environment import WebhookCheck
from reconciler.secrets import registry
from reconciler.secrets.store import SecretStore, Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.cli.workspace import Workspace
    from reconciler.core.record import Record
    from reconciler.core.secret import Json
    from reconciler.files.loading import Loaded


class Use(NamedTuple):
    """One place that refers to a secret, in words; ``captures`` when an apply writes there."""

    text: str
    words: str
    captures: bool = False


class Need(NamedTuple):
    """A secret that is referred to, and all its uses."""

    name: SecretName
    uses: tuple[str, ...]
    captured: bool

    @property
    def reference(self) -> str:
        """Return the reference as files write it."""
        return f"${{secret:{self.name}}}"


def needs_of(loaded: Loaded) -> tuple[Need, ...]:
    """Return the secrets of an environment, sorted: of accounts, stores, fingerprints, checks and resources."""
    uses: defaultdict[SecretName, list[Use]] = defaultdict(list)
    for use in (*_of_environment(loaded), *_of_resources(loaded)):
        for name in _names(use.text):
            uses[name].append(use)
    for store in sorted({name.store for name in uses} | loaded.stores.keys()):
        for use in _in_settings(_store_settings(loaded, store), f"the secret store {store}"):
            for name in _names(use.text):
                uses[name].append(use)
    return tuple(
        Need(
            name,
            tuple(dict.fromkeys(use.words for use in found)),
            any(use.captures for use in found),
        )
        for name, found in sorted(uses.items(), key=lambda pair: str(pair[0]))
    )


def credentials_of(settings: Record) -> tuple[str, ...]:
    """Return the references in the settings of an account."""
    names = (name for use in _in_settings(settings, "") for name in _names(use.text))
    return tuple(f"${{secret:{name}}}" for name in dict.fromkeys(names))


def open_store(workspace: Workspace, loaded: Loaded, name: str) -> SecretStore:
    """Return the store ``name`` with its settings. Asks nobody. Raises SecretUnavailable."""
    try:
        store_type = registry.store_type(name)
    except KeyError:
        known = ", ".join(registry.store_names())
        raise SecretUnavailable(
            f"There is no secret store {name!r}", detail=f"There are: {known}."
        ) from None
    settings = _store_settings(loaded, name)
    if settings is None:
        raise SecretUnavailable(
            f"The secret store {name} has no settings",
            detail=f"${{secret:{name}/…}} needs to know where to look.",
            mend=f"secrets: {{stores: {{{name}: {{…}}}}}}   # in environment.yaml",
        )
    around = Surroundings(
        workspace.root,
        os.environ,
        MASKER,
        workspace.secrets(loaded).resolve,
        workspace.connections(),
    )
    store: SecretStore = store_type(settings, around)
    return store


def grants(store: SecretStore, need: Need, *, writes: bool) -> tuple[Grant, ...]:
    """Return the rights to read a secret, or those that writing it takes besides. Raises SecretUnavailable."""
    reading = store.rights(need.name, writes=False)
    if not writes:
        return tuple(Grant(*right) for right in reading)
    both = store.rights(need.name, writes=True)
    return tuple(Grant(*right) for right in both if right not in reading)


def _of_environment(loaded: Loaded) -> Iterator[Use]:
    for vendor, settings in loaded.settings.items():
        yield from _in_settings(settings, f"the {vendor} account")
    environment = loaded.environment
    if environment.secrets.fingerprint_key is not None:
        yield Use(environment.secrets.fingerprint_key, "fingerprints")
    for check in environment.checks:
        match check.what:
            case WebhookCheck(secret=secret):
                yield Use(secret, f"the check {check.name}")
            case _:
                pass


def _of_resources(loaded: Loaded) -> Iterator[Use]:
    for item in loaded.desired.resources:
        if item.absent:
            continue
        for field, value in item.values.items():
            for secret in secrets_in(value):
                if secret.reference is not None:
                    yield Use(secret.reference, f"{item.address} {field}")
        for output, place in item.capture:
            yield Use(place, f"{item.address} keeps its {output} there", captures=True)


def _store_settings(loaded: Loaded, store: str) -> Record | None:
    """Return the settings of a store, its defaults when none are given; ``None`` where it needs some."""
    if store in loaded.stores:
        return loaded.stores[store]
    try:
        settings: Record = registry.store_type(store).settings_type()
    except (KeyError, ValueError):
        return None
    return settings


def _in_settings(settings: Record | None, words: str) -> Iterator[Use]:
    for path, text in _texts(settings.model_dump() if settings is not None else {}):
        yield Use(text, f"{words} ({path})")


def _texts(value: Mapping[str, Json] | Json, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in a value with the path to it."""
    match value:
        case str():
            yield path, value
        case dict():
            for key, inner in value.items():
                yield from _texts(inner, f"{path}.{key}" if path else str(key))
        case list() | tuple():
            for inner in value:
                yield from _texts(inner, path)
        case _:
            return


def _names(text: str) -> tuple[SecretName, ...]:
    try:
        found = references(text)
    except BadReference:
        return ()
    return tuple(one.secret for one in found if one.scheme is Scheme.SECRET)
