"""What a plan says of itself in a few words, the same in every format: accounts, counts, what is left out."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Final

from reconciler.core.change import Action, Change, Reversibility
from reconciler.core.finding import Finding, Weight

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.core.plan import Plan
    from reconciler.core.state import Account

SYMBOLS: Final = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "-/+",
    Action.DELETE: "-",
    Action.MANUAL: "!",
}
LOSS: Final = {
    Reversibility.REVERSIBLE: "",
    Reversibility.LOSSY: "lossy",
    Reversibility.ONE_WAY: "one-way",
    Reversibility.MANUAL: "by hand",
}
WAY_THROUGH: Final = {
    Weight.REFUSAL: "to allow it",
    Weight.WARNING: "to mend it",
    Weight.NOTE: "to mend it",
}
_STAMP: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?(?:Z|\+00:00)")
_NAMED: Final = 2
_MOST_NAMED: Final = 10


def short_times(text: str, today: str = "") -> str:
    """Return ``text`` with its times cut to minutes; those of the day ``today`` (ISO date) without the date."""
    return _STAMP.sub(
        lambda found: f"{found[2]}Z" if found[1] == today[:10] else f"{found[1]}T{found[2]}Z", text
    )


def counted(count: int, noun: str) -> str:
    """Return ``1 call`` or ``2 calls``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def some(names: Sequence[str], most: int = _NAMED) -> str:
    """Return the first names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f", and {more} more" if more > 0 else "")


def account_words(account: Account) -> str:
    """Return vendor, account and mode; the mode is what must never be mistaken."""
    return " ".join(
        part for part in (account.vendor, account.name or account.id, account.mode) if part
    )


def heading(plan: Plan) -> Iterator[str]:
    """Yield the parts of the first line: where, in which accounts, how much was read, against what."""
    yield f"{plan.environment} (protected)" if plan.protected else plan.environment
    yield from map(account_words, plan.accounts)
    if plan.offline:
        yield f"offline: live state of {short_times(plan.live_at)}, not read"
    else:
        yield f"{_objects_read(plan)} read, {len(plan.unreadable)} unreadable"
    if plan.base is None:
        yield "no base: drift and intent cannot be told apart"
    else:
        yield short_times(f"base {plan.base.taken_at} {plan.base.label or ''}").rstrip()
    if plan.desired.source != "files":
        yield f"towards {plan.desired.source}"


def tally(plan: Plan) -> str:
    """Return how many changes of each action there are; creates and manual ones only when there are some."""
    counts = {action: plan.count(action) for action in Action}
    parts = [
        (counts[Action.CREATE], "to create", False),
        (counts[Action.UPDATE], "to change", True),
        (counts[Action.REPLACE], "to replace", True),
        (counts[Action.DELETE], "to delete", True),
        (counts[Action.MANUAL], "by hand", False),
        (len(plan.summary.unchanged), "unchanged", True),
        (len(plan.summary.unknown), "unknown", False),
    ]
    return ", ".join(f"{count} {what}" for count, what, always in parts if count or always)


def totals(plan: Plan) -> str:
    """Return the last line of a plan: counts, calls, and which plan it is."""
    return f"{tally(plan)} · {counted(plan.calls, 'call')} · {short_digest(plan.digest)}"


def short_digest(digest: str) -> str:
    """Return enough of a digest to tell two plans apart."""
    algorithm, colon, value = digest.partition(":")
    return f"{algorithm}:{value[:8]}…" if colon else "not sealed"


def calm(plan: Plan) -> str:
    """Return what a plan without changes says: never more than is known."""
    summary = plan.summary
    known = len(summary.unchanged)
    where = "declared" if plan.desired.source == "files" else f"in {plan.desired.source}"
    if plan.refusals:
        return "No changes can be planned: see what is refused above."
    if summary.unknown or plan.unreadable:
        return (
            f"No changes found in what could be read: {counted(known, 'resource')} as {where},"
            f" {len(summary.unknown)} unknown."
        )
    if plan.offline:
        return f"No changes against the live state of {short_times(plan.live_at)}; nothing was read now."
    return f"No changes: {counted(known, 'resource')}, as {where}."


def left_aside(plan: Plan) -> Iterator[str]:
    """Yield what the plan does not touch and why, each with how many and the first of them."""
    summary = plan.summary
    if summary.unmanaged:
        yield f"not managed: {len(summary.unmanaged)} (reconciler import {plan.environment})"
    if summary.ignored:
        first = min(one.until for one in summary.ignored)
        when = (
            f"until {first}"
            if len({one.until for one in summary.ignored}) == 1
            else (f"the first until {first}")
        )
        names = some([f"{one.address}#{one.field}" for one in summary.ignored])
        yield f"ignored: {len(summary.ignored)} {when} ({names})"
    if summary.unverifiable:
        names = some(
            [
                f"{one.address}#{one.field}" + _age(one.since, plan.created_at)
                for one in summary.unverifiable
            ]
        )
        yield f"unverifiable: {len(summary.unverifiable)} ({names})"
    if summary.compared:
        yield f"secrets read to compare them: {len(summary.compared)}"
    if summary.unknown:
        yield f"unknown: {len(summary.unknown)}"


def loss(change: Change) -> str:
    """Return what undo cannot take back; empty when it can, and for manual changes, which say it first."""
    if change.reversibility is Reversibility.REVERSIBLE or change.action is Action.MANUAL:
        return ""
    return f"{LOSS[change.reversibility]}: {change.reversibility_reason or 'undo cannot wholly take it back'}"


def reason(change: Change, today: str) -> str:
    """Return what is done and why; for an update, whose symbol says it, only why."""
    why = short_times(change.reason, today)
    match change.action:
        case Action.UPDATE:
            return why
        case Action.MANUAL:
            return f"by hand: {change.reversibility_reason or why}"
        case Action.REPLACE:
            forced = [one for one in change.field_changes if one.forces_replacement]
            causes = [f"{one.field}, {one.note or 'fixed at creation'}" for one in forced]
            return f"replace: {'; '.join([*causes, why])}"
        case _:
            return f"{change.action}: {why}"


def captures(change: Change) -> Iterator[str]:
    """Yield where new secrets are kept, unless the kind has said so itself."""
    for output, reference in change.capture.items():
        if not any(reference in note for note in change.notes):
            yield f"{output} is kept in {reference}"


def findings_by_address(plan: Plan) -> dict[str, tuple[Finding, ...]]:
    """Return the remarks on each address that has any, refusals first."""
    found: dict[str, list[Finding]] = {}
    for finding in _by_weight(plan.findings):
        if finding.address is not None:
            found.setdefault(finding.address, []).append(finding)
    return {address: tuple(findings) for address, findings in found.items()}


def general_findings(plan: Plan) -> tuple[Finding, ...]:
    """Return the remarks that belong to no change of the plan, refusals first."""
    changed = {change.address for change in plan.changes}
    return _by_weight(finding for finding in plan.findings if finding.address not in changed)


def refused_words(plan: Plan) -> str:
    """Return which rules forbid applying the plan; empty when none does."""
    rules = sorted({finding.rule for finding in plan.refusals})
    if not rules:
        return ""
    return f"REFUSED by {', '.join(rules)}: nothing is applied until that is settled."


def undecided(plan: Plan, kind: str) -> str:
    """Return about which resources of an unreadable kind nothing is concluded."""
    mine = [address for address in plan.summary.unknown if address.partition("/")[0] == kind]
    if not mine:
        return "nothing is concluded about objects of this kind"
    return f"nothing is concluded about {some(mine, _MOST_NAMED)}"


def _by_weight(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    order = list(Weight)
    return tuple(sorted(findings, key=lambda finding: order.index(finding.weight)))


def _objects_read(plan: Plan) -> int:
    """Count the live objects that the plan knows of; one that serves several addresses counts once."""
    managed = {(address.partition("/")[0], one.remote_id) for address, one in plan.managed.items()}
    changed = {(change.kind, change.remote_id) for change in plan.changes}
    others = {(one.kind, one.remote_id) for one in plan.summary.unmanaged}
    return sum(remote_id is not None for _, remote_id in managed | changed | others)


def _age(since: str | None, now: str) -> str:
    if since is None:
        return ", never recorded"
    try:
        days = (datetime.fromisoformat(now) - datetime.fromisoformat(since)).days
    except (TypeError, ValueError):
        return f", recorded {short_times(since)}"
    return f", recorded {days} d ago" if days > 0 else ", recorded today"
