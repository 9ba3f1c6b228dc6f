"""Pure rules that can refuse a plan. Each refusal names the rule, the place and the way through."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field

from reconciler.core.change import Action, Change
from reconciler.core.finding import Finding, Weight
from reconciler.core.record import Record
from reconciler.core.state import Criticality

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.core.resource import Resource


class Policy(Record):
    """What plans of an environment may do at most. Budgets are absolute: percentages mean nothing with 3 webhooks."""

    max_changes: int | None = Field(default=None, ge=0, description="most changes in one plan")
    max_deletes: int | None = Field(default=None, ge=0, description="most deletes in one plan")
    never_empty: tuple[str, ...] = Field(
        default=(), description="kinds that a plan may never bring to zero objects"
    )
    allow_replace: tuple[str, ...] = Field(
        default=(), description="addresses whose replacement was agreed"
    )
    going_back: Literal["relaxed", "strict"] = Field(
        default="relaxed",
        description="undo, and rollback to a snapshot labelled good, need less consent than a change forward: "
        "budgets and a freeze do not hold, and --yes is enough for a protected environment",
    )


class Consent(NamedTuple):
    """The addresses that were named on the command line."""

    replace: frozenset[str] = frozenset()
    delete: frozenset[str] = frozenset()


class Freeze(Record):
    """A time in which nothing is changed but to go back. ``until`` is ISO 8601, UTC."""

    until: str
    reason: str
    by: str


def check(
    changes: Iterable[Change],
    *,
    policy: Policy,
    consent: Consent,
    going_back: bool,
    freeze: Freeze | None,
    live_counts: Mapping[str, int],
    models: Mapping[str, type[Resource]],
) -> tuple[Finding, ...]:
    """Return the findings of every guard. ``live_counts`` is the number of live objects by kind.

    ``going_back``: the plan undoes a run, or goes to a snapshot labelled good. ``freeze`` is the one in force.
    """
    planned = tuple(changes)
    relaxed = going_back and policy.going_back == "relaxed"
    return (
        *(() if relaxed else _frozen(planned, freeze)),
        *(() if relaxed else _budgets(planned, policy)),
        *_consents(planned, policy, consent),
        *_counts(planned, policy, live_counts, models),
    )


def refusals(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings that refuse the plan."""
    return tuple(finding for finding in findings if finding.weight is Weight.REFUSAL)


def _refusal(rule: str, message: str, remedy: str, address: str | None = None) -> Finding:
    return Finding(
        weight=Weight.REFUSAL, rule=rule, message=message, remedy=remedy, address=address
    )


def _frozen(changes: tuple[Change, ...], freeze: Freeze | None) -> Iterator[Finding]:
    if freeze is not None and changes:
        yield _refusal(
            "freeze",
            f"frozen until {freeze.until} by {freeze.by}: {freeze.reason}",
            "reconciler freeze ENV --off",
        )


def _budgets(changes: tuple[Change, ...], policy: Policy) -> Iterator[Finding]:
    # The end of a rotation is the second half of a replace, and counts as little as that.
    deletes = sum(change.action is Action.DELETE and not change.overlaps for change in changes)
    calls = sum(change.action is not Action.MANUAL for change in changes)
    if policy.max_changes is not None and calls > policy.max_changes:
        yield _refusal(
            "max_changes",
            f"{calls} changes, and the policy allows {policy.max_changes}",
            "narrow the plan with --only, or raise policy.max_changes in environment.yaml",
        )
    if policy.max_deletes is not None and deletes > policy.max_deletes:
        yield _refusal(
            "max_deletes",
            f"{deletes} deletes, and the policy allows {policy.max_deletes}",
            "raise policy.max_deletes in environment.yaml",
        )


def _consents(changes: tuple[Change, ...], policy: Policy, consent: Consent) -> Iterator[Finding]:
    for change in changes:
        guarded = change.protected or change.criticality is Criticality.P0
        name = "protected" if change.protected else str(change.criticality)
        if change.action is Action.REPLACE:
            agreed = change.address in consent.replace or (
                change.address in policy.allow_replace and not guarded
            )
            if not agreed:
                yield _refusal(
                    "allow_replace",
                    f"replace: {change.reversibility_reason or 'a new object takes its place'}",
                    f"--allow-replace {change.address}"
                    + ("" if guarded else ", or policy.allow_replace in environment.yaml"),
                    change.address,
                )
        named = change.address in consent.delete
        if change.action is Action.DELETE and guarded and not named:
            yield _refusal(
                "protected",
                f"{name} resources are deleted only when named on the command line",
                f"--allow-delete {change.address}",
                change.address,
            )


def _counts(
    changes: tuple[Change, ...],
    policy: Policy,
    live_counts: Mapping[str, int],
    models: Mapping[str, type[Resource]],
) -> Iterator[Finding]:
    created = Counter(change.kind for change in changes if change.action is Action.CREATE)
    deleted = Counter(change.kind for change in changes if change.action is Action.DELETE)
    doubled = Counter(
        change.kind
        for change in changes
        if change.action is Action.REPLACE and not models[change.kind].replaces_by_deleting_first
    )
    for kind in policy.never_empty:
        left = live_counts.get(kind, 0) + created[kind] - deleted[kind]
        if deleted[kind] and left <= 0:
            yield _refusal(
                "never_empty",
                f"the plan would leave no {kind}",
                "take the kind out of policy.never_empty in environment.yaml",
            )
    for kind in sorted({*created, *doubled}):
        limit = models[kind].limit
        most_at_once = live_counts.get(kind, 0) + created[kind] + (1 if doubled[kind] else 0)
        if limit is not None and most_at_once > limit.most:
            yield _refusal(
                "vendor_limit",
                f"{most_at_once} {limit.what}, and the vendor allows {limit.most}"
                " (objects are created before others are deleted)",
                "delete one that is not needed any more first",
            )
