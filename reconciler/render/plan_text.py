"""A plan on a terminal: what is unknown, what changes and at which cost, what is left aside, the totals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.render.change_text import change_lines, finding_lines
from reconciler.render.layout import WIDTH, Line, Style, flowed, painted, span
from reconciler.render.wording import (
    calm,
    findings_by_address,
    general_findings,
    heading,
    left_aside,
    refused_words,
    totals,
    undecided,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.core.plan import Plan
    from reconciler.core.state import Unreadable


def plan_text(plan: Plan, *, color: bool = False, width: int = WIDTH) -> str:
    """Return ``plan`` as a person reads it, in the order in which it would be carried out."""
    return painted(_lines(plan, width), color=color)


def _lines(plan: Plan, width: int) -> Iterator[Line]:
    yield from _header(plan, width)
    for item in plan.unreadable:
        yield from _unknown(plan, item, width)
    if plan.unreadable:
        yield ()
    findings = findings_by_address(plan)
    for change in plan.changes:
        mine = findings.get(change.address, ())
        yield from change_lines(change, mine, today=plan.created_at, width=width)
    general = general_findings(plan)
    if general and plan.changes:
        yield ()
    for finding in general:
        yield from finding_lines(finding, width=width, indent="", named=True)
    aside = [span(words) for words in left_aside(plan)]
    yield from flowed(aside, width=width, hanging="  ")
    if plan.changes or general or aside:
        yield ()
    yield from _ending(plan, width)


def _header(plan: Plan, width: int) -> Iterator[Line]:
    where, *parts = heading(plan)
    spans = [span(where, Style.STRONG), *map(span, parts)]
    yield from flowed(spans, width=width, hanging="  ", gap=" · ")
    yield ()


def _unknown(plan: Plan, item: Unreadable, width: int) -> Iterator[Line]:
    """Say what could not be read before anything else: no line below speaks of it."""
    words = f"unknown: {item.kind} could not be read: {item.reason}"
    yield from flowed([span(words, Style.ALARM)], width=width, hanging="    ")
    for paragraph in (*item.detail.splitlines(), f"{undecided(plan, item.kind)}"):
        yield from flowed([span(paragraph)], width=width, indent="    ")
    if item.mend:
        yield from flowed([span(f"to mend it: {item.mend}")], width=width, indent="    ")


def _ending(plan: Plan, width: int) -> Iterator[Line]:
    if plan.changes:
        yield from flowed([span(f"Plan: {totals(plan)}", Style.STRONG)], width=width, hanging="  ")
    else:
        yield from flowed([span(calm(plan))], width=width, hanging="  ")
    if refused := refused_words(plan):
        yield from flowed([span(refused, Style.ALARM)], width=width, hanging="  ")
