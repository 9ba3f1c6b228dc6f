"""A run on a terminal: each change before it is made and after, and at the end what is certain and what is next."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Protocol

from reconciler.core.secret import encode
from reconciler.render.layout import WIDTH, Line, Style, flowed, painted, span, table
from reconciler.render.values import clipped
from reconciler.render.wording import SYMBOLS, captures, loss, some

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.core.change import Action, Change

_INDENT: Final = "      "
_MOST_FIELDS: Final = 6
_LONGEST_DETAIL: Final = 500
_TOLD: Final = ("action", "address", "remote_id", "detail", "by", "result", "snapshot", "trouble")
_WORDS: Final = {
    "done": ("done", Style.ADDED),
    "failed": ("FAILED", Style.ALARM),
    "stale": ("STALE, not made", Style.ALARM),
    "skipped": ("not attempted", Style.CHANGED),
    "unknown": ("UNKNOWN whether it was made", Style.ALARM),
    "manual": ("left to you", Style.CHANGED),
}


class Outcome(Protocol):
    """The end of one change, as the engine tells it."""

    @property
    def address(self) -> str: ...
    @property
    def action(self) -> Action: ...
    @property
    def result(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def mend(self) -> str: ...
    @property
    def remote_id(self) -> str | None: ...


class Report(Protocol):
    """What a run did, as the engine tells it."""

    @property
    def run(self) -> str: ...
    @property
    def result(self) -> str: ...
    @property
    def outcomes(self) -> Sequence[Outcome]: ...
    @property
    def differing(self) -> Sequence[Change]: ...
    @property
    def unreadable(self) -> Sequence[str]: ...
    @property
    def snapshot(self) -> str | None: ...


def starting_text(
    change: Change, *, at: int, of: int, color: bool = False, width: int = WIDTH
) -> str:
    """Return the line before change number ``at`` of ``of`` is made."""
    spans = [
        span(f"[{at}/{of}] {SYMBOLS[change.action]} {change.address}", Style.STRONG),
        span(some([field.field for field in change.field_changes], _MOST_FIELDS)),
    ]
    lines = [*flowed([one for one in spans if one.text], width=width, hanging=_INDENT)]
    for words in (loss(change), *captures(change)):
        lines += flowed([span(words)] if words else [], width=width, indent=_INDENT)
    return painted(lines, color=color)


def outcome_text(outcome: Outcome, *, color: bool = False, width: int = WIDTH) -> str:
    """Return the lines after a change was made, or was not."""
    return painted(_outcome(outcome, width, _INDENT), color=color)


def run_text(report: Report, environment: str, *, color: bool = False, width: int = WIDTH) -> str:
    """Return the end of a run: what was done, what is certain of it, and what to do next."""
    return painted(_run(report, environment, width), color=color)


def run_json(report: Report) -> dict[str, Any]:
    """Return a run as a JSON document."""
    return {
        "run": report.run,
        "result": report.result,
        "counts": _counts(report),
        "verified": report.result == "done",
        "outcomes": [
            {
                "address": one.address,
                "action": str(one.action),
                "result": str(one.result),
                "detail": one.detail,
                "mend": one.mend,
                "remote_id": one.remote_id,
            }
            for one in report.outcomes
        ],
        "still_differing": [encode(one.model_dump(mode="json")) for one in report.differing],
        "unreadable": [*report.unreadable],
        "snapshot": report.snapshot,
    }


def journal_text(
    run: str, records: Sequence[Mapping[str, Any]], *, color: bool = False, width: int = WIDTH
) -> str:
    """Return the journal of a run: every attempt and its outcome, in the order in which they happened."""
    if not records:
        return painted([(span(f"The journal of run {run} is empty."),)], color=color)
    return painted(table([_record(one) for one in records], width=width), color=color)


def journal_json(run: str, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the journal of a run as a JSON document."""
    return {"run": run, "records": [dict(one) for one in records]}


def _outcome(outcome: Outcome, width: int, indent: str) -> Iterator[Line]:
    words, style = _WORDS.get(outcome.result, (str(outcome.result), Style.ALARM))
    about = f"{outcome.address}: {outcome.detail}" if outcome.detail else outcome.address
    yield from flowed([span(words, style), span(about)], width=width, indent=indent)
    if outcome.mend:
        mend = [span(f"to mend it: {outcome.mend}")]
        yield from flowed(mend, width=width, indent=f"{indent}  ", hanging=f"{indent}    ")


def _counts(report: Report) -> dict[str, int]:
    results = Counter(str(one.result) for one in report.outcomes)
    return {
        "done": results["done"],
        "failed": results["failed"] + results["unknown"],
        "stale": results["stale"],
        "not_attempted": results["skipped"],
        "by_hand": results["manual"],
    }


def _run(report: Report, environment: str, width: int) -> Iterator[Line]:
    yield ()
    yield from flowed([span(*_verdict(report))], width=width, hanging="  ")
    for outcome in report.outcomes:
        if outcome.result not in {"done", "skipped"}:
            yield from _outcome(outcome, width, "  ")
    for change in report.differing:
        fields = some([field.field for field in change.field_changes], _MOST_FIELDS)
        words = f"still differs: {change.address}: {change.action} {fields}".rstrip()
        yield from flowed([span(words, Style.CHANGED)], width=width, indent="  ", hanging="    ")
    for unread in report.unreadable:
        words = f"not read again: {unread}; nothing is concluded about it"
        yield from flowed([span(words, Style.ALARM)], width=width, indent="  ", hanging="    ")
    for words in _next(report, environment):
        yield from flowed([span(words)], width=width, hanging="    ")


def _verdict(report: Report) -> tuple[str, Style]:
    counts = _counts(report)
    parts = [f"{counts['done']} done", f"{counts['failed']} failed"]
    parts += [f"{counts['stale']} stale"] if counts["stale"] else []
    parts += [f"{counts['not_attempted']} not attempted"]
    parts += [f"{counts['by_hand']} left to you"] if counts["by_hand"] else []
    tally = f"Run {report.run}: {', '.join(parts)}."
    match report.result:
        case "done":
            return f"{tally} Verified: read again, and nothing differs.", Style.ADDED
        case "not verified":
            return f"{tally} NOT VERIFIED: every call was accepted, but see below.", Style.ALARM
        case "interrupted":
            return f"{tally} INTERRUPTED: the call in flight was finished.", Style.ALARM
        case _:
            return f"{tally} INCOMPLETE.", Style.ALARM


def _next(report: Report, environment: str) -> Iterator[str]:
    """Yield the commands that lead on, the likeliest first."""
    counts = _counts(report)
    touched = counts["done"] + counts["failed"] > 0
    match report.result:
        case "done":
            yield f"to check that it works: reconciler check {environment}"
        case "not verified":
            yield f"to look again: reconciler plan {environment}"
        case _:
            yield f"to see what is left: reconciler plan {environment}"
            if counts["failed"] or report.result == "interrupted":
                yield f"to settle what was in flight: reconciler recover {environment} {report.run}"
    if touched:
        yield f"to take it back: reconciler undo {environment} {report.run}"


def _record(record: Mapping[str, Any]) -> Line:
    """Return time, event and what it is about; values of a journal are as untrusted as any other."""
    result = str(record.get("outcome", ""))
    words, style = _WORDS.get(result, ("", Style.PLAIN))
    about = [str(record[key]) for key in _TOLD if record.get(key)]
    detail = " · ".join([*([words] if words else []), *about])
    return (
        span(str(record.get("at", ""))[:19].replace("T", " ")),
        span(str(record.get("event", ""))),
        span(clipped(detail, _LONGEST_DETAIL), style),
    )
