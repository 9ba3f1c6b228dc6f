"""History: newest first, and which snapshots were proved to be good."""

from __future__ import annotations

from typing import Any, NamedTuple

from reconciler.core.state import SnapshotHeader, Unreadable
from reconciler.render.history_text import history_json, history_text


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
    note: str = ""
    evidence: tuple[dict[str, Any], ...] = ()


RUNS = (
    Run("r1", "2026-11-18T03:13:00.000+00:00", None, "not finished", 1, 1, "bo"),
    Run("r2", "2026-11-20T03:13:00.000+00:00", "2026-11-20T03:14:00Z", "done", 3, 0, "ana"),
)
SNAPSHOTS = (
    (
        "s1",
        SnapshotHeader(
            environment="p", taken_at="2026-11-17T18:02:00Z", tool_version="0.1.0", entries=41
        ),
    ),
    (
        "s2",
        SnapshotHeader(
            environment="p",
            taken_at="2026-11-19T18:02:00Z",
            tool_version="0.1.0",
            entries=1,
            role="applied",
            run="r2",
            unreadable=(Unreadable(kind="a.b", reason="503"),),
        ),
    ),
)
LABELS = (
    Label("good", "s1", "2026-11-17T18:03:00Z", evidence=({"check": "health"}, {"check": "pay"})),
    Label("friday", "s2", "2026-11-19T18:03:00Z", note="ok"),
)


def test_what_happened_is_told_newest_first_with_its_evidence() -> None:
    assert (
        history_text(RUNS, SNAPSHOTS, LABELS)
        == """\
2026-11-20T03:13Z  run        r2  done: 3 done, 0 failed, by ana
2026-11-19T18:02Z  after run  s2  friday (no evidence; ok) · 1 object · 1 kind not read · run r2
2026-11-18T03:13Z  run        r1  not finished: 1 done, 1 failed, by bo
2026-11-17T18:02Z  snapshot   s1  good (proved by 2 checks) · 41 objects
"""
    )


def test_an_environment_without_a_past_says_how_to_begin() -> None:
    assert history_text((), (), ()) == (
        "No snapshots and no runs yet. To take the first: reconciler snapshot ENV\n"
    )


def test_as_json_each_list_is_newest_first() -> None:
    document = history_json(RUNS, SNAPSHOTS, LABELS)

    assert [run["id"] for run in document["runs"]] == ["r2", "r1"]
    assert [one["id"] for one in document["snapshots"]] == ["s2", "s1"]
    assert document["labels"][1]["evidence"] == [{"check": "health"}, {"check": "pay"}]
