"""A plan as a comment on a pull request: nothing in it acts, and it is never too long to be posted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from reconciler.core.change import Action, Change, Reversibility
from reconciler.core.finding import Finding, Weight
from reconciler.core.state import Criticality
from reconciler.render.change_text import field_rows, says_something
from reconciler.render.folding import COMMENT_LIMIT, Escape, Foldable, code, fitting, folded, inert
from reconciler.render.wording import (
    LOSS,
    SYMBOLS,
    WAY_THROUGH,
    calm,
    captures,
    counted,
    findings_by_address,
    general_findings,
    heading,
    left_aside,
    loss,
    reason,
    refused_words,
    tally,
    totals,
    undecided,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.core.plan import Plan
    from reconciler.core.state import Unreadable

_VALUE: Final = 120
_SENTENCE: Final = 400
_MOST_FIELDS: Final = 50
_RESERVE: Final = 400
"""Characters for saying what was left out."""


def plan_markdown(plan: Plan, *, limit: int = COMMENT_LIMIT) -> str:
    """Return ``plan`` as GitHub Markdown under ``limit`` characters, which should be 10,000 or more.

    Refusals and what is unknown come first and are left out last.
    """
    head, tail = _head(plan), _tail(plan)
    room = limit - len(head) - len(tail) - _RESERVE
    urgent = fitting([*_urgent(plan)], room)
    findings = findings_by_address(plan)
    changes = folded(
        [_foldable(change, findings.get(change.address, ()), plan) for change in plan.changes],
        room - len(urgent.text),
    )
    return "\n".join(
        part
        for part in (
            head,
            urgent.text,
            _left_out(
                urgent.left_out, "refusal or unknown kind", "refusals or unknown kinds", plan
            ),
            changes.text,
            _left_out(changes.left_out, "change", "changes", plan),
            tail,
        )
        if part
    )


def _head(plan: Plan) -> str:
    title = f"{plan.environment}: {tally(plan) if plan.changes else 'no changes'}"
    return f"### {inert(title)}\n\n{inert(' · '.join(heading(plan)), _SENTENCE)}\n"


def _tail(plan: Plan) -> str:
    lines = [f"{inert(words, _SENTENCE)}\n" for words in left_aside(plan)]
    ending = f"Plan: {totals(plan)}" if plan.changes else calm(plan)
    lines.append(f"**{inert(ending, _SENTENCE)}**\n")
    if refused := refused_words(plan):
        lines.append(f"**{inert(refused, _SENTENCE)}**\n")
    return "\n".join(lines)


def _left_out(count: int, one: str, many: str, plan: Plan) -> str:
    if not count:
        return ""
    command = code(f"reconciler plan {plan.environment}", _VALUE)
    return f"**{count} more {one if count == 1 else many} left out here**; to see all: {command}\n"


def _urgent(plan: Plan) -> Iterator[str]:
    """Yield what speaks against carrying out the plan, or limits what it says."""
    yield from (_unknown(plan, item) for item in plan.unreadable)
    yield from (_finding(one, named=True) for one in plan.refusals)
    yield from (
        _finding(one, named=True)
        for one in general_findings(plan)
        if one.weight is not Weight.REFUSAL
    )


def _unknown(plan: Plan, item: Unreadable) -> str:
    mend = f" To mend it: {code(item.mend, _SENTENCE)}" if item.mend else ""
    words = f"{item.reason}; {undecided(plan, item.kind)}."
    return f"- **unknown** {code(item.kind)}: {inert(words, _SENTENCE)}{mend}"


def _finding(finding: Finding, *, named: bool = False) -> str:
    about = f" {code(finding.address)}" if named and finding.address else ""
    verb = WAY_THROUGH[finding.weight].capitalize()
    remedy = f" {verb}: {code(finding.remedy, _SENTENCE)}" if finding.remedy else ""
    label = {
        Weight.REFUSAL: f"**REFUSED** {code(finding.rule)}",
        Weight.WARNING: "**warning**",
        Weight.NOTE: "note",
    }[finding.weight]
    return f"- {label}{about}: {inert(finding.message, _SENTENCE)}.{remedy}"


def _foldable(change: Change, findings: Iterable[Finding], plan: Plan) -> Foldable:
    refused = any(finding.weight is Weight.REFUSAL for finding in findings)
    grave = change.action in {Action.DELETE, Action.REPLACE, Action.MANUAL}
    costly = change.reversibility is not Reversibility.REVERSIBLE
    return Foldable(
        rank=-int(refused) * 8 - int(grave or costly) * 4 - _urgency(change.criticality),
        line=partial(_summary, change, refused=refused, today=plan.created_at),
        full=partial(_details, change, findings),
    )


def _urgency(criticality: Criticality) -> int:
    return len(Criticality) - 1 - [*Criticality].index(criticality)


def _summary(change: Change, escape: Escape, *, refused: bool, today: str) -> str:
    marks = [
        str(change.criticality) if _urgency(change.criticality) >= 2 else "",
        "protected" if change.protected else "",
        "<b>REFUSED</b>" if refused else "",
        f"<b>{LOSS[change.reversibility]}</b>" if loss(change) else "",
    ]
    parts = [
        f"<code>{SYMBOLS[change.action]}</code>",
        f"<code>{escape(change.address)}</code>",
        *marks,
        escape(reason(change, today)),
    ]
    return " ".join(part for part in parts if part)


def _details(change: Change, findings: Iterable[Finding]) -> str:
    lines = [_finding(finding) for finding in findings]
    if costs := loss(change):
        lines.append(f"- {inert(costs, _SENTENCE)}")
    fields = [one for one in change.field_changes if says_something(change.action, one)]
    for field in fields[:_MOST_FIELDS]:
        shown = " ".join(
            each.text for row in field_rows(change.action, field, _VALUE) for each in row
        )
        notes = [inert(note) for note in (field.note, field.place or "") if note]
        after = f" ({', '.join(notes)})" if notes else ""
        lines.append(f"- {code(field.field)}: {code(shown, 4 * _VALUE)}{after}")
    if len(fields) > _MOST_FIELDS:
        lines.append(f"- {counted(len(fields) - _MOST_FIELDS, 'more field')}")
    lines += [f"- note: {inert(note, _SENTENCE)}" for note in (*change.notes, *captures(change))]
    lines += [f"- **to do**: {inert(task, _SENTENCE)}" for task in change.follow_ups]
    if change.place:
        lines.append(f"- declared in {code(change.place)}")
    return "\n".join(lines) + "\n"
