"""``reconciler diff``: any two of live, desired, desired@REV and snapshots."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import click

from reconciler.cli import console, options
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.git import desired_state_at
from reconciler.cli.workspace import Workspace, kinds_of, with_models
from reconciler.core.differing import differences
from reconciler.core.state import Entry
from reconciler.providers import registry
from reconciler.render.escaping import terminal

if TYPE_CHECKING:
    from reconciler.core.state import DesiredState, Unreadable


@click.command("diff")
@options.environment
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--exit-code", is_flag=True, help="Exit with 2 when there are differences.")
@options.formats("json", "markdown")
@click.pass_context
def command(
    ctx: click.Context, environment: str, first: str, second: str, exit_code: bool, form: str
) -> int:
    """Compare A with B in ENV: each is live, desired, desired@REV, a snapshot or a label."""
    from reconciler.render import diff_text

    workspace = Workspace(ctx)
    sides = [_side(workspace, environment, name) for name in (first, second)]
    unknown = frozenset(item.kind for side in sides for item in side.unreadable)
    entries = [side.entries for side in sides]
    if any(name.startswith("desired") for name in (first, second)):
        entries = _only_declared(entries)
    kinds = {entry.kind for side in entries for entry in side}
    models = registry.models(tuple(kinds))
    found = differences(entries[0], entries[1], models, unknown=unknown)
    listed = sorted(unknown)
    match form:
        case "json":
            console.result_json(diff_text.diff_json(found, first, second, unknown=listed))
        case "markdown":
            console.result(diff_text.diff_markdown(found, first, second, unknown=listed))
        case _:
            console.result(
                diff_text.diff_text(
                    found,
                    first,
                    second,
                    unknown=listed,
                    color=console.wants_color(ctx),
                    width=console.width(),
                )
            )
    for item in (item for side in sides for item in side.unreadable):
        console.say(terminal(f"{item.kind}: {item.reason}. {item.mend}"))
    if any(item.denied for side in sides for item in side.unreadable):
        return int(ExitCode.DENIED)
    if unknown:
        return int(ExitCode.UNKNOWN)
    return int(ExitCode.DIFFERENCES if found and exit_code else ExitCode.OK)


class _Side(NamedTuple):
    """One of the two states, and what could not be read for it."""

    entries: tuple[Entry, ...]
    unreadable: tuple[Unreadable, ...] = ()


def _side(workspace: Workspace, environment: str, name: str) -> _Side:
    if name == "live":
        return _live(workspace, environment)
    if name == "desired":
        return _Side(_declared(workspace.load(environment).desired))
    if name.startswith("desired@"):
        with desired_state_at(workspace.root, name.removeprefix("desired@")) as (root, _):
            return _Side(_declared(workspace.load(environment, root).desired))
    snapshot = workspace.store(environment).load(name)
    return _Side(snapshot.entries, snapshot.header.unreadable)


def _live(workspace: Workspace, environment: str) -> _Side:
    loaded = workspace.load(environment)
    base = workspace.store(environment).base()
    kinds = kinds_of(loaded.desired, base, loaded.settings)
    desired = loaded.desired._replace(models=with_models(loaded.desired, kinds))
    with workspace.sessions(loaded, kinds, writes=False) as sessions:
        live = workspace.look(desired, sessions, base).snapshot
    return _Side(live.entries, live.header.unreadable)


def _declared(desired: DesiredState) -> tuple[Entry, ...]:
    return tuple(
        Entry(address=item.address, kind=item.kind, remote_id="", values=item.values)
        for item in desired.resources
        if not item.absent
    )


def _only_declared(sides: list[tuple[Entry, ...]]) -> list[tuple[Entry, ...]]:
    """Files say nothing of what they do not declare: compare the fields that both sides have."""
    by_address = [{entry.address: entry for entry in side} for side in sides]
    narrowed = []
    for mine, other in ((0, 1), (1, 0)):
        kept = []
        for entry in sides[mine]:
            if entry.address is None:
                continue
            twin = by_address[other].get(entry.address)
            shared = (
                entry.values
                if twin is None
                else {name: value for name, value in entry.values.items() if name in twin.values}
            )
            kept.append(replace(entry, values=shared))
        narrowed.append(tuple(kept))
    return narrowed
