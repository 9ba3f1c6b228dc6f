"""Ask secret stores what a comparison cannot do without. Values stay in the secret source: hashes come back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.errors import SecretNotFound, SecretUnavailable
from reconciler.core.secret import SecretValue, secrets_in
from reconciler.core.witness import Witness, asked_for, scene_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.core.ports import SecretSource
    from reconciler.core.state import DesiredState, Entry, Snapshot

ASKERS = 8
"""Threads."""


class _Answer(NamedTuple):
    text: str
    known: SecretValue | None = None
    why_not: str = ""
    is_absent: bool = False


def witnessed(
    desired: DesiredState, live: Snapshot, base: Snapshot | None, secrets: SecretSource
) -> Witness:
    """Return what the references that ``desired`` is compared by give now.

    A store that tells versions is not asked for a value whose version is the one that is known.
    """
    entries = base.by_address() if base is not None else {}
    by_address = live.by_address()
    texts = sorted(asked_for(desired, scene_of(desired, by_address, entries)))
    before = (
        {known.reference: known for known in _remembered((live, base)) if known.version}
        if texts
        else {}
    )
    agreeing = dict(_agreeing(desired, by_address, secrets))
    return asked(texts, secrets, before)._replace(agreeing=agreeing)


def asked(
    texts: Sequence[str],
    secrets: SecretSource,
    before: Mapping[str | None, SecretValue] | None = None,
) -> Witness:
    """Return what each reference gives now; ``before`` is what was known of it. Asks for several at a time."""
    if not texts:
        return Witness()
    known = before or {}
    with ThreadPoolExecutor(max_workers=ASKERS, thread_name_prefix="witness") as pool:
        answers = list(pool.map(lambda text: _ask(text, known.get(text), secrets), texts))
    return Witness(
        known={one.text: one.known for one in answers if one.known is not None},
        absent=frozenset(one.text for one in answers if one.is_absent),
        silent={one.text: one.why_not for one in answers if one.known is None},
    )


def _ask(text: str, before: SecretValue | None, secrets: SecretSource) -> _Answer:
    try:
        if before is not None and before.fingerprint is not None:
            now = secrets.newest(text)
            if now is not None and now.version == before.version:
                return _Answer(text, before)
        return _Answer(text, secrets.known(text))
    except SecretNotFound as error:
        return _Answer(text, why_not=error.summary, is_absent=True)
    except SecretUnavailable as error:
        return _Answer(text, why_not=error.summary)


def _remembered(snapshots: Iterable[Snapshot | None]) -> Iterator[SecretValue]:
    for snapshot in snapshots:
        for entry in snapshot.entries if snapshot is not None else ():
            yield from secrets_in(entry.values)
            yield from secrets_in(entry.outputs)


def _agreeing(
    desired: DesiredState, live: Mapping[str, Entry], secrets: SecretSource
) -> Iterator[tuple[tuple[str, str], bool]]:
    """Compare the digests that vendors show of values which they don't: the value is fetched, hashed and forgotten."""
    for item in desired.resources:
        entry = live.get(item.address)
        for name, digest in (entry.digests if entry is not None else {}).items():
            value = item.values.get(name)
            if not isinstance(value, SecretValue) or value.reference is None:
                continue
            if "${ref:" in value.reference:
                continue
            try:
                resolved = secrets.resolve(value.reference)
            except SecretUnavailable:
                continue
            yield (item.address, name), sha256(resolved.encode()).hexdigest() == digest.lower()
