"""Fill in, at the last moment, what a plan only refers to: secrets, and what this run has made."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.errors import Refused, SecretUnavailable, StalePlan
from reconciler.core.reference import Reference, Scheme, parse, references
from reconciler.core.secret import Deferred, Json, SecretValue, secrets_in
from reconciler.core.snapshotting import Applied

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from reconciler.core.change import Change
    from reconciler.core.ports import SecretSource
    from reconciler.core.revocation import Revocation


FETCHERS = 8
"""Threads. Secret stores are asked for different secrets at the same time."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a run made. ``values`` are outputs of new objects by (address, output); they live here alone.

    The rest is what the snapshot after the run remembers: see ``core.snapshotting.Applied``. ``captured`` says under
    which reference an output of an earlier run is kept.
    """

    ids: dict[str, str] = field(default_factory=dict)
    values: dict[tuple[str, str], str] = field(default_factory=dict)
    captured: dict[tuple[str, str], str] = field(default_factory=dict)
    secrets: dict[str, SecretValue] = field(default_factory=dict)
    outputs: dict[tuple[str, str], SecretValue] = field(default_factory=dict)
    aside: dict[tuple[str, str], SecretValue] = field(default_factory=dict)

    @property
    def applied(self) -> Applied:
        """Return what is to be remembered."""
        return Applied(self.ids, self.secrets, self.outputs, self.aside)


def filled_values(change: Change, secrets: SecretSource, made: Made) -> dict[str, Json]:
    """Return all fields of a create or replace, fully known. Raises SecretUnavailable."""
    return {name: _filled(value, secrets, made) for name, value in change.values.items()}


def filled_fields(change: Change, secrets: SecretSource, made: Made) -> dict[str, Json]:
    """Return the new value of each changed field; the changed keys alone of a merged mapping."""
    fields: dict[str, Json] = {}
    for item in change.field_changes:
        name, dot, key = item.field.partition(".")
        after = None if item.removed else _filled(item.after, secrets, made)
        if dot:
            fields.setdefault(name, {})[key] = after
        else:
            fields[name] = after
    return fields


def resolve_all(
    changes: Iterable[Change], secrets: SecretSource, revoked: tuple[Revocation, ...] = ()
) -> None:
    """Fetch and open every secret that ``changes`` need, before the first of them is made; several at a time.

    Not those that the changes themselves are going to store. Raises SecretUnavailable, CorruptFile, StalePlan when a
    value is not the one that the plan was made for, or Refused when it is ``revoked``.
    """
    planned = tuple(changes)
    stored = {reference for change in planned for reference in change.capture.values()}
    needed = {
        secret: f"{change.address}#{name}"
        for change in planned
        for name, value in _to_send(change)
        for secret in secrets_in(value)
        if not _comes_from(secret, stored)
    }
    with ThreadPoolExecutor(max_workers=FETCHERS, thread_name_prefix="secrets") as pool:
        checks = [
            pool.submit(_check, secret, what, secrets, revoked) for secret, what in needed.items()
        ]
        for check in checks:
            check.result()


def _to_send(change: Change) -> Iterator[tuple[str, Json]]:
    yield from change.values.items()
    yield from change.after().items()
    yield from change.keeps.items()


def refuse_revoked(
    changes: Iterable[Change],
    secrets: SecretSource,
    revoked: tuple[Revocation, ...],
    captured: Mapping[tuple[str, str], str],
) -> None:
    """Look at each secret by itself that ``changes`` would send, also inside longer texts, and as an output.

    ``captured`` says where outputs of earlier runs are kept. Raises Refused, SecretUnavailable.
    """
    planned = tuple(changes) if revoked else ()
    stored = {reference for change in planned for reference in change.capture.values()}
    for change in planned:
        for name, value in _to_send(change):
            for secret in secrets_in(value):
                for text in _inside(secret, captured, stored):
                    _refuse_revoked(secrets.known(text), f"{change.address}#{name}", revoked)


def _inside(
    secret: SecretValue, captured: Mapping[tuple[str, str], str], stored: Container[str]
) -> Iterator[str]:
    """Yield the references of the secrets in a text that are there already, each by itself."""
    for part in references(secret.reference) if secret.reference is not None else ():
        if part.scheme is Scheme.REF and part.target in captured:
            yield captured[part.target]
        if part.scheme is Scheme.SECRET and str(part) not in stored:
            yield str(part)


def _comes_from(secret: SecretValue, stored: Container[str]) -> bool:
    """Tell whether the value is known only once another change of the plan was made."""
    if secret.reference is None:
        return False
    return any(
        part.scheme is not Scheme.SECRET or str(part) in stored
        for part in references(secret.reference)
    )


def _check(
    secret: SecretValue, what: str, secrets: SecretSource, revoked: tuple[Revocation, ...]
) -> None:
    if not secret.can_be_sent:
        return  # said when the change is made: nothing of it can be sent
    value = _opened(secret, what, secrets)
    if revoked:
        now = secrets.known(secret.reference) if secret.reference is not None else secret
        _refuse_revoked(now, what, revoked)
    if secret.fingerprint is None or not secrets.is_ours(secret.fingerprint):
        return
    if secrets.fingerprint(value) != secret.fingerprint:
        raise _another(secret.reference or what)


def _refuse_revoked(secret: SecretValue, what: str, revoked: tuple[Revocation, ...]) -> None:
    found = next((one for one in revoked if one.is_of(secret)), None)
    if found is not None:
        raise Refused(
            f"{what} would be a secret that was revoked on {found.date}",
            detail=f"{found.reason}. Nothing was changed.",
            mend="declare another secret, or take it out of revoked.yaml",
        )


def _another(what: str) -> StalePlan:
    return StalePlan(
        f"{what} gives another value than when the plan was made",
        detail="What was agreed to is not what would be sent now.",
        mend="plan again",
    )


def _opened(secret: SecretValue, what: str, secrets: SecretSource) -> str:
    if secret.reference is not None:
        return secrets.resolve(secret.reference)
    return secrets.unseal(secret, what)


def kept_value(secret: SecretValue, what: str, secrets: SecretSource) -> str:
    """Return the value of an output that is put back in its place; ``what`` names it. Raises SecretUnavailable."""
    return _opened(secret, what, secrets)


def _filled(value: Json, secrets: SecretSource, made: Made) -> Json:
    match value:
        case SecretValue(reference=None, sealed=None):
            raise SecretUnavailable("A secret without a reference cannot be applied")
        case SecretValue(reference=None):
            return secrets.unseal(value, "a sealed value")
        case SecretValue(reference=str(text)):
            whole = _text(text, secrets, made)
            made.secrets[text] = _known(value, text, whole, secrets)
            return whole
        case Deferred(expression=text):
            return _text(text, secrets, made)
        case dict():
            return {key: _filled(item, secrets, made) for key, item in value.items()}
        case list():
            return [_filled(item, secrets, made) for item in value]
        case _:
            return value


def _text(text: str, secrets: SecretSource, made: Made) -> str:
    return "".join(
        part if isinstance(part, str) else _fetched(part, secrets, made) for part in parse(text)
    )


def _known(value: SecretValue, text: str, whole: str, secrets: SecretSource) -> SecretValue:
    """Return what is remembered of a secret that is sent: nothing but its reference, if there is no key to hash it."""
    try:
        fingerprint = secrets.fingerprint(whole)
        if value.fingerprint not in {None, fingerprint} and secrets.is_ours(
            value.fingerprint or ""
        ):
            raise _another(text)
        is_plain = all(part.scheme is Scheme.SECRET for part in references(text))
        version = secrets.known(text).version if is_plain else value.version
    except SecretUnavailable:
        return SecretValue(text)
    return SecretValue(text, fingerprint, version)


def _fetched(part: Reference, secrets: SecretSource, made: Made) -> str:
    if part.scheme is Scheme.SECRET:
        return secrets.resolve(str(part))
    address, name = part.target
    if name == "id" and address in made.ids:
        return made.ids[address]
    if (address, name) in made.values:
        return made.values[address, name]
    if (address, name) in made.captured:
        return secrets.resolve(made.captured[address, name])
    raise SecretUnavailable(
        f"{part} is known only when {address} is created",
        detail="That happened in an earlier run, or not at all.",
        mend=f"declare `capture: {{{name}: ${{secret:…}}}}` on {address} and refer to that secret",
    )
