"""What an environment's credentials must be allowed, as data: the least rights and nothing else."""

from __future__ import annotations

from typing import NamedTuple

from reconciler.core.resource import Rights  # noqa: TC001 - part of a value


class Grant(NamedTuple):
    """One right in a secret store's words, on what, and the command or line of a policy that gives it."""

    name: str
    on: str
    how: str = ""


class AccountRights(NamedTuple):
    """What the credential of one account must be allowed: to tell whose it is, and for each declared kind.

    ``references`` are where the credential comes from.
    """

    vendor: str
    references: tuple[str, ...]
    own: Rights
    kinds: tuple[tuple[str, Rights], ...]


class SecretRights(NamedTuple):
    """What one secret reference must be allowed: to be read, and to be written where an apply captures into it.

    ``trouble`` says why the store cannot tell.
    """

    reference: str
    store: str
    uses: tuple[str, ...]
    read: tuple[Grant, ...] = ()
    write: tuple[Grant, ...] = ()
    trouble: str = ""


class Permissions(NamedTuple):
    """The least rights of one environment."""

    environment: str
    accounts: tuple[AccountRights, ...]
    secrets: tuple[SecretRights, ...]
