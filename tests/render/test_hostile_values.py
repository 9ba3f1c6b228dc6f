"""Whatever a vendor returns, it is shown and never obeyed: in every format, for every plan."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconciler.core.change import Action, Change, FieldChange, Origin, Reversibility
from reconciler.core.differing import Difference, FieldDifference
from reconciler.core.finding import Finding, Weight
from reconciler.core.plan import Base, DesiredSource, Ignored, Plan, Summary, Unmanaged, sealed
from reconciler.core.restoring import Restorable, Way
from reconciler.core.secret import Deferred, SecretValue
from reconciler.core.state import (
    Account,
    Criticality,
    Entry,
    Snapshot,
    SnapshotHeader,
    Unreadable,
)
from reconciler.render.apply_text import journal_text, outcome_text, run_text, starting_text
from reconciler.render.diff_text import diff_markdown, diff_text
from reconciler.render.history_text import history_text
from reconciler.render.plan_json import plan_json
from reconciler.render.plan_markdown import plan_markdown
from reconciler.render.plan_text import plan_text
from reconciler.render.snapshot_text import snapshot_text

GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]*\n")
OURS = re.compile(r"</?(?:details|summary|code|b|p|ul|ol|li|h3|strong|em|pre|br /)>|<!-- -->")
POISON = [
    "<script>alert(1)</script>",
    "](http://evil.example)",
    "![x](https://evil.example/p.png)",
    "</summary></details><img src=x onerror=y>",
    "\x1b[2J\x1b[31m",
    "::error::pwned",
    "##[error]pwned",
    "a\n\n# heading\n\n- [x] list | table |",
    "@everyone fixes #1",
    "```\ncode\n```",
    "\u202egnp.exe",
    "--> <!--",
    "x" * 3000,
]
TEXTS = (
    st.sampled_from(POISON) | st.text(max_size=20) | st.text("<>[]()`*_|\\\n@#:! -", max_size=20)
)
VALUES = st.recursive(
    TEXTS | st.none() | st.integers() | st.builds(SecretValue, TEXTS) | st.builds(Deferred, TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.builds(
    FieldChange,
    field=TEXTS,
    before=VALUES,
    after=VALUES,
    origin=st.sampled_from(Origin),
    removed=st.booleans(),
    forces_replacement=st.booleans(),
    note=TEXTS,
    place=st.none() | TEXTS,
)
CHANGES = st.builds(
    Change,
    address=TEXTS,
    kind=TEXTS,
    action=st.sampled_from(Action),
    reason=TEXTS,
    remote_id=st.none() | TEXTS,
    criticality=st.sampled_from(Criticality),
    protected=st.booleans(),
    field_changes=st.lists(FIELDS, max_size=3).map(tuple),
    reversibility=st.sampled_from(Reversibility),
    reversibility_reason=TEXTS,
    follow_ups=st.lists(TEXTS, max_size=2).map(tuple),
    notes=st.lists(TEXTS, max_size=2).map(tuple),
    capture=st.dictionaries(TEXTS, TEXTS, max_size=2),
    place=st.none() | TEXTS,
)
FINDINGS = st.builds(
    Finding,
    weight=st.sampled_from(Weight),
    rule=TEXTS,
    message=TEXTS,
    address=st.none() | TEXTS,
    remedy=TEXTS,
)
UNREADABLE = st.builds(Unreadable, kind=TEXTS, reason=TEXTS, detail=TEXTS, mend=TEXTS)
ACCOUNTS = st.builds(Account, vendor=TEXTS, id=TEXTS, mode=TEXTS, name=TEXTS)
PLANS = st.builds(
    Plan,
    id=TEXTS,
    environment=TEXTS,
    protected=st.booleans(),
    created_at=st.just("2026-11-20T03:12:00Z"),
    expires_at=TEXTS,
    tool_version=TEXTS,
    accounts=st.lists(ACCOUNTS, max_size=2).map(tuple),
    desired=st.builds(DesiredSource, source=TEXTS, digest=TEXTS),
    base=st.none() | st.builds(Base, id=TEXTS, taken_at=TEXTS, label=TEXTS),
    live_at=TEXTS,
    offline=st.booleans(),
    changes=st.lists(CHANGES, max_size=4).map(tuple),
    findings=st.lists(FINDINGS, max_size=3).map(tuple),
    unreadable=st.lists(UNREADABLE, max_size=2).map(tuple),
    summary=st.builds(
        Summary,
        unchanged=st.lists(TEXTS, max_size=2).map(tuple),
        unknown=st.lists(TEXTS, max_size=2).map(tuple),
        unmanaged=st.lists(
            st.builds(Unmanaged, kind=TEXTS, remote_id=TEXTS, what=TEXTS), max_size=2
        ).map(tuple),
        ignored=st.lists(
            st.builds(Ignored, address=TEXTS, field=TEXTS, reason=TEXTS, until=TEXTS), max_size=2
        ).map(tuple),
    ),
).map(sealed)
DIFFERENCES = st.lists(
    st.builds(
        Difference,
        address=TEXTS,
        kind=TEXTS,
        what=st.sampled_from(["added", "removed", "changed"]),
        fields=st.lists(st.builds(FieldDifference, TEXTS, VALUES, VALUES), max_size=3).map(tuple),
    ),
    max_size=3,
).map(tuple)


class Outcome(NamedTuple):
    address: str
    action: Action
    result: str
    detail: str
    mend: str
    remote_id: str | None


class Report(NamedTuple):
    run: str
    result: str
    outcomes: tuple[Outcome, ...]
    differing: tuple[Change, ...]
    unreadable: tuple[str, ...]
    snapshot: str | None


class Run(NamedTuple):
    id: str
    started_at: str
    finished_at: str | None
    result: str
    done: int
    failed: int
    by: str
    source: str = ""


class Label(NamedTuple):
    name: str
    snapshot: str
    at: str
    note: str
    evidence: tuple[dict[str, Any], ...]


OUTCOMES = st.builds(
    Outcome,
    TEXTS,
    st.sampled_from(Action),
    st.sampled_from(["done", "failed", "stale", "skipped", "unknown", "manual"]) | TEXTS,
    TEXTS,
    TEXTS,
    st.none() | TEXTS,
)
REPORTS = st.builds(
    Report,
    TEXTS,
    st.sampled_from(["done", "incomplete", "not verified", "interrupted"]),
    st.lists(OUTCOMES, max_size=3).map(tuple),
    st.lists(CHANGES, max_size=2).map(tuple),
    st.lists(TEXTS, max_size=2).map(tuple),
    st.none() | TEXTS,
)
SNAPSHOTS = st.builds(
    Snapshot,
    st.builds(
        SnapshotHeader,
        environment=TEXTS,
        taken_at=TEXTS,
        tool_version=TEXTS,
        accounts=st.lists(ACCOUNTS, max_size=2).map(tuple),
        unreadable=st.lists(UNREADABLE, max_size=2).map(tuple),
        note=TEXTS,
        run=st.none() | TEXTS,
    ),
    st.lists(
        st.builds(
            Entry,
            address=st.none() | TEXTS,
            kind=TEXTS,
            remote_id=TEXTS,
            values=st.dictionaries(TEXTS, VALUES, max_size=3),
            created_by=st.none() | TEXTS,
            read_only=st.none() | TEXTS,
        ),
        max_size=3,
    ).map(tuple),
    TEXTS,
    st.none() | TEXTS,
)
LOST = st.lists(st.builds(Restorable, TEXTS, TEXTS, st.sampled_from(Way), TEXTS), max_size=3)
WIDTHS = st.integers(0, 140)


def assert_inert(text: str) -> None:
    assert LINE.sub("", text) == ""
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert "##[" not in text


def assert_inactive(markdown: str) -> None:
    """Nothing but our own marks is left as HTML once GitHub has rendered the text."""
    rendered = OURS.sub("", GITHUB.render(markdown))

    assert "<" not in rendered
    assert not re.search(r"[@#]\w", re.sub(r"&#?\w+;", "", GITHUB.render(markdown)))


@given(PLANS, WIDTHS)
@settings(max_examples=60)
def test_no_plan_acts_on_a_terminal(plan: Plan, width: int) -> None:
    assert_inert(plan_text(plan, color=False, width=width))


@given(PLANS)
@settings(max_examples=60)
def test_no_plan_acts_in_a_comment(plan: Plan) -> None:
    shown = plan_markdown(plan, limit=20_000)

    assert len(shown) <= 20_000
    assert shown.count("<details>") == shown.count("</details>")
    assert_inactive(shown)


@given(PLANS)
@settings(max_examples=30)
def test_a_plan_as_json_can_be_read_again(plan: Plan) -> None:
    assert Plan.model_validate(json.loads(json.dumps(plan_json(plan)))) == plan


@given(DIFFERENCES, TEXTS, TEXTS, st.lists(TEXTS, max_size=2), WIDTHS)
@settings(max_examples=60)
def test_no_difference_acts_anywhere(
    differences: tuple[Difference, ...], before: str, after: str, unknown: list[str], width: int
) -> None:
    assert_inert(diff_text(differences, before, after, unknown=unknown, width=width))
    assert_inactive(diff_markdown(differences, before, after, unknown=unknown))


@given(REPORTS, CHANGES, TEXTS, WIDTHS)
@settings(max_examples=60)
def test_no_run_acts_on_a_terminal(
    report: Report, change: Change, environment: str, width: int
) -> None:
    assert_inert(starting_text(change, at=1, of=2, width=width))
    assert_inert(run_text(report, environment, width=width))
    for outcome in report.outcomes:
        assert_inert(outcome_text(outcome, width=width))


@given(SNAPSHOTS, LOST, WIDTHS)
@settings(max_examples=60)
def test_no_snapshot_acts_on_a_terminal(
    snapshot: Snapshot, lost: list[Restorable], width: int
) -> None:
    assert_inert(snapshot_text(snapshot, lost, entries=True, width=width))


@given(
    st.lists(st.builds(Run, TEXTS, TEXTS, TEXTS, TEXTS, st.just(1), st.just(0), TEXTS), max_size=2),
    SNAPSHOTS,
    st.lists(st.builds(Label, TEXTS, TEXTS, TEXTS, TEXTS, st.just(())), max_size=2),
    st.lists(st.dictionaries(st.sampled_from(["at", "event", "detail"]), TEXTS), max_size=2),
    WIDTHS,
)
@settings(max_examples=60)
def test_no_history_acts_on_a_terminal(
    runs: list[Run],
    snapshot: Snapshot,
    labels: list[Label],
    records: list[dict[str, Any]],
    width: int,
) -> None:
    assert_inert(history_text(runs, [(snapshot.id, snapshot.header)], labels, width=width))
    assert_inert(journal_text("r", records, width=width))
