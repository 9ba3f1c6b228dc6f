"""Copy the records of an environment from one store to another. Never overwrites anything that differs.

What is there already is left alone, so a copy that was cut off is finished by starting it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.errors import CorruptFile, Refused
from reconciler.core.stored import parse_plan, parse_snapshot
from reconciler.stores.chain import problems_in, whole_lines
from reconciler.stores.medium import PLAN, RUN_TEXTS, UNDO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from reconciler.core.secret import Json
    from reconciler.stores.medium import Medium

_SHOWN = 10
"""How many differences are named."""


class Copied(NamedTuple):
    """One thing that was written: a snapshot, plan, run, journal, label or freeze, and its name."""

    kind: str
    name: str


def copied(source: Medium, target: Medium) -> Iterator[Copied]:
    """Copy everything of ``source`` that is not in ``target``, and yield what was written.

    Holds the locks of both. Everything is compared before anything is written, and what was written is read again.
    Raises LockHeld, Refused when something differs, CorruptFile when something is not as it was written.
    """
    purpose = f"store copy to {target.place}"
    with source.lock(purpose) as first, target.lock(purpose) as second:
        second.rise_above(first.fence)
        differing = list(differences(source, target))
        if differing:
            raise _refusal(differing, target)

        def check() -> None:
            first.check()
            second.check()

        yield from _snapshots(source, target, check)
        yield from _plans(source, target)
        yield from _runs(source, target, check)
        yield from _labels(source, target)
        yield from _freeze(source, target)


def differences(source: Medium, target: Medium) -> Iterator[str]:
    """Yield what both have under one name and not alike. Further records of a run are no difference."""
    there = dict(target.snapshot_headers())
    for name, line in source.snapshot_headers():
        if there.get(name, line) != line:
            yield f"snapshot {name}"
    yield from _differing("the use of plan", source.spent(), target.spent())
    yield from _differing("label", source.labels(), target.labels())
    if target.freeze() not in {None, source.freeze()} and source.freeze() is not None:
        yield "the freeze"
    known = set(target.run_ids())
    for run in source.run_ids():
        if run in known:
            yield from _differing_run(source, target, run)


def _differing(what: str, ours: Mapping[str, Json], theirs: Mapping[str, Json]) -> Iterator[str]:
    for name, content in ours.items():
        if theirs.get(name, content) != content:
            yield f"{what} {name}"


def _differing_run(source: Medium, target: Medium, run: str) -> Iterator[str]:
    for name in RUN_TEXTS:
        ours, theirs = source.run_text(run, name), target.run_text(run, name)
        if ours is not None and theirs is not None and ours != theirs:
            yield f"{name} of run {run}"
    ours_told, theirs_told = _journal(source, run), _journal(target, run)
    shorter = min(len(ours_told), len(theirs_told))
    if ours_told[:shorter] != theirs_told[:shorter]:
        yield f"the journal of run {run}"


def _snapshots(source: Medium, target: Medium, check: Callable[[], None]) -> Iterator[Copied]:
    there = set(target.snapshot_ids())
    for name in _oldest_first(source.snapshot_ids()):
        if name in there:
            continue
        text = "".join(source.snapshot_lines(name))
        _verify(text, source.where(name))
        check()
        target.add_snapshot(name, text)
        if "".join(target.snapshot_lines(name)) != text:
            raise _changed_on_the_way(f"snapshot {name}", target)
        yield Copied("snapshot", name)


def _plans(source: Medium, target: Medium) -> Iterator[Copied]:
    there = target.spent()
    for plan, run in source.spent().items():
        if plan not in there:
            if target.spend(plan, run) != run:
                raise _changed_on_the_way(f"plan {plan}", target)
            yield Copied("plan", plan)


def _runs(source: Medium, target: Medium, check: Callable[[], None]) -> Iterator[Copied]:
    known = set(target.run_ids())
    for run in _oldest_first(source.run_ids()):
        check()
        texts = {
            name: text for name in RUN_TEXTS if (text := source.run_text(run, name)) is not None
        }
        for name in {PLAN, UNDO} & set(texts):
            parse_plan(texts[name], source.where(f"runs/{run}/{name}"))
        if run not in known:
            target.add_run(run, texts)
        for name, text in texts.items():
            if target.run_text(run, name) is None:
                target.put_run_text(run, name, text)
            if target.run_text(run, name) != text:
                raise _changed_on_the_way(f"{name} of run {run}", target)
        if _journal_copied(source, target, run) or run not in known:
            yield Copied("run", run)


def _journal_copied(source: Medium, target: Medium, run: str) -> bool:
    """Write the records that are missing; tell whether there were any."""
    ours, theirs = _journal(source, run), _journal(target, run)
    problem = next(problems_in(ours), None)
    if problem is not None:
        raise CorruptFile(
            f"{source.where(f'runs/{run}')}: the journal was altered",
            detail=problem,
            mend=f"reconciler history {source.environment} --verify",
        )
    if len(ours) <= len(theirs):
        return False
    target.copy_journal(run, ours[len(theirs) :])
    if _journal(target, run) != ours:
        raise _changed_on_the_way(f"the journal of run {run}", target)
    return True


def _labels(source: Medium, target: Medium) -> Iterator[Copied]:
    there = target.labels()
    for name, content in source.labels().items():
        if name not in there:
            target.set_label(name, content)
            yield Copied("label", name)


def _freeze(source: Medium, target: Medium) -> Iterator[Copied]:
    text = source.freeze()
    if text is not None and target.freeze() is None:
        target.set_freeze(text)
        yield Copied("freeze", source.environment)


def _verify(text: str, where: str) -> None:
    """Raise CorruptFile unless a snapshot is as it was written."""
    lines = [f"{line}\n" for line in text.split("\n")[:-1]]
    parse_snapshot(lines, where)


def _journal(medium: Medium, run: str) -> list[bytes]:
    return whole_lines(medium.journal_lines(run))


def _oldest_first(names: Iterable[str]) -> list[str]:
    return sorted(names)


def _refusal(differing: list[str], target: Medium) -> Refused:
    more = f", and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
    return Refused(
        f"{len(differing)} records are there already, and differ: nothing was copied",
        detail=f"In {target.place}: {', '.join(differing[:_SHOWN])}{more}.",
        mend="copy to another collection, or look which is right: reconciler history ENV",
    )


def _changed_on_the_way(what: str, target: Medium) -> CorruptFile:
    return CorruptFile(f"{target.place}: {what} is not what was copied there")
