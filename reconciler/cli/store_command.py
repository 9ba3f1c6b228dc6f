"""``reconciler store``: where snapshots, runs and the lock live."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, get_args

import click

from reconciler.cli import console, options
from reconciler.cli.workspace import Workspace
from reconciler.stores.opening import Kind

if TYPE_CHECKING:
    from reconciler.stores.records import Records

KINDS = click.Choice(get_args(Kind))


@click.group("store")
def command() -> None:
    """Move snapshots, runs and labels between stores."""


@command.command("copy")
@options.environment
@click.option("--from", "source", type=KINDS, required=True, help="Where the records are.")
@click.option("--to", "target", type=KINDS, required=True, help="Where they are to be, too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.formats("json")
@click.pass_context
def copy(
    ctx: click.Context, environment: str, source: Kind, target: Kind, yes: bool, form: str
) -> int:
    """Copy every record of ENV that is not there yet. Nothing is overwritten; start it again if it is cut off.

    The lock of both stores is held meanwhile. Afterwards say `kind:` of the other store in environment.yaml.
    """
    from reconciler.stores.copying import copied

    if source == target:
        raise click.UsageError("--from and --to are the same store.")
    workspace = Workspace(ctx)
    loaded = workspace.load_environment(environment)
    ours, theirs = workspace.store(environment, source), workspace.store(environment, target)
    console.ask(
        f"Copy the records of {environment} from {ours.medium.place} to {theirs.medium.place}.\nGo on?",
        yes=yes,
        environment=environment,
        protected=False,
        confirmed=None,
    )
    counts: Counter[str] = Counter()
    for one in copied(ours.medium, theirs.medium):
        counts[one.kind] += 1
        console.say(f"{one.kind} {one.name}")
    _tell(theirs, counts, form)
    if loaded.environment.store.kind != target and form == "text":
        console.say(f"To use it, write `kind: {target}` below `store:` in environment.yaml.")
    return 0


def _tell(target: Records, counts: Counter[str], form: str) -> None:
    if form == "json":
        console.result_json({"to": target.medium.place, "copied": dict(sorted(counts.items()))})
        return
    told = ", ".join(f"{number} {kind}s" for kind, number in sorted(counts.items()))
    console.result(f"Copied to {target.medium.place}: {told or 'nothing, it was all there'}.")
