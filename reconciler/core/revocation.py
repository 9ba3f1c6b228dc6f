"""Secrets that must never come back: leaked ones, and those that were rotated away. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic.json_schema import SkipJsonSchema

from reconciler.core.finding import Finding, Weight
from reconciler.core.record import Record
from reconciler.core.reference import Scheme, parse, references
from reconciler.core.secret import SecretValue, key_of, secrets_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.core.change import Change

Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class Revocation(Record):
    """One revoked value: by its fingerprint, or by the version it has in a store."""

    fingerprint: (
        Annotated[str, StringConstraints(pattern=r"^hmac-sha256:[0-9a-f]{8}:[0-9a-f]{32}$")]
        | SkipJsonSchema[None]
    ) = Field(default=None, description="of the value, as snapshots hold it")
    secret: (
        Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*/[^\s@#{}]+$")]
        | SkipJsonSchema[None]
    ) = Field(default=None, description="store/name, beside a version", examples=["gcp/STRIPE_KEY"])
    version: Annotated[str, StringConstraints(min_length=1)] | SkipJsonSchema[None] = Field(
        default=None, description='the version in the store, quoted: "3"'
    )
    reason: str = Field(min_length=1, description="why it may never be used again")
    date: Day = Field(description='since when, quoted: "2026-11-20"')

    @model_validator(mode="after")
    def _names_one_value(self) -> Self:
        by_version = self.secret is not None and self.version is not None
        if not (by_version or self.fingerprint is not None) or (
            (self.secret is None) != (self.version is None)
        ):
            raise ValueError("fingerprint: a fingerprint is needed, or a secret with its version")
        return self

    def is_of(self, secret: SecretValue) -> bool:
        """Tell whether ``secret`` is the revoked value."""
        if self.fingerprint is not None and self.fingerprint == secret.fingerprint:
            return True
        named = references(secret.reference) if secret.reference is not None else ()
        return any(
            one.scheme is Scheme.SECRET
            and f"{one.secret.store}/{one.secret.name}" == self.secret
            and (one.secret.version or secret.version) == self.version
            for one in named
        )


def revoked_findings(
    changes: Iterable[Change],
    revoked: Iterable[Revocation],
    known: Mapping[str, SecretValue] = MappingProxyType({}),
) -> Iterator[Finding]:
    """Refuse changes that would bring a revoked value back; ``known`` is what references give now, by their text."""
    listed = tuple(revoked)
    for change in changes if listed else ():
        told: set[tuple[str, Revocation]] = set()
        for name, secret in secrets_of(change):
            now = known.get(secret.reference or "") if secret.fingerprint is None else None
            found = next((one for one in listed if one.is_of(now or secret)), None)
            if found is not None and (name, found) not in told:
                told.add((name, found))
                yield Finding(
                    weight=Weight.REFUSAL,
                    rule="revoked",
                    message=f"{name} would be a secret that was revoked on {found.date}: {found.reason}",
                    address=change.address,
                    remedy="declare another secret, or take it out of revoked.yaml",
                )


def foreign_keys(revoked: Iterable[Revocation], ours: str) -> int:
    """Return how many fingerprints were made with another key than ``ours`` (a fingerprint): they match nothing."""
    return sum(
        one.fingerprint is not None and key_of(one.fingerprint) != key_of(ours) for one in revoked
    )


def secrets_of(change: Change) -> Iterator[tuple[str, SecretValue]]:
    """Yield the secrets that ``change`` sends or stores, by field; those inside a longer string also by themselves.

    The fingerprint of a longer string says nothing of the secrets in it.
    """
    fields = {**change.values, **change.after(), **change.keeps}
    for name, value in fields.items():
        for secret in secrets_in(value):
            yield name, secret
            parts = parse(secret.reference) if secret.reference is not None else ()
            if len(parts) > 1:
                yield from (
                    (name, SecretValue(str(part))) for part in parts if not isinstance(part, str)
                )
