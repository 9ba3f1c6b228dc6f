"""The least rights of an environment: of each account for plan and for apply, and of each secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.render.layout import (
    WIDTH,
    Line,
    Span,
    Style,
    flowed,
    padded,
    painted,
    room_for,
    span,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.core.permission import (
        AccountRights,
        Grant,
        Permissions,
        SecretRights,
    )
    from reconciler.core.resource import Rights

_READING: Final = "plan, drift, snapshot"
_WRITING: Final = "apply, rollback, undo"
WIDEST: Final = 48
"""Columns of a right, beyond which it does not decide where the next column begins."""


def permissions_text(permissions: Permissions, *, color: bool = False, width: int = WIDTH) -> str:
    """Return all rights; the line that grants one is never broken."""
    lines: list[Line] = [(span(permissions.environment, Style.STRONG),)]
    for account in permissions.accounts:
        lines += [(), *_account_lines(account, width)]
    if permissions.secrets:
        lines += [(), (span("secrets", Style.STRONG),)]
    for secret in permissions.secrets:
        lines += _secret_lines(secret, width)
    return painted(lines, color=color)


def permissions_json(permissions: Permissions) -> dict[str, Any]:
    """Return all rights as a JSON document."""
    return {
        "environment": permissions.environment,
        "accounts": [
            {
                "vendor": account.vendor,
                "references": list(account.references),
                "identify": _rights_json(account.own),
                "kinds": {kind: _rights_json(rights) for kind, rights in account.kinds},
                "plan": [right for right, _ in _gathered(account, writes=False)],
                "apply": [right for right, _ in _gathered(account, writes=True)],
            }
            for account in permissions.accounts
        ],
        "secrets": [
            {
                "reference": secret.reference,
                "store": secret.store,
                "uses": list(secret.uses),
                "read": [grant._asdict() for grant in secret.read],
                "write": [grant._asdict() for grant in secret.write],
                "trouble": secret.trouble,
            }
            for secret in permissions.secrets
        ],
    }


def _rights_json(rights: Rights) -> dict[str, Any]:
    return {"read": list(rights.read), "write": list(rights.write), "source": rights.source}


def _account_lines(account: AccountRights, width: int) -> Iterator[Line]:
    title = [span(account.vendor, Style.STRONG), span(", ".join(account.references))]
    yield from flowed(title, width=width)
    for words, writes in ((_READING, False), (_WRITING, True)):
        gathered = _gathered(account, writes=writes)
        yield Span("  "), span(f"for {words}")
        room = room_for((right for right, _ in gathered), WIDEST)
        for right, whom in gathered:
            lead = (span(f"{padded(right, room)}  "),)
            spans = [span(", ".join(whom))]
            yield from flowed(spans, width=width, indent="    ", lead=lead, hanging=" " * 8)
        if not gathered:
            yield (span("    nothing is named"),)
    unnamed = [kind for kind, rights in account.kinds if not (rights.read or rights.write)]
    if unnamed:
        yield from flowed(
            [span("not named by the kind:"), span(", ".join(unnamed))], width=width, indent="  "
        )
    for source in dict.fromkeys(_sources(account)):
        yield Span("  "), span(f"source: {source}", Style.FAINT)


def _gathered(account: AccountRights, *, writes: bool) -> list[tuple[str, list[str]]]:
    """Return each right once, with all that need it."""
    whom: dict[str, list[str]] = {}
    for name, rights in (("the account", account.own), *account.kinds):
        for right in rights.write if writes else rights.read:
            whom.setdefault(right, []).append(name)
    return list(whom.items())


def _sources(account: AccountRights) -> Iterator[str]:
    everything = (account.own, *(rights for _, rights in account.kinds))
    yield from (rights.source for rights in everything if rights.source)


def _secret_lines(secret: SecretRights, width: int) -> Iterator[Line]:
    spans = [span(secret.reference, Style.STRONG), span(f"for {', '.join(secret.uses)}")]
    yield from flowed(spans, width=width, indent="  ", hanging="      ")
    if secret.trouble:
        yield from flowed([span(secret.trouble, Style.ALARM)], width=width, indent="    ")
    yield from _grant_lines("read", secret.read, width)
    yield from _grant_lines("write", secret.write, width)


def _grant_lines(verb: str, granted: Sequence[Grant], width: int) -> Iterator[Line]:
    for grant in granted:
        words = [span(f"{verb}: {grant.name} on {grant.on}")]
        yield from flowed(words, width=width, indent="    ", hanging="      ")
        for line in grant.how.splitlines():
            yield Span("        "), span(line)
