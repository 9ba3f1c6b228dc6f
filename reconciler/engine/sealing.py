"""Keep secret values that exist nowhere else inside a snapshot, encrypted for the operator. Reads only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.core.behaviour import defaults_of, rules_of
from reconciler.core.errors import NotFound, SecretUnavailable
from reconciler.core.ports import Reveals
from reconciler.core.secret import SecretValue
from reconciler.engine.observing import vendor_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.core.behaviour import FieldRule
    from reconciler.core.ports import SecretSource, Session
    from reconciler.core.resource import Resource
    from reconciler.core.state import Entry, Snapshot

READERS = 8
"""Threads. The limit that counts is the vendor's pace."""


def with_sealed(
    snapshot: Snapshot,
    sessions: Mapping[str, Session],
    models: Mapping[str, type[Resource]],
    secrets: SecretSource,
    *,
    wanted: Callable[[Entry], bool] = lambda entry: entry.address is not None,
) -> Snapshot:
    """Return ``snapshot`` with the secrets sealed that no reference is known to give, of the ``wanted`` entries.

    A value whose fingerprint is known needs no look; one that a declared reference turns out to give stays a
    reference. Does nothing unless a recipient is named. Raises VendorError, and SecretUnavailable without a key.
    """
    if not secrets.seals:
        return snapshot

    def sealed(entry: Entry) -> Entry:
        fields = _unproven(entry, models[entry.kind]) if wanted(entry) else ()
        return _sealed(entry, fields, sessions, secrets) if fields else entry

    with ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="seal") as pool:
        return snapshot._replace(entries=tuple(pool.map(sealed, snapshot.entries)))


def _unproven(entry: Entry, model: type[Resource]) -> tuple[FieldRule, ...]:
    """Return the secret fields whose live value is not known to be that of a reference, and can be read."""
    defaults = defaults_of(model)
    return tuple(
        rule
        for rule in rules_of(model)
        if rule.can_be_revealed(entry.values, defaults) and not _is_proven(entry, rule)
    )


def _is_proven(entry: Entry, rule: FieldRule) -> bool:
    value = entry.values.get(rule.name)
    return isinstance(value, SecretValue) and value.fingerprint is not None


def _sealed(
    entry: Entry,
    fields: tuple[FieldRule, ...],
    sessions: Mapping[str, Session],
    secrets: SecretSource,
) -> Entry:
    session = sessions.get(vendor_of(entry.kind))
    provider: object = session.provider(entry.kind) if session is not None else None
    if not isinstance(provider, Reveals):
        return entry
    try:
        shown = provider.reveal(entry.remote_id)
    except NotFound:  # gone since the list was read
        return entry
    values = {
        rule.name: _kept(shown[rule.name], entry.values.get(rule.name), secrets)
        for rule in fields
        if rule.name in shown
    }
    return replace(entry, values={**entry.values, **values})


def _kept(value: str, declared: object, secrets: SecretSource) -> SecretValue:
    fingerprint = secrets.fingerprint(value)
    reference = declared.reference if isinstance(declared, SecretValue) else None
    if reference is not None and "${ref:" not in reference:
        try:
            known = secrets.known(reference)
        except SecretUnavailable:
            known = SecretValue(reference)
        if known.fingerprint == fingerprint:
            return known
    return SecretValue(None, fingerprint, sealed=secrets.seal(value))
